"""Arithmetic on counts: shifting, scaling, adding up, comparing, and the argmax at the end.

torch itself computes the score of every possible count, 0 to m, in the real dtype. What the trace
claims of a score, that it is `(count + beta) / tau`, that it is above a limit, that it grows with
the count, is checked on that table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .boolean import IN_PLACE
from .moves import on_cpu
from .net_tensor import (
    ClassTensor,
    Counts,
    CountTensor,
    LostTensor,
    NetTensor,
    Traced,
    broadcast_shapes,
    find_traced,
)
from .reductions import answered, count_tensor, dims_of, gathered
from .table import handles
from .tracer import Call, Tracer
from .weighted import difference

# (tau, beta) of a score after an operation with the number c on its right.
_RULES: dict[str, Callable[[Counts, float], tuple[float, float]]] = {
    "add __add__ __radd__": lambda counts, c: (counts.tau, counts.beta + c * counts.tau),
    "sub subtract __sub__": lambda counts, c: (counts.tau, counts.beta - c * counts.tau),
    "mul multiply __mul__ __rmul__": lambda counts, c: (
        counts.tau / c if c else math.inf,
        counts.beta,
    ),
    "div divide true_divide __truediv__": lambda counts, c: (counts.tau * c, counts.beta),
}
# What IEEE 754 rounds in one way only, so that the table is what torch computes anywhere.
_EXACT = """
    rsub __rsub__ __rdiv__ __rtruediv__ neg negative __neg__ abs absolute __abs__ remainder fmod
    floor_divide __floordiv__ __mod__ minimum maximum fmin fmax clamp clip clamp_min clamp_max relu
    floor ceil trunc round sign sqrt square
"""
_NO_RULE = (math.nan, math.nan)
_COMPARISONS = """
    eq ne lt le gt ge __eq__ __ne__ __lt__ __le__ __gt__ __ge__ not_equal less less_equal greater
    greater_equal
