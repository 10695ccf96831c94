"""Sums of bits with integer weights, and counts compared with counts: both become one count.

A bit of negative weight counts inverted, and what the inverses add is taken off the score.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .net_tensor import Counts, CountTensor, NetTensor, Traced
from .reductions import answered
from .table import handles
from .tracer import Call, Tracer

_MOST = 1 << 16  # addends of a sum
_ALLOWED = "allowed are constant integer weights"


@handles("linear", NetTensor)
def _linear(call: Call, x: Any, weight: Any, bias: Any = None) -> Any:
    if isinstance(weight, Traced) or isinstance(bias, Traced):
        call.refuse("and another traced value", _ALLOWED)
    if bias is not None and bias.numel() and (bias != bias.flatten()[0]).any():
        call.refuse("with a bias of different numbers", "allowed is one number for all outputs")
    found = _weighted(call, x, weight.T if weight.ndim == 2 else weight, answered(call, x, weight))
    return found if bias is None or not bias.numel() else found + bias.flatten()[0].item()


@handles("matmul __matmul__ mm mv", NetTensor)
def _matmul(call: Call, x: Any, weight: Any) -> CountTensor:
    if isinstance(weight, Traced) or not isinstance(x, NetTensor):
        call.refuse("on the right of `@`, or twice", f"{_ALLOWED} on the right")
    return _weighted(call, x, weight, answered(call, x, weight))


def _weighted(call: Call, x: NetTensor, weight: Tensor, found: Tensor) -> CountTensor:
    """`x @ weight`, weight [k, n] or [k], as counts of the shape and dtype of `found`."""
    values = weight.detach().cpu().double()
    if values.ndim > 2 or not (values == values.round()).all():
        call.refuse("with weights that are no matrix of integers", _ALLOWED)
    columns = values.reshape(len(values), -1).T
    off, most = int((-columns.clamp(max=0)).sum(1).max()), columns.abs().sum(1).max()
    if off + most > _MOST:
        call.refuse(f"with weights of up to {int(most):,} a sum", f"allowed are {_MOST:,}")
    rows = x.ids.reshape(-1, x.ids.shape[-1])
    inverse = inverted(call.tracer, rows)
    sums = [_addends(rows, inverse, column.long(), off) for column in columns]
    m = max(part.shape[1] for part in sums)
    nets = torch.stack([F.pad(part, (0, m - part.shape[1])) for part in sums], 1)
    exact = torch.arange(m + 1) - off
    scores = exact.to(found.dtype)
    if not (scores.double() == exact).all():
        call.refuse(f"of {m} addends in {found.dtype}", "allowed is a dtype that holds the sum")
    counts = Counts(nets.reshape(-1, m), scores, beta=-float(off), where=call.tracer.where())
    ids = torch.arange(len(counts.addends)).reshape(found.shape)
    return CountTensor.of(call.tracer, ids, counts)


def _addends(rows: Tensor, inverse: Tensor, weights: Tensor, off: int) -> Tensor:
    """Nets [n, m] of which `off` more are true than the weighted sum of each of `rows`."""
    plus = rows.repeat_interleave(weights.clamp(min=0), dim=1)
    minus = inverse.repeat_interleave((-weights).clamp(min=0), dim=1)
    true = torch.ones(len(rows), off - minus.shape[1], dtype=torch.int64)
    found = torch.cat([plus, minus, true], dim=1)
    return found if found.shape[1] else torch.zeros(len(rows), 1, dtype=torch.int64)


def inverted(tracer: Tracer, nets: Tensor) -> Tensor:
    """NOT of each net."""
    distinct, which = nets.unique(return_inverse=True)
    return tracer.gates(torch.full(distinct.shape, 0x1), [distinct])[which]


def difference(call: Call, a: Tensor, b: Tensor) -> CountTensor:
    """True nets of `a` less those of `b`: nets [*shape, m] and [*shape, n]."""
    nets = torch.cat([a, inverted(call.tracer, b)], dim=-1)
    m = nets.shape[-1]
    scores = torch.arange(m + 1) - b.shape[-1]
    counts = Counts(nets.reshape(-1, m), scores, where=call.tracer.where())
    return CountTensor.of(
        call.tracer, torch.arange(len(counts.addends)).reshape(nets.shape[:-1]), counts
    )
