"""Comparisons of raw input values with thresholds: they make input bits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .boolean import laid_out
from .moves import on_cpu
from .net_tensor import FeatureTensor, NetTensor, Traced, broadcast_shapes
from .table import handles
from .tracer import BOOLEAN_CURE, Call

_GREATER = "gt greater __gt__"
_LESS = "lt less __lt__"
_OTHERS = """
    ge le eq ne greater_equal less_equal not_equal __ge__ __le__ __eq__ __ne__ isclose
"""
_ONLY = (
    "allowed is x > t; write x <= t as ~(x > t), and x >= t as x > torch.nextafter(t, -inf); "
    + BOOLEAN_CURE
)


@handles(_GREATER, FeatureTensor)
def _greater(call: Call, x: Any, threshold: Any) -> NetTensor:
    if not isinstance(x, FeatureTensor):
        call.refuse("on the right", _ONLY)
    return _compare(call, x, threshold)


@handles(_LESS, FeatureTensor)
def _less(call: Call, threshold: Any, x: Any) -> NetTensor:
    if not isinstance(x, FeatureTensor):
        call.refuse("on the left", _ONLY)
    return _compare(call, x, threshold)


@handles(_OTHERS, FeatureTensor)
def _other(call: Call, *args: Any, **kwargs: Any) -> Any:
    call.refuse("", _ONLY)


@handles("any all", FeatureTensor)
def _any_or_all(call: Call, x: FeatureTensor, dim: Any = None, keepdim: bool = False) -> NetTensor:
    bits = call.tracer.bits(x, torch.bool)
    return getattr(bits, call.name)() if dim is None else getattr(bits, call.name)(dim, keepdim)


def _compare(call: Call, x: FeatureTensor, threshold: Any) -> NetTensor:
    if isinstance(threshold, Traced):
        call.refuse("and another traced value", "allowed is x > t with a constant t")
    wide = _compared(call, x, on_cpu(threshold))
    narrow = _narrow(call, wide)
    shape = broadcast_shapes(x.shape, wide.shape)
    ids = x.ids.expand(shape).contiguous()
    nets = call.tracer.compare(ids, narrow.expand(shape), wide.double().expand(shape))
    return NetTensor.make(call.tracer, laid_out(nets, [x, wide]), torch.bool)


def _compared(call: Call, x: FeatureTensor, threshold: Any) -> Tensor:
    """The thresholds in the dtype that torch compares in."""
    dtype = torch.result_type(torch.empty([1] * x.ndim, dtype=x.dtype), threshold)
    if dtype not in (torch.float32, torch.float64):
        call.refuse(f"with {dtype}", "allowed are real numbers")
    wide = torch.as_tensor(threshold, dtype=dtype)
    if wide.isnan().any():
        call.refuse("with a threshold that is NaN", "allowed are numbers")
    return wide


def _narrow(call: Call, wide: Tensor) -> Tensor:
    """float32 thresholds that compare alike.

    A float32 value is above `t` just where it is above the largest float32 that is not above `t`.
    Of float64 values that is true only if `t` is a float32.
    """
    narrow = wide.to(torch.float32)
    if call.tracer.dtype == torch.float64 and not (narrow.double() == wide.double()).all():
        wrong = wide[narrow.double() != wide.double()].flatten()[0].item()
        call.refuse(
            f"with threshold {wrong!r}, which is no float32",
            "allowed are float32 thresholds; round them, or trace with dtype=torch.float32",
        )
    below = torch.nextafter(narrow, torch.tensor(-torch.inf))
    return torch.where(narrow.double() > wide.double(), below, narrow)
