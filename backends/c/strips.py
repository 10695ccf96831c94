"""Tiles of many gates as rows over places: each gate is evaluated at many places in one loop.

The values of one net at all places are a **strip**. A row reads up to three strips and writes one;
where in a strip a place lies is read from a table that strips of one shape share, so a convolution
needs one table for each position of its window instead of one entry for each operand of each place.
Rows follow each other depth first, for a block of places at a time, so that the strips between
inputs and outputs are few and stay in the cache.

The code of one tile::

    blocks, chunks, (step, places) of each of two phases, then chunks of instructions:
    end    0
    phase  1 or 2                         which of the two numbers of places rows have from here on
    row    number, (base, table) of the output and of each of k inputs

A body whose first cell is a tile is a pooled convolution: phase 1 is the inner tile, at all places
of all windows, window by window, and phase 2 what the outer body makes of each window.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiler import Luts, Netlist, Tile
from ...compiler.netlist import FIRST_INPUT
from .rows import Place, Rows, ordered
from .strip_values import Value, Values, whole

BLOCK = 64  # places of phase 1 that are evaluated together
_CHUNK = 64  # rows after which a chunk may end
Slots = NDArray[np.uint32]


def suits(body: Netlist) -> bool:
    """Whether a body is LUTs, or one tile of LUTs that reads inputs, and LUTs."""
    cells = body.cells
    if cells and isinstance(cells[0], Tile):
        inner = cells[0]
        small = all(isinstance(cell, Luts) for cell in inner.body.cells)
        if not small or (inner.fanin < FIRST_INPUT).any():
            return False
        cells = cells[1:]
    return all(isinstance(cell, Luts) for cell in cells)


def strip_code(rows: Rows, body: Netlist, made: Slots, given: Slots, first_temporary: int) -> int:
    """Add the code of one tile; returns how many slots it takes from `first_temporary` on.

    Args:
        rows: to which kinds of rows and tables are added.
        body: which `suits`.
        made: slots of the outputs [places, outputs]. given: those of the inputs [places, inputs].
    """
    strips = _Strips(rows, body, made.astype(np.int64), given.astype(np.int64), first_temporary)
    code, temporaries = strips.code()
    rows.codes.append(code)
    return temporaries


class _Strips:
    def __init__(self, rows: Rows, body: Netlist, made: Any, given: Any, first: int) -> None:
        self.rows, self.body, self.made, self.given, self.first = rows, body, made, given, first
        self.values = Values(body)
        self.inner = self.values.inner
        self.window = self.inner.places if self.inner else 1
        self.places = len(made)
        self.step = max(1, min(self.places, BLOCK // self.window))
        self.home: dict[Value, tuple[int, int]] = {}  # base, and table or place in the window
        self.columns: dict[tuple[int, int], tuple[int, int]] = {}
        self.uses: dict[Value, int] = {}
        self.target: dict[Value, int] = {}
        self.free: list[int] = []
        self.temporaries = self.live = 0
        self.phase = 0
        self.stream: list[int] = []
        self.chunks = 1
        self.since = 0

    def code(self) -> tuple[list[int], int]:
        outputs = [self.values.resolve(1, net) for net in self.body.outputs.tolist()]
        self._count(outputs)
        for number, value in enumerate(outputs):
            if isinstance(value, tuple) and value[0] == 1 and self.values.is_gate(value):
                self.target.setdefault(value, number)
        for number, value in enumerate(outputs):
            if isinstance(value, tuple):
                self._evaluate(value)
            if not isinstance(value, tuple) or self.target.get(value) != number:
                self._copy(value, number)
            self._cut(number + 1 == len(outputs))
        window, step = self.window, self.step
        blocks = -(-self.places // step)
        header = [blocks, self.chunks, window * step, window * self.places, step, self.places]
        return [*header, *self.stream, 0], self.temporaries * window * step

    # Order

    def _count(self, outputs: list[Value | bool]) -> None:
        """How often each gate is read, by gates that lead to outputs and by outputs."""
        seen: set[Value] = set()
        stack = [v for v in outputs if isinstance(v, tuple) and self.values.is_gate(v)]
        for value in stack:
            self._read(value)
        while stack:
            value = whole(stack.pop())
            if value in seen:
                continue
            seen.add(value)
            for operand in self.values.gate(value)[1]:
                if self.values.is_gate(operand):
                    self._read(operand)
                    stack.append(operand)

    def _read(self, value: Value) -> None:
        key = whole(value)
        self.uses[key] = self.uses.get(key, 0) + 1

    def _evaluate(self, root: Value) -> None:
        stack = [(root, False)]
        while stack:
            value, ready = stack.pop()
            key = whole(value)
            if key in self.home or not self.values.is_gate(value):
                continue
            if ready:
                self._emit(key)
                continue
            stack.append((key, True))
            stack += [(operand, False) for operand in reversed(self.values.gate(key)[1])]

    def _cut(self, last: bool) -> None:
        """End the chunk where nothing is alive between rows."""
        if self.since >= _CHUNK and not self.live and not last:
            self.stream.append(0)
            self.chunks += 1
            self.phase = self.since = 0

    # Rows

    def _emit(self, value: Value) -> None:
        phase = value[0]
        table, operands = self.values.gate(value)
        places = [self._place(phase, operand) for operand in operands]
        target = self.target.get(value)
        if target is not None:
            self.home[value] = self._column(1, target, made=True)
            for operand in operands:
                self._release(operand)
        else:
            for operand in operands:
                self._release(operand)
            if not self.free:
                self.free.append(self.temporaries)
                self.temporaries += 1
            slot = self.free.pop()
            self.live += 1
            self.home[value] = (self.first + slot * self.window * self.step, -1 - slot)
        self._row(phase, self._place(phase, value), table, places)

    def _copy(self, value: Value | bool, number: int) -> None:
        """Write output `number` from a value that has a place of its own, or a constant."""
        target = self._column(1, number, made=True)
        if isinstance(value, bool):
            self._row(1, target, int(value), [])
            return
        self._row(1, target, 2, [self._place(1, value)])
        self._release(value)

    def _release(self, value: Value) -> None:
        key = whole(value)
        if not self.values.is_gate(key):
            return
        self.uses[key] -= 1
        home = self.home[key]
        if not self.uses[key] and home[1] < 0 and key not in self.target:
            self.free.append(-1 - home[1])
            self.live -= 1

    def _row(self, phase: int, out: Place, table: int, operands: list[Place]) -> None:
        if self.phase != phase + 1:
            self.phase = phase + 1
            self.stream.append(self.phase)
        table, operands = ordered(table, operands)
        self.stream.append(self.rows.number(table, len(operands)))
        for pair in (out, *operands):
            self.stream += pair
        self.since += 1

    def _place(self, phase: int, value: Value) -> tuple[int, int]:
        """(base, table) of a value for the places of a phase."""
        key = whole(value)
        if not self.values.is_gate(value):
            return self._column(phase, value[1] - FIRST_INPUT)
        base, table = self.home[key]
        if table >= 0:
            return base, table
        step, window = self.step, self.window
        if phase == key[0]:
            size = step * (window if phase == 0 else 1)
            count = self.places * (window if phase == 0 else 1)
            return base, self.rows.tables.add(np.arange(count) % size)
        at = np.arange(self.places) % step * window + value[2]
        return base, self.rows.tables.add(at)

    def _column(self, phase: int, number: int, made: bool = False) -> tuple[int, int]:
        key = (phase if not made else 2, number)
        if key not in self.columns:
            if made:
                slots = self.made[:, number]
            elif phase == 1:
                slots = self.given[:, number]
            else:
                assert self.inner
                slots = self.given[:, self.inner.fanin[:, number] - FIRST_INPUT].ravel()
            base = int(slots.min())
            self.columns[key] = base, self.rows.tables.add(slots - base)
        return self.columns[key]
