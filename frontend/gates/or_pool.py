"""The maximum over windows, natively on what logic layers hand on, forward and backward."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .native import call, threads_for, usable


def or_pool(
    x: Tensor, kernel_size: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...]
) -> Tensor:
    """The largest value of every window; its gradient goes to the first that is as large.

    Args:
        x: floats [n, channels, *sizes] or [channels, *sizes] with two or three sizes.
        kernel_size: of a window, one number a size. stride: distance of windows. padding: what is
            added on every side and never the largest.

    Returns:
        [n, channels, *(size + 2 * padding - kernel_size) // stride + 1], or without `n`.
    """
    if x.ndim == len(kernel_size) + 2 and x.movedim(0, -1).is_contiguous() and usable(x):
        return _NativePool.apply(x.movedim(0, -1), kernel_size, stride, padding).movedim(-1, 0)
    pool = F.max_pool2d if len(kernel_size) == 2 else F.max_pool3d
    return pool(x, kernel_size, stride, padding)


class _NativePool(torch.autograd.Function):
    """`or_pool` of [channels, *sizes, n]."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel_size: Any, stride: Any, padding: Any) -> Tensor:
        channels, *sizes, batch = x.shape
        numbers = zip(sizes, kernel_size, stride, padding, strict=True)
        places = [(size + 2 * pad - window) // step + 1 for size, window, step, pad in numbers]
        flat = (1,) * (3 - len(sizes))  # the axis that images lack
        rows = [(*flat, *row) for row in (sizes, kernel_size, stride, padding, places)]
        rows[3] = (0,) * len(flat) + tuple(padding)
        shape = torch.tensor(rows)
        out = x.new_empty(channels, *places, batch)
        call("pool_forward", x, shape, channels, batch, threads_for(x.numel()), out)
        ctx.save_for_backward(x, out, shape)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, out, shape = ctx.saved_tensors
        grad_x = torch.empty_like(x)
        threads = threads_for(2 * x.numel())
        call(
            "pool_backward", x, out, grad.contiguous(), shape, len(x), x.shape[-1], threads, grad_x
        )
        return grad_x, None, None, None
