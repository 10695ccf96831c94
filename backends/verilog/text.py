"""Pieces of Verilog text that several modules need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..render import render

ZERO, ONE = "1'b0", "1'b1"
_PER_LINE = 12


class Port(NamedTuple):
    """A port of a module."""

    name: str
    direction: str  # "input" or "output"
    width: int  # bits; a port of none is left out


def module_text(module: str, comment: str, ports: Iterable[Port], lines: Iterable[str]) -> str:
    """A module; ports of no bits are left out."""
    return render(
        "verilog/module.j2",
        module=module,
        comment=comment,
        ports=[port for port in ports if port.width],
        lines="\n".join(lines),
    )


def concat(names: Sequence[str]) -> str:
    """A concatenation, first name least significant; long ones are nested, a line each.

    Nesting keeps the tools' syntax trees shallow: they hold a concatenation as a list of pairs.
    """
    rows = [
        f"{{{', '.join(reversed(names[start : start + _PER_LINE]))}}}"
        for start in range(0, len(names), _PER_LINE)
    ]
    if len(rows) == 1:
        return rows[0]
    return "{\n      " + ",\n      ".join(reversed(rows)) + "}"


def unused(names: Iterable[str]) -> list[str]:
    """A statement that reads what nothing else reads, for Verilator's lint; none for no names.

    Only Verilator sees it (it drops it later): another simulator would evaluate it.
    """
    found = list(names)
    if not found:
        return []
    return ["`ifdef VERILATOR", f"  wire _unused_ok = &{concat([*found, ZERO])};", "`endif"]


def plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
