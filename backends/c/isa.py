"""Instruction sets as the emitted C sees them."""

from __future__ import annotations

from dataclasses import dataclass

from ...compiler.tables import as_tables, extend
from ..formulas import Dialect, expression

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
