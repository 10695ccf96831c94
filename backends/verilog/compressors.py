"""Popcounts as trees of counters: a LUT of up to six inputs for each bit that a counter answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiler import Builder, Netlist
from ...compiler.netlist import FALSE, FIRST_INPUT, TRUE, weight_of
from .counters import Counter, Heights, plan


@lru_cache(maxsize=256)
def popcount_netlist(
    planes: Heights, offset: int = 0, ready: tuple[int, ...] | None = None
) -> Netlist:
    """Bits [sum of planes], lightest first, to the bits of their sum and `offset`.

    planes: how many inputs count 1, 2, 4 and so on. ready: the level at which each input is there;
    all at the same one if None.
    """
    addends = sum(planes)
    width = (weight_of(planes) + offset).bit_length()
    column = np.repeat(np.arange(len(planes)), planes)
    at = np.array(ready or (0,) * addends, np.int64)
    at -= at.min(initial=at.max(initial=0))
    heights = np.zeros((at.max(initial=0) + 1, width), np.int64)
    np.add.at(heights, (at, column), 1)
    plus = [offset >> i & 1 for i in range(width)]
    levels = plan([tuple(row) for row in heights.tolist()], tuple(plus))

    builder = Builder(addends)
    columns: list[deque[int]] = [deque() for _ in range(width)]
    for level in range(max(len(levels), len(heights))):
        for net in np.flatnonzero(at == level).tolist():
            columns[column[net]].append(net + FIRST_INPUT)
        uses = levels[level] if level < len(levels) else []
        fanins = [
            [_taken(columns[at:], counter) for _ in range(times)] for at, counter, times in uses
        ]
        for (first, counter, times), fanin in zip(uses, fanins, strict=True):
            plus[first] -= counter.plus * times
            for bit, bits in enumerate(columns[first : first + counter.width]):
                bits.extend(_sum_bits(builder, counter, bit, np.array(fanin)))
    constants = (TRUE if bit else FALSE for bit in plus)
    return builder.build([c[0] if c else bit for c, bit in zip(columns, constants, strict=True)])


def table_of(k: int, answer: Callable[[list[NDArray[np.int64]]], NDArray[np.bool_]]) -> int:
    """The table of `k` inputs whose entries are what `answer` says of the bits of each pattern."""
    patterns = np.arange(1 << k)
    true = answer([patterns >> i & 1 for i in range(k)])
    return sum(1 << int(pattern) for pattern in np.flatnonzero(true))


def _taken(columns: list[deque[int]], counter: Counter) -> list[int]:
    """The bits that a counter adds up, taken off the columns."""
    pairs = zip(columns, counter.taken, strict=False)
    return [column.popleft() for column, n in pairs for _ in range(n)]


def _sum_bits(builder: Builder, counter: Counter, bit: int, fanin: NDArray[Any]) -> list[int]:
    """The nets of one bit of the sums of counters that read fanin [counters, bits]."""
    read = fanin[:, : sum(counter.taken[: bit + 1])]
    return builder.luts(read, np.uint64(_sum_table(counter, bit))).tolist()


@lru_cache(maxsize=1024)
def _sum_table(counter: Counter, bit: int) -> int:
    """The table of one bit of a counter's sum, over its inputs that can matter."""
    weights = [i for i, n in enumerate(counter.taken[: bit + 1]) for _ in range(n)]

    def true(bits: list[NDArray[np.int64]]) -> NDArray[np.bool_]:
        total = sum(each << weight for each, weight in zip(bits, weights, strict=True))
        return (np.asarray(total) + counter.plus >> bit & 1).astype(np.bool_)

    return table_of(len(weights), true)
