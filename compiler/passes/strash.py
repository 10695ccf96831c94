"""Structural hashing: equal rows become one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..hashing import canonical_luts, repeated_rows
from ..literals import Body, Literals, Writer, absorb, close_body, literals_of, split
from ..netlist import FIRST_INPUT, Argmax, Cell, IntArray, Luts, Netlist, Popcount, Tile
from ..tables import Tables, as_tables

_ONE = np.uint32(1)
Bodies = dict[int, Body]
Mask = NDArray[np.bool_]


def strash(netlist: Netlist) -> Netlist:
    """Merge LUTs, popcount groups, argmaxes and tile places that compute the same.

    LUTs are equal up to the order of their fanins and up to inversion of their output, popcounts up
    to the order of addends of one weight, places if body and inputs are equal. The lowest net
    stands for all. LUTs that read the inverse take the inversion into their tables; other readers
    keep one row that computes it. Buffers and inverters are seen through. Dead rows are not looked
    for.
    """
    return _Strash().copy(netlist).close(netlist)


class _Strash:
    """One run: remembers rewritten bodies, and gives equal ones one identity."""

    def __init__(self) -> None:
        self.bodies: Bodies = {}
        self.interned: dict[Netlist, Netlist] = {}

    def copy(self, netlist: Netlist) -> Writer:
        """A writer with one row for each class of equal rows of `netlist`."""
        for cell in netlist.cells:
            if isinstance(cell, Tile) and id(cell.body) not in self.bodies:
                self.bodies[id(cell.body)] = self._body(cell.body)
        same = _Classes(netlist, self.bodies).merged()
        own = literals_of(np.arange(netlist.n_nets)) == same
        twin = _twins(netlist, self.bodies, same, own)
        writer = Writer(netlist)
        for first, cell in netlist.placed():
            nets = slice(first, first + cell.n_nets)
            if isinstance(cell, Luts):
                _emit_luts(writer, first, cell, own[nets], twin[nets], same)
            else:
                self._emit(writer, first, cell, own[nets])
            writer.literal[nets] = writer.literal[same[nets] >> _ONE] ^ (same[nets] & _ONE)
        return writer

    def _body(self, body: Netlist) -> Body:
        closed = close_body(self.copy(body), body)
        if closed.netlist is None:
            return closed
        known = self.interned.setdefault(closed.netlist, closed.netlist)
        return Body(known, closed.columns, closed.outputs)

    def _emit(self, writer: Writer, first: int, cell: Cell, own: Mask) -> None:
        """Emit the rows of a popcount, argmax or tile that stand for themselves."""
        if not own.any():
            return
        rows: Mask = np.logical_or.reduce(own.reshape(_rows(cell), -1), axis=1)
        driven = writer.literal[first : first + cell.n_nets].reshape(len(rows), -1)
        match cell:
            case Popcount():
                made = literals_of(writer.add(replace(cell, fanin=writer.read(cell.fanin[rows]))))
            case Argmax():
                made = literals_of(writer.add(Argmax(writer.read(cell.fanin))))
            case Tile():
                body = self.bodies[id(cell.body)]
                made = writer.place(body, writer.literal[cell.fanin[rows]])
            case Luts():
                raise AssertionError("LUTs are emitted by _emit_luts")
        driven[rows] = made.reshape(-1, driven.shape[1])


def _rows(cell: Cell) -> int:
    """How many independent rows a cell has; an argmax is one."""
    return 1 if isinstance(cell, Argmax) else len(cell.fanin)


def _emit_luts(
    writer: Writer, first: int, cell: Luts, own: Mask, twin: Mask, same: Literals
) -> None:
    """Emit the rows that stand for themselves, and the inverse ones that are still needed."""
    if cell.k == 1:
        return
    source = same[first : first + len(own)] >> _ONE  # whose inverse a twin is
    late = np.flatnonzero(twin & (source < first))
    made_before = writer.has_inverter((writer.literal[source[late]] >> _ONE).astype(np.int32))
    twin = twin.copy()
    twin[late[made_before]] = False
    rows = own | twin
    nets, inverted = split(writer.literal[cell.fanin[rows]])
    made = np.zeros(len(rows), np.int32)
    made[rows] = writer.luts(nets, absorb(as_tables(cell.table[rows]), inverted))
    writer.literal[first : first + len(own)][own] = literals_of(made[own])
    writer.set_inverter((writer.literal[source[twin]] >> _ONE).astype(np.int32), made[twin])


def _twins(netlist: Netlist, bodies: Bodies, same: Literals, own: Mask) -> Mask:
    """The first row of each class that is its inverse and has a reader that is no LUT."""
    read = np.zeros(netlist.n_nets, np.bool_)
    read[netlist.outputs] = True
    rows = np.zeros(netlist.n_nets, np.bool_)
    for first, cell in netlist.placed():
        if isinstance(cell, Tile):
            read[cell.fanin[:, bodies[id(cell.body)].columns]] = True
        elif not isinstance(cell, Luts):
            read[cell.fanin] = True
        elif cell.k > 1:
            rows[first : first + cell.n_nets] = True
    candidates = np.flatnonzero(read & rows & ~own & ((same & _ONE) != 0))
    _, lowest = np.unique(same[candidates], return_index=True)
    twin = np.zeros(netlist.n_nets, np.bool_)
    twin[candidates[lowest]] = True
    return twin


@dataclass
class _Group:
    """Rows that may be equal: LUTs of one k, popcounts of the same weights, places of one body."""

    fanin: list[IntArray] = field(default_factory=list)  # [rows, columns]
    driven: list[IntArray] = field(default_factory=list)  # [rows, nets of a row]
    table: list[Tables] = field(default_factory=list)  # [rows], LUTs alone


class _Classes:
    """Which nets of a netlist are equal, or inverse.

    Rows can only be equal if their levels are, so they are compared level by level, the fanins
    already replaced by what stands for them.
    """

    def __init__(self, netlist: Netlist, bodies: Bodies) -> None:
        self.bodies = bodies
        self.through = literals_of(np.arange(netlist.n_nets))  # buffers and inverters seen through
        self.same = self.through.copy()
        self.level = np.zeros(netlist.n_nets, np.int32)
        self.groups: defaultdict[Any, _Group] = defaultdict(_Group)
        for first, cell in netlist.placed():
            self._enter(first, cell)

    def merged(self) -> Literals:
        """For each net the literal of the lowest net that is equal or inverse: [n_nets]."""
        for key, rows in self._segments():
            self._merge(key, *rows)
        return self._find(self.through)

    def _find(self, literals: Literals) -> Literals:
        return self.same[literals >> _ONE] ^ (literals & _ONE)

    def _enter(self, first: int, cell: Cell) -> None:
        """Note the rows of one cell, or see through them."""
        driven = np.arange(first, first + cell.n_nets, dtype=np.int32).reshape(_rows(cell), -1)
        match cell:
            case Luts(k=1):
                self._see_through(driven[:, 0], cell)
            case Luts():
                self._note(("luts", cell.k), cell.fanin, driven, cell.table)
            case Popcount():
                self._note(("popcount", cell.planes), cell.fanin, driven)
            case Argmax():
                self._note(("argmax", cell.fanin.shape), cell.fanin.reshape(1, -1), driven)
            case Tile():
                self._enter_tile(driven, cell)

    def _see_through(self, driven: IntArray, cell: Luts) -> None:
        """Rows of one input are literals: table 0 and 3 constants, 1 an inverter, 2 a buffer."""
        low, high = (cell.table & 1).astype(np.uint32), (cell.table >> 1).astype(np.uint32)
        self.through[driven] = np.where(low == high, low, self.through[cell.fanin[:, 0]] ^ low)
        self.level[driven] = self.level[self.through[driven] >> _ONE]

    def _enter_tile(self, driven: IntArray, cell: Tile) -> None:
        body = self.bodies[id(cell.body)]
        base = body.outputs >> _ONE
        inside = FIRST_INPUT + cell.body.n_inputs
        if body.netlist is not None:
            _, columns = np.unique(np.where(base < inside, 0, base), return_index=True)
            columns = columns[base[columns] >= inside]
            fanin = cell.fanin[:, body.columns]
            self._note(("tile", id(body.netlist)), fanin, driven[:, columns])
            standing = columns[base[base >= inside] - inside]
            self.through[driven[:, base >= inside]] = literals_of(driven[:, standing])
        ports = np.zeros((cell.places, inside), np.uint32)
        ports[:, FIRST_INPUT:] = self.through[cell.fanin]
        passing = body.outputs[base < inside]
        self.through[driven[:, base < inside]] = ports[:, passing >> _ONE] ^ (passing & _ONE)
        self.level[driven] = self.level[self.through[driven] >> _ONE]

    def _note(self, key: Any, fanin: IntArray, driven: IntArray, table: Any = None) -> None:
        level = self.level[fanin].max(axis=1, initial=0) + 1
        self.level[driven] = level[:, None]
        group = self.groups[key]
        group.fanin.append(fanin)
        group.driven.append(driven)
        if table is not None:
            group.table.append(as_tables(table))

    def _segments(self) -> list[tuple[Any, tuple[IntArray, IntArray, Tables | None]]]:
        """Rows of one group and level, two or more, in order of level; nets ascend in each."""
        found = []
        for key, group in self.groups.items():
            fanin, driven = np.concatenate(group.fanin), np.concatenate(group.driven)
            table = np.concatenate(group.table) if group.table else None
            level = self.level[driven[:, 0]]
            order = np.argsort(level, kind="stable")
            for rows in np.split(order, np.flatnonzero(np.diff(level[order])) + 1):
                if len(rows) > 1:
                    some = None if table is None else table[rows]
                    found.append((int(level[rows[0]]), key, (fanin[rows], driven[rows], some)))
        found.sort(key=lambda segment: segment[0])
        return [(key, rows) for _, key, rows in found]

    def _merge(self, key: Any, fanin: IntArray, driven: IntArray, table: Tables | None) -> None:
        """Let the first of equal rows stand for the others."""
        literals = self._find(self.through[fanin])
        phase = np.zeros(len(fanin), np.uint32)
        if table is not None:
            literals, table, phase = canonical_luts(literals, table)
        elif key[0] == "popcount":
            start = 0
            for addends in key[1]:  # one weight after the other
                literals[:, start : start + addends].sort(axis=1)
                start += addends
        rows, firsts = repeated_rows(literals, table)
        inverted = (phase[rows] ^ phase[firsts])[:, None]
        self.same[driven[rows]] = literals_of(driven[firsts]) ^ inverted
