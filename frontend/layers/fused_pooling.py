"""Convolutions computed together with the OR pooling after them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from math import prod
from typing import Any

from torch import Tensor, nn

from ...runtime.errors import InputError
from ..gates.trees import logic_trees, served
from ..gates.windows import Windows
from .conv import LogicConvNd
from .pool import OrPoolingNd


@contextmanager
def fused_pooling(model: nn.Module) -> Iterator[int]:
    """While the context lasts, convolutions are pooled before their outputs are stored.

    The numbers are the same; a step takes less memory and time, because of each window only the
    maximum is kept, and only its tree is gone through in the backward pass. It concerns each
    convolution that the kernels serve and that stands once, in an `nn.Sequential` right before OR
    pooling with windows that do not overlap and have no padding; between the two, hooks see pooled
    values. Elsewhere it does nothing.

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


def _pairs(model: nn.Module) -> Iterator[tuple[Any, Any]]:
    uses = Counter(module for _, module in model.named_modules(remove_duplicate=False))
    for block in model.modules():
        if type(block) is not nn.Sequential:  # others may have a forward of their own
            continue
        for conv, pool in pairwise(block):
            if uses[conv] == uses[pool] == 1 and _fits(conv, pool):
                yield conv, pool


def _fits(conv: nn.Module, pool: nn.Module) -> bool:
    if not isinstance(conv, LogicConvNd) or not isinstance(pool, OrPoolingNd):
        return False
    gates = conv.parametrization
    sizes = zip(conv.kernel_positions, pool.kernel_size, strict=False)
    return (
        not {"forward"} & (vars(conv).keys() | vars(pool).keys())  # nobody has changed them
        and type(conv).forward is LogicConvNd.forward
        and type(pool).forward is OrPoolingNd.forward
        and served(conv.tree_weights[0], conv.tree_depth)
        and all(gates.is_bilinear(training) for training in (True, False))
        and conv.dims == pool.dims
        and pool.stride == pool.kernel_size
        and not any(pool.padding)
        and prod(pool.kernel_size) < 128  # what a byte counts
        and all(size >= window for size, window in sizes)
    )


class _Pooled:
    """The forward pass of a convolution and its pooling."""

    def __init__(self, conv: LogicConvNd, pool: OrPoolingNd) -> None:
        self.conv, self.pool = conv, pool
        places, window = tuple(conv.kernel_positions), tuple(pool.kernel_size)
        self.shape = [size // length for size, length in zip(places, window, strict=True)]
        self.windows = Windows(places, window, conv.tree_weights[0].device)

    def __call__(self, x: Tensor) -> Tensor:
        conv = self.conv
        wrong = conv.check_shape(tuple(x.shape))
        if wrong:
            raise InputError(wrong)
        features = conv._features(x)
        if not served(features, conv.tree_depth):  # it has been converted meanwhile
            return OrPoolingNd.forward(self.pool, LogicConvNd.forward(conv, x))
        features, levels, factor = conv.connections.feed(features, conv.grad_factor)
        weights = [weight.flatten(0, 1) for weight in conv.tree_weights]
        numbers = [conv.parametrization.coefficients(some, conv.training) for some in weights]
        found = logic_trees(features, numbers, levels[0], factor, self.windows)
        leading = x.shape[: x.ndim - conv.dims - 1]
        return found.t().reshape(*leading, conv.num_kernels, *self.shape)
