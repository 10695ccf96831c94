"""Adders out of LUTs, taken apart again: the weighted sum that a netlist of counters answers.

A counter is some LUTs over the same few bits whose weighted sum is a weighted sum of those bits,
whatever the bits are, as its truth tables tell. So from the outputs backwards each counter is
replaced by what it adds up, and the sum stays what it was. Nothing is assumed of how counters are
arranged (compare D. Ritirc, A. Biere and M. Kauers, "Column-Wise Verification of Multipliers Using
Computer Algebra", 2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..netlist import FALSE, TRUE, Luts, Netlist, Popcount

_GROUP = 8  # most LUTs that are tried together
Weights = dict[int, int]  # by net


class Sum(NamedTuple):
    """`offset` and the weights of nets."""

    offset: int
    weight: Weights


class Count(NamedTuple):
    """The nets of the digits of a popcount, and what it adds up."""

    nets: range
    sum: Sum


@dataclass(frozen=True)
class Lut:
    """A row of a `Luts` cell."""

    reads: tuple[int, ...]
    table: int


def rows_of(netlist: Netlist) -> dict[int, Lut]:
    """The LUTs of a netlist by the net that they drive."""
    found = {}
    for first, cell in netlist.placed():
        if isinstance(cell, Luts):
            rows = zip(cell.fanin.tolist(), cell.table.tolist(), strict=True)
            found.update((first + i, Lut(tuple(row), table)) for i, (row, table) in enumerate(rows))
    return found


def counts_of(netlist: Netlist) -> dict[int, Count]:
    """The counts of the popcounts of a netlist, by each net of their digits."""
    found = {}
    for first, cell in netlist.placed():
        if isinstance(cell, Popcount):
            weights = [1 << shift for shift in cell.shifts.tolist()]
            for i, row in enumerate(cell.fanin.tolist()):
                total: Weights = {}
                for net, times in zip(row, weights, strict=True):
                    total[net] = total.get(net, 0) + times
                total.pop(FALSE, None)
                nets = range(first + i * cell.width, first + (i + 1) * cell.width)
                count = Count(nets, Sum(total.pop(TRUE, 0), total))
                found.update(dict.fromkeys(nets, count))
    return found


def added_up(
    luts: dict[int, Lut],
    total: Weights,
    digits: int | None,
    least: int = 1,
    counts: Mapping[int, Count] = MappingProxyType({}),
) -> Sum:
    """A sum of nets as one of nets before the counters that drive them.

    Args:
        luts: what drives nets, where it is a LUT.
        counts: what drives nets, where it is a popcount.
        total: the weights of the nets.
        digits: the sum counts modulo `2**digits`; None: it is exact.
        least: LUTs that a counter has; those of fewer stay.
    """
    offset, weight = total.get(TRUE, 0), {net: w for net, w in total.items() if w}
    kept: Weights = {}
    while nets := [net for net in weight if net > TRUE]:
        last = max(nets)
        if last in counts:
            found = _counted(counts[last], weight, digits)
        else:
            found = _counter(luts, weight, last, digits, least)
        if found is None:
            kept[last] = weight.pop(last)
            continue
        taken, counted = found
        for net in taken:
            weight.pop(net, None)
        offset += counted.offset
        for net, times in counted.weight.items():
            weight[net] = _reduced(weight.get(net, 0) + times, digits)
        weight = {net: times for net, times in weight.items() if times}
    return Sum(_reduced(offset, digits), kept)


def _reduced(number: int, digits: int | None) -> int:
    return number if digits is None else number % (1 << digits)


def _counted(
    count: Count, weight: Weights, digits: int | None
) -> tuple[tuple[int, ...], Sum] | None:
    """The nets of a count, and what they add up, if they are added with the weights of digits."""
    times = weight.get(count.nets[0], 0)
    for i, net in enumerate(count.nets):
        if _reduced(weight.get(net, 0) - (times << i), digits):
            return None
    offset, addends = count.sum
    return tuple(count.nets), Sum(times * offset, {n: times * w for n, w in addends.items()})


def _counter(
    luts: dict[int, Lut], weight: Weights, last: int, digits: int | None, least: int
) -> tuple[tuple[int, ...], Sum] | None:
    """A counter that drives the net `last`: its nets, and what they add up."""
    if last not in luts:
        return None
    reads = sorted(set(luts[last].reads) - {FALSE, TRUE})
    near = [
        net
        for net in weight
        if net != last and net in luts and set(luts[net].reads) <= {FALSE, TRUE, *reads}
    ]
    values = {net: values_of(luts[net], reads) * weight[net] for net in (last, *near)}
    for group in _groups(near):
        if len(group) + 1 < least:
            continue
        counted = linear(sum((values[net] for net in group), values[last]), reads, digits)
        if counted is not None:
            return (last, *group), counted
    return None


def _groups(near: list[int]) -> Iterator[tuple[int, ...]]:
    """All of them first, then fewer and fewer."""
    for size in range(len(near), -1, -1):
        if size in (0, len(near)) or len(near) < _GROUP:
            yield from combinations(near, size)


def values_of(lut: Lut, reads: list[int]) -> NDArray[np.int64]:
    """What a LUT says of each pattern of the nets that a counter reads: int64 [2 ** reads]."""
    pattern = np.arange(1 << len(reads))
    entry = np.zeros_like(pattern)
    for i, net in enumerate(lut.reads):
        bit = pattern >> reads.index(net) & 1 if net > TRUE else net == TRUE
        entry |= bit << i
    table = np.array([lut.table >> i & 1 for i in range(1 << len(lut.reads))], np.int64)
    return table[entry]


def linear(values: NDArray[np.int64], reads: list[int], digits: int | None) -> Sum | None:
    """The sum of bits that has these values, if there is one."""
    offset = int(values[0])
    each = [int(values[1 << i]) - offset for i in range(len(reads))]
    pattern = np.arange(len(values))
    wanted = offset + sum((pattern >> i & 1) * times for i, times in enumerate(each))
    apart = values - wanted
    if digits is not None:
        apart = apart % (1 << digits)
    return None if np.any(apart) else Sum(offset, dict(zip(reads, each, strict=True)))


def as_count(netlist: Netlist) -> Sum | None:
    """What a netlist of LUTs and popcounts counts: its outputs, the least significant first, are
    the digits of this sum of its inputs, of weights that may be negative; None if they are of no
    such sum.
    """
    digits = len(netlist.outputs)
    total: Weights = {}
    for i, net in enumerate(netlist.outputs.tolist()):
        total[net] = total.get(net, 0) + (1 << i)
    total.pop(FALSE, None)
    found = added_up(rows_of(netlist), total, digits, counts=counts_of(netlist))
    if any(net >= 2 + netlist.n_inputs for net in found.weight):
        return None
    half = 1 << digits >> 1
    weight = {net: w - 2 * half * (w > half) for net, w in found.weight.items()}
    least = _reduced(found.offset + sum(w for w in weight.values() if w < 0), digits)
    if least + sum(map(abs, weight.values())) >= 1 << digits:
        return None  # digits that there are not would matter
    return Sum(least - sum(w for w in weight.values() if w < 0), weight)
