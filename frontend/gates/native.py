"""The native training kernels: built once by our runtime, used wherever they can be.

Without a C compiler, on another device or in another dtype, `functional` computes the same numbers
in plain PyTorch, more slowly. `GATEWRIGHT_NATIVE=0` in the environment asks for that. The kernels
share torch's OpenMP threads, because two pools on the same cores wait for each other. Loading them
tells the C library to keep freed memory of the process for the next step; see `kernels/memory.c`.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Any

import cffi
import torch
from torch import Tensor

from ...runtime.errors import BuildError, InputError
from ...runtime.native import load_native, wanted
from . import kernels

_GRAIN = 1 << 19  # elements of a result that are worth another thread
EXP_COST = 4  # an exponential, in such elements
_ffi: Any = cffi.FFI()
_POINTERS = {
    torch.float32: _ffi.typeof("float *"),
    torch.int64: _ffi.typeof("int64_t *"),
    torch.int8: _ffi.typeof("int8_t *"),
}
_FLAGS = ("-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-Wno-psabi")


def usable(x: Tensor) -> bool:
    """Whether the kernels serve this tensor: float32, on the CPU, and they could be built."""
    return x.device.type == "cpu" and x.dtype == torch.float32 and _library() is not None


@lru_cache(maxsize=1)
def _library() -> Any:
    """The loaded kernels, or None; says once why they are missing."""
    if not wanted():
        return None
    try:
        _, library = load_native(kernels, "kernels", "api.h", flags=_FLAGS)
    except (BuildError, OSError) as error:
        warnings.warn(
            f"training in plain PyTorch, which is slower: no native kernels: {error}",
            stacklevel=2,
        )
        return None
    library.keep_memory()
    return library


def call(kernel: str, *arguments: Any) -> Any:
    """Run a kernel of `kernels/api.h`; tensors, contiguous, become pointers, None the null one.

    Raises:
        InputError: a tensor is on another device, not contiguous, or of a dtype no kernel takes.
        TypeError: the kernel takes another dtype there.
    """
    return getattr(_library(), kernel)(*(_argument(argument) for argument in arguments))


def check_indices(indices: Tensor, features: int) -> None:
    """Refuse wiring, int64 and contiguous, that names a feature which is not there.

    Raises:
        InputError: as said, before a kernel reads or writes outside of a tensor.
    """
    if not call("within", indices, indices.numel(), features):
        raise InputError(
            f"connections: indices from {int(indices.min())} to {int(indices.max())}; allowed are "
            f"0 to {features - 1}; were they loaded from a model with other sizes?"
        )


def threads_for(work: int) -> int:
    """How many of torch's threads `work` elements are worth."""
    return min(torch.get_num_threads(), 1 + work // _GRAIN)


def groups_of(batch: int) -> int:
    """How many partial sums a sum over the batch has; GROUP in kernels/lanes.h."""
    return -(-batch // 64)


def _argument(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return _ffi.NULL if value is None else value
    pointer = _POINTERS.get(value.dtype)
    if pointer is None or value.device.type != "cpu" or not value.is_contiguous():
        raise InputError(
            f"native kernels: a tensor of {value.dtype} on {value.device}, strides "
            f"{list(value.stride())}; allowed are contiguous float32, int64 and int8 on the "
            "CPU; are the model and its input on one device?"
        )
    return _ffi.cast(pointer, value.data_ptr())


class NativeGates(torch.autograd.Function):
    """`functional.logic_gates` by the kernels, which need no transposed wiring."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, coefficients: Tensor, indices: Tensor, _: Any, grad_factor: float
    ) -> Tensor:
        x, coefficients, indices = x.contiguous(), coefficients.contiguous(), indices.contiguous()
        ctx.save_for_backward(x, coefficients, indices)
        ctx.grad_factor = grad_factor
        return _gates_forward(x, coefficients, indices)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, coefficients, indices = ctx.saved_tensors
        found = _gates_backward(
            x, coefficients, indices, grad, ctx.grad_factor, ctx.needs_input_grad[0]
        )
        return *found, None, None, None


class NativeMixture(torch.autograd.Function):
    """`functional.mixture_coefficients` by the kernels, which know the basis."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, temperature: float) -> Tensor:
        shares, coefficients = _mixture_forward(logits.contiguous(), temperature)
        ctx.save_for_backward(shares)
        ctx.temperature = temperature
        return coefficients

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (shares,) = ctx.saved_tensors
        return _mixture_backward(shares, grad.contiguous(), ctx.temperature), None


class NativeMixedGates(torch.autograd.Function):
    """`NativeGates` of `NativeMixture` as one node of the graph, which halves the overhead."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        logits: Tensor,
        temperature: float,
        indices: Tensor,
        grad_factor: float,
    ) -> Tensor:
        x, indices = x.contiguous(), indices.contiguous()
        shares, coefficients = _mixture_forward(logits.contiguous(), temperature)
        ctx.save_for_backward(shares, x, coefficients, indices)
        ctx.options = temperature, grad_factor
        return _gates_forward(x, coefficients, indices)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        shares, x, coefficients, indices = ctx.saved_tensors
        temperature, grad_factor = ctx.options
        grad_x, grad_c = _gates_backward(
            x, coefficients, indices, grad, grad_factor, ctx.needs_input_grad[0]
        )
        return grad_x, _mixture_backward(shares, grad_c, temperature), None, None, None


def _gates_forward(x: Tensor, coefficients: Tensor, indices: Tensor) -> Tensor:
    gates, batch = indices.shape[1], x.shape[1]
    check_indices(indices, len(x))
    out = x.new_empty(gates, batch)
    threads = threads_for(gates * batch)
    call("gates_forward", x, coefficients, indices, gates, batch, threads, out)
    return out


def _gates_backward(
    x: Tensor, coefficients: Tensor, indices: Tensor, grad: Tensor, factor: float, wants_x: bool
) -> tuple[Tensor | None, Tensor]:
    (features, batch), gates = x.shape, indices.shape[1]
    grad_x = torch.empty_like(x) if wants_x else None
    grad_c = torch.empty_like(coefficients)
    call(
        "gates_backward",
        *(x, coefficients, indices, grad.contiguous(), features, gates, batch, factor),
        *(threads_for(2 * gates * batch), grad_x, x.new_empty(groups_of(batch), 4 * gates), grad_c),
    )
    return grad_x, grad_c


def _mixture_forward(logits: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    gates = len(logits)
    shares, coefficients = torch.empty_like(logits), logits.new_empty(4, gates)
    threads = threads_for(EXP_COST * logits.numel())
    call("mixture_forward", logits, gates, temperature, threads, shares, coefficients)
    return shares, coefficients


def _mixture_backward(shares: Tensor, grad: Tensor, temperature: float) -> Tensor:
    found = torch.empty_like(shares)
    threads = threads_for(EXP_COST * shares.numel())
    call("mixture_backward", shares, grad, len(shares), temperature, threads, found)
    return found
