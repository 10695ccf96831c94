"""Functions of tile bodies and truth tables as CUDA text that C compilers read too."""

from __future__ import annotations

from collections.abc import Iterable

from ...compiler import Luts, Netlist
from ...compiler.netlist import FIRST_INPUT
from ...compiler.tables import as_tables, extend
from ..formulas import Dialect, expression

SUM, CARRY = 0x96, 0xE8
COMPARE = 0xB2  # of c and b: whether c is larger, a if they are equal
_OPERATORS = Dialect("0u", "~0u")


def table_rows(tables: Iterable[int]) -> list[tuple[int, str]]:
    """Each three-input table once, ascending, and its formula over (a), (b) and (c) for C."""
    return [
        (table, expression(table, ["(a)", "(b)", "(c)"], _OPERATORS)) for table in sorted({*tables})
    ]


def body_tables(bodies: Iterable[Netlist]) -> set[int]:
    """The tables, of three inputs each, that straight-line bodies use."""
    return {
        int(table)
        for body in bodies
        for cell in body.cells
        if isinstance(cell, Luts)
        for table in extend(as_tables(cell.table), cell.k, 3) & 0xFF
    }


def body_text(body: Netlist) -> str:
    """The statements of a body for one word at one place: outputs at p[0 ..], then inputs."""
    outputs = len(body.outputs)
    names = ["0u", "~0u", *(f"V(p[{outputs + i}])" for i in range(body.n_inputs))]
    lines: list[str] = []
    read = {f for cell in body.cells for f in cell.fanin.ravel().tolist()}
    for i in range(body.n_inputs):
        if FIRST_INPUT + i in read:
            lines.append(f"  const uint32_t n{FIRST_INPUT + i} = {names[FIRST_INPUT + i]};")
            names[FIRST_INPUT + i] = f"n{FIRST_INPUT + i}"
    for first, cell in body.placed():
        assert isinstance(cell, Luts), "bodies of other cells are unrolled before"
        tables = (extend(as_tables(cell.table), cell.k, 3) & 0xFF).tolist()
        for net, (fanin, table) in enumerate(
            zip(cell.fanin.tolist(), tables, strict=True), start=first
        ):
            a, b, c = (names[f] for f in [*fanin, *fanin[:1] * 3][:3])
            lines.append(f"  const uint32_t n{net} = LUT_{table:02X}({c}, {b}, {a});")
            names.append(f"n{net}")
    lines += [f"  V(p[{i}]) = {names[net]};" for i, net in enumerate(body.outputs.tolist())]
    return "\n".join([*lines, "  (void)p, (void)V, (void)pitch;"])
