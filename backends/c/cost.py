"""Which form of a circuit is fastest on which path, and how long it takes, from what was measured.

`benchmarks/cost.py` prints what is predicted here beside what it measures.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...compiler import Circuit, Luts, Tile
from ..program import Program
from .isa import Isa
from .packing import Packing
from .sets import ProgramSet

# Straight-line code took 0.7 to 0.9 of the time of tables on AVX-512 and AVX2 at 275 to 2,485 LUTs
# (Zen 5); these take gcc a second more on each path. One word of 64 bits lives in 16 registers, so
# the portable path gains nothing at 275 LUTs and loses a quarter at 1,150.
_LIMIT, _NARROW_LIMIT = 2600, 256
_BODY_LIMIT = 256

_L1, _L2 = 48 << 10, 1 << 20  # bytes


@dataclass(frozen=True)
class Cost:
    """What a path takes, in nanoseconds: for a block of samples, and for each row packed."""

    block: float
    row: float

    def of_block(self, isa: Isa) -> float:
        """Of a block with its rows, in nanoseconds."""
        return self.block + 64 * isa.words * self.row

    def sample(self, isa: Isa) -> float:
        """Of many, in nanoseconds each."""
        return self.block / (64 * isa.words) + self.row


@dataclass(frozen=True)
class _Rates:
    """Nanoseconds of a block for a LUT in straight-line code, for one in tables while slots fit
    the first cache and what it takes more beyond that and beyond the second, for an addend, for a
    value moved to or from a body, and for 64 thresholds; of a row for 64 thresholds and for 64
    features.
    """

    straight: float
    tables: float
    beyond_l1: float
    beyond_l2: float
    addend: float
    moved: float
    thresholds: float
    row_thresholds: float
    row_window: float


# Fitted on Zen 5, other work beside, to digits 300x2 and 1000x3, MNIST 2000x3, 8000x6 and a
# convolution, all trained, and random 8000x6 and 64000x6. Of three dense networks that were not
# fitted, a sample took 0.91 to 1.11 of what is predicted on AVX-512 and AVX2, 0.83 to 1.28 on the
# portable path. Convolutions, whose code has become faster since, take 0.64 to 0.78.
_RATES = {
    "avx512": _Rates(0.70, 1.16, 0.23, 2.72, 0.46, 0.66, 180, 0.21, 0.51),
    "avx2": _Rates(0.62, 0.95, 0.0, 3.51, 0.46, 0.53, 123, 0.62, 0.18),
    "portable": _Rates(0.26, 0.0, 1.54, 0.0, 1.28, 0.25, 109, 4.18, 0.05),
}


def straight_line_limit(circuit: Circuit, isa: Isa) -> int:
    """Up to how many LUTs should be straight-line code on a path."""
    if any(isinstance(cell, Tile) for cell in circuit.netlist.cells):
        return _BODY_LIMIT  # of bodies, too, which stand at many places
    return _LIMIT if isa.words > 2 else _NARROW_LIMIT


@dataclass(frozen=True)
class Work:
    """What a block asks for: LUTs by form, addends of popcounts, values that are moved to and from
    bodies in tables, slots, 64s of thresholds, and 64s of features.
    """

    straight: int
    tables: int
    addends: int
    moved: int
    slots: int
    thresholds: int
    windows: int


def work(found: ProgramSet, packing: Packing) -> Work:
    """Of a program with all that is under it, its tiles at every place."""
    straight = {id(body) for body in found.programs.straight}
    sums = _sums(found.programs.programs[0], straight, {})
    return Work(*sums, found.slots, len(packing.slot), len(packing.first))


def _sums(
    program: Program, straight: set[int], known: dict[int, tuple[int, int, int, int]]
) -> tuple[int, int, int, int]:
    """Straight-line LUTs, LUTs in tables, addends and values moved; `known` by id."""
    if id(program) in known:
        return known[id(program)]
    lines = tables = addends = moved = 0
    bodies = {id(op.body.netlist): op.body for op in program.ops if op.body is not None}
    for cell in program.netlist.cells:
        if isinstance(cell, Tile):
            body = bodies[id(cell.body)]
            inner = _sums(body, straight, known)
            if id(body) not in straight:
                moved += cell.places * (cell.body.n_inputs + len(cell.body.outputs))
            lines += cell.places * inner[0]
            tables += cell.places * inner[1]
            addends += cell.places * inner[2]
            moved += cell.places * inner[3]
        elif isinstance(cell, Luts):
            tables += cell.n_nets
        else:
            addends += cell.fanin.size
    if id(program) in straight:
        lines, tables = tables, 0
    known[id(program)] = lines, tables, addends, moved
    return known[id(program)]


def predict(isa: Isa, asked: Work) -> Cost:
    """How long a path takes for that; paths that were not measured as the nearest."""
    rates = _RATES.get(isa.name, _RATES["avx2"])
    used = max(1, asked.slots * 8 * isa.words)
    table = rates.tables + sum(
        more * max(0.0, 1 - size / used)
        for more, size in ((rates.beyond_l1, _L1), (rates.beyond_l2, _L2))
    )
    block = (
        rates.straight * asked.straight
        + table * asked.tables
        + rates.addend * asked.addends
        + rates.moved * asked.moved
        + rates.thresholds * asked.thresholds
    )
    row = rates.row_thresholds * asked.thresholds + rates.row_window * asked.windows
    return Cost(block, row)
