"""Sums over groups of features, natively where that is possible."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .native import call, threads_for, usable


def group_sums(x: Tensor, groups: int) -> Tensor:
    """Sums [groups, ...] of neighbouring rows of `x` [groups * rows, ...]."""
    if isinstance(x, Tensor) and x.ndim == 2 and x.is_contiguous() and usable(x):
        return _NativeSums.apply(x, groups)  # type: ignore[no-any-return]
    return x.reshape(groups, x.shape[0] // groups, *x.shape[1:]).sum(1)


class _NativeSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, groups: int) -> Tensor:
        ctx.sizes = groups, len(x) // groups, x.shape[1]
        out = x.new_empty(groups, x.shape[1])
        call("sums_forward", x, *ctx.sizes, threads_for(x.numel()), out)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        groups, rows, batch = ctx.sizes
        grad_x = grad.new_empty(groups * rows, batch)
        threads = threads_for(grad_x.numel())
        call("sums_backward", grad.contiguous(), groups, rows, batch, threads, grad_x)
        return grad_x, None
