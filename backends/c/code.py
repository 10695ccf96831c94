"""Programs as C: instruction cases and the code stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiler import Luts, Popcount
from ...compiler.netlist import weight_of
from ..program import Op, Program, Slots
from .data import c_array
from .isa import Isa
from .rows import Rows
from .strips import strip_code, suits
from .tiles import constants, interpreted, straight

# The interpreter fetches whole words of the code, and prefetches what rows ahead will read.
_AHEAD = 80


@dataclass
class Programs:
    """A program and its tile bodies, numbered, with one code stream for all of them.

    Bodies of few LUTs become functions of straight-line code, those of more LUTs rows over places,
    see `strips`; other bodies are programs again.

    streams: the code of each program, where tiles in strips give their number. slots: how many the
    outermost program and all under it need.
    """

    straight_line: int
    programs: list[Program] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    straight: list[Program] = field(default_factory=list)
    rows: Rows = field(default_factory=Rows)
    streams: list[tuple[Slots, ...]] = field(default_factory=list)
    _number: dict[int, int] = field(default_factory=dict)
    _temporaries: dict[int, int] = field(default_factory=dict)
    _length: int = 0

    def add(self, program: Program) -> None:
        """Number `program` and the bodies under it, outermost first."""
        if id(program) in self._number:
            return
        if self.programs and self._is_straight(program):
            self._number[id(program)] = len(self.straight)
            self.straight.append(program)
            return
        self._number[id(program)] = len(self.programs)
        self.programs.append(program)
        self.offsets.append(self._length)
        self.streams.append(tuple(self._translated(program, part) for part in program.parts))
        self._length += sum(map(len, self.streams[-1]))
        for op in program.ops:
            if op.body is not None and not self.in_strips(op.body):
                self.add(op.body)

    @property
    def slots(self) -> int:
        return self._needed(self.programs[0])

    def _needed(self, program: Program) -> int:
        bodies = [op.body for op in program.ops if op.body is not None]
        below = [self._needed(b) for b in bodies if not (self.in_strips(b) or self._is_straight(b))]
        return program.n_slots + max([self._temporaries.get(id(program), 0), *below])

    def in_strips(self, body: Program) -> bool:
        """Whether a tile body runs as rows over places."""
        return suits(body.netlist) and not self._is_straight(body)

    def _translated(self, program: Program, part: Slots) -> Slots:
        """The code of a program, with the numbers of strips where tiles run so."""
        return np.concatenate(
            [self._instruction(program, *found) for found in _walk(program, part)]
        )

    def _instruction(self, program: Program, op: Op | None, code: Slots) -> Slots:
        if op is None or op.body is None or not self.in_strips(op.body):
            return code
        body = op.body.netlist
        rows = code[2:].reshape(int(code[1]), -1)
        made, given = np.split(rows, [len(body.outputs)], axis=1)
        temporaries = strip_code(self.rows, body, made, given, program.n_slots)
        known = self._temporaries.get(id(program), 0)
        self._temporaries[id(program)] = max(known, temporaries)
        return np.array([code[0], len(self.rows.codes) - 1], np.uint32)

    def _is_straight(self, program: Program) -> bool:
        cells = program.netlist.cells
        gates = sum(cell.n_nets for cell in cells if isinstance(cell, Luts))
        addends = sum(cell.fanin.size for cell in cells if isinstance(cell, Popcount))
        straight = all(isinstance(cell, (Luts, Popcount)) for cell in cells)
        return straight and max(gates, addends) <= self.straight_line

    @cached_property
    def narrow(self) -> bool:
        """Whether all numbers in the code fit 16 bits."""
        return all(part.max() < 1 << 16 for stream in self.streams for part in stream)

    def code(self) -> NDArray[np.uint32]:
        """All instructions in one stream."""
        parts = [part for stream in self.streams for part in stream]
        return np.concatenate([*parts, np.zeros(_AHEAD, np.uint32)])

    def tile_name(self, body: Program) -> str:
        kind = "straight" if self._is_straight(body) else "tile"
        return f"{kind}{self._number[id(body)]}"

    def row_of(self, body: Program) -> tuple[int, ...]:
        """The slots of a body that stands at one place only."""
        rows = [op.row for program in self.programs for op in program.ops if op.body is body]
        return rows[0] if len(rows) == 1 else ()

    def body_arrays(self) -> list[str]:
        """Where a body program finds its inputs and outputs."""
        return [
            c_array(f"tile{number}_{kind}", slots)
            for number, program in enumerate(self.programs)
            if number
            for kind, slots in (("in", program.input_slot), ("out", program.output_slot))
            if len(slots)
        ]


def program_list(program: Program, straight_line: int) -> Programs:
    """`program` as number 0, and every body under it."""
    programs = Programs(straight_line)
    programs.add(program)
    return programs


def isa_values(isa: Isa, programs: Programs, narrow: bool) -> dict[str, Any]:
    """What the template of one instruction set needs to know of the programs."""
    bodies = [
        straight(isa, programs.tile_name(p), p.netlist, programs.row_of(p))
        for p in programs.straight
    ]
    bodies += [
        interpreted(isa, number, programs.offsets[number], program)
        for number, program in enumerate(programs.programs)
        if number
    ]
    shift = (8 * isa.words).bit_length() - 1
    return {
        "isa": isa,
        "narrow": narrow,
        "shift": shift,
        "mask": f"UINT64_C(0x{0xFFFF << shift:X})",
        "uses_popcount": any(
            op.kind in ("popcount", "weighted") for p in programs.programs for op in p.ops
        ),
        "programs": [
            {"id": number, "cases": [_case(isa, programs, i, op) for i, op in enumerate(p.ops, 1)]}
            for number, p in enumerate(programs.programs)
        ],
        "tiles": "\n".join(bodies),
        **programs.rows.values(isa),
        "constants": constants(programs.programs[0], "values"),
    }


def _case(isa: Isa, programs: Programs, number: int, op: Op) -> tuple[int, Any, str]:
    if op.kind == "lut":
        return number, op.k, isa.lut(op.table, [f"IN({1 + i})" for i in range(op.k)])
    if op.body is not None and programs.in_strips(op.body):
        return number, "strips", ""
    if op.body is not None:
        return number, "tile", programs.tile_name(op.body)
    return number, op.kind, ""


def _walk(program: Program, part: Slots) -> Iterator[tuple[Op | None, Slots]]:
    """The instructions of a stream, each with its operation, None for the end."""
    at = 0
    while part[at]:
        op = program.ops[int(part[at]) - 1]
        stop = at + _size(op, part[at:])
        yield op, part[at:stop]
        at = stop
    yield None, part[at:]


def _size(op: Op, code: Slots) -> int:
    """How long the instruction at the start of `code` is."""
    count = int(code[1])
    if op.kind == "lut":
        return 2 + count * (1 + op.k)
    if op.body is not None:
        return 2 + count * (len(op.body.output_slot) + len(op.body.input_slot))
    planes = code[2:3] if op.kind == "popcount" else code[3 : 3 + int(code[2])]
    addends = [int(n) for n in planes]
    width = weight_of(addends).bit_length()
    return (3 if op.kind == "popcount" else 3 + len(addends)) + count * (width + sum(addends))
