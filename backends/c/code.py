"""Programs as C: instruction cases, straight-line bodies, and the code stream."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiler import Cell, Luts, Netlist
from ...compiler.netlist import FALSE, FIRST_INPUT
from ...compiler.tables import as_tables, depends, extend
from ..formulas import Dialect, expression
from ..program import NONE, Op, Program
from .data import c_array

_OPERATORS = Dialect("ZERO", "~ZERO")


@dataclass(frozen=True)
class Isa:
    """One path through the library: `words` 64-bit words evaluated at once.

    guard: preprocessor condition. features: of the processor, as GCC and Clang name them, enabled
    for this path and asked of the running machine. ternary: whether it has three-input logic.
    """

    name: str
    words: int
    guard: str = ""
    features: tuple[str, ...] = ()
    ternary: bool = False

    def lut(self, table: int, names: list[str]) -> str:
        """The C expression of a truth table over `names`, input 0 first."""
        text = expression(table, names, _OPERATORS)
        if not self.ternary or text in (*names, "ZERO", "~ZERO"):
            return text
        wide = int(extend(as_tables(table), len(names), 3)) & 0xFF
        a, b, c = [*names, names[-1], names[-1]][:3]
        return f"LUT3(0x{wide:02X}, {c}, {b}, {a})"


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

    def code(self) -> tuple[NDArray[Any], str]:
        """All instructions in one stream, in the narrowest type, and that type's name in C."""
        stream = np.concatenate([part for program in self.programs for part in program.parts])
        if int(stream.max()) < 1 << 16:
            return stream.astype(np.uint16), "uint16_t"
        return stream, "uint32_t"

    def tile_name(self, body: Program) -> str:
        kind = "straight" if self._is_straight(body) else "tile"
        return f"{kind}{self._number[id(body)]}"

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


def isa_values(isa: Isa, programs: Programs) -> dict[str, Any]:
    """What the template of one instruction set needs to know of the programs."""
    bodies = [_straight(isa, programs.tile_name(p), p.netlist) for p in programs.straight]
    bodies += [
        _interpreted(isa, number, programs.offsets[number], program)
        for number, program in enumerate(programs.programs)
        if number
    ]
    return {
        "isa": isa,
        "uses_popcount": any(
            op.kind in ("popcount", "weighted") for p in programs.programs for op in p.ops
        ),
        "programs": [
            {"id": number, "cases": [_case(isa, programs, i, op) for i, op in enumerate(p.ops, 1)]}
            for number, p in enumerate(programs.programs)
        ],
        "tiles": "\n".join(bodies),
        "constants": _constants(programs.programs[0], "values"),
    }


def _case(isa: Isa, programs: Programs, number: int, op: Op) -> tuple[int, Any, str]:
    if op.kind == "lut":
        text = isa.lut(op.table, [f"V[p[{1 + i}]]" for i in range(op.k)])
        return number, op.k, f"V[p[0]] = {text};"
    if op.body is not None:
        return number, "tile", programs.tile_name(op.body)
    return number, op.kind, ""


def _constants(program: Program, values: str) -> str:
    lines = [
        f"  {values}[{slot}] = {text};"
        for slot, text in ((program.false_slot, "ZERO"), (program.true_slot, "~ZERO"))
        if slot != NONE
    ]
    return "\n".join(lines)


def _header(isa: Isa, name: str) -> str:
    parameters = "word *V, word *top, const code_t *p, uint32_t n"
    return f"static const code_t *{name}_{isa.name}({parameters}) {{"


def _interpreted(isa: Isa, number: int, offset: int, body: Program) -> str:
    """A tile whose body is a program of its own, run in the slots above the caller's."""
    inputs, outputs = len(body.input_slot), len(body.output_slot)
    lines = [_header(isa, f"tile{number}"), "  int i;"]
    if constants := _constants(body, "top"):
        lines.append(constants)
    lines.append(f"  for (; n; --n, p += {inputs + outputs}) {{")
    if inputs:
        lines += [
            f"    for (i = 0; i < {inputs}; ++i)",
            f"      if (tile{number}_in[i] != NONE) top[tile{number}_in[i]] = V[p[{outputs} + i]];",
        ]
    lines += [
        f"    run{number}_{isa.name}(top, top + {body.n_slots}, code + {offset});",
        f"    for (i = 0; i < {outputs}; ++i) V[p[i]] = top[tile{number}_out[i]];",
        "  }",
        "  return p;",
        "}",
        "",
    ]
    return "\n".join(lines)


def _straight(isa: Isa, name: str, body: Netlist) -> str:
    """A tile whose body is straight-line code: each value is loaded where it is first read."""
    outputs = len(body.outputs)
    lines = [_header(isa, name), f"  for (; n; --n, p += {outputs + body.n_inputs}) {{"]
    loaded: set[int] = set()

    def read(net: int) -> str:
        if net < FIRST_INPUT:
            return ("ZERO", "~ZERO")[net]
        if net < FIRST_INPUT + body.n_inputs and net not in loaded:
            loaded.add(net)
            lines.append(f"    const word n{net} = V[p[{outputs + net - FIRST_INPUT}]];")
        return f"n{net}"

    body = _without_unread(body)
    live = _live(body)
    stores: dict[int, list[int]] = {}
    for position, net in enumerate(body.outputs.tolist()):
        stores.setdefault(net, []).append(position)
    for first, cell in body.placed():
        assert isinstance(cell, Luts)
        rows = zip(cell.fanin.tolist(), cell.table.tolist(), strict=True)
        for net, (fanin, table) in enumerate(rows, start=first):
            if not live[net]:
                continue
            text = isa.lut(table, [read(f) for f in fanin])
            lines.append(f"    const word n{net} = {text};")
            lines += [f"    V[p[{position}]] = n{net};" for position in stores.pop(net, [])]
    for net, positions in stores.items():  # inputs and constants passed through
        text = read(net)
        lines += [f"    V[p[{position}]] = {text};" for position in positions]
    return "\n".join([*lines, "  }", "  (void)top;", "  return p;", "}", ""])


def _without_unread(body: Netlist) -> Netlist:
    """The same LUTs, reading net 0 where the table does not depend on the fanin."""
    cells: list[Cell] = []
    for cell in body.cells:
        table = as_tables(cell.table)  # type: ignore[union-attr]
        read = np.column_stack([depends(table, i) for i in range(cell.fanin.shape[1])])
        cells.append(replace(cell, fanin=np.where(read, cell.fanin, FALSE)))
    return replace(body, cells=tuple(cells))


def _live(body: Netlist) -> NDArray[np.bool_]:
    """Which nets of a netlist of LUTs lead to an output."""
    live = np.zeros(body.n_nets, np.bool_)
    live[body.outputs] = True
    for first, cell in reversed(list(body.placed())):
        live[cell.fanin[live[first : first + cell.n_nets]]] = True
    return live
