"""Operations that move values about and fill gaps with a constant: padding and the like.

Number 0 is false among bits and 0.0 among raw input values, so what torch fills with zero is
right as it is.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .moves import VALUES, on_cpu
from .net_tensor import FeatureTensor, Traced
from .table import handles
from .tracer import Call


def filling(call: Call, x: Traced, value: Any) -> int:
    """The number of the constant `value` among the elements of `x`."""
    constant = torch.as_tensor(value, dtype=x.dtype).reshape(())
    if isinstance(x, FeatureTensor):
        return int(call.tracer.constant_ids(constant))
    return int(call.tracer.constant_bits(constant))


def through_float(func: Any, ids: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """`func` on numbers as float64, which holds them exactly, where it takes no int64."""
    return func(ids.to(torch.float64), *args, **kwargs).to(torch.int64)


@handles("F.pad", *VALUES)
def _pad(call: Call, x: Traced, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    if mode == "constant":
        return x.like(F.pad(x.ids, pad, mode, filling(call, x, value or 0)))
    return x.like(through_float(F.pad, x.ids, pad, mode))


@handles("tril triu", *VALUES)
def _triangle(call: Call, x: Traced, *args: Any, **kwargs: Any) -> Any:
    return x.like(call.func(x.ids, *args, **kwargs))


@handles("F.unfold", *VALUES)
def _unfold(call: Call, x: Traced, *args: Any, **kwargs: Any) -> Any:
    return x.like(through_float(F.unfold, x.ids, *args, **kwargs))


@handles("F.interpolate F.upsample", *VALUES)
def _interpolate(
    call: Call,
    x: Traced,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    **rest: Any,
) -> Any:
    if mode not in ("nearest", "nearest-exact"):
        call.refuse(f"with mode={mode!r}", "allowed is mode='nearest'")
    return x.like(through_float(F.interpolate, x.ids, size, scale_factor, mode, **rest))


@handles("masked_fill", FeatureTensor)
def _masked_fill(call: Call, x: Traced, mask: Tensor, value: Any) -> Any:
    if not isinstance(x, Traced) or isinstance(mask, Traced):
        call.refuse("as a mask")
    return x.like(x.ids.masked_fill(on_cpu(mask), filling(call, x, value)))


@handles("zeros_like ones_like full_like new_zeros new_ones new_full new_tensor", *VALUES)
def _new(call: Call, x: Traced, *args: Any, **kwargs: Any) -> Any:
    return call.func(torch.empty(x.shape, dtype=x.dtype), *args, **kwargs)


@handles("dropout alpha_dropout feature_dropout feature_alpha_dropout", *VALUES)
@handles("F.dropout1d F.dropout2d F.dropout3d", *VALUES)
def _dropout(
    call: Call, x: Traced, p: float = 0.5, training: bool = True, inplace: bool = False, **rest: Any
) -> Any:
    if rest.get("train", training):
        call.refuse("in training mode", "allowed is dropout that is off: training=False")
    return x
