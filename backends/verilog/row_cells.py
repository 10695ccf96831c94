"""Rows of adders as modules: carry cells and LUTs for synthesis, sums for simulators.

iCE40: a logic cell is SB_CARRY and SB_LUT4. nextpnr puts both into one if the LUT reads the bits
of the carry at I1 and I2 and the carry from below at I3. A bit goes in beside a carry of 1 at the
bottom. It could go in higher up too, at both inputs of a carry, but the router may give these one
wire.

ECP5: CCU2C is two logic cells. The LUT of one says whether the carry from below is handed on; if it
is not, what A is goes on instead. nextpnr adds a CCU2C where a chain is entered and one where it is
left, needed or not, so both are used.
"""

from __future__ import annotations

from ..render import render
from .rows import RowChain, paired, positions
from .text import ONE, ZERO, plural

_SUM, _BELOW = "16'hc33c", "16'hff00"  # of I1, I2 and I3; I3
_ADD, _TAKE = "16'h96aa", "16'h000a"  # A ^ B, and A; 0, and A, where D is 1


def rows_module(module: str, chain: RowChain, device: str) -> str:
    """The module of a chain; `in` are the bits of its rows, `out` their digits."""
    cells = {"ice40": _ice40, "ecp5": _ecp5}[device](chain)
    return render(
        "verilog/rows.j2",
        module=module,
        inputs=chain.inputs,
        digits=chain.digits,
        rows=plural(len(chain.rows), "row"),
        several=len(chain.rows) > 1,
        cells=cells,
        sums=_sums(chain),
    )


def _ice40(chain: RowChain) -> list[str]:
    cells = positions(chain)
    lines = [f"wire [{max(len(cells) - 2, 0)}:0] carry;"]
    below = ZERO
    for i, cell in enumerate(cells):
        one, other = [*(f"in[{number}]" for number in cell.adds), ZERO, ZERO][:2]
        if cell.takes is not None:
            assert not i, "a bit goes in at the bottom of a chain"
            one, below = f"in[{cell.takes}]", ONE
        if cell.digit is not None:
            table = _SUM if cell.adds else _BELOW
            pins = f".I0({ZERO}), .I1({one}), .I2({other}), .I3({below}), .O(out[{cell.digit}])"
            lines.append(f"SB_LUT4 #(.LUT_INIT({table})) lut{i} ({pins});")
        if i + 1 < len(cells):
            pins = f".I0({one}), .I1({other}), .CI({below}), .CO(carry[{i}])"
            lines.append(f"SB_CARRY carry{i} ({pins});")
        below = f"carry[{i}]"
    return lines


def _ecp5(chain: RowChain) -> list[str]:
    found = paired(chain)
    lines = [f"wire [{len(found.cells) - 1}:0] carry;"] if len(found.cells) > 2 else []
    below = ZERO if found.bottom is None else f"in[{found.bottom}]"
    for i in range(0, len(found.cells), 2):
        pins, tables = [], []
        for half, cell in enumerate(found.cells[i : i + 2]):
            bits = [*(f"in[{number}]" for number in cell.adds), ZERO, ZERO][:2]
            if cell.takes is not None:
                bits[0] = f"in[{cell.takes}]"
            values = [*bits, ZERO, ONE, "" if cell.digit is None else f"out[{cell.digit}]"]
            names = zip((*"ABCDS",), values, strict=True)
            pins += [f".{name}{half}({value})" for name, value in names]
            tables.append(f'.INIT{half}({_ADD if cell.adds else _TAKE}), .INJECT1_{half}("NO")')
        last = i + 2 == len(found.cells)
        above = ("" if found.top is None else f"out[{found.top}]") if last else f"carry[{i}]"
        pins += [f".CIN({below})", f".COUT({above})"]
        lines.append(f"CCU2C #({', '.join(tables)}) carry{i} ({', '.join(pins)});")
        below = above
    return lines


def _sums(chain: RowChain) -> list[str]:
    """An assignment a row: the sum of words as wide as what it answers."""
    lines = []
    first = digit = 0
    for row in chain.rows:
        words = [[""] * row.digits for _ in range(3)]
        for i, n in enumerate(row.taken):
            for word in words[:n]:
                word[i] = f"in[{first}]"
                first += 1
        texts = [", ".join(bit or ZERO for bit in reversed(word)) for word in words if any(word)]
        total = " + ".join(f"{{{text}}}" for text in texts)
        lines.append(f"assign out[{digit + row.digits - 1}:{digit}] = {total};")
        digit += row.digits
    return lines
