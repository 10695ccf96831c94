"""CUDA libraries: built from kernels and a launcher in C, called on arrays and device tensors."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import cffi

from .cuda_compiler import device_code
from .errors import BuildError, InputError
from .library import ANSWERS, DTYPES, LibraryEngine
from .toolchain import find_compiler

_FAILED = 64
_FLAGS = ("-O2", "-std=gnu99", "-ldl", "-lpthread")
_TORCH = {"bits": "bool", "counts": "int32", "scores": "float32", "classes": "int64"}

_ffi: Any = cffi.FFI()
_ffi.cdef(
    """
    int32_t gatewright_cuda_run(int32_t device, void *stream, const void *x, int32_t dtype,
                                int64_t n, int64_t stride, int32_t what, void *out);
    const char *gatewright_cuda_error(void);
    """
)


def build_cuda(
    files: dict[str, bytes], name: str, architectures: tuple[str, ...] | None = None
) -> Path:
    """Build an emitted CUDA library; returns its path in the cache.

    Raises:
        ToolMissing: no CUDA compiler or no C compiler.
        BuildError: one of them failed, or the cache cannot be written.
    """
    image = device_code(files[f"{name}.cu"], architectures).read_bytes()
    sources = {f"{name}.c": files[f"{name}.c"], f"{name}.h": files[f"{name}.h"]}
    flags = (*_FLAGS, '-DGATEWRIGHT_KERNELS="kernels.bin"')
    return find_compiler().build({**sources, "kernels.bin": image}, name, flags)


class CudaEngine(LibraryEngine):
    """Answers from CUDA devices; see `runtime.compiled.Engine`. `isa` is the device, "cuda:0".

    Raises:
        BuildError: no driver or no device.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self._device = _ffi.dlopen(self._loaded_as)

    def _no_isa(self) -> BuildError:
        return BuildError(
            f"{self.path.name}: no CUDA device: the driver (libcuda.so.1) cannot be opened, is too "
            'old, or finds none; install the driver, or compile with target="c"'
        )

    def _check(self, status: int) -> None:
        if status == _FAILED:
            why = _ffi.string(self._device.gatewright_cuda_error()).decode(errors="replace")
            raise BuildError(
                f"{self.path.name} on {self.isa}: {why}; compile it again on this machine if the "
                "kernels do not fit the device; use smaller batches if memory is short"
            )
        super()._check(status)

    def fill_tensor(self, rows: Any, what: str, shape: tuple[int, ...]) -> Any:
        """The answers for a torch CUDA tensor [n, features] as one, on the current stream.

        Raises:
            InputError: another dtype, or rows that are not contiguous.
        """
        torch = sys.modules["torch"]  # it is loaded, for `rows` is of it
        dtype = str(rows.dtype).removeprefix("torch.")
        if dtype not in DTYPES:
            raise InputError(f"input: dtype {rows.dtype}; allowed are {', '.join(DTYPES)}")
        rows = rows if rows.stride(-1) == 1 and rows.stride(0) >= 0 else rows.contiguous()
        out = torch.empty(
            (len(rows), *shape), dtype=getattr(torch, _TORCH[what]), device=rows.device
        )
        status = self._device.gatewright_cuda_run(
            rows.device.index,
            _ffi.cast("void *", torch.cuda.current_stream(rows.device).cuda_stream),
            _ffi.cast("void *", rows.data_ptr()),
            DTYPES[dtype],
            len(rows),
            rows.stride(0) * rows.element_size(),
            ANSWERS[what],
            _ffi.cast("void *", out.data_ptr()),
        )
        self._check(status)
        return out
