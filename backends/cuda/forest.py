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

Row = tuple[int, int, tuple[int, int, int]]  # table, to, operands


@dataclass(frozen=True)
class Forest:
    """clusters: rows of each. locals: most local values of a cluster at once. size: of a place."""

    clusters: tuple[tuple[Row, ...], ...]
    locals: int
    size: int

    def words(self, number: Callable[[int], int]) -> NDArray[np.uint32]:
        """The body's words; `number` numbers truth tables."""
        begin = np.cumsum([0, *(len(rows) for rows in self.clusters)])
        head = np.zeros(-(-(2 + len(begin)) // 4) * 4, np.uint32)
        head[:2] = len(self.clusters), self.size
        head[2 : 2 + len(begin)] = begin
        rows = [
            (number(table) << 24 | to, *operands)
            for cluster in self.clusters
            for table, to, operands in cluster
        ]
        return np.concatenate([head, np.array(rows, np.uint32).ravel()])


def plan_forest(body: Netlist, most_locals: int) -> Forest | None:
    """The body as a forest, or None if clusters would repeat too much or hold too many values.

    Args:
        body: LUTs of at most three inputs.
    """
    if len(body.outputs) + body.n_inputs >= STORE:
        return None
    planner = _Planner(body, most_locals)
    if not planner.plan():
        return None
    return Forest(
        tuple(planner.clusters), max(1, planner.locals), len(body.outputs) + body.n_inputs
    )


class _Planner:
    def __init__(self, body: Netlist, most_locals: int) -> None:
        self.outputs: list[int] = body.outputs.tolist()
        self.first_row = FIRST_INPUT + body.n_inputs
        self.most_locals = most_locals
        self.fanin, self.table = _rows(body)
        self.clusters: list[tuple[Row, ...]] = []
        self.locals = 0

    def plan(self) -> bool:
        """False if the body is no forest."""
        positions: list[int] = []
        found: set[int] = set()
        repeated, needed = 0, set()
        for position, net in enumerate(self.outputs):
            if positions and len(found) >= CLUSTER:
                if not self._close(positions):
                    return False
                repeated += len(found)
                needed |= found
                if repeated > MOST_REPEATED * len(needed) + 8 * CLUSTER:
                    return False
                positions, found = [], set()
            positions.append(position)
            self._cone(net, found)
        return not positions or self._close(positions)

    def _cone(self, root: int, found: set[int]) -> list[int]:
        """LUTs that `root` needs and `found` has not, in order, the deepest operand first."""
        order: list[int] = []
        stack = [(root, False)]
        while stack:
            net, ready = stack.pop()
            if ready:
                order.append(net)
            elif net >= self.first_row and net not in found:
                found.add(net)
                stack.append((net, True))
                stack += [(f, False) for f in self.fanin[net - self.first_row]]
        return order

    def _close(self, positions: Sequence[int]) -> bool:
        """Add a cluster of these outputs, or several where it would hold too many values."""
        rows, most = self._cluster(positions)
        if most <= self.most_locals:
            self.clusters.append(tuple(rows))
            self.locals = max(self.locals, most)
            return True
        half = len(positions) // 2
        return half > 0 and self._close(positions[:half]) and self._close(positions[half:])

    def _cluster(self, positions: Sequence[int]) -> tuple[list[Row], int]:
        stores: dict[int, list[int]] = {}
        for position in positions:
            stores.setdefault(self.outputs[position], []).append(position)
        found: set[int] = set()
        order = [net for root in stores for net in self._cone(root, found)]
        left: dict[int, int] = {}
        for net in order:
            for f in {*self.fanin[net - self.first_row]}:
                left[f] = left.get(f, 0) + 1
        rows: list[Row] = []
        local: dict[int, int] = {}
        free: list[int] = []
        most = 0

        def operand(net: int) -> int:
            if net < FIRST_INPUT:
                return 0  # any: the table does not depend on it
            if net < self.first_row:
                return FROM_PLACE | (len(self.outputs) + net - FIRST_INPUT)
            return local[net]

        for net in order:
            a, b, c = self.fanin[net - self.first_row]
            operands = operand(a), operand(b), operand(c)
            for f in {a, b, c}:
                left[f] -= 1
                if not left[f] and f in local:
                    free.append(local.pop(f))
            at = stores.get(net, [])
            table = self.table[net - self.first_row]
            if len(at) == 1 and not left.get(net):
                rows.append((table, STORE | at[0], operands))
                continue
            if free:
                local[net] = free.pop()
            else:
                local[net] = most
                most += 1
            rows.append((table, local[net], operands))
            rows += [_thrice(_COPY, position, local[net]) for position in at]
            if not left.get(net):
                free.append(local.pop(net))
        for net, at in stores.items():
            if net < self.first_row:
                table = (0x00, 0xFF, _COPY)[min(net, FIRST_INPUT)]
                rows += [_thrice(table, position, operand(net)) for position in at]
        return rows, most


def _thrice(table: int, position: int, operand: int) -> Row:
    return table, STORE | position, (operand, operand, operand)


def _rows(body: Netlist) -> tuple[list[list[int]], list[int]]:
    """Fanin and table of each LUT; one that depends on fewer inputs reads one of them again."""
    fanins, tables = [np.zeros((0, 3), np.int64)], [np.zeros(0, np.uint64)]
    for cell in body.cells:
        assert isinstance(cell, Luts), "bodies of other cells are unrolled before"
        fanin, table = with_three_inputs(cell)
        fanins.append(fanin)
        tables.append(table)
    fanin, table = smallest_tables(np.concatenate(fanins), np.concatenate(tables))
    return fanin.tolist(), table.tolist()
