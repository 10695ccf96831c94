"""The arithmetic of a layer of two-input gates, forward and backward.

A mixture of the 16 functions of two bits is bilinear, `c0 + c1*a + c2*b + c3*a*b`, so a gate needs
four coefficients and never 16 products (difflogic sums the 16: arXiv:2210.08277).

`logic_gates` hides who computes: the native kernels or those for CUDA devices where they can be
used, else plain PyTorch.
Activations inside are feature-major, [features, batch], so every fanin is one contiguous row;
layers hand on transposed views of that, and a chain of layers never transposes in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .cuda.launch import usable as cuda_usable
from .native import NativeGates, NativeMixedGates, NativeMixture, usable

Transpose = Callable[[], tuple[Tensor, Tensor]]


def gate_coefficients(dtype: torch.dtype = torch.float32) -> Tensor:
    """Coefficients [16, 4] of `1, a, b, a*b` for each gate.

    Gate ids are `8*f(0,0) + 4*f(0,1) + 2*f(1,0) + f(1,1)`, as in difflogic and torchlogix.
    """
    f00, f01, f10, f11 = gate_tables().to(dtype).unbind(1)
    return torch.stack([f00, f10 - f00, f01 - f00, f11 - f10 - f01 + f00], dim=1)


def gate_tables(lut_rank: int = 2) -> Tensor:
    """Truth tables of all gates of one or two inputs: bool [4, 2] or [16, 4].

    A row is the gate's id as a binary number; the columns of two inputs are AB = 00, 01, 10, 11.
    """
    rows = 1 << lut_rank
    return (torch.arange(1 << rows).unsqueeze(1) >> torch.arange(rows - 1, -1, -1)) & 1 == 1


def logic_gates(
    x: Tensor,
    coefficients: Tensor,
    indices: Tensor,
    transpose: Transpose,
    grad_factor: float = 1.0,
) -> Tensor:
    """Evaluate one layer of gates.

    Args:
        x: [in_dim, batch], feature-major.
        coefficients: [4, out_dim] of `1, a, b, a*b`; taken in the dtype of `x`, from which
            automatic mixed precision may have led them away.
        indices: int64 [2, out_dim], the features that are each gate's `a` and `b`.
        transpose: answers `readers_of(indices, in_dim)`; called in the backward pass only.
        grad_factor: scales the gradient for `x`.

    Returns:
        [out_dim, batch].
    """
    function, coefficients = _gates_function(x), coefficients.to(x.dtype)
    return function.apply(x, coefficients, indices, transpose, grad_factor)  # type: ignore[no-any-return]


def mixed_gates(
    x: Tensor,
    logits: Tensor,
    basis: Tensor,
    temperature: float,
    indices: Tensor,
    transpose: Transpose,
    grad_factor: float = 1.0,
) -> Tensor:
    """`logic_gates` with the `mixture_coefficients` of `logits` [out_dim, 16]."""
    if usable(x) and usable(logits):
        return NativeMixedGates.apply(x, logits, temperature, indices, grad_factor)  # type: ignore[no-any-return]
    coefficients = mixture_coefficients(logits, basis, temperature)
    return logic_gates(x, coefficients, indices, transpose, grad_factor)


def _gates_function(x: Tensor) -> type[torch.autograd.Function]:
    if usable(x):
        return NativeGates
    if cuda_usable(x):
        from .cuda.gates import TritonGates

        return TritonGates
    return _LogicGates


def mixture_coefficients(logits: Tensor, basis: Tensor, temperature: float) -> Tensor:
    """Coefficients [4, gates] of softmax mixtures: `logits` [gates, 16], `basis` [16, 4]."""
    if usable(logits):
        return NativeMixture.apply(logits, temperature)  # type: ignore[no-any-return]
    if cuda_usable(logits):
        from .cuda.mixture import TritonMixture

        return TritonMixture.apply(logits, basis, temperature)  # type: ignore[no-any-return]
    return basis.t() @ torch.softmax(logits / temperature, dim=1).t()


def readers_of(indices: Tensor, in_dim: int) -> tuple[Tensor, Tensor]:
    """The transposed wiring, as compressed rows.

    Args:
        indices: int64 [2, out_dim].
        in_dim: how many features there are.

    Returns:
        `order` int64 [2 * out_dim], positions in `indices.reshape(-1)` sorted by feature, and
        `offsets` int64 [in_dim], where the positions of each feature begin.
    """
    flat = indices.reshape(-1)
    counts = torch.bincount(flat, minlength=in_dim)
    return torch.argsort(flat, stable=True), torch.cumsum(counts, 0) - counts


def sum_rows(rows: Tensor, order: Tensor, offsets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Sums [n, batch] of rows [m, batch], each in order: no atomics, the same every time.

    Args:
        rows: what is summed.
        order: int64, rows by sum. offsets: int64 [n], where each sum's begin in it.
        weights: what rows are multiplied by, in the shape of `order`.
    """
    if not rows.shape[1]:  # torch 2.13 reads what is not there
        return rows.new_zeros(len(offsets), 0)
    return F.embedding_bag(order, rows, offsets, mode="sum", per_sample_weights=weights)


class _LogicGates(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        coefficients: Tensor,
        indices: Tensor,
        transpose: Transpose,
        grad_factor: float,
    ) -> Tensor:
        c0, c1, c2, c3 = coefficients.unsqueeze(2)
        a, b = x.index_select(0, indices.reshape(-1)).chunk(2)
        slope = torch.addcmul(c1, b, c3)
        ctx.save_for_backward(coefficients, a, b, slope)
        ctx.transpose, ctx.grad_factor = transpose, grad_factor
        return torch.addcmul(c0, b, c2).addcmul_(slope, a)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        coefficients, a, b, slope = ctx.saved_tensors
        grad = grad.contiguous()
        grad_x = grad_c = None
        if ctx.needs_input_grad[1]:
            grad_c = _coefficient_gradient(grad, a, b)
        if ctx.needs_input_grad[0]:
            grad_x = _input_gradient(grad, coefficients, a, slope, ctx.transpose())
            if ctx.grad_factor != 1.0:
                grad_x.mul_(ctx.grad_factor)
        return grad_x, grad_c, None, None, None


def _input_gradient(
    grad: Tensor, coefficients: Tensor, a: Tensor, slope: Tensor, readers: tuple[Tensor, Tensor]
) -> Tensor:
    c2, c3 = coefficients[2:].unsqueeze(2)
    ends = grad.new_empty(2, *grad.shape)
    torch.mul(grad, slope, out=ends[0])
    torch.addcmul(c2, a, c3, out=ends[1]).mul_(grad)
    return sum_rows(ends.flatten(0, 1), *readers)


def _coefficient_gradient(grad: Tensor, a: Tensor, b: Tensor) -> Tensor:
    ga = grad * a
    return torch.stack([grad.sum(1), ga.sum(1), (grad * b).sum(1), ga.mul_(b).sum(1)])
