"""Trees of two-input gates that are moved over many places, by kernels, forward and backward.

A kernel evaluates a whole tree at one place while its values are in registers, and finds them
again in the backward pass instead of keeping them; with pooling, only where a sample's maximum is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .cuda.launch import DEEPEST
from .cuda.launch import usable as cuda_usable
from .native import call, groups_of, threads_for, usable
from .windows import Windows
from .wiring import Wiring

_DEEPEST = 6  # levels that the native kernel keeps at once


def served(x: Tensor, depth: int) -> bool:
    """Whether `logic_trees` serves trees of `depth` levels on `x`.

    For others, `functional.logic_gates` computes the same numbers level by level.
    """
    return depth <= (DEEPEST if cuda_usable(x) else _DEEPEST if usable(x) else 0)


def logic_trees(
    x: Tensor,
    coefficients: Sequence[Tensor],
    leaves: Wiring,
    grad_factor: float = 1.0,
    windows: Windows | None = None,
) -> Tensor:
    """Evaluate trees of gates at many places (arXiv:2411.04732).

    Node `j` of a level reads nodes `2 * j` and `2 * j + 1` of the level before.

    Args:
        x: [in_dim, batch], feature-major, such that `served`.
        coefficients: for each level, from the leaves on, [4, nodes * kernels] of `1, a, b, a*b`,
            in order of node, then kernel; the last level has one node. Taken in the dtype of `x`.
        leaves: what the first level reads; its `indices` are int64 [2, nodes * kernels * places],
            in order of node, kernel, place.
        grad_factor: scales the gradient for `x`.
        windows: of places, each of at most 127: only the maximum over each is kept, and its
            gradient goes to the first place that is as large.

    Returns:
        [kernels * places, batch], or [kernels * windows, batch].
    """
    numbers = torch.cat(list(coefficients), 1).to(x.dtype)
    if usable(x):
        given = (x, numbers, leaves.indices, len(coefficients), grad_factor)
        if windows is None:
            return _NativeTrees.apply(*given)  # type: ignore[no-any-return]
        return _NativePooledTrees.apply(*given, windows.places)  # type: ignore[no-any-return]
    from .cuda.trees import triton_trees

    return triton_trees(x, numbers, leaves, len(coefficients), grad_factor, windows)


class _NativeTrees(torch.autograd.Function):
    """`logic_trees`, with the coefficients [4, all nodes * kernels] of all levels in order."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, coefficients: Tensor, leaves: Tensor, depth: int, grad_factor: float
    ) -> Tensor:
        x, leaves = x.contiguous(), leaves.contiguous()
        kernels = coefficients.shape[1] // (2**depth - 1)
        places = leaves.shape[1] // (kernels * 2 ** (depth - 1))
        ctx.save_for_backward(x, coefficients, leaves)
        ctx.grad_factor, ctx.sizes = grad_factor, (depth, kernels, places)
        out = x.new_empty(kernels * places, x.shape[1])
        threads = threads_for(leaves.numel() * x.shape[1])
        call("trees_forward", x, coefficients, leaves, *ctx.sizes, x.shape[1], threads, out)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, coefficients, leaves = ctx.saved_tensors
        (depth, *rest), (features, batch) = ctx.sizes, x.shape
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        grad_c = torch.empty_like(coefficients)
        call(
            "trees_backward",
            *(x, coefficients, leaves, grad.contiguous()),
            *(depth, features, *rest, batch, ctx.grad_factor),
            threads_for(2 * leaves.numel() * batch),
            *(grad_x, x.new_empty(groups_of(batch), coefficients.numel()), grad_c),
        )
        return grad_x, grad_c, None, None, None


class _NativePooledTrees(torch.autograd.Function):
    """`_NativeTrees` and the maximum over `windows`, int64 [windows, places of one]."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        coefficients: Tensor,
        leaves: Tensor,
        depth: int,
        grad_factor: float,
        windows: Tensor,
    ) -> Tensor:
        x, leaves, batch = x.contiguous(), leaves.contiguous(), x.shape[1]
        kernels = coefficients.shape[1] // (2**depth - 1)
        places = leaves.shape[1] // (kernels * 2 ** (depth - 1))
        ctx.sizes = (*windows.shape, depth), (kernels, places, batch)
        ctx.grad_factor = grad_factor
        out = x.new_empty(kernels * len(windows), batch)
        winner = torch.empty_like(out, dtype=torch.int8)
        given, threads = (x, coefficients, leaves, windows), threads_for(leaves.numel() * batch)
        ctx.save_for_backward(*given, winner)
        call("trees_pool_forward", *given, *ctx.sizes[0], *ctx.sizes[1], threads, out, winner)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, coefficients, leaves, *_ = ctx.saved_tensors
        features, batch = x.shape
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        grad_c = torch.empty_like(coefficients)
        call(
            "trees_pool_backward",
            *(*ctx.saved_tensors, grad.contiguous(), *ctx.sizes[0], features, *ctx.sizes[1]),
            *(ctx.grad_factor, threads_for(2 * leaves.numel() * batch), grad_x),
            *(x.new_empty(groups_of(batch), coefficients.numel()), grad_c),
        )
        return grad_x, grad_c, None, None, None, None
