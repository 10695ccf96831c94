"""The native training kernels: built once by our runtime, used wherever they can be.

Without a C compiler, on another device or in another dtype, `functional` computes the same numbers
in plain PyTorch, several times slower. `GATEWRIGHT_NATIVE=0` in the environment asks for that.
"""

from __future__ import annotations

import hashlib
import os
import platform
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import cffi
import torch
from torch import Tensor

from ..runtime.errors import BuildError
from ..runtime.toolchain import find_compiler
from . import kernels

_GRAIN = 1 << 18  # elements of the result that are worth another thread
_ffi: Any = cffi.FFI()
_ffi.cdef(
    """
    void gates_forward(const float *x, const float *c, const int64_t *index, int64_t gates,
                       int64_t batch, int64_t from, int64_t to, float *out);
    void gates_backward(const float *x, const float *c, const int64_t *index,
                        const int64_t *order, const int64_t *start, const float *grad,
                        int64_t features, int64_t gates, int64_t batch, int64_t from, int64_t to,
                        float factor, float *grad_x, float *grad_c);
    """
)


def usable(x: Tensor) -> bool:
    """Whether the kernels serve this tensor: float32, on the CPU, and they could be built."""
    return x.device.type == "cpu" and x.dtype == torch.float32 and _library() is not None


@lru_cache(maxsize=1)
def _library() -> Any:
    """The loaded kernels, or None; says once why they are missing."""
    if os.environ.get("GATEWRIGHT_NATIVE") == "0":
        return None
    source = files(kernels).joinpath("gates.c").read_bytes()
    try:
        return _ffi.dlopen(str(_build(source)))
    except (BuildError, OSError) as error:
        warnings.warn(
            f"training in plain PyTorch, several times slower: no native kernels: {error}",
            stacklevel=2,
        )
        return None


def _build(source: bytes) -> Path:
    compiler = find_compiler()
    # A cache may be shared by machines of several kinds, so the processor is part of the key.
    flags = ("-ffp-contract=fast", f"-DPROCESSOR={_processor()}")
    try:
        return compiler.build({"gates.c": source}, "gates", (*flags, "-march=native"))
    except BuildError:  # some compilers and processors know no -march=native
        return compiler.build({"gates.c": source}, "gates", flags)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        features = next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        features = platform.processor()
    return hashlib.sha256(f"{platform.machine()} {features}".encode()).hexdigest()[:8]


class NativeGates(torch.autograd.Function):
    """`functional.logic_gates` by the kernels; the arguments are the same."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        coefficients: Tensor,
        indices: Tensor,
        transpose: Callable[[], tuple[Tensor, Tensor]],
        grad_factor: float,
    ) -> Tensor:
        x, coefficients, indices = x.contiguous(), coefficients.contiguous(), indices.contiguous()
        ctx.save_for_backward(x, coefficients, indices)
        ctx.transpose, ctx.grad_factor = transpose, grad_factor
        gates, batch = indices.shape[1], x.shape[1]
        out = x.new_empty(gates, batch)
        given = (*_pointers(x, coefficients, indices), gates, batch)
        _shared(_library().gates_forward, given, gates, batch, _pointers(out))
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, coefficients, indices = ctx.saved_tensors
        grad = grad.contiguous()
        order, start = ctx.transpose()
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        grad_c = torch.empty_like(coefficients) if ctx.needs_input_grad[1] else None
        given = (
            *_pointers(x, coefficients, indices, order, start, grad),
            len(x),
            indices.shape[1],
            x.shape[1],
        )
        rest = (ctx.grad_factor, *_pointers(grad_x, grad_c))
        work = 2 * indices.shape[1] * x.shape[1] // max(1, len(x))  # elements a feature
        _shared(_library().gates_backward, given, len(x), work, rest)
        return grad_x, grad_c, None, None, None


def _pointers(*tensors: Tensor | None) -> tuple[Any, ...]:
    return tuple(
        _ffi.NULL if tensor is None else _ffi.cast("void *", tensor.data_ptr())
        for tensor in tensors
    )


def _shared(
    function: Any, given: tuple[Any, ...], rows: int, row_work: int, rest: tuple[Any, ...]
) -> None:
    """Call `function(*given, from, to, *rest)` for all rows, shared among torch's threads."""
    threads = min(torch.get_num_threads(), 1 + rows * row_work // _GRAIN)
    bounds = [rows * i // threads for i in range(threads + 1)]
    others = [
        _pool(threads).submit(function, *given, start, stop, *rest)
        for start, stop in pairwise(bounds[1:])
    ]
    function(*given, bounds[0], bounds[1], *rest)
    for other in others:
        other.result()


@lru_cache(maxsize=8)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads - 1, thread_name_prefix="gatewright-train")
