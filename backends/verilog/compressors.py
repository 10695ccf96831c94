"""Popcounts as trees of counters: a LUT of up to six inputs for each bit that a counter answers.

A **counter** takes some bits of one weight and some of twice that weight, at most six, and answers
what they count, at most seven. Constants that it adds as well cost nothing. A full adder is a
counter of three bits; as a LUT of six inputs costs what one of three does, those that take six bits
and answer three are best: each LUT of theirs removes a bit, one of a full adder half a bit. Bits
are taken in the order in which they are ready.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...compiler import Builder, Netlist
from ...compiler.netlist import FALSE, FIRST_INPUT, TRUE, weight_of

_INPUTS, _MOST = 6, 7  # of a counter: bits that it takes, and the most that it counts


class Counter(NamedTuple):
    """Adds up `low` bits of one weight, `high` bits of twice that weight, and `plus`."""

    low: int
    high: int
    plus: int

    @property
    def width(self) -> int:
        """Bits of the sum."""
        return (self.low + 2 * self.high + self.plus).bit_length()


@lru_cache(maxsize=256)
def popcount_netlist(planes: tuple[int, ...], offset: int = 0) -> Netlist:
    """Bits [sum of planes], lightest first, to the bits of their sum and `offset`.

    planes: how many inputs count 1, 2, 4 and so on.
    """
    width = (weight_of(planes) + offset).bit_length()
    builder = Builder(sum(planes))
    nets = iter(range(FIRST_INPUT, FIRST_INPUT + sum(planes)))
    columns = [deque(next(nets) for _ in range(n)) for n in planes]
    columns += [deque() for _ in range(width - len(planes))]
    plus = [offset >> column & 1 for column in range(width)]
    while counters := _plan([len(column) for column in columns], plus):
        fanins = [
            [_taken(columns[at:], counter) for _ in range(times)] for at, counter, times in counters
        ]
        for (at, counter, _), fanin in zip(counters, fanins, strict=True):
            plus[at] -= counter.plus
            for bit, column in enumerate(columns[at : at + counter.width]):
                column.extend(_sum_bits(builder, counter, bit, np.array(fanin)))
    constants = (TRUE if bit else FALSE for bit in plus)
    return builder.build([c[0] if c else bit for c, bit in zip(columns, constants, strict=True)])


def table_of(k: int, answer: Callable[[list[NDArray[np.int64]]], NDArray[np.bool_]]) -> int:
    """The table of `k` inputs whose entries are what `answer` says of the bits of each pattern."""
    patterns = np.arange(1 << k)
    true = answer([patterns >> i & 1 for i in range(k)])
    return sum(1 << int(pattern) for pattern in np.flatnonzero(true))


def _taken(columns: list[deque[int]], counter: Counter) -> list[int]:
    """The bits that a counter adds up, taken off the columns."""
    low = [columns[0].popleft() for _ in range(counter.low)]
    return low + [columns[1].popleft() for _ in range(counter.high)]


def _sum_bits(builder: Builder, counter: Counter, bit: int, fanin: NDArray[Any]) -> list[int]:
    """The nets of one bit of the sums of counters that read fanin [counters, bits]."""
    read = fanin if bit else fanin[:, : counter.low]
    return builder.luts(read, np.uint64(_sum_table(counter, bit, read.shape[1]))).tolist()


@lru_cache(maxsize=1024)
def _sum_table(counter: Counter, bit: int, k: int) -> int:
    """The table of one bit of a counter's sum, over its first `k` inputs."""

    def true(bits: list[NDArray[np.int64]]) -> NDArray[np.bool_]:
        total = sum(bits[: counter.low]) + 2 * sum(bits[counter.low :]) + counter.plus
        return (np.asarray(total) >> bit & 1).astype(np.bool_)

    return table_of(k, true)


def _plan(heights: list[int], plus: list[int]) -> list[tuple[int, Counter, int]]:
    """Counters to use at once, their columns and how many, for columns of so many bits and
    constants; none if each column has one bit or constant at most.
    """
    full = []
    for column, height in enumerate(heights):
        times = height // _INPUTS
        with_constant = min(plus[column], times)
        full.append((column, Counter(_INPUTS, 0, 1), with_constant))
        full.append((column, Counter(_INPUTS, 0, 0), times - with_constant))
    full = [some for some in full if some[2]]
    if full:
        return full
    for column, height in enumerate(heights):
        if height + plus[column] > 1:
            _, counter = _finish(tuple(heights[column:]), tuple(plus[column:]))
            return [(column, counter, 1)]
    return []


@lru_cache(maxsize=1 << 16)
def _finish(heights: tuple[int, ...], plus: tuple[int, ...]) -> tuple[int, Counter]:
    """The fewest LUTs that add up columns of few bits, and the first counter of theirs, which is
    one on the first column that needs any. What would count beyond the last column is never true.
    """
    if not heights:
        return 0, Counter(0, 0, 0)
    constant, *others = plus
    if heights[0] + constant <= 1:
        return _finish(heights[1:], tuple(others))
    found = []
    for counter in _counters(heights, constant):
        width = min(counter.width, len(heights))
        after = [*heights, 0]
        after[0] -= counter.low
        after[1] -= counter.high
        for column in range(width):
            after[column] += 1
        rest, _ = _finish(tuple(after[: len(heights)]), (constant - counter.plus, *others))
        found.append((width + rest, counter))
    return min(found, key=lambda pair: pair[0])


def _counters(heights: tuple[int, ...], plus: int) -> list[Counter]:
    """Counters that the first column may use, large ones first."""
    beside = sum(heights[1:2])
    return [
        Counter(low, high, plus)
        for low in range(min(_INPUTS, heights[0]), 1 - plus, -1)
        for high in range(min(beside, _INPUTS - low, (_MOST - low - plus) // 2) + 1)
    ]
