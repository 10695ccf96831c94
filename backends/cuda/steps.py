"""A netlist as steps that a GPU runs one after the other; threads share the items of a step.

A slot holds one 32-bit word a group of 32 samples. Steps are data: four words each in a table,
`kind, first, items, extra`, where `first` says where its numbers begin in one array of uint32::

    ROWS    items LUTs of three inputs; `narrow`: two words each, (out, a) and (b, c) as 16 bits,
            then one byte each for its table's number; `wide`: (out + number << 24), a, b, c
    COUNT   items groups: width, weights, words of this head, addends of a group, for each weight
            how many eights of addends there are, 0 up to a multiple of four words, each group's
            addends (of each weight up to a multiple of eight the constant false), and outputs
    CHOOSE  items groups of candidates: candidates, bits, index bits known, index bits new, bits
            kept, each group's candidates (bits, then the known index), each group's outputs (the
            largest one's kept bits and known index, then its place in the group)
    TILE    items places of body `extra`: for each place outputs, then inputs
    FOREST  items (places x clusters) of the body at number `extra`; numbers as for TILE
    STRAIGHT  items places of kernel `extra`: for each place outputs and inputs in the order of use;
            nothing if the kernel has one place, whose slots are constants

Every array of numbers begins at a multiple of four words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...compiler import Argmax, Luts, Netlist, Popcount, Tile
from ...compiler.netlist import FIRST_INPUT
from ...runtime.errors import EmitError
from .banks import MOST_WORDS, arrange, block_words
from .counts import count_words
from .forest import Forest
from .rows import live_rows, row_words
from .runs import Run, runs_of
from .slots import Slots
from .tournament import tournament

ROWS, COUNT, CHOOSE, TILE, FOREST, STRAIGHT = range(6)
NARROW_SLOTS = 1 << 16
WIDE_SLOTS = 1 << 24
LOCAL_THREADS = 256
SLOT_BYTES = 128  # of 32 words of one slot, which lie side by side in device memory
Words = NDArray[np.uint32]
Forests = list[tuple[Netlist, Forest]]
Kernels = tuple[Netlist, list[list[int]]]
Part = tuple[int, list[NDArray[np.uint32]], int, int]  # kind, numbers, items, extra


@dataclass(frozen=True)
class Steps:
    """What the kernels read.

    steps: uint32 [steps, 4], of which the first `main` are the netlist and the rest the class.
    data: uint32 words, forests first. tables: the truth tables that rows number, three inputs each.
    bodies: of tiles, straight-line. locals: local values that clusters of the other bodies want.
    ports: of each kernel of its own the slots of its outputs and inputs at its only place, or None.
    slot: uint32 [2], of the constants. words: of each slot in a block of shared memory, as planned.
    """

    steps: Words
    main: int
    data: Words
    tables: tuple[int, ...]
    bodies: tuple[Netlist, ...]
    ports: tuple[Words | None, ...]
    locals: int
    slot: Words
    input_slot: Words
    output_slot: Words
    n_slots: int
    narrow: bool
    words: int


def plan_steps(
    netlist: Netlist, main_cells: int, forests: Forests, input_order: NDArray[np.integer]
) -> Steps:
    """The steps of a netlist of LUTs of at most three inputs, popcounts, argmaxes and tiles.

    Args:
        netlist: its tiles' bodies hold LUTs only.
        main_cells: where the cells of the class begin.
        forests: of the bodies that are data, with the bodies.
        input_order: the inputs, in the order of their slots.

    Raises:
        EmitError: more values live at once than slots can be numbered.
    """
    runs, main_runs = runs_of(netlist, main_cells)

    def planned(phase: int) -> _Planner:
        return _Planner(netlist, forests, phase, Slots(netlist, runs, input_order))

    planner = planned(1)
    plan = planner.plan(runs, main_runs)
    words = block_words(planner.slots.count, 4 * LOCAL_THREADS * planner.locals)
    if 0 < words < MOST_WORDS:
        planner = planned(MOST_WORDS // words)
        plan = planner.plan(runs, main_runs)
    return planner.join(*plan)


def plan_straight(
    netlist: Netlist,
    main_cells: int,
    forests: Forests,
    input_order: NDArray[np.integer],
    kernels: Sequence[Kernels],
    beside: Steps,
) -> Steps:
    """Steps of the same library that share tables and bodies with those beside, without bank order.

    Args:
        kernels: bodies that kernels of their own evaluate, one after the other, and which of the
            body's outputs and inputs a place lists for each.
    """
    runs, main_runs = runs_of(netlist, main_cells)
    slots = Slots(netlist, runs, input_order)
    tables = {table: number for number, table in enumerate(beside.tables)}
    planner = _Planner(netlist, forests, 1, slots, tables, list(beside.bodies), kernels)
    return planner.join(*planner.plan(runs, main_runs))


@dataclass
class _Planner:
    """phase: rows that read shared memory together, see `banks`."""

    netlist: Netlist
    forests: Forests
    phase: int
    slots: Slots
    tables: dict[int, int] = field(default_factory=dict)
    bodies: list[Netlist] = field(default_factory=list)
    kernels: Sequence[Kernels] = ()
    ports: dict[int, Words] = field(default_factory=dict)

    @property
    def locals(self) -> int:
        return max((forest.locals for _, forest in self.forests), default=0)

    def plan(self, runs: list[Run], main_runs: int) -> tuple[list[Part], int]:
        """The steps, and how many of them are those of the first `main_runs` runs."""
        parts: list[Part] = []
        main = 0
        for number, run in enumerate(runs):
            parts += self._parts(run, number)
            self.slots.release(number)
            if number < main_runs:
                main = len(parts)
        if self.slots.count > WIDE_SLOTS:
            raise EmitError(
                f"cuda: {self.slots.count} values live at once; allowed are {WIDE_SLOTS}; "
                "optimise the circuit first, or use fewer gates a layer"
            )
        return parts, main

    def join(self, parts: list[Part], main: int) -> Steps:
        slots = self.slots
        narrow = slots.count <= NARROW_SLOTS
        steps: list[tuple[int, int, int, int]] = []
        stream = [forest.words(self._number) for _, forest in self.forests]  # aligned to four words
        begins = np.cumsum([0, *map(len, stream)]).tolist()
        length = begins[-1]
        for kind, arrays, items, extra in parts:
            words = row_words(arrays, narrow) if kind == ROWS else np.concatenate(arrays)
            words = np.pad(words, (0, -len(words) % 4))
            steps.append((kind, length, items, begins[extra] if kind == FOREST else extra))
            stream.append(words)
            length += len(words)
        return Steps(
            np.array(steps, np.uint32).reshape(-1, 4),
            main,
            np.concatenate([*stream, np.zeros(4, np.uint32)]),
            tuple(self.tables),
            tuple(self.bodies),
            tuple(
                self.ports.get(number)
                for number in range(sum(len(listed) for _, listed in self.kernels))
            ),
            self.locals,
            slots.of[:FIRST_INPUT],
            slots.of[FIRST_INPUT : FIRST_INPUT + self.netlist.n_inputs],
            slots.of[self.netlist.outputs],
            slots.count,
            narrow,
            MOST_WORDS // self.phase,
        )

    def _parts(self, run: Run, number: int) -> list[Part]:
        first, cell = run[0]
        slots = self.slots
        match cell:
            case Luts():
                return self._rows(run, number)
            case Popcount():
                made = slots.take(np.arange(first, first + cell.n_nets))
                numbers = [*count_words(cell, slots.of, self.phase), made]
                return [(COUNT, numbers, len(cell.fanin), 0)]
            case Argmax():
                made = slots.take(np.arange(first, first + cell.n_nets))
                found = tournament(slots, slots.of[cell.fanin], made)
                return [(CHOOSE, arrays, groups, 0) for arrays, groups in found]
            case Tile():
                made = slots.take(np.arange(first, first + cell.n_nets))
                rows = np.hstack([made.reshape(cell.places, -1), slots.of[cell.fanin]])
                if found := self._straight(cell, rows):
                    return found
                for at, (body, forest) in enumerate(self.forests):
                    if body is cell.body:
                        items = cell.places * forest.clusters
                        return [(FOREST, [rows.ravel()], items, at)]
                return [(TILE, [rows.ravel()], cell.places, self._body(cell.body))]
        raise AssertionError(cell)

    def _straight(self, cell: Tile, rows: Words) -> list[Part]:
        """Steps of the kernels that evaluate the body, none if there are none."""
        first = 0
        for body, listed in self.kernels:
            if body is cell.body:
                used = [rows[:, ports].ravel() for ports in listed]
                self.ports.update((first + i, rows[0]) for i in range(len(used)))
                return [(STRAIGHT, [u], cell.places, first + i) for i, u in enumerate(used)]
            first += len(listed)
        return []

    def _number(self, table: int) -> int:
        return self.tables.setdefault(table, len(self.tables))

    def _body(self, body: Netlist) -> int:
        for number, known in enumerate(self.bodies):
            if known is body:
                return number
        self.bodies.append(body)
        return len(self.bodies) - 1

    def _rows(self, run: Run, number: int) -> list[Part]:
        slots = self.slots
        fanin, table, net = live_rows(run, slots.last_use)
        if not len(net):
            return []
        heir = slots.heirs(number, fanin)
        own = np.where(heir < 0, -1, slots.of[heir].astype(np.int64))
        wishes: list[int] = []
        if self.phase > 1:
            order, columns, wishes = arrange(table, slots.of[fanin], own, self.phase)
            fanin[order] = np.take_along_axis(fanin[order], columns, axis=1)
        else:
            order = np.lexsort([*slots.of[fanin].T[::-1], table])
        fanin, table, net, heir = fanin[order], table[order], net[order], heir[order]
        read = slots.of[fanin]
        fresh = heir < 0
        slots.inherit(net[~fresh], heir[~fresh])
        slots.take(
            net[fresh], [wishes[i] for i in np.flatnonzero(fresh)] if wishes else (), self.phase
        )
        kinds, which = np.unique(table, return_inverse=True)
        numbers = np.array([self._number(int(kind)) for kind in kinds], np.uint32)
        rows = np.column_stack([slots.of[net], read])
        return [(ROWS, [rows, numbers[which]], len(rows), 0)]
