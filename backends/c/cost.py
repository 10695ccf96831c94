"""Which form of a circuit is fastest on which path, from what was measured."""

from __future__ import annotations

from ...compiler import Circuit, Tile
from .isa import Isa

# With ternary logic straight-line code took 0.4 ns a LUT and word at 275 LUTs, 0.8 at 2,485, rows
# of tables 0.9 and 1.25 (Zen 5, other work beside); 2,485 LUTs take gcc 0.7 s more. The limit of
# the other paths is a guess: straight-line code was faster at both sizes, its compile time is open.
_TERNARY_LIMIT, _LIMIT = 2500, 500
_BODY_LIMIT = 256


def straight_line_limit(circuit: Circuit, isa: Isa) -> int:
    """Up to how many LUTs should be straight-line code on a path."""
    if any(isinstance(cell, Tile) for cell in circuit.netlist.cells):
        return _BODY_LIMIT  # of bodies, too, which stand at many places
    return _TERNARY_LIMIT if isa.ternary else _LIMIT
