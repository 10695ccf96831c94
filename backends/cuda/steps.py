"""A netlist as steps that a GPU runs one after the other; threads share the items of a step.

A slot holds one 32-bit word a group of 32 samples. Steps are data: four words each in a table,
`kind, first, items, extra`, where `first` says where its numbers begin in one array of uint32::

    ROWS    items LUTs of three inputs; `narrow`: two words each, (out, a) and (b, c) as 16 bits,
            then one byte each for its table's number; `wide`: (out + number << 24), a, b, c
    COUNT   items groups: width, n, m_0 .. m_n-1, each group's addends, each group's outputs
    CHOOSE  one argmax: candidates, bits, width, then the candidates' bits, then the outputs
    TILE    items places of body `extra`: for each place outputs, then inputs
    FOREST  items (places x clusters) of the body at number `extra`; numbers as for TILE
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...compiler import Argmax, Cell, Luts, Netlist, Popcount, Tile
from ...compiler.netlist import FIRST_INPUT
from ...compiler.tables import as_tables, extend
from ...runtime.errors import EmitError
from ..program import _Slots
from .forest import Forest
from .orders import smallest_tables

ROWS, COUNT, CHOOSE, TILE, FOREST = range(5)
NARROW_SLOTS = 1 << 16
WIDE_SLOTS = 1 << 24
Words = NDArray[np.uint32]
Forests = list[tuple[Netlist, Forest]]


@dataclass(frozen=True)
class Steps:
    """What the kernels read.

    steps: uint32 [steps, 4], of which the first `main` are the netlist and the rest the class.
    data: uint32 words, forests first. tables: the truth tables that rows number, three inputs each.
    bodies: of tiles, straight-line. locals: local values that clusters of the other bodies want.
    slot: uint32 [n_nets], where each net lies at the end if it is an input or an output.
    """

    steps: Words
    main: int
    data: Words
    tables: tuple[int, ...]
    bodies: tuple[Netlist, ...]
    locals: int
    slot: Words
    input_slot: Words
    output_slot: Words
    n_slots: int
    narrow: bool


def plan_steps(netlist: Netlist, main_cells: int, forests: Forests) -> Steps:
    """The steps of a netlist of LUTs of at most three inputs, popcounts, argmaxes and tiles.

    Args:
        netlist: its tiles' bodies hold LUTs only.
        main_cells: where the cells of the class begin.
        forests: of the bodies that are data, with the bodies.

    Raises:
        EmitError: more values live at once than slots can be numbered.
    """
    return _Planner(netlist, main_cells, forests).plan()


@dataclass
class _Planner:
    netlist: Netlist
    main_cells: int
    forests: Forests
    tables: dict[int, int] = field(default_factory=dict)
    bodies: list[Netlist] = field(default_factory=list)

    def plan(self) -> Steps:
        slots = _Slots(self.netlist)
        parts: list[tuple[int, list[NDArray[np.uint32]], int, int]] = []
        main = 0
        for start, stop, run in _runs(self.netlist, self.main_cells):
            if stop <= self.main_cells:
                main = len(parts) + 1
            made = self._step(run, slots)
            if made is not None:
                parts.append(made)
            elif stop <= self.main_cells:
                main = len(parts)
            for index in range(start, stop):
                slots.release(index)
        if slots.count > WIDE_SLOTS:
            raise EmitError(
                f"cuda: {slots.count} values live at once; allowed are {WIDE_SLOTS}; "
                "optimise the circuit first, or use fewer gates a layer"
            )
        return self._join(parts, main, slots)

    def _join(
        self, parts: list[tuple[int, list[Words], int, int]], main: int, slots: _Slots
    ) -> Steps:
        narrow = slots.count <= NARROW_SLOTS
        steps: list[tuple[int, int, int, int]] = []
        stream = [forest.words(self._number) for _, forest in self.forests]  # aligned to four words
        begins = np.cumsum([0, *map(len, stream)]).tolist()
        length = begins[-1]
        for kind, arrays, items, extra in parts:
            words = _rows_words(arrays, narrow) if kind == ROWS else np.concatenate(arrays)
            steps.append((kind, length, items, begins[extra] if kind == FOREST else extra))
            stream.append(words)
            length += len(words)
        return Steps(
            np.array(steps, np.uint32).reshape(-1, 4),
            main,
            np.concatenate([*stream, np.zeros(1, np.uint32)]),
            tuple(self.tables),
            tuple(self.bodies),
            max((forest.locals for _, forest in self.forests), default=0),
            slots.of[:FIRST_INPUT],
            slots.of[FIRST_INPUT : FIRST_INPUT + self.netlist.n_inputs],
            slots.of[self.netlist.outputs],
            slots.count,
            narrow,
        )

    def _step(
        self, run: list[tuple[int, Cell]], slots: _Slots
    ) -> tuple[int, list[Words], int, int] | None:
        first, cell = run[0]
        match cell:
            case Luts():
                return self._rows(run, slots)
            case Popcount():
                made = slots.take(np.arange(first, first + cell.n_nets))
                head = np.array([cell.width, len(cell.planes), *cell.planes], np.uint32)
                return COUNT, [head, slots.of[cell.fanin].ravel(), made], len(cell.fanin), 0
            case Argmax():
                made = slots.take(np.arange(first, first + cell.n_nets))
                head = np.array([*cell.fanin.shape, cell.width], np.uint32)
                return CHOOSE, [head, slots.of[cell.fanin].ravel(), made], 1, 0
            case Tile():
                made = slots.take(np.arange(first, first + cell.n_nets))
                rows = np.hstack([made.reshape(cell.places, -1), slots.of[cell.fanin]])
                for number, (body, forest) in enumerate(self.forests):
                    if body is cell.body:
                        items = cell.places * len(forest.clusters)
                        return FOREST, [rows.ravel()], items, number
                return TILE, [rows.ravel()], cell.places, self._body(cell.body)
        raise AssertionError(cell)

    def _number(self, table: int) -> int:
        return self.tables.setdefault(table, len(self.tables))

    def _body(self, body: Netlist) -> int:
        for number, known in enumerate(self.bodies):
            if known is body:
                return number
        self.bodies.append(body)
        return len(self.bodies) - 1

    def _rows(
        self, run: list[tuple[int, Cell]], slots: _Slots
    ) -> tuple[int, list[Words], int, int] | None:
        fanins, tables, nets = [], [], []
        for first, cell in run:
            assert isinstance(cell, Luts)
            assert cell.k <= 3, "LUTs must be mapped to three inputs"
            live = np.flatnonzero(slots.last_use[first : first + cell.n_nets] >= 0)
            fanin = cell.fanin[live]
            fanins.append(fanin[:, [*range(cell.k), *[0] * (3 - cell.k)]])
            tables.append(extend(as_tables(cell.table[live]), cell.k, 3) & np.uint64(0xFF))
            nets.append(first + live)
        fanin, table = smallest_tables(slots.of[np.concatenate(fanins)], np.concatenate(tables))
        if not len(table):
            return None
        order = np.lexsort([*fanin.T[::-1], table])
        made = slots.take(np.concatenate(nets)[order])
        kinds, which = np.unique(table[order], return_inverse=True)
        numbers = [self._number(int(kind)) for kind in kinds]
        rows = np.column_stack([made, fanin[order]])
        return ROWS, [rows, np.array(numbers, np.uint32)[which]], len(rows), 0


def _runs(netlist: Netlist, cut: int) -> Iterator[tuple[int, int, list[tuple[int, Cell]]]]:
    """Cells of one step: neighbouring `Luts` that do not read each other, else one cell alone."""
    placed = list(netlist.placed())
    start = 0
    while start < len(placed):
        first, cell = placed[start]
        stop = start + 1
        while (
            isinstance(cell, Luts)
            and stop < len(placed)
            and stop != cut
            and isinstance(following := placed[stop][1], Luts)
            and not (following.fanin >= first).any()
        ):
            stop += 1
        if any(cell.n_nets for _, cell in placed[start:stop]):
            yield start, stop, placed[start:stop]
        start = stop


def _rows_words(arrays: Iterable[Words], narrow: bool) -> Words:
    rows, number = arrays
    if not narrow:
        wide = rows.astype(np.uint32)
        wide[:, 0] |= number << np.uint32(24)
        return wide.ravel()
    pairs = np.ascontiguousarray(rows.astype("<u2")).view("<u4").astype(np.uint32)
    count = -(-len(number) // 4) * 4
    codes = np.zeros(count, np.uint8)
    codes[: len(number)] = number
    return np.concatenate([pairs.ravel(), codes.view("<u4").astype(np.uint32)])
