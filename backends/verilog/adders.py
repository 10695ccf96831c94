"""Popcounts of full adders and rows, which suit devices whose LUTs have four inputs.

A full adder removes a bit for two LUTs of three inputs. A counter of six bits takes three LUTs of
six inputs, that is, twelve of four, for three bits.
"""

from __future__ import annotations

from collections import defaultdict, deque
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...compiler import Builder, Netlist
from ...compiler.literals import absorb
from ...compiler.netlist import FALSE, FIRST_INPUT, TRUE, weight_of
from ...compiler.passes.fold import fold
from ...compiler.passes.lower import CARRY2, CARRY3, SUM2, SUM3, lower_popcount
from .chain_cells import ChainCells
from .ripple import Add, Heights, plan
from .rows import Row, RowChain, positions, rows_netlist


@lru_cache(maxsize=256)
def full_adders(planes: Heights, offset: int = 0) -> Netlist:
    """Bits [sum of planes], lightest first, to the bits of their sum and `offset`.

    planes: how many inputs count 1, 2, 4 and so on.
    """
    n = sum(planes)
    builder = Builder(n)
    constants = [shift for shift in range(offset.bit_length()) if offset >> shift & 1]
    shifts = np.array([*np.repeat(np.arange(len(planes)), planes), *constants], np.uint8)
    if not len(shifts):
        return builder.build([])
    order = np.argsort(shifts, kind="stable")
    fanin = np.array([*range(FIRST_INPUT, FIRST_INPUT + n), *[TRUE] * len(constants)], np.int32)
    count = builder.popcount(fanin[None, order], shifts[order])
    return fold(lower_popcount(builder.build(count)))


class Rippled(NamedTuple):
    """A popcount with rows on carry chains: these by their bodies, and the LUTs of all."""

    netlist: Netlist
    chains: dict[Netlist, RowChain]
    luts: int


@lru_cache(maxsize=256)
def rippled(planes: Heights, inverted: Heights, offset: int, cells: ChainCells) -> Rippled:
    """The same with rows on carry chains, which are tiles.

    inverted: how many inputs of each weight, the first ones, are read inverted.
    """
    columns = _Columns(planes, inverted, offset, cells)
    netlist = columns.added_up()
    return Rippled(netlist, columns.chains, columns.luts)


class _Columns:
    """The bits that are still to be added up, by weight: at the front of each column inverted
    inputs and constants, which LUTs take and rows do not.
    """

    def __init__(self, planes: Heights, inverted: Heights, offset: int, cells: ChainCells) -> None:
        self.chains: dict[Netlist, RowChain] = {}
        self.luts = 0
        self._width = (weight_of(planes) + offset).bit_length()
        self._cells = cells
        self._builder = Builder(sum(planes))
        self._columns: list[deque[int]] = [deque() for _ in range(self._width)]
        self._inverted: set[int] = set()
        first = FIRST_INPUT
        for column, n, some in zip(self._columns, planes, inverted, strict=False):
            self._inverted.update(range(first, first + some))
            column.extend(range(first, first + n))
            first += n
        for i, column in enumerate(self._columns):
            if offset >> i & 1:
                column.appendleft(TRUE)

    def added_up(self) -> Netlist:
        """The netlist of what is planned."""
        for level in plan(tuple(map(len, self._columns))):
            adders = [add for add in level if len(add.row.taken) == 1]
            rows = [add for add in level if len(add.row.taken) > 1]
            made = self._add([self._taken(add, front=True) for add in adders])
            fanins = [self._taken(add, front=False) for add in rows]
            made += self._chains([add.row for add in rows], fanins)
            for add, nets in zip([*adders, *rows], made, strict=True):
                digits = nets[: add.row.digits]
                for column, net in zip(self._columns[add.column :], digits, strict=False):
                    column.append(net)
        return self._builder.build([column[0] if column else FALSE for column in self._columns])

    def _taken(self, add: Add, front: bool) -> list[int]:
        """The bits that are added, taken off the columns."""
        pairs = zip(self._columns[add.column :], add.row.taken, strict=False)
        return [
            column.popleft() if front else column.pop() for column, n in pairs for _ in range(n)
        ]

    def _add(self, fanins: list[list[int]]) -> list[list[int]]:
        """Emit full adders and half adders: the sum and the carry of each."""
        made = {}
        for k, tables in ((2, (SUM2, CARRY2)), (3, (SUM3, CARRY3))):
            which = [i for i, fanin in enumerate(fanins) if len(fanin) == k]
            if not which:
                continue
            nets = np.repeat(np.array([fanins[i] for i in which], np.int32), 2, axis=0)
            inverted = np.isin(nets, list(self._inverted))
            table = absorb(np.resize(np.array(tables, np.uint64), len(nets)), inverted)
            pairs = self._builder.luts(nets, table).reshape(-1, 2).tolist()
            made.update(zip(which, pairs, strict=True))
            self.luts += 2 * len(which)
        return [made[i] for i in range(len(fanins))]

    def _chains(self, rows: list[Row], fanins: list[list[int]]) -> list[list[int]]:
        """Emit rows on as few chains as there can be: the digits of each."""
        alike: dict[RowChain, list[list[int]]] = defaultdict(list)
        for group in self._together(rows):
            alike[RowChain(tuple(rows[i] for i in group))].append(group)
        made: dict[int, list[int]] = {}
        for chain, groups in alike.items():
            body = rows_netlist(chain)
            self.chains[body] = chain
            self.luts += self._cells.cost(chain) * len(groups)
            fanin = [[self._plain(net) for i in group for net in fanins[i]] for group in groups]
            ends = np.cumsum([row.digits for row in chain.rows])[:-1]
            for group, nets in zip(groups, self._builder.tile(body, fanin), strict=True):
                parts = (part.tolist() for part in np.split(nets, ends))
                made.update(zip(group, parts, strict=True))
        return [made[i] for i in range(len(rows))]

    def _together(self, rows: list[Row]) -> list[list[int]]:
        """Which rows stand on each other."""
        found: list[list[int]] = []
        for i, row in enumerate(rows):
            if found and rows[found[-1][-1]].whole:
                chain = RowChain((*(rows[j] for j in found[-1]), row))
                if len(positions(chain)) <= self._cells.longest:
                    found[-1].append(i)
                    continue
            found.append([i])
        return found

    def _plain(self, net: int) -> int:
        """A net, behind an inverter where it is read inverted."""
        if net not in self._inverted:
            return net
        self.luts += 1
        return int(self._builder.luts([[net]], 1)[0])
