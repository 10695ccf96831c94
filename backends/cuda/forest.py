"""Tile bodies as data: clusters of outputs, each with the LUTs that it needs, for an interpreter.

A body is a *forest* if outputs of different clusters share few LUTs, as in trees of gates. Its
words are::

    clusters, size of a place, where each cluster's rows begin (clusters + 1 numbers), zeros up to
    a multiple of four, then rows of four words: number of the table << 24 | to, a, b, c

`to` is a local value, or with `STORE` what a place lists there. Operands are local values, or with
`FROM_PLACE` what a place lists there: the slots of its outputs, then of its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ...compiler import Luts, Netlist
from ...compiler.netlist import FIRST_INPUT
from .luts import with_three_inputs
from .orders import smallest_tables

CLUSTER = 64
MOST_REPEATED = 1.5
STORE = 1 << 23
FROM_PLACE = 1 << 31
_COPY = 0xAA


@dataclass(frozen=True, eq=False)
class Forest:
    """rows: table, to and operands [rows, 5]. begin: of each cluster, and the end [clusters + 1].
    locals: most local values of a cluster at once. size: of a place.
    """

    rows: NDArray[np.uint32]
    begin: NDArray[np.uint32]
    locals: int
    size: int

    @property
    def clusters(self) -> int:
        return len(self.begin) - 1

    def words(self, number: Callable[[int], int]) -> NDArray[np.uint32]:
        """The body's words; `number` numbers truth tables."""
        head = np.zeros(-(-(2 + len(self.begin)) // 4) * 4, np.uint32)
        head[:2] = self.clusters, self.size
        head[2 : 2 + len(self.begin)] = self.begin
        tables, which = np.unique(self.rows[:, 0], return_inverse=True)
        numbers = np.array([number(int(table)) for table in tables], np.uint32)
        rows = self.rows[:, 1:].copy()
        rows[:, 0] |= numbers[which] << np.uint32(24)
        return np.concatenate([head, rows.ravel()])


_planned: WeakKeyDictionary[Netlist, dict[int, Forest | None]] = WeakKeyDictionary()


def plan_forest(body: Netlist, most_locals: int) -> Forest | None:
    """The body as a forest, or None if clusters would repeat too much or hold too many values.

    What was found is kept as long as the body, for preparing a circuit asks, and then planning it.

    Args:
        body: LUTs of at most three inputs.
    """
    found = _planned.setdefault(body, {})
    if most_locals not in found:
        fits = len(body.outputs) + body.n_inputs < STORE
        found[most_locals] = _Planner(body, most_locals).plan() if fits else None
    return found[most_locals]


class _Planner:
    """inner: of each LUT the LUTs that it reads. at: of each net where it is read. left: readers
    still to come of each net of the cluster at hand.
    """

    def __init__(self, body: Netlist, most_locals: int) -> None:
        self.outputs: list[int] = body.outputs.tolist()
        self.size = len(self.outputs) + body.n_inputs
        self.first_row = FIRST_INPUT + body.n_inputs
        self.most_locals = most_locals
        fanin, table = _rows(body)
        self.table = table.tolist()
        self.fanin: list[list[int]] = fanin.tolist()
        self.inner = [[f for f in {*row} if f >= self.first_row] for row in self.fanin]
        self.at = [0] * FIRST_INPUT  # any: no table depends on it
        self.at += range(FROM_PLACE + len(self.outputs), FROM_PLACE + self.size)
        self.at += [0] * len(self.fanin)
        self.left = [0] * len(self.at)
        self.rows: list[int] = []  # five numbers each
        self.begin = [0]
        self.locals = 1

    def plan(self) -> Forest | None:
        """None if the body is no forest."""
        positions: list[int] = []
        order: list[int] = []
        found: set[int] = set()
        repeated, needed = 0, set()
        for position, net in enumerate(self.outputs):
            if positions and len(order) >= CLUSTER:
                if not self._close(positions, order):
                    return None
                repeated += len(order)
                needed |= found
                if repeated > MOST_REPEATED * len(needed) + 8 * CLUSTER:
                    return None
                positions, order, found = [], [], set()
            positions.append(position)
            self._cone(net, found, order)
        if positions and not self._close(positions, order):
            return None
        rows = np.array(self.rows, np.uint32).reshape(-1, 5)
        return Forest(rows, np.array(self.begin, np.uint32), self.locals, self.size)

    def _cone(self, root: int, found: set[int], order: list[int]) -> None:
        """Add the LUTs that `root` needs and `found` has not, the deepest operand first."""
        first, inner = self.first_row, self.inner
        stack = [root] if root >= first else []
        while stack:
            net = stack.pop()
            if net < 0:
                order.append(~net)
            elif net not in found:
                found.add(net)
                stack.append(~net)
                stack += inner[net - first]

    def _close(self, positions: Sequence[int], order: Sequence[int]) -> bool:
        """Add a cluster of these outputs, or several where it would hold too many values."""
        end = len(self.rows)
        most = self._cluster(positions, order)
        if most <= self.most_locals:
            self.begin.append(len(self.rows) // 5)
            self.locals = max(self.locals, most)
            return True
        del self.rows[end:]
        half = len(positions) // 2
        return half > 0 and self._again(positions[:half]) and self._again(positions[half:])

    def _again(self, positions: Sequence[int]) -> bool:
        found: set[int] = set()
        order: list[int] = []
        for position in positions:
            self._cone(self.outputs[position], found, order)
        return self._close(positions, order)

    def _cluster(self, positions: Sequence[int], order: Sequence[int]) -> int:
        """Add rows; returns how many values are local at once."""
        first, at, left, rows = self.first_row, self.at, self.left, self.rows
        stores: dict[int, list[int]] = {}
        for position in positions:
            stores.setdefault(self.outputs[position], []).append(position)
        for net in order:
            for f in self.inner[net - first]:
                left[f] += 1
        free: list[int] = []
        most = 0
        for net in order:
            a, b, c = self.fanin[net - first]
            operands = at[a], at[b], at[c]
            for f in self.inner[net - first]:
                left[f] -= 1
                if not left[f]:
                    free.append(at[f])
            stored = stores.get(net, ())
            if len(stored) == 1 and not left[net]:
                rows += (self.table[net - first], STORE | stored[0], *operands)
                continue
            if free:
                local = free.pop()
            else:
                local, most = most, most + 1
            at[net] = local
            rows += (self.table[net - first], local, *operands)
            for position in stored:
                rows += (_COPY, STORE | position, local, local, local)
            if not left[net]:
                free.append(local)
        for net, stored in stores.items():
            if net < first:
                table = (0x00, 0xFF, _COPY)[min(net, FIRST_INPUT)]
                for position in stored:
                    rows += (table, STORE | position, at[net], at[net], at[net])
        return most


def _rows(body: Netlist) -> tuple[NDArray[np.integer], NDArray[np.uint64]]:
    """Fanin [rows, 3] and table of each LUT; one that depends on fewer inputs reads one again."""
    fanins, tables = [np.zeros((0, 3), np.int64)], [np.zeros(0, np.uint64)]
    for cell in body.cells:
        assert isinstance(cell, Luts), "bodies of other cells are unrolled before"
        fanin, table = with_three_inputs(cell)
        fanins.append(fanin)
        tables.append(table)
    return smallest_tables(np.concatenate(fanins), np.concatenate(tables))
