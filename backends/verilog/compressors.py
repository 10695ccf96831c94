"""Popcounts as trees of counters: a LUT for each bit that a counter answers, or carry chains."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiler import Builder, Netlist
from ...compiler.netlist import FALSE, FIRST_INPUT, TRUE, weight_of
from . import carries
from .choices import Counter
from .counters import Heights, Use, plan


@lru_cache(maxsize=256)
def popcount_netlist(
    planes: Heights, offset: int = 0, ready: tuple[int, ...] | None = None
) -> Netlist:
    """Bits [sum of planes], lightest first, to the bits of their sum and `offset`.

    planes: how many inputs count 1, 2, 4 and so on. ready: the level at which each input is there;
    all at the same one if None.
    """
    columns = _Columns(planes, offset, ready, (0,) * len(planes))
    return columns.added_up(0)


@lru_cache(maxsize=256)
def chained_popcount(
    planes: Heights, offset: int, ready: tuple[int, ...] | None, inverted: Heights, levels: int
) -> tuple[Netlist, dict[Netlist, carries.Chain]]:
    """The same with counters on carry chains, which are tiles, and what these are by their bodies.

    inverted: how many inputs of each weight, the first ones, such tiles take for inverted; LUTs do
    not. levels: that a counter on a carry chain takes, 1 or 2.
    """
    columns = _Columns(planes, offset, ready, inverted)
    return columns.added_up(levels), columns.chains


class _Columns:
    """The bits that are still to be added up, by weight."""

    def __init__(
        self, planes: Heights, offset: int, ready: tuple[int, ...] | None, inverted: Heights
    ) -> None:
        self.width = (weight_of(planes) + offset).bit_length()
        self.plus = [offset >> i & 1 for i in range(self.width)]
        self.chains: dict[Netlist, carries.Chain] = {}
        self._weight = np.repeat(np.arange(len(planes)), planes)
        at = np.array(ready or (0,) * sum(planes), np.int64)
        self._at = at - at.min(initial=at.max(initial=0))
        self._builder = Builder(sum(planes))
        self._columns: list[deque[int]] = [deque() for _ in range(self.width)]
        self._inverted: set[int] = set()
        first = FIRST_INPUT
        for n, some in zip(planes, inverted, strict=True):
            self._inverted.update(range(first, first + some))
            first += n

    def added_up(self, carry: int) -> Netlist:
        """The netlist of what is planned; carry: levels of a counter on a carry chain, or 0."""
        heights = np.zeros((self._at.max(initial=0) + 1, self.width), np.int64)
        np.add.at(heights, (self._at, self._weight), 1)
        levels = plan([tuple(row) for row in heights.tolist()], tuple(self.plus), carry)
        made: dict[int, list[tuple[int, list[int]]]] = defaultdict(list)  # by level: column, nets
        for level in range(max(len(levels), len(heights)) + 1):
            for column, nets in made[level]:
                self._columns[column].extend(nets)
            self._arrive(level)
            uses = levels[level] if level < len(levels) else []
            fanins = [[self._taken(use) for _ in range(use.times)] for use in uses]
            for use, fanin in zip(uses, fanins, strict=True):
                there = level + (carry if use.counter.carry else 1)
                made[there] += enumerate(self._add(use, fanin), use.column)
        columns = zip(self._columns, self.plus, strict=True)
        return self._builder.build([c[0] if c else TRUE if bit else FALSE for c, bit in columns])

    def _arrive(self, level: int) -> None:
        """Put the inputs of a level into their columns, inverted ones between the others."""
        nets = np.flatnonzero(self._at == level)
        for column in np.unique(self._weight[nets]).tolist():
            some = (nets[self._weight[nets] == column] + FIRST_INPUT).tolist()
            own = [
                [net for net in some if (net in self._inverted) is kind] for kind in (True, False)
            ]
            spread = [((i + 0.5) / len(part), net) for part in own for i, net in enumerate(part)]
            self._columns[column].extend(net for _, net in sorted(spread))

    def _taken(self, use: Use) -> list[int]:
        """The bits that a counter adds up, taken off the columns."""
        row: list[int] = []
        for column, n in zip(self._columns[use.column :], use.counter.taken, strict=False):
            some = [column.popleft() for _ in range(n)]
            if use.counter.carry:  # inverted ones first
                some.sort(key=lambda net: net not in self._inverted)
            row += some
        return row

    def _add(self, use: Use, fanin: list[list[int]]) -> list[list[int]]:
        """Emit counters that read fanin [counters, bits]: the nets of each digit."""
        counter = use.counter
        for i in range(counter.plus.bit_length()):
            self.plus[use.column + i] -= (counter.plus >> i & 1) * use.times
        digits = min(counter.width, self.width - use.column)
        if not counter.carry:
            rows = np.array(fanin)
            return [_sum_bits(self._builder, counter, bit, rows) for bit in range(digits)]
        alike: dict[Netlist, list[list[int]]] = defaultdict(list)
        for row in fanin:
            alike[self._body(counter, row, digits)].append(row)
        places = [self._builder.tile(body, rows) for body, rows in alike.items()]
        return np.concatenate(places).T.tolist()

    def _body(self, counter: Counter, row: list[int], digits: int) -> Netlist:
        """The body of a counter on a carry chain that reads a row of bits."""
        inverted, start = [], 0
        for n in counter.taken:
            inverted.append(sum(net in self._inverted for net in row[start : start + n]))
            start += n
        chain = carries.Chain(counter.taken, counter.plus, digits, tuple(inverted))
        body = carries.body_of(chain)
        self.chains[body] = chain
        return body


def table_of(k: int, answer: Callable[[list[NDArray[np.int64]]], NDArray[np.bool_]]) -> int:
    """The table of `k` inputs whose entries are what `answer` says of the bits of each pattern."""
    patterns = np.arange(1 << k)
    true = answer([patterns >> i & 1 for i in range(k)])
    return sum(1 << int(pattern) for pattern in np.flatnonzero(true))


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
