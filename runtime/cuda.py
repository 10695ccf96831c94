"""CUDA libraries, called on arrays and on tensors that lie on a device."""

from __future__ import annotations

import os
import re
import sys
import weakref
from typing import Any

import cffi

from .cuda_driver import device_architectures
from .errors import BuildError, DeviceMissing, InputError
from .library import ANSWERS, DTYPES, Library, LibraryEngine
from .tensors import TensorBatch

_FAILED = 64
_TORCH = {"bits": "bool", "counts": "int32", "scores": "float32", "classes": "int64"}
_MEMORY, _FORKED = {2}, {3}  # CUresult
_KERNELS = {200, 209, 218, 221, 222, 223}

_ffi: Any = cffi.FFI()
_ffi.cdef(
    """
    int32_t gatewright_cuda_run(int32_t device, void *stream, const void *x, int32_t dtype,
                                int64_t n, int64_t stride, int32_t what, void *out);
    const char *gatewright_cuda_error(void);
    void gatewright_cuda_use(int32_t more);
    """
)


def holds_kernels(library: Library) -> bool:
    """Whether its kernels are for devices, rather than loops on the CPU."""
    return hasattr(library.reopened(_ffi), "gatewright_cuda_run")


class CudaEngine(LibraryEngine):
    """Answers from CUDA devices; see `runtime.compiled.Engine`.

    `isa` is the device that gets numpy arrays, "cuda:0" at first. Tensors are answered where they
    lie.

    Raises:
        FileError: the library cannot be loaded.
        DeviceMissing: no driver or no device.
    """

    def __init__(self, library: Library | str | os.PathLike[str]) -> None:
        super().__init__(library)
        self._device = self.library.reopened(_ffi)
        self._device.gatewright_cuda_use(1)
        # Not when Python ends, for the driver may have gone before.
        weakref.finalize(self, _leave, self._device).atexit = False

    def _no_isa(self) -> BuildError:
        return DeviceMissing(
            f"{self.path.name}: no CUDA device: the driver (libcuda.so.1) cannot be opened, is too "
            "old, or finds none; install the driver; or compile with emulate=True for the same "
            'kernels as loops on the CPU, or with target="c"'
        )

    def _check(self, status: int) -> None:
        if status == _FAILED:
            raise self._failure(self.isa)
        super()._check(status)

    def _failure(self, device: str) -> BuildError:
        why = _ffi.string(self._device.gatewright_cuda_error()).decode(errors="replace")
        code = re.search(r"\((\d+)\)$", why)
        number = int(code[1]) if code else 0
        cure = 'look into the system\'s log, or compile with target="c"'
        if number in _MEMORY:
            cure = "use smaller batches, free memory there, or use another device"
        elif number in _FORKED:
            cure = (
                "this process was forked from one that had used CUDA, which CUDA does not allow; "
                'start it by multiprocessing\'s "spawn"'
            )
        elif number in _KERNELS:
            built = ", ".join(self.manifest.get("architectures", ())) or "unknown architectures"
            here = ", ".join(device_architectures()) or "unknown"
            cure = (
                f"the kernels were built for {built}, the devices here are {here}; compile again "
                "here, or with architectures= of this device, or update the driver if it is older "
                "than the compiler"
            )
        return BuildError(f"{self.path.name} on {device}: {why}; {cure}")

    def answer_tensor(self, batch: TensorBatch, what: str, shape: tuple[int, ...], out: Any) -> Any:
        """The answers for samples on a device, as a tensor there, on the current stream.

        Args:
            shape: of a sample's answer. out: a tensor to fill and return, or None.

        Raises:
            InputError: the device is none of `isas()`, or `out` does not fit.
            BuildError: the driver refused, such as for want of memory.
        """
        torch = sys.modules["torch"]  # it is loaded, for the batch is of it
        device = f"cuda:{batch.data.device.index}"
        if device not in self.isas():
            raise InputError(
                f"input: a tensor on {device}; allowed here are {', '.join(self.isas())}"
            )
        dtype = getattr(torch, _TORCH[what])
        if out is None:
            out = torch.empty((batch.n, *shape), dtype=dtype, device=batch.data.device)
        _check_out(out, batch, (batch.n, *shape), dtype)
        if batch.n == 0:
            return out
        status = self._device.gatewright_cuda_run(
            batch.data.device.index,
            _ffi.cast("void *", torch.cuda.current_stream(batch.data.device).cuda_stream),
            _ffi.cast("void *", batch.data.data_ptr()),
            DTYPES[batch.dtype],
            batch.n,
            batch.stride,
            ANSWERS[what],
            _ffi.cast("void *", out.data_ptr()),
        )
        if status == _FAILED:
            raise self._failure(device)
        super()._check(status)
        return out


def _leave(library: Any) -> None:
    library.gatewright_cuda_use(-1)


def _check_out(out: Any, batch: TensorBatch, shape: tuple[int, ...], dtype: Any) -> None:
    where = batch.data.device
    found = getattr(out, "device", None), getattr(out, "dtype", None), getattr(out, "shape", ())
    if found[:2] != (where, dtype) or tuple(found[2]) != shape or not out.is_contiguous():
        raise InputError(
            f"out: {found[1] or type(out).__name__} {list(found[2])} on {found[0]}; allowed is a "
            f"contiguous tensor, {dtype} {list(shape)} on {where}"
        )
