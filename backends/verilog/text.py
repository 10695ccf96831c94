"""Pieces of Verilog text that several modules need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..render import render

ZERO, ONE = "1'b0", "1'b1"
CONTROL = ("clk", "rst", "enable", "valid_in", "ready_in", "valid_out")
_PER_LINE = 12


class Port(NamedTuple):
    """A port of a module."""

    name: str
    direction: str  # "input" or "output"
    width: int  # bits; a port of none is left out

    @property
    def range(self) -> str:
        """The range in its declaration; none for what controls registers."""
        return "" if self.name in CONTROL else f"[{self.width - 1}:0] "


class Value(NamedTuple):
    """An expression of some bits."""

    text: str
    width: int


def module_text(
    module: str, comment: str, ports: Iterable[Port], lines: Iterable[str], keep: bool = False
) -> str:
    """A module; ports of no bits are left out. keep: tell synthesis not to flatten it."""
    return render(
        "verilog/module.j2",
        module=module,
        comment=comment,
        keep=keep,
        ports=[port for port in ports if port.width],
        lines="\n".join(lines),
    )


def clocks(has_registers: bool, enable: bool) -> list[Port]:
    """The ports that modules with registers have before their others."""
    if not has_registers:
        return []
    return [Port("clk", "input", 1), *([Port("enable", "input", 1)] if enable else [])]


def register(value: Value) -> str:
    """The declaration of a register."""
    return f"  reg [{value.width - 1}:0] {value.text};"


def clocked(updates: list[str], enable: bool) -> list[str]:
    """What happens at a clock edge; nothing for no updates."""
    if not updates:
        return []
    head = "  always @(posedge clk)" + (" if (enable)" if enable else "") + " begin"
    return [head, *(f"    {update}" for update in updates), "  end"]


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


def listed(names: Sequence[str], head: str) -> list[str]:
    """Declarations of many names, some on each line."""
    return [
        f"  {head} {', '.join(names[start : start + _PER_LINE])};"
        for start in range(0, len(names), _PER_LINE)
    ]


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
