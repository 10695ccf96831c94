"""Instruction sets as the emitted C sees them."""

from __future__ import annotations

from dataclasses import dataclass

from ...compiler.tables import as_tables, extend
from ..formulas import Dialect, expression
from .cpuid import cpuid_masks

_OPERATORS = Dialect("ZERO", "~ZERO")


@dataclass(frozen=True)
class Isa:
    """One path through the library: `words` 64-bit words evaluated at once.

    guard: preprocessor condition. features: of the processor, as GCC and Clang name them, enabled
    for this path and asked of the running machine. ternary: whether it has three-input logic.
    processors: that may have it, as in triples; all if empty.
    """

    name: str
    words: int
    guard: str = ""
    features: tuple[str, ...] = ()
    ternary: bool = False
    processors: tuple[str, ...] = ()

    @property
    def cpuid(self) -> dict[str, int]:
        """The bits of CPUID that the running machine must have, if there are `features`."""
        return cpuid_masks(self.features)

    def lut(self, table: int, names: list[str]) -> str:
        """The C expression of a truth table over `names`, input 0 first."""
        text = expression(table, names, _OPERATORS)
        if not self.ternary or text in (*names, "ZERO", "~ZERO"):
            return text
        wide = int(extend(as_tables(table), len(names), 3)) & 0xFF
        a, b, c = [*names, names[-1], names[-1]][:3]
        return f"LUT3(0x{wide:02X}, {c}, {b}, {a})"


# All there are, best first.
ISAS = {
    isa.name: isa
    for isa in (
        Isa(
            "avx512",
            8,
            guard="defined(GW_X86) && defined(__x86_64__)",
            features=("avx512f", "avx512bw"),
            ternary=True,
            processors=("x86_64",),
        ),
        Isa("avx2", 4, guard="defined(GW_X86)", features=("avx2",), processors=("x86_64", "x86")),
        Isa("neon", 2, guard="defined(GW_NEON)", processors=("aarch64",)),
        Isa("wasm128", 2, guard="defined(__wasm_simd128__)", processors=("wasm32",)),
        Isa("portable", 1),
    )
}


def isas_of(triple: str | None) -> list[Isa]:
    """The instruction sets that a machine may have, best first; all if `triple` is None."""
    processor = None if triple is None else triple.split("-")[0]
    return [
        isa
        for isa in ISAS.values()
        if processor is None or not isa.processors or processor in isa.processors
    ]
