"""Reductions of bits: any and all as trees of gates, sums as popcounts."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from .boolean import elementwise
from .net_tensor import Counts, CountTensor, LostTensor, NetTensor, Traced
from .table import handles
from .tracer import Call, Tracer

AND, OR = 0x8, 0xE


def tree(tracer: Tracer, ids: Tensor, table: int) -> Tensor:
    """Combine the last dimension of nets [..., n] by a balanced tree of gates: [...]."""
    if ids.shape[-1] == 0:
        return torch.full(ids.shape[:-1], int(table == AND))
    while (n := ids.shape[-1]) > 1:
        first, second = ids[..., : n // 2], ids[..., n // 2 : n // 2 * 2]
        found = tracer.gates(torch.full(first.shape, table), [first, second])
        ids = torch.cat([found, ids[..., n // 2 * 2 :]], dim=-1)
    return ids[..., 0]


def dims_of(x: Traced, dim: Any) -> list[int]:
    """The dimensions that a `dim` argument names, ascending; None and () name all."""
    if dim is None or dim == ():
        return list(range(x.ids.ndim))
    dims = [dim] if isinstance(dim, int) else list(dim)
    return sorted(int(d) % max(1, x.ids.ndim) for d in dims)


def gathered(ids: Tensor, dims: list[int], keepdim: bool) -> tuple[Tensor, list[int]]:
    """Nets with the reduced dimensions as one at the end, and the shape of what is left."""
    kept = [d for d in range(ids.ndim) if d not in dims]
    count = prod(ids.shape[d] for d in dims)
    shape = [1 if d in dims else ids.shape[d] for d in range(ids.ndim) if keepdim or d not in dims]
    rest = [ids.shape[d] for d in kept]
    return ids.permute(*kept, *dims).reshape(*rest, count), shape


def answered(call: Call, x: Traced, *args: Any, **kwargs: Any) -> Tensor:
    """A tensor of the shape and dtype that the function answers; torch checks the arguments."""
    found = call.func(torch.zeros((), dtype=x.dtype).expand(x.shape), *args, **kwargs)
    return found if isinstance(found, Tensor) else found[0]


@handles("any amax", NetTensor)
def _any(call: Call, x: NetTensor, dim: Any = None, keepdim: bool = False) -> NetTensor:
    return _reduce(call, x, dim, keepdim, OR)


@handles("all amin", NetTensor)
def _all(call: Call, x: NetTensor, dim: Any = None, keepdim: bool = False) -> NetTensor:
    return _reduce(call, x, dim, keepdim, AND)


@handles("prod", NetTensor)
def _prod(
    call: Call, x: NetTensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> NetTensor:
    found = _reduce(call, x, dim, keepdim, AND)
    return found if dtype is None else found.like(found.ids, dtype)


def _reduce(call: Call, x: NetTensor, dim: Any, keepdim: bool, table: int) -> NetTensor:
    found = answered(call, x, **({} if dim is None else {"dim": dim, "keepdim": keepdim}))
    ids, shape = gathered(x.ids, dims_of(x, dim), keepdim and dim is not None)
    if list(found.shape) != shape:
        call.refuse(f"with dim={dim}", "allowed are the dimensions to reduce")
    nets = tree(call.tracer, ids, table).reshape(shape)
    return NetTensor.make(call.tracer, nets, found.dtype)


@handles("max", NetTensor)
def _max(call: Call, x: Any, *args: Any, **kwargs: Any) -> Any:
    return _extreme(call, OR, x, *args, **kwargs)


@handles("min", NetTensor)
def _min(call: Call, x: Any, *args: Any, **kwargs: Any) -> Any:
    return _extreme(call, AND, x, *args, **kwargs)


def _extreme(call: Call, table: int, x: Any, *args: Any, **kwargs: Any) -> Any:
    if "other" in kwargs or (args and isinstance(args[0], Tensor)):
        return elementwise(call, x, *args, **kwargs)
    named = dict(zip(("dim", "keepdim"), args, strict=False), **kwargs)
    values = _reduce(call, x, named.get("dim"), named.get("keepdim", False), table)
    if not named:
        return values
    lost = LostTensor.make(call.tracer, torch.zeros_like(values.ids), torch.int64)
    return getattr(torch.return_types, call.name)((values, lost))


@handles("sum", NetTensor)
def _sum(call: Call, x: NetTensor, dim: Any = None, keepdim: bool = False, **dtype: Any) -> Any:
    return _count(call, x, dim, keepdim, answered(call, x, *_named(dim), **dtype).dtype)


@handles("count_nonzero", NetTensor)
def _count_nonzero(call: Call, x: NetTensor, dim: Any = None) -> CountTensor:
    return _count(call, x, dim, False, answered(call, x, dim).dtype)


@handles("mean", NetTensor)
def _mean(call: Call, x: NetTensor, dim: Any = None, keepdim: bool = False, **dtype: Any) -> Any:
    found = _count(call, x, dim, keepdim, answered(call, x, *_named(dim), **dtype).dtype)
    return found / prod(x.ids.shape[d] for d in dims_of(x, dim))


def _named(dim: Any) -> tuple[Any, ...]:
    return () if dim is None else (dim,)


def _count(call: Call, x: NetTensor, dim: Any, keepdim: bool, dtype: torch.dtype) -> CountTensor:
    addends, shape = gathered(x.ids, dims_of(x, dim), keepdim)
    if addends.shape[-1] == 0:
        addends = addends.new_zeros(*addends.shape[:-1], 1)
    return count_tensor(call, addends, shape, dtype)


def count_tensor(call: Call, addends: Tensor, shape: list[int], dtype: torch.dtype) -> CountTensor:
    """Plain counts of nets [..., m] as a value of `shape`; refuses a dtype too narrow for m."""
    m = addends.shape[-1]
    scores = torch.arange(m + 1).to(dtype)
    if not (scores.double() == torch.arange(m + 1)).all():
        call.refuse(f"of {m} addends in {dtype}", "allowed is a dtype that holds the count")
    counts = Counts(addends.reshape(-1, m).clone(), scores, where=call.tracer.where())
    return CountTensor.of(call.tracer, torch.arange(len(counts.addends)).reshape(shape), counts)


@handles("argmax", NetTensor)
def _argmax(call: Call, x: NetTensor, *args: Any, **kwargs: Any) -> Any:
    answered(call, x, *args, **kwargs)
    scores = count_tensor(call, x.ids.unsqueeze(-1), list(x.ids.shape), x.dtype)
    return scores.argmax(*args, **kwargs)
