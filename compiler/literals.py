"""Rewriting a netlist cell by cell: what `fold`, `strash` and the lowering passes share.

A **literal** is a net of the new netlist with an inversion flag, `2 * net + inverted`, in uint32.
The constants are literals 0 and 1: net 0, and net 0 inverted. A `Writer` keeps one literal for each
net of the old netlist. A LUT absorbs the inversions of what it reads into its table; for all other
readers the writer adds one shared inverter for each net.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .netlist import FIRST_INPUT, TRUE, Cell, IntArray, Luts, Netlist, Tile, renumbered
from .tables import Tables, flip, table_dtype

Literals: TypeAlias = NDArray[np.uint32]
_ONE = np.uint32(1)
_INVERTER = np.uint64(1)


def literals_of(nets: ArrayLike) -> Literals:
    """The literals of plain nets, constants included."""
    literals = np.asarray(nets).astype(np.uint32) << _ONE
    literals[literals == 2 * TRUE] = 1
    return literals


def ascending(numbers: NDArray[Any]) -> NDArray[Any]:
    """The distinct ones of `numbers` [n] in ascending order.

    `numpy.unique` of numpy 2.3 and later hashes, which takes 100 times as long for millions.
    """
    ordered = np.sort(numbers)
    fresh = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    return ordered[fresh]


def split(literals: Literals) -> tuple[IntArray, NDArray[np.bool_]]:
    """The nets, and which are inverted; constants come as nets 0 and 1 and are never inverted."""
    inverted = (literals & _ONE).astype(np.bool_)
    true = literals == 1
    nets = (literals >> _ONE).astype(np.int32)
    if true.any():
        nets[true] = TRUE
        inverted &= ~true
    return nets, inverted


def absorb(table: Tables, inverted: NDArray[np.bool_]) -> Tables:
    """Tables [n] whose inputs are read inverted where `inverted` [n, k] says so."""
    table = table.copy()
    for i, column in enumerate(inverted.T):
        if len(rows := np.flatnonzero(column)):
            table[rows] = flip(table[rows], i)
    return table


def make_luts(fanin: IntArray, table: Tables) -> Luts:
    """A `Luts` cell of uint64 tables, handing over the arrays where no copy is needed."""
    narrow = table.astype(table_dtype(fanin.shape[1]))
    return Luts(_read_only(fanin.astype(np.int32, copy=False)), _read_only(narrow))


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


def same_or(netlist: Netlist, result: Netlist) -> Netlist:
    """`netlist` itself if `result` equals it: how a pass says that nothing changed."""
    return netlist if result == netlist else result


class Writer:
    """Collects the cells of a new netlist, and the literal of each net of the old one.

    literal: uint32 [old n_nets]; inputs and constants stand for themselves at the start.
    """

    def __init__(self, netlist: Netlist, inputs: Literals | None = None) -> None:
        self.n_inputs = netlist.n_inputs
        self.literal = np.zeros(netlist.n_nets, np.uint32)
        start = literals_of(np.arange(FIRST_INPUT + netlist.n_inputs))
        if inputs is not None:
            start[FIRST_INPUT:] = inputs
        self.literal[: len(start)] = start
        self.next = len(start)
        self._cells: list[Cell] = []
        self._inverter = np.array([TRUE], np.int32)  # by net; 0 where there is none yet

    def add(self, cell: Cell) -> IntArray:
        """Add a cell unless it drives nothing; returns the nets that it drives."""
        nets = np.arange(self.next, self.next + cell.n_nets, dtype=np.int32)
        if len(nets):
            self._cells.append(cell)
            self.next += len(nets)
        return nets

    def luts(self, fanin: IntArray, table: Tables | np.uint64) -> IntArray:
        """Add lookup tables, fanin [n, k] in new nets, table uint64 [n] or one for all."""
        return self.add(make_luts(fanin, np.broadcast_to(table, (len(fanin),))))

    def drive(self, first: int, nets: IntArray) -> None:
        """Say that the old nets from `first` on are the new `nets`, in order."""
        self.literal[first : first + nets.size] = literals_of(nets.reshape(-1))

    def read(self, fanin: IntArray) -> IntArray:
        """The new nets for a fanin of old nets, of any shape, with inverters where needed."""
        return self.nets(self.literal[fanin])

    def nets(self, literals: Literals) -> IntArray:
        """Nets that carry `literals`, of any shape; adds the inverters that are missing."""
        nets = (literals >> _ONE).astype(np.int32)
        inverted = (literals & _ONE).astype(np.bool_)
        if inverted.any():
            wanted = nets[inverted]
            self._add_inverters(wanted)
            nets[inverted] = self._inverter[wanted]
        return nets

    def _add_inverters(self, nets: IntArray) -> None:
        missing = ascending(nets[~self.has_inverter(nets)])
        if len(missing):
            self.set_inverter(missing, self.luts(missing[:, None], _INVERTER))

    def has_inverter(self, nets: IntArray) -> NDArray[np.bool_]:
        """For which of `nets` another net carries the inverse."""
        if len(self._inverter) < self.next:
            room = np.zeros(max(self.next, 2 * len(self._inverter)), np.int32)
            room[: len(self._inverter)] = self._inverter
            self._inverter = room
        return self._inverter[nets] != 0

    def set_inverter(self, nets: IntArray, inverses: IntArray) -> None:
        """Say that `inverses` carry the inverse of `nets`; readers that are no LUTs use them."""
        self.has_inverter(nets)  # makes room
        self._inverter[nets] = inverses

    def place(self, body: Body, inputs: Literals) -> Literals:
        """Add a tile of a rewritten body; literals [places, inputs] to [places, outputs]."""
        places, n_inputs = inputs.shape
        driven = len(body.netlist.outputs) if body.netlist else 0
        local = np.zeros((places, FIRST_INPUT + n_inputs + driven), np.uint32)
        local[:, FIRST_INPUT : FIRST_INPUT + n_inputs] = inputs
        if body.netlist:
            nets = self.add(Tile(body.netlist, self.nets(inputs[:, body.columns])))
            local[:, FIRST_INPUT + n_inputs :] = literals_of(nets).reshape(places, driven)
        return local[:, body.outputs >> _ONE] ^ (body.outputs & _ONE)

    def build(self, outputs: IntArray) -> Netlist:
        """The new netlist, with these of its nets as outputs."""
        return Netlist(self.n_inputs, tuple(self._cells), outputs)

    def close(self, netlist: Netlist) -> Netlist:
        """The new netlist with the outputs of the old one; the old one itself if they are equal."""
        outputs = self.read(netlist.outputs)
        return same_or(netlist, self.build(outputs))


@dataclass(frozen=True, eq=False)
class Body:
    """A rewritten tile body, and how its places stand for those of the old one.

    netlist: the new body; None if nothing is left to compute.
    columns: bool [old inputs], the inputs that the new body still has.
    outputs: uint32 [old outputs], local literals: 0 and 1 are constants, bases from 2 on the old
        inputs of the place, bases after those the outputs of the new body.
    """

    netlist: Netlist | None
    columns: NDArray[np.bool_]
    outputs: Literals


def close_body(writer: Writer, body: Netlist) -> Body:
    """Finish rewriting `body`: constants and inputs bypass it, unread inputs are dropped."""
    outputs = writer.literal[body.outputs]
    inside = (outputs >> _ONE) >= FIRST_INPUT + body.n_inputs
    driven, index = _distinct(writer.nets(outputs[inside]))
    outputs[inside] = literals_of(FIRST_INPUT + body.n_inputs + index)
    if not len(driven):
        return Body(None, np.zeros(body.n_inputs, np.bool_), outputs)
    result, columns = drop_unread_inputs(writer.build(driven))
    return Body(same_or(body, result), columns, outputs)


def _distinct(nets: IntArray) -> tuple[IntArray, NDArray[np.intp]]:
    """The distinct nets in order of first occurrence, and the index of each among them."""
    _, first, inverse = np.unique(nets, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    return nets[first[order]], rank[inverse.reshape(-1)]


def drop_unread_inputs(body: Netlist) -> tuple[Netlist, NDArray[np.bool_]]:
    """`body` without the inputs that nothing reads, and bool [n_inputs], those it keeps.

    Only for the bodies of tiles: the inputs of a whole netlist are its interface.
    """
    read = np.zeros(body.n_nets, np.bool_)
    read[body.outputs] = True
    for cell in body.cells:
        read[cell.fanin] = True
    columns = read[FIRST_INPUT : FIRST_INPUT + body.n_inputs].copy()
    if columns.all():
        return body, columns
    kept = np.ones(body.n_nets, np.bool_)
    kept[FIRST_INPUT : FIRST_INPUT + body.n_inputs] = columns
    final = np.cumsum(kept, dtype=np.int32) - np.int32(1)
    cells = tuple(renumbered(cell, final) for cell in body.cells)
    return Netlist(int(columns.sum()), cells, final[body.outputs]), columns
