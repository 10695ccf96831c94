"""Convolutions computed together with the OR pooling after them, on CUDA devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from ...runtime.errors import InputError
from ..conv import LogicConvNd
from ..conv_connections import Level
from ..pool import OrPoolingNd
from .launch import usable

_BILINEAR = ("raw", "light")  # parametrisations whose gates are `c0 + c1*a + c2*b + c3*a*b`


@contextmanager
def fused_pooling(model: nn.Module) -> Iterator[int]:
    """While the context lasts, convolutions are pooled before their outputs are stored.

    The numbers are the same; a step takes less memory and time, because of each window only the
    maximum is kept, and only its tree is gone through in the backward pass. It concerns each
    convolution on a CUDA device that stands in an `nn.Sequential` right before OR pooling with
    windows that do not overlap and have no padding; between the two, hooks see pooled values.
    Elsewhere it does nothing.

    Args:
        model: any module; its parameters stay where they are, and it has its own `forward` back
            afterwards.

    Yields:
        How many convolutions are fused.
    """
    pairs = list(_pairs(model))
    for conv, pool in pairs:
        conv.forward = _Pooled(conv, pool)
        pool.forward = _same
    try:
        yield len(pairs)
    finally:
        for conv, pool in pairs:
            del conv.forward, pool.forward


def _same(x: Tensor) -> Tensor:
    return x


def _pairs(model: nn.Module) -> Iterator[tuple[LogicConvNd, OrPoolingNd]]:
    seen: set[nn.Module] = set()
    for block in model.modules():
        if not isinstance(block, nn.Sequential):
            continue
        layers = list(block)
        for conv, pool in pairwise(layers):
            if (
                isinstance(conv, LogicConvNd)
                and isinstance(pool, OrPoolingNd)
                and _fits(conv, pool)
            ):
                if not {conv, pool} & seen:
                    yield conv, pool
                seen |= {conv, pool}


def _fits(conv: LogicConvNd, pool: OrPoolingNd) -> bool:
    from .trees import DEEPEST

    sizes = zip(conv.kernel_positions, pool.kernel_size, strict=False)
    return (
        usable(conv.tree_weights[0])
        and conv.lut_rank == 2
        and conv.tree_depth <= DEEPEST
        and conv.parametrization.name in _BILINEAR
        and conv.dims == pool.dims
        and pool.stride == pool.kernel_size
        and not any(pool.padding)
        and prod(pool.kernel_size) < 128  # what a byte counts
        and all(size >= window for size, window in sizes)
    )


class _Pooled:
    """The forward pass of a convolution and its pooling; it keeps the transposed wiring."""

    def __init__(self, conv: LogicConvNd, pool: OrPoolingNd) -> None:
        from .trees import Windows

        self.conv = conv
        places, window = tuple(conv.kernel_positions), tuple(pool.kernel_size)
        self.shape = [size // length for size, length in zip(places, window, strict=True)]
        self.windows = Windows(places, window, conv.tree_weights[0].device)
        self._kept: tuple[Level, tuple[Tensor, Tensor]] | None = None

    def __call__(self, x: Tensor) -> Tensor:
        from .trees import TritonTrees

        conv = self.conv
        wrong = conv.check_shape(tuple(x.shape))
        if wrong:
            raise InputError(wrong)
        level = conv.connections.levels()[0]
        weights = [weight.flatten(0, 1) for weight in conv.tree_weights]
        numbers = [conv.parametrization.coefficients(some, conv.training) for some in weights]
        found = TritonTrees.apply(
            x.reshape(-1, prod(conv.in_shape)).t().to(weights[0].dtype),
            torch.cat(numbers, 1),
            level.indices,
            self._readers(level),
            conv.tree_depth,
            conv.grad_factor,
            conv.connections.n_features,
            self.windows,
        )
        leading = x.shape[: x.ndim - conv.dims - 1]
        return found.t().reshape(*leading, conv.num_kernels, *self.shape)  # pyright: ignore

    def _readers(self, level: Level) -> Callable[[], tuple[Tensor, Tensor]]:
        def readers() -> tuple[Tensor, Tensor]:
            if self._kept is None or self._kept[0] is not level:
                self._kept = (level, self.windows.readers(*level.readers()))
            return self._kept[1]

        return readers
