"""Popcounts and argmaxes as parts of LUTs, each a module of its own.

Before logic is mapped, addends that are gates of two inputs are added up three by three: a LUT of
six inputs holds three gates and their sum, another one their carry. That takes two LUTs where the
gates alone would take three.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...compiler import Argmax, Luts, Netlist, Popcount, Tile
from ...compiler.literals import Writer
from ...compiler.netlist import FALSE, TRUE, Cell, IntArray
from ...compiler.passes.lower import CARRY3, SUM3
from ...compiler.subject import with_bodies
from .compressors import popcount_netlist
from .tournament import argmax_netlist


def add_gates(netlist: Netlist) -> Netlist:
    """Popcounts with full adders before them that each add up three gates of two inputs."""
    return with_bodies(netlist, _add_gates)


def _add_gates(netlist: Netlist) -> Netlist:
    if not any(isinstance(cell, Popcount) for cell in netlist.cells):
        return netlist
    writer = Writer(netlist)
    gate = np.zeros((netlist.n_nets, 2), np.int32)  # what gates of two inputs read
    for first, cell in netlist.placed():
        if isinstance(cell, Luts) and cell.k == 2:
            gate[first : first + cell.n_nets] = cell.fanin
        if isinstance(cell, Popcount):
            writer.drive(first, _count(writer, cell, gate))
        else:
            writer.drive(first, writer.add(replace(cell, fanin=writer.read(cell.fanin))))
    return writer.close(netlist)


def _count(writer: Writer, cell: Popcount, gate: IntArray) -> IntArray:
    """Emit a popcount whose gates are added up first; bits [groups * width]."""
    result = np.full((len(cell.fanin), cell.width), FALSE, np.int32)
    for row, bits in zip(cell.fanin, result, strict=True):
        columns: list[list[int]] = [[] for _ in range(len(cell.planes) + 1)]
        for shift in range(len(cell.planes)):
            addends = row[(cell.shifts == shift) & (row != FALSE)]
            _add_column(writer, addends, gate, columns[shift : shift + 2])
        nets = np.array([[net for column in columns for net in column]], np.int32)
        if nets.size:
            shifts = np.repeat(np.arange(len(columns)), [len(column) for column in columns])
            found = writer.add(Popcount(nets, shifts.astype(np.uint8)))
            bits[: len(found)] = found[: cell.width]
    return result


def _add_column(
    writer: Writer, addends: IntArray, gate: IntArray, columns: list[list[int]]
) -> None:
    """Append the addends of one weight to its column, and the carries of gates to the next one."""
    gates = addends[gate[addends].any(axis=1)]
    gates = gates[np.lexsort(gate[gates].T)]  # neighbours may read the same nets
    triples = gates[: len(gates) // 3 * 3].reshape(-1, 3)
    fanin = np.repeat(writer.read(triples), 2, axis=0)
    made = writer.luts(fanin, np.resize([SUM3, CARRY3], len(fanin)))
    rest = np.concatenate([addends[~gate[addends].any(axis=1)], gates[triples.size :]])
    columns[0] += [*writer.read(rest).tolist(), *made[::2].tolist()]
    columns[1] += made[1::2].tolist()


class Parts:
    """The bodies that popcounts and argmaxes become, and what they are called."""

    def __init__(self) -> None:
        self.labels: dict[Netlist, tuple[str, str]] = {}  # module and comment

    def tiles(self, netlist: Netlist) -> Netlist:
        """The netlist with a tile for each popcount, in groups of like ones, and each argmax."""
        return with_bodies(netlist, self._tiles)

    def _tiles(self, netlist: Netlist) -> Netlist:
        if not any(isinstance(cell, (Popcount, Argmax)) for cell in netlist.cells):
            return netlist
        writer = Writer(netlist)
        for first, cell in netlist.placed():
            fanin = writer.read(cell.fanin)
            match cell:
                case Popcount():
                    writer.drive(first, self._popcounts(writer, fanin, cell))
                case Argmax():
                    body = self.argmax(*fanin.shape)
                    writer.drive(first, writer.add(Tile(body, fanin.reshape(1, -1))))
                case _:
                    writer.drive(first, writer.add(_reading(cell, fanin)))
        return writer.close(netlist)

    def argmax(self, candidates: int, bits: int) -> Netlist:
        """The body that finds the largest of `candidates` numbers of `bits` bits."""
        body = argmax_netlist(candidates, bits)
        comment = f"The index of the largest of {candidates} numbers of {bits} bits; of equal ones"
        self.labels.setdefault(body, (f"argmax{candidates}x{bits}", f"{comment} the lowest."))
        return body

    def _popcounts(self, writer: Writer, addends: IntArray, cell: Popcount) -> IntArray:
        """Emit tiles that count each row of addends [groups, m]; bits [groups * width]."""
        result = np.full((len(addends), cell.width), FALSE, np.int32)
        varying = addends > TRUE
        weight = np.left_shift(1, cell.shifts.astype(np.int64))
        offset = (weight * (addends == TRUE)).sum(axis=1)
        planes = [varying[:, cell.shifts == shift].sum(axis=1) for shift in range(len(cell.planes))]
        kinds, kind = np.unique(np.column_stack([*planes, offset]), axis=0, return_inverse=True)
        for number, (*some, plus) in enumerate(kinds.tolist()):
            rows = np.flatnonzero(kind.reshape(-1) == number)
            while some and not some[-1]:
                some.pop()
            body = self.popcount(tuple(some), plus)
            fanin = addends[rows][varying[rows]].reshape(len(rows), -1)
            bits = writer.add(Tile(body, fanin)).reshape(len(rows), -1)
            result[rows, : bits.shape[1]] = bits
        return result

    def popcount(self, planes: tuple[int, ...], offset: int) -> Netlist:
        """The body that adds up bits, so many of which count 1, 2, 4 and so on, and `offset`."""
        body = popcount_netlist(planes, offset)
        name = "popcount" + "_".join(map(str, planes)) + (f"_plus{offset}" if offset else "")
        weights = ", ".join(f"{n} of weight {1 << s}" for s, n in enumerate(planes) if n)
        plus = f" and {offset}" if offset else ""
        comment = f"The sum of {sum(planes)} inputs, least significant bit first: {weights}{plus}."
        self.labels.setdefault(body, (name, comment))
        return body


def _reading(cell: Cell, fanin: IntArray) -> Cell:
    return replace(cell, fanin=fanin)
