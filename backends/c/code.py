"""Programs as C: instruction cases and the code stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..program import Op, Program
from .data import c_array
from .isa import Isa
from .tiles import constants, interpreted, straight

# The interpreter fetches whole words of the code, and prefetches what rows ahead will read.
_AHEAD = 80


@dataclass
class Programs:
    """A program and its tile bodies, numbered, with one code stream for all of them.

    Bodies of few LUTs become functions of straight-line code; other bodies are programs again.
    """

    straight_line: int
    programs: list[Program] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    straight: list[Program] = field(default_factory=list)
    _number: dict[int, int] = field(default_factory=dict)
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
        self._length += sum(map(len, program.parts))
        for op in program.ops:
            if op.body is not None:
                self.add(op.body)

    def _is_straight(self, program: Program) -> bool:
        gates = sum(cell.n_nets for cell in program.netlist.cells)
        return program.only_luts and gates <= self.straight_line

    @cached_property
    def narrow(self) -> bool:
        """Whether all numbers in the code fit 16 bits."""
        return all(part.max() < 1 << 16 for program in self.programs for part in program.parts)

    def code(self) -> NDArray[np.uint32]:
        """All instructions in one stream."""
        parts = [part for program in self.programs for part in program.parts]
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
        "constants": constants(programs.programs[0], "values"),
    }


def _case(isa: Isa, programs: Programs, number: int, op: Op) -> tuple[int, Any, str]:
    if op.kind == "lut":
        return number, op.k, isa.lut(op.table, [f"IN({1 + i})" for i in range(op.k)])
    if op.body is not None:
        return number, "tile", programs.tile_name(op.body)
    return number, op.kind, ""
