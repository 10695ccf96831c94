"""The arithmetic of a layer of gates with any number of inputs, forward and backward.

A relaxed gate is the multilinear extension of its table: the one function that is linear in every
input and meets the table where all inputs are 0 or 1. It is found by one interpolation an input,
which halves what is left of the table each time, so 2^k numbers a gate cost 2^k multiplications
and never 2^k products of k factors.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .functional import Transpose, sum_rows
from .native import call, check_indices, groups_of, threads_for, usable

_MOST_INPUTS = 6  # of a gate that the kernels serve
_CHUNK = 1 << 19  # numbers of one halved table that are worked on at a time


def lut_gates(
    x: Tensor, table: Tensor, indices: Tensor, transpose: Transpose, grad_factor: float = 1.0
) -> Tensor:
    """Evaluate one layer of gates.

    Args:
        x: [in_dim, batch], feature-major.
        table: [2**k, out_dim], what each gate answers to each pattern; the first input is the most
            significant bit of a pattern. Taken in the dtype of `x`, from which automatic mixed
            precision may have led it away.
        indices: int64 [k, out_dim], the features that each gate reads.
        transpose: answers `functional.readers_of(indices, in_dim)`; called in the backward pass
            only.
        grad_factor: scales the gradient for `x`.

    Returns:
        [out_dim, batch].
    """
    table = table.to(x.dtype)
    if len(indices) <= _MOST_INPUTS and usable(x):
        return _NativeLutGates.apply(x, table, indices, grad_factor)  # type: ignore[no-any-return]
    return _LutGates.apply(x, table, indices, transpose, grad_factor)  # type: ignore[no-any-return]


class _NativeLutGates(torch.autograd.Function):
    """`lut_gates` by the kernels, which find halved tables again in the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, table: Tensor, indices: Tensor, grad_factor: float) -> Tensor:
        x, table, indices = x.contiguous(), table.contiguous(), indices.contiguous()
        ctx.save_for_backward(x, table, indices)
        ctx.grad_factor = grad_factor
        (inputs, gates), batch = indices.shape, x.shape[1]
        check_indices(indices, len(x))
        out = x.new_empty(gates, batch)
        threads = threads_for(table.numel() * batch)
        call("luts_forward", x, table, indices, inputs, gates, batch, threads, out)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, table, indices = ctx.saved_tensors
        (inputs, gates), (features, batch) = indices.shape, x.shape
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        grad_table = torch.empty_like(table)
        call(
            "luts_backward",
            *(x, table, indices, grad.contiguous(), inputs, features, gates, batch),
            *(ctx.grad_factor, threads_for(2 * table.numel() * batch), grad_x),
            *(x.new_empty(groups_of(batch), table.numel()), grad_table),
        )
        return grad_x, grad_table, None, None


class _LutGates(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        table: Tensor,
        indices: Tensor,
        transpose: Transpose,
        grad_factor: float,
    ) -> Tensor:
        ctx.save_for_backward(x, table, indices)
        ctx.transpose, ctx.grad_factor = transpose, grad_factor
        out = x.new_empty(table.shape[1], x.shape[1])
        for some in _chunks(table, x.shape[1]):
            ends = x[indices[:, some]]
            out[some] = _halvings(ends, table[:, some])[-1][0]
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, table, indices = ctx.saved_tensors
        grad_ends = x.new_empty(*indices.shape, x.shape[1])
        grad_table = torch.empty_like(table)
        for some in _chunks(table, x.shape[1]):
            ends = x[indices[:, some]]
            halved = _halvings(ends, table[:, some])
            grad_ends[:, some], grad_table[:, some] = _gradients(ends, halved, grad[some])
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = sum_rows(grad_ends.flatten(0, 1), *ctx.transpose())
            grad_x.mul_(ctx.grad_factor)
        return grad_x, grad_table, None, None, None


def _chunks(table: Tensor, batch: int) -> list[slice]:
    """Ranges of gates whose halved tables are small enough to be held at once."""
    size = max(1, _CHUNK // max(1, batch * len(table) // 2))
    return [slice(start, start + size) for start in range(0, table.shape[1], size)]


def _halvings(ends: Tensor, table: Tensor) -> list[Tensor]:
    """The table [2**k, gates, 1], then what is left after each interpolation, last input first.

    `ends` is [k, gates, batch]; the last of the list is [1, gates, batch].
    """
    found = [table.unsqueeze(2)]
    for end in reversed(ends.unbind(0)):
        low, high = found[-1][0::2], found[-1][1::2]
        found.append(torch.addcmul(low.expand(-1, *end.shape), high - low, end))
    return found


def _gradients(ends: Tensor, halved: list[Tensor], grad: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of the ends [k, gates, batch] and of the table [2**k, gates]."""
    found = torch.empty_like(ends)
    grad = grad.unsqueeze(0)
    for i, end in enumerate(ends):
        table = halved[-2 - i]
        torch.sum(grad * (table[1::2] - table[0::2]), 0, out=found[i])
        high = grad * end
        if i == len(ends) - 1:
            high, grad = high.sum(2), grad.sum(2)
        grad = torch.stack([grad - high, high], 1).flatten(0, 1)
    return found, grad
