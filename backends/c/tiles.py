"""Tile bodies as C functions that run them at a number of places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...compiler import Cell, Luts, Netlist
from ...compiler.netlist import FALSE, FIRST_INPUT
from ...compiler.passes.sweep import sweep
from ...compiler.tables import as_tables, depends
from ..lut_rows import depth_first
from ..program import Program
from ..slots import NONE
from .adders import Adders
from .isa import Isa


def constants(program: Program, values: str) -> str:
    lines = [
        f"  {values}[{slot}] = {text};"
        for slot, text in ((program.false_slot, "ZERO"), (program.true_slot, "~ZERO"))
        if slot != NONE
    ]
    return "\n".join(lines)


def _header(isa: Isa, name: str) -> str:
    parameters = "word *V, word *top, const code_t *p, uint32_t n"
    return f"static const code_t *{name}_{isa.name}({parameters}) {{"


def interpreted(isa: Isa, number: int, code: str, body: Program) -> str:
    """A tile whose body is a program of its own, run in the slots above the caller's.

    code: where that begins, in C.
    """
    inputs, outputs = len(body.input_slot), len(body.output_slot)
    lines = [_header(isa, f"tile{number}"), "  int i;"]
    if setup := constants(body, "top"):
        lines.append(setup)
    lines.append(f"  for (; n; --n, p += {inputs + outputs}) {{")
    if inputs:
        lines += [
            f"    for (i = 0; i < {inputs}; ++i)",
            f"      if (tile{number}_in[i] != NONE) top[tile{number}_in[i]] = V[p[{outputs} + i]];",
        ]
    lines += [
        f"    run_{isa.name}(top, top + {body.n_slots}, {code});",
        f"    for (i = 0; i < {outputs}; ++i) V[p[i]] = top[tile{number}_out[i]];",
        "  }",
        "  return p;",
        "}",
        "",
    ]
    return "\n".join(lines)


def straight(isa: Isa, name: str, body: Netlist, row: tuple[int, ...] = ()) -> str:
    """A tile whose body is straight-line code: each value is loaded where it is first read, and
    counted where it is computed.

    row: the slots of its only place, if it has one.
    """
    body = sweep(_without_unread(body))  # compilers warn of values that nobody reads
    outputs = len(body.outputs)
    ports = [f"V[{slot}]" for slot in row] or [f"V[p[{i}]]" for i in range(outputs + body.n_inputs)]
    lines: list[str] = []
    loaded: set[int] = set()
    adders = Adders(body, lines)
    sums: dict[int, str] = {}

    def read(net: int) -> str:
        if net < FIRST_INPUT:
            return ("ZERO", "~ZERO")[net]
        if net < FIRST_INPUT + body.n_inputs and net not in loaded:
            loaded.add(net)
            lines.append(f"    const word n{net} = {ports[outputs + net - FIRST_INPUT]};")
        return sums.get(net, f"n{net}")

    stores: dict[int, list[int]] = {}
    for position, net in enumerate(body.outputs.tolist()):
        stores.setdefault(net, []).append(position)
    rows = _rows(body)
    used = {net for cell in body.cells for net in cell.fanin.ravel().tolist()}
    for net in depth_first({net: fanin for net, (fanin, _) in rows.items()} | adders.fanin, stores):
        if net in rows:
            fanin, table = rows[net]
            text = isa.lut(table, [read(f) for f in fanin])
            lines.append(f"    const word n{net} = {text};")
            adders.count(net, f"n{net}")
        for addend, shift in adders.given(net):
            adders.add(net, read(addend), shift)
        for plane, text in enumerate(adders.planes(net), net):
            sums[plane] = text
            adders.count(plane, text)
            if plane not in stores and plane not in used:
                lines.append(f"    (void){text};")
        lines += [f"    {ports[position]} = {read(net)};" for position in stores.pop(net, [])]
    for net, positions in stores.items():  # inputs and constants passed through
        text = read(net)
        lines += [f"    {ports[position]} = {text};" for position in positions]
    size = outputs + body.n_inputs
    begin = ["STRAIGHT " + _header(isa, name), f"  for (; n; --n, p += {size}) {{"]
    end = ["  }", "  (void)top;", "  return p;"]
    if row:
        begin = ["STRAIGHT " + _header(isa, name)]
        end = ["  (void)top, (void)n;", f"  return p + {size};"]
    return "\n".join([*begin, *lines, *end, "}", ""])


def _rows(body: Netlist) -> dict[int, tuple[list[int], int]]:
    """Fanin and table of each LUT, by the net that it drives."""
    rows: dict[int, tuple[list[int], int]] = {}
    for first, cell in body.placed():
        if isinstance(cell, Luts):
            fanin, table = cell.fanin.tolist(), cell.table.tolist()
            rows.update(enumerate(zip(fanin, table, strict=True), first))
    return rows


def _without_unread(body: Netlist) -> Netlist:
    """The same LUTs, reading net 0 where the table does not depend on the fanin."""
    cells: list[Cell] = []
    for cell in body.cells:
        if not isinstance(cell, Luts):
            cells.append(cell)
            continue
        table = as_tables(cell.table)
        read = np.column_stack([depends(table, i) for i in range(cell.fanin.shape[1])])
        cells.append(replace(cell, fanin=np.where(read, cell.fanin, FALSE)))
    return replace(body, cells=tuple(cells))
