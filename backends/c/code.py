"""Programs as C: instruction cases and the code stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiler import Luts, Popcount
from ...compiler.netlist import weight_of
from ..program import Op, Program
from ..slots import Slots
from .data import c_array
from .isa import Isa
from .operations import STRIPS, Case, case_of, number_of
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

    streams: the code of each program, numbered as C numbers operations, see `operations`; a tile is
    followed by the number of its body, one in strips by nothing else. slots: how many the outermost
    program and all under it need.
    """

    straight_line: int
    programs: list[Program] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    straight: list[Program] = field(default_factory=list)
    rows: Rows = field(default_factory=Rows)
    streams: list[tuple[Slots, ...]] = field(default_factory=list)
    bodies: list[Program] = field(default_factory=list)
    _number: dict[int, int] = field(default_factory=dict)
    _body: dict[int, int] = field(default_factory=dict)
    _temporaries: dict[int, int] = field(default_factory=dict)
    _length: int = 0

    def add(self, program: Program) -> None:
        """Number `program` and the bodies under it, outermost first."""
        if id(program) in self._number:
            return
        if self.programs and self.is_straight(program):
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
        below = [self._needed(b) for b in bodies if not (self.in_strips(b) or self.is_straight(b))]
        return program.n_slots + max([self._temporaries.get(id(program), 0), *below])

    def in_strips(self, body: Program) -> bool:
        """Whether a tile body runs as rows over places."""
        return suits(body.netlist) and not self.is_straight(body)

    def _translated(self, program: Program, part: Slots) -> Slots:
        """The code of a program as C numbers it."""
        part = part.copy()
        return np.concatenate(
            [self._instruction(program, *found) for found in _walk(program, part)]
        )

    def _instruction(self, program: Program, op: Op | None, code: Slots) -> Slots:
        """One instruction; `code`, which it may be in, is changed."""
        if op is None:
            return code
        if op.body is not None and self.in_strips(op.body):
            return self._strips(program, op.body, code)
        code[0] = number_of(op)
        if op.body is None:
            return code
        return np.insert(code, 1, self._body_number(op.body))

    def _body_number(self, body: Program) -> int:
        if id(body) not in self._body:
            self._body[id(body)] = len(self.bodies)
            self.bodies.append(body)
        return self._body[id(body)]

    def _strips(self, program: Program, body: Program, code: Slots) -> Slots:
        netlist = body.netlist
        rows = code[2:].reshape(int(code[1]), -1)
        made, given = np.split(rows, [len(netlist.outputs)], axis=1)
        temporaries = strip_code(self.rows, netlist, made, given, program.n_slots)
        known = self._temporaries.get(id(program), 0)
        self._temporaries[id(program)] = max(known, temporaries)
        return np.array([STRIPS, len(self.rows.codes) - 1], np.uint32)

    def is_straight(self, program: Program) -> bool:
        """Whether a tile body is straight-line code."""
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

    def cases(self, isa: Isa) -> list[Case]:
        """The operations that occur, in C."""
        ops = {
            STRIPS if op.body is not None and self.in_strips(op.body) else number_of(op): op
            for program in self.programs
            for op in program.ops
        }
        return [case_of(isa, number, op) for number, op in sorted(ops.items(), key=itemgetter(0))]

    def tile_name(self, body: Program) -> str:
        kind = "straight" if self.is_straight(body) else "tile"
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


def path_values(isa: Isa, programs: Programs, suffix: str) -> dict[str, Any]:
    """What the templates need to know of the programs of one path; `suffix` of its tables."""
    texts = [
        straight(isa, programs.tile_name(p), p.netlist, programs.row_of(p))
        for p in programs.straight
    ]
    texts += [
        interpreted(isa, number, f"code{suffix} + {programs.offsets[number]}", program)
        for number, program in enumerate(programs.programs)
        if number
    ]
    main = programs.programs[0]
    return {
        "tiles": "\n".join(texts),
        "tile_names": [programs.tile_name(body) for body in programs.bodies],
        **programs.rows.values(isa),
        "constants": constants(main, "values"),
        "false_slot": main.false_slot,
        "true_slot": main.true_slot,
        "program_slots": main.n_slots,
        "main_offset": programs.offsets[0],
    }


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
