"""A netlist as the code of the embedded interpreter: instructions over slots, gates in runs.

A **slot** holds one sample (a byte) or 32 samples (a word). All gates of a run have one truth table
and write slots side by side, so a gate of two inputs is stored as two numbers. The code is one
stream of unsigned integers, in which operations are numbered from 1 in the order of `Code.ops`::

    lut      op, n, output,   n rows of (k inputs)
    count    op, rows, width, planes,
                              rows of (output, then for each plane, those that count 1 first:
                                       singles, ranges, each single, (first, length) of each range)
    tile     op, places, body, top, inputs, outputs, each body output, each offset,
                              places of (base, output)
    places   op, places, body, top, inputs, outputs, each body output,
                              places of (output, each input)
    end      0

A body is run in the slots from `top` on; its inputs are copied to the first of them. Places of a
tile that read the same pattern, such as those of a convolution, share its offsets from their base.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ....compiler import Argmax, Luts, Netlist, Popcount, Tile
from ....compiler.netlist import FALSE, FIRST_INPUT, MAX_SHIFT, TRUE
from ....compiler.tables import as_tables, swap
from .slots import FreeSlots, Slots, ranges

_LEAST = 8  # a new run costs three numbers, so smaller gaps are worth less than they cost
_RANGE = 3  # addends side by side that are worth two numbers
_FOREVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Op:
    """One kind of instruction; `table` and `k` say which gate a "lut" is."""

    kind: str
    table: int = 0
    k: int = 0


@dataclass(frozen=True)
class Code:
    """What the interpreter runs.

    stream: uint32, the bodies of tiles behind the netlist. bodies: where each begins. inputs:
    int32, the netlist inputs that lie in the first slots, ascending. outputs: uint32, the slot of
    each output. slots: of the workspace, bodies included.
    """

    ops: tuple[Op, ...]
    stream: Slots
    bodies: tuple[int, ...]
    inputs: NDArray[np.int32]
    outputs: Slots
    slots: int


def assemble(netlist: Netlist) -> Code:
    """The code of a netlist of LUTs of at most two inputs, popcounts and tiles."""
    assembler = _Assembler()
    main = _Part(assembler, netlist)
    streams = [main.stream(), *(body.stream() for body in assembler.bodies)]
    starts = np.cumsum([len(stream) for stream in streams])
    return Code(
        tuple(assembler.ops),
        np.concatenate(streams),
        tuple(starts[:-1].tolist()),
        main.inputs,
        main.of[netlist.outputs],
        main.depth,
    )


@dataclass
class _Assembler:
    """What the netlist and all bodies share."""

    ops: dict[Op, int] = field(default_factory=dict)
    bodies: list[_Part] = field(default_factory=list)
    numbers: dict[int, int] = field(default_factory=dict)

    def op(self, op: Op) -> int:
        return self.ops.setdefault(op, len(self.ops) + 1)

    def body(self, netlist: Netlist) -> int:
        if id(netlist) not in self.numbers:
            part = _Part(self, netlist)
            self.numbers[id(netlist)] = len(self.bodies)
            self.bodies.append(part)
        return self.numbers[id(netlist)]


class _Part:
    """The code of one netlist: slots are given and freed while its cells are walked in order."""

    def __init__(self, assembler: _Assembler, netlist: Netlist) -> None:
        self.assembler = assembler
        self.netlist = netlist
        self.last_use = _last_uses(netlist)
        self.addend_of = _addends_of(netlist)
        self.of = np.zeros(netlist.n_nets, np.uint32)
        self.free = FreeSlots()
        self.numbers: list[NDArray[np.uint32]] = []
        self.tops: list[tuple[int, int]] = []  # (array, position) of each `top`
        self.below = 0  # slots that bodies need
        self.inputs = self._inputs(netlist)
        self._constants()
        for index, (first, cell) in enumerate(netlist.placed()):
            match cell:
                case Luts():
                    self._luts(first, cell)
                case Popcount():
                    self._popcount(first, cell)
                case Tile():
                    self._tile(first, cell)
                case Argmax():
                    raise AssertionError("argmax must be lowered before a program is assembled")
            self.free.release(self.of[self.last_use == index])
        for array, position in self.tops:
            self.numbers[array][position] = self.free.count

    @property
    def depth(self) -> int:
        return self.free.count + self.below

    def stream(self) -> Slots:
        return np.concatenate([*self.numbers, np.zeros(1, np.uint32)])

    def _emit(self, *numbers: int | NDArray[np.integer]) -> None:
        flat = [np.atleast_1d(n).ravel() for n in numbers]
        self.numbers.append(np.concatenate(flat).astype(np.uint32))

    def _inputs(self, netlist: Netlist) -> NDArray[np.int32]:
        """Give slots to the inputs that are read; to all if tiles may see a pattern in them."""
        used = self.last_use[FIRST_INPUT : FIRST_INPUT + netlist.n_inputs] >= 0
        if used.any() and any(isinstance(cell, Tile) for cell in netlist.cells):
            used[:] = True
        inputs = np.flatnonzero(used).astype(np.int32)
        if len(inputs):
            self.of[FIRST_INPUT + inputs] = np.arange(len(inputs)) + self.free.take(len(inputs))
        return inputs

    def _constants(self) -> None:
        for net in (FALSE, TRUE):
            if self.last_use[net] >= 0:
                self.of[net] = self.free.take(1)
                self._emit(self.assembler.op(Op("lut", net)), 1, int(self.of[net]))

    def _luts(self, first: int, cell: Luts) -> None:
        """Runs of one table; rows that are read for the last time together lie together."""
        assert cell.k <= 2, "wider LUTs must be split before a program is assembled"
        live = np.flatnonzero(self.last_use[first : first + cell.n_nets] >= 0)
        fanin, table = _sorted_inputs(self.of[cell.fanin[live]], as_tables(cell.table[live]))
        keys = (self.addend_of[first + live], table, self.last_use[first + live])
        order = np.lexsort([*fanin.T[::-1], *keys])
        nets, fanin, table = first + live[order], fanin[order], table[order]
        at = 0
        for slot, length in self.free.take_ranges(len(nets), _LEAST):
            self.of[nets[at : at + length]] = np.arange(slot, slot + length)
            part = table[at : at + length]
            starts = np.flatnonzero(np.diff(part, prepend=~part[0])).tolist()
            for start, stop in zip(starts, [*starts[1:], length], strict=True):
                op = self.assembler.op(Op("lut", int(part[start]), cell.k))
                self._emit(op, stop - start, slot + start, fanin[at + start : at + stop])
            at += length

    def _popcount(self, first: int, cell: Popcount) -> None:
        groups, width = len(cell.fanin), cell.width
        nets = first + np.arange(groups * width)
        self.of[nets] = np.arange(len(nets)) + self.free.take(len(nets))
        self._emit(self.assembler.op(Op("count")), groups, width, len(cell.planes))
        for group, row in enumerate(cell.fanin):
            self._emit(int(self.of[first + group * width]))
            for shift in range(len(cell.planes)):
                addends = row[cell.shifts == shift]
                self._addends(np.sort(self.of[addends[addends != FALSE]]))

    def _addends(self, slots: Slots) -> None:
        found = ranges(slots)
        long = [(first, stop - first) for first, stop in found if stop - first >= _RANGE]
        single = [np.arange(first, stop) for first, stop in found if stop - first < _RANGE]
        singles = np.concatenate([*single, np.zeros(0, np.int64)])
        self._emit(len(singles), len(long), singles, np.array(long, np.int64))

    def _tile(self, first: int, cell: Tile) -> None:
        body = self.assembler.body(cell.body)
        part = self.assembler.bodies[body]
        self.below = max(self.below, part.depth)
        nets = first + np.arange(cell.n_nets)
        if not len(nets):
            return
        self.of[nets] = np.arange(len(nets)) + self.free.take(len(nets))
        rows = self.of[cell.fanin[:, part.inputs]].astype(np.int64)
        made = self.of[nets[:: len(cell.body.outputs)]]
        base = rows.min(axis=1, initial=self.free.count)
        pattern, places = _patterns(rows - base[:, None])
        for number in np.flatnonzero(places > 1):
            same = np.flatnonzero(pattern == number)
            self._call("tile", body, part, len(same))
            self._emit(rows[same[0]] - base[same[0]], np.column_stack([base[same], made[same]]))
        alone = np.flatnonzero(places[pattern] == 1)
        if len(alone):
            self._call("places", body, part, len(alone))
            self._emit(np.column_stack([made[alone], rows[alone]]))

    def _call(self, kind: str, body: int, part: _Part, places: int) -> None:
        self.tops.append((len(self.numbers), 3))
        op = self.assembler.op(Op(kind))
        outputs = part.of[part.netlist.outputs]
        self._emit(op, places, body, 0, len(part.inputs), len(outputs), outputs)


def _last_uses(netlist: Netlist) -> NDArray[np.int32]:
    """The last cell that reads each net; -1 if none does. Outputs and constants are kept."""
    last = np.full(netlist.n_nets, -1, np.int32)
    for index, (first, cell) in enumerate(netlist.placed()):
        last[cell.fanin] = index
        if not isinstance(cell, Luts):  # all its outputs are written, so all need a slot
            last[first : first + cell.n_nets] = index
    for constant in (FALSE, TRUE):
        last[constant] = _FOREVER if last[constant] >= 0 else -1
    last[netlist.outputs] = _FOREVER
    return last


def _addends_of(netlist: Netlist) -> NDArray[np.int64]:
    """The sum, and the plane of it, that each net is an addend of, as one number; -1 if of none."""
    found = np.full(netlist.n_nets, -1, np.int64)
    for first, cell in netlist.placed():
        if isinstance(cell, Popcount):
            sums = first + np.arange(len(cell.fanin))[:, None]
            found[cell.fanin] = sums * (1 + MAX_SHIFT) + cell.shifts
    return found


def _patterns(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which rows are the same: the number of each row's pattern, and how many rows each has."""
    if not rows.shape[1]:
        return np.zeros(len(rows), np.int64), np.array([len(rows)])
    _, pattern, count = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    return pattern.reshape(-1), count


def _sorted_inputs(fanin: Slots, table: NDArray[np.uint64]) -> tuple[Slots, NDArray[np.uint64]]:
    """Rows with the lower slot first, so that fewer distinct tables remain."""
    if fanin.shape[1] == 1:
        return fanin, table
    wrong = fanin[:, 0] > fanin[:, 1]
    return np.sort(fanin, axis=1), np.where(wrong, swap(table, 0, 1), table)