"""
_MUX = 0xCA  # operands: low, high, select


def _scale(names: str, call: Call, *args: Any, **options: Any) -> CountTensor:
    """`x + c`, `x - c`, `x * c`, `x / c`, where the score stays `(count + beta) / tau`."""
    if len(args) == 2 and all(isinstance(value, Traced) for value in args):
        return _add_counts(call, *args)
    x, found = _mapped(call, args, options)
    swap = isinstance(args[-1], Traced)
    number = args[0] if swap else args[-1]
    plain = len(args) == 2 and not options and not (swap and names.startswith(("sub", "div")))
    tau, beta = _RULES[names](x.counts, _as_float(number)) if plain else _NO_RULE
    return CountTensor.of(call.tracer, found.ids, replace(found.counts, tau=tau, beta=beta))


for _names in _RULES:
    handles(_names, CountTensor)(partial(_scale, _names))


@handles(_EXACT, CountTensor)
def _map(call: Call, *args: Any, **options: Any) -> CountTensor:
    """Any function of one count; fit for comparisons, and for argmax while it grows."""
    return _mapped(call, args, options)[1]


def _mapped(
    call: Call, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[CountTensor, CountTensor]:
    """The traced argument, and the answer of the function, by trying it on every count."""
    x = find_traced((args, options))[0]
    values = [*args, *options.values()]
    if not isinstance(x, CountTensor) or any(v is not x for v in values if isinstance(v, Traced)):
        call.refuse("and another traced value")
    shape = broadcast_shapes(*(v.shape for v in values if isinstance(v, Tensor)))

    def on_table(value: Any) -> Any:
        return x.counts.scores if value is x else _one_number(call, value)

    scores = call.func(
        *map(on_table, args), **{name: on_table(value) for name, value in options.items()}
    )
    where = f"{call.tracer.where()}: `{call.name}`"
    counts = Counts(x.counts.addends, scores, *_NO_RULE, where=where)
    return x, CountTensor.of(call.tracer, x.ids.expand(shape), counts)


def _one_number(call: Call, value: Any) -> Any:
    """`value`, or of a tensor the number that all its elements are."""
    if not isinstance(value, Tensor):
        return value
    values = value.detach().cpu()
    if values.numel() == 0 or not (values == values.flatten()[0]).all():
        call.refuse("and a tensor of different numbers", "allowed is one number for all groups")
    return values.flatten()[:1] if values.ndim else values


def _as_float(value: Any) -> float:
    return float(value.flatten()[0] if isinstance(value, Tensor) else value)


def _add_counts(call: Call, first: Traced, second: Traced) -> CountTensor:
    if not call.name.strip("_").endswith("add"):
        call.refuse("and another traced value")
    dtype = torch.result_type(*(torch.empty([1] * v.ndim, dtype=v.dtype) for v in (first, second)))
    shape = broadcast_shapes(first.shape, second.shape)
    addends = [_addends(call, value).expand(*shape, -1) for value in (first, second)]
    return count_tensor(call, torch.cat(addends, dim=-1), list(shape), dtype)


def _addends(call: Call, x: Traced) -> Tensor:
    """The nets that each element of `x` counts: [*x.shape, m]."""
    if not isinstance(x, CountTensor):
        return call.tracer.bits(x).ids.unsqueeze(-1)
    if not x.plain:
        call.refuse("that were shifted or scaled", "allowed is adding up before + and /")
    return x.counts.addends[x.ids]


@handles("sum", CountTensor)
def _sum(call: Call, x: CountTensor, dim: Any = None, keepdim: bool = False, **dtype: Any) -> Any:
    found = answered(call, x, *(() if dim is None else (dim, keepdim)), **dtype)
    dims = [*dims_of(x, dim), x.ids.ndim]
    addends, _ = gathered(_addends(call, x), dims, False)
    return count_tensor(call, addends, list(found.shape), found.dtype)


@handles(IN_PLACE, CountTensor)
def _in_place(call: Call, *args: Any) -> Any:
    call.refuse("in place", "allowed is a new value: x = x + beta, x = x / tau")


# Counts to bits


@handles(_COMPARISONS, CountTensor)
def _compare(call: Call, x: Any, other: Any) -> NetTensor:
    if isinstance(x, Traced) and isinstance(other, Traced):
        return _compare_counts(call, x, other)
    counts, ask = (x, call.func) if isinstance(x, Traced) else (other, _swapped(call.func))
    assert isinstance(counts, CountTensor)
    shape, values, which = _distinct(counts, on_cpu(other if counts is x else x))
    bits, ids = count_bits(call.tracer, counts), counts.ids.expand(shape)
    nets = torch.empty(shape, dtype=torch.int64)
    for i, value in enumerate(values):
        here = which == i
        truth = ask(counts.counts.scores, value)
        nets[here] = _decide(call.tracer, bits[ids[here]], truth)
    return NetTensor.make(call.tracer, nets, torch.bool)


def _compare_counts(call: Call, x: Traced, other: Traced) -> NetTensor:
    shape = broadcast_shapes(x.shape, other.shape)
    if not (_alike(x, other) or all(_is_count(value) for value in (x, other))):
        call.refuse(
            "and another traced value",
            "allowed is a comparison with a number, with bits, or of counts that were shifted and "
            "scaled alike",
        )
    nets = [_raw_addends(value).expand(*shape, -1) for value in (x, other)]
    return call.func(difference(call, *nets), 0)


def _is_count(x: Traced) -> bool:
    return isinstance(x, NetTensor) or (isinstance(x, CountTensor) and x.plain)


def _alike(x: Traced, other: Traced) -> bool:
    """Whether the same growing scores stand for the counts of both, so that counts compare."""
    if not isinstance(x, CountTensor) or not isinstance(other, CountTensor):
        return False
    first, second = x.counts.scores, other.counts.scores
    both = min(len(first), len(second))
    grow = all((scores.double().diff() > 0).all() for scores in (first, second))
    return grow and first.dtype == second.dtype and torch.equal(first[:both], second[:both])


def _raw_addends(x: Traced) -> Tensor:
    return x.counts.addends[x.ids] if isinstance(x, CountTensor) else x.ids.unsqueeze(-1)


def _distinct(x: CountTensor, other: Any) -> tuple[torch.Size, Any, Tensor]:
    """The shape of a comparison, the distinct numbers in `other`, and which of them is where."""
    if not isinstance(other, Tensor):
        return x.shape, [other], torch.zeros(x.shape, dtype=torch.int64)
    shape = broadcast_shapes(x.shape, other.shape)
    values, which = torch.unique(other.expand(shape), return_inverse=True)
    return shape, values, which


def _swapped(func: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda first, second: func(second, first)


def count_bits(tracer: Tracer, x: CountTensor) -> Tensor:
    """Popcounts for the rows of `x.counts` that `x` uses: nets [n, width]; other rows are 0."""
    rows, addends = x.ids.unique(), x.counts.addends
    found = tracer.builder.popcount(addends[rows].numpy())
    bits = torch.zeros(len(addends), found.shape[1], dtype=torch.int64)
    bits[rows] = torch.from_numpy(found).to(torch.int64)
    return bits


def _decide(tracer: Tracer, bits: Tensor, truth: Tensor) -> Tensor:
    """Nets [n] of a function of counts, bits [n, width]; truth: bool [counts]."""
    if truth.all() or not truth.any():
        return torch.full((len(bits),), int(truth[0]))
    width = bits.shape[1]
    if width <= 6:
        table = sum(int(value) << j for j, value in enumerate(truth.tolist()))
        found = tracer.builder.luts(bits.numpy(), np.uint64(table))
        return torch.from_numpy(found).to(torch.int64)
    half = 1 << (width - 1)
    low, high = truth[:half], truth[half:]
    if not len(high):
        return _decide(tracer, bits[:, :-1], low)
    parts = [_decide(tracer, bits[:, :-1], part) for part in (low, high)]
    return tracer.gates(torch.full(parts[0].shape, _MUX), [*parts, bits[:, -1]])


# The class


@handles("argmax", CountTensor)
def _argmax(call: Call, x: CountTensor, dim: Any = None, keepdim: bool = False) -> ClassTensor:
    if x.ndim != 2 or dim is None or dim % 2 != 1 or keepdim:
        call.refuse(
            f"of shape {list(x.shape)} with dim={dim}, keepdim={keepdim}",
            "allowed is argmax(dim=-1) of scores [batch, classes]",
        )
    if not (x.counts.scores.diff() > 0).all():
        call.refuse("that do not grow with the count", "allowed are scores that do")
    found = ClassTensor.make(call.tracer, torch.zeros(x.shape[:1], dtype=torch.int64), torch.int64)
    found.source = x
    return found


@handles("max", CountTensor)
def _max(call: Call, x: CountTensor, dim: Any = None, keepdim: bool = False) -> Any:
    if isinstance(dim, Tensor):
        call.refuse("and another tensor")
    classes = _argmax(call, x, dim, keepdim)
    lost = LostTensor.make(call.tracer, torch.zeros_like(classes.ids), x.dtype)
    return torch.return_types.max((lost, classes))
