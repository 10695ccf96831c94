"""Conversions of dtype and device."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from .moves import moved
from .net_tensor import ClassTensor, CountTensor, FeatureTensor, NetTensor, Traced
from .table import handles
from .tracer import BOOLEAN_CURE, Call

CASTS = "to float double half bfloat16 bool int long short char byte type type_as cuda cpu"


@handles(CASTS, FeatureTensor, NetTensor, CountTensor, ClassTensor)
def _cast(call: Call, x: Traced, *args: Any, **kwargs: Any) -> Any:
    if not isinstance(x, Traced):
        return x.to(args[0].dtype)
    found = _converted(call, x, args, kwargs)
    if not isinstance(found, Tensor):
        return found
    if found.dtype == x.dtype:
        kept = {name: kwargs[name] for name in ("copy", "memory_format") if name in kwargs}
        return moved(x, x.ids.to(torch.int64, **kept))
    return _CAST[type(x)](call, x, found.dtype)


def _converted(call: Call, x: Traced, args: Any, kwargs: Any) -> Any:
    """What the conversion makes of one real element; devices are left out."""
    if call.name in ("cuda", "cpu"):
        return torch.zeros(1, dtype=x.dtype)
    if call.name == "to":
        if args and isinstance(args[0], (str, torch.device)):
            args = [value for value in args[1:] if isinstance(value, torch.dtype)]
        kwargs = {name: value for name, value in kwargs.items() if name in ("dtype", "other")}
        if not args and not kwargs:
            return torch.zeros(1, dtype=x.dtype)
    args = [_plain(value) for value in args]
    kwargs = {name: _plain(value) for name, value in kwargs.items()}
    return call.func(torch.zeros(1, dtype=x.dtype), *args, **kwargs)


def _plain(value: Any) -> Any:
    return torch.zeros(1, dtype=value.dtype) if isinstance(value, Tensor) else value


def _cast_features(call: Call, x: FeatureTensor, dtype: torch.dtype) -> FeatureTensor:
    if dtype not in (torch.float32, torch.float64) or call.tracer.dtype == torch.float64:
        call.refuse(
            f"to {dtype} rounds them",
            f"allowed is {call.tracer.dtype}; compare first, x > t; {BOOLEAN_CURE}",
        )
    return x.like(x.ids.clone(), dtype)


def _cast_bits(call: Call, x: NetTensor, dtype: torch.dtype) -> NetTensor:
    if dtype.is_complex:
        call.refuse(f"to {dtype}", "allowed are real dtypes")
    return x.like(x.ids.clone(), dtype)


def _cast_counts(call: Call, x: CountTensor, dtype: torch.dtype) -> Traced:
    if dtype == torch.bool:
        return x != 0  # type: ignore[return-value]
    counts = replace(x.counts, scores=x.counts.scores.to(dtype), where=call.tracer.where())
    return CountTensor.of(call.tracer, x.ids.clone(), counts)


def _cast_class(call: Call, x: ClassTensor, dtype: torch.dtype) -> ClassTensor:
    if dtype not in (torch.int64, torch.int32):
        call.refuse(f"to {dtype}", "allowed are torch.int64 and torch.int32")
    return x.like(x.ids, dtype)


_CAST: dict[type[Traced], Any] = {
    FeatureTensor: _cast_features,
    NetTensor: _cast_bits,
    CountTensor: _cast_counts,
    ClassTensor: _cast_class,
}
