"""The native training kernels: built once by our runtime, used wherever they can be.

Without a C compiler, on another device or in another dtype, `functional` computes the same numbers
in plain PyTorch, more slowly. `GATEWRIGHT_NATIVE=0` in the environment asks for that. The kernels
share torch's OpenMP threads, because two pools on the same cores wait for each other.
"""

from __future__ import annotations

import hashlib
import os
import platform
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import cffi
import torch
from torch import Tensor

from ..runtime.errors import BuildError
from ..runtime.toolchain import find_compiler
from . import kernels

_GRAIN = 1 << 18  # elements of a result that are worth another thread
_EXP_COST = 4  # an exponential, in such elements
_ffi: Any = cffi.FFI()
_ffi.cdef(
    """
    void gates_forward(const float *x, const float *c, const int64_t *index, int64_t gates,
                       int64_t batch, int threads, float *out);
    void gates_backward(const float *x, const float *c, const int64_t *index,
                        const int64_t *order, const int64_t *start, const float *grad,
                        int64_t features, int64_t gates, int64_t batch, float factor, int threads,
                        float *grad_x, float *grad_c);
    void mixture_forward(const float *logits, const float *basis, int64_t gates,
                         float temperature, int threads, float *p, float *c);
    void mixture_backward(const float *p, const float *basis, const float *grad_c, int64_t gates,
                          float temperature, int threads, float *grad);
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
            f"training in plain PyTorch, which is slower: no native kernels: {error}",
            stacklevel=2,
        )
        return None


def _build(source: bytes) -> Path:
    """Built for this processor and with OpenMP, or without what the compiler does not know."""
    compiler = find_compiler()
    # A cache may be shared by machines of several kinds, so the processor is part of the key.
    common = ("-ffp-contract=fast", "-fno-math-errno", f"-DPROCESSOR={_processor()}")
    for extra in (("-march=native", "-fopenmp"), ("-march=native",), ("-fopenmp",)):
        with suppress(BuildError):
            return compiler.build({"gates.c": source}, "gates", (*common, *extra))
    return compiler.build({"gates.c": source}, "gates", common)


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
        _library().gates_forward(
            *_pointers(x, coefficients, indices),
            gates,
            batch,
            _threads(gates * batch),
            *_pointers(out),
        )
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, coefficients, indices = ctx.saved_tensors
        grad = grad.contiguous()
        order, start = ctx.transpose()
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        grad_c = torch.empty_like(coefficients) if ctx.needs_input_grad[1] else None
        gates, batch = grad.shape
        _library().gates_backward(
            *_pointers(x, coefficients, indices, order, start, grad),
            len(x),
            gates,
            batch,
            ctx.grad_factor,
            _threads(2 * gates * batch),
            *_pointers(grad_x, grad_c),
        )
        return grad_x, grad_c, None, None, None


class NativeMixture(torch.autograd.Function):
    """`functional.mixture_coefficients` by the kernels; the arguments are the same."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, basis: Tensor, temperature: float) -> Tensor:
        logits, basis = logits.contiguous(), basis.contiguous()
        mixture = torch.empty_like(logits)
        coefficients = logits.new_empty(4, len(logits))
        _library().mixture_forward(
            *_pointers(logits, basis),
            len(logits),
            temperature,
            _threads(_EXP_COST * logits.numel()),
            *_pointers(mixture, coefficients),
        )
        ctx.save_for_backward(mixture, basis)
        ctx.temperature = temperature
        return coefficients

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        mixture, basis = ctx.saved_tensors
        grad = grad.contiguous()
        found = torch.empty_like(mixture)
        _library().mixture_backward(
            *_pointers(mixture, basis, grad),
            len(mixture),
            ctx.temperature,
            _threads(_EXP_COST * mixture.numel()),
            *_pointers(found),
        )
        return found, None, None


def _pointers(*tensors: Tensor | None) -> tuple[Any, ...]:
    return tuple(
        _ffi.NULL if tensor is None else _ffi.cast("void *", tensor.data_ptr())
        for tensor in tensors
    )


def _threads(work: int) -> int:
    """How many of torch's threads `work` elements are worth."""
    return min(torch.get_num_threads(), 1 + work // _GRAIN)
