"""Max pooling of bits: an OR over windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .net_tensor import NetTensor
from .reductions import OR, tree
from .table import handles
from .tracer import Call


@handles("max_pool1d max_pool2d max_pool3d", NetTensor)
def _max_pool(
    call: Call,
    x: NetTensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> NetTensor:
    if ceil_mode or return_indices:
        call.refuse("with ceil_mode or return_indices", "allowed are full windows and values alone")
    spatial = int(call.name[-2])
    kernel, padding, dilation = (_each(size, spatial) for size in (kernel_size, padding, dilation))
    stride = _each(stride or kernel, spatial)
    expected = _shape(x, spatial, kernel, stride, padding, dilation)
    found = tree(call.tracer, windows(x.ids, kernel, stride, padding, dilation), OR)
    assert list(found.shape[-spatial:]) == expected
    return x.like(found)


def windows(
    ids: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int] | None = None,
) -> Tensor:
    """The elements of each window: nets [..., *sizes] to [..., *windows, elements].

    Padding is net 0, which is right: every window holds a real element, and none is below 0.
    """
    spatial = len(kernel)
    dilation = dilation or [1] * spatial
    ids = F.pad(ids, [size for pad in reversed(padding) for size in (pad, pad)])
    first = ids.ndim - spatial
    for axis in range(spatial):
        reach = dilation[axis] * (kernel[axis] - 1) + 1
        ids = ids.unfold(first + axis, reach, stride[axis])[..., :: dilation[axis]]
    return ids.flatten(-spatial)


def _each(sizes: Any, spatial: int) -> list[int]:
    sizes = [sizes] if isinstance(sizes, int) else list(sizes)
    return sizes * spatial if len(sizes) == 1 else sizes


def _shape(x: NetTensor, spatial: int, *options: Any) -> list[int]:
    """The spatial shape of the answer, from torch, which checks the arguments on the way."""
    pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[spatial - 1]
    if x.ndim not in (spatial + 1, spatial + 2):
        raise RuntimeError(f"max_pool{spatial}d: input of {x.ndim} dimensions")
    return list(pool(torch.zeros(1, *x.shape[-spatial:]), *options).shape[1:])
