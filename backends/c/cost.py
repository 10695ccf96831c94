"""Which form of a circuit is fastest on which path, and how long it takes, from what was measured.

`benchmarks/cost.py` prints what is predicted here beside what it measures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...compiler import Circuit, Luts, Netlist, Popcount, Tile
from ...compiler.stats import lut_histogram, n_gates
from ..program import Program
from .code import Programs
from .isa import Isa
from .packing import Packing
from .sets import ProgramSet

# Straight-line code took 0.7 to 0.9 of the time of tables on AVX-512 and AVX2 at 275 to 2,485 LUTs
# (Zen 5); these take gcc a second more on each path. One word of 64 bits lives in 16 registers, so
# the portable path gains nothing at 275 LUTs and loses a quarter at 1,150.
_LIMIT, _NARROW_LIMIT = 2600, 256
_BODY_LIMIT = 256

_L1, _L2 = 48 << 10, 1 << 20  # bytes
_Sums = NDArray[np.int64]


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
    """Nanoseconds of a block for a LUT in straight-line code, for one in rows of the program while
    slots fit the first cache, for one in rows over places, for one in straight-line code at
    several places, what one in rows of the program takes more beyond that cache and beyond the
    second, for an addend, for an input or output of a body, and for 64 thresholds; of a row for
    64 thresholds and for 64 features.
    """

    straight: float
    tables: float
    strips: float
    bodies: float
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
# portable path. Rates of tiles were fitted later, the others kept, to two trained convolutions,
# LogicTreeNet MNIST-S and CIFAR-10-S, each in straight-line code and in rows over places: blocks
# took 0.91 to 1.24 of what is predicted on AVX-512 and AVX2, 0.65 to 1.61 on the portable path.
_RATES = {
    "avx512": _Rates(0.70, 1.16, 1.04, 0.0, 0.23, 2.72, 0.46, 0.36, 180, 0.21, 0.51),
    "avx2": _Rates(0.62, 0.95, 0.97, 0.03, 0.0, 3.51, 0.46, 0.22, 123, 0.62, 0.18),
    "portable": _Rates(0.26, 0.0, 0.64, 0.11, 1.54, 0.0, 1.28, 0.0, 109, 4.18, 0.05),
}


def straight_line_limit(circuit: Circuit, isa: Isa) -> int:
    """Up to how many LUTs should be straight-line code on a path."""
    if any(isinstance(cell, Tile) for cell in circuit.netlist.cells):
        return _BODY_LIMIT  # of bodies, too, which stand at many places
    return _LIMIT if isa.words > 2 else _NARROW_LIMIT


@dataclass(frozen=True)
class Work:
    """What a block asks for: LUTs in straight-line code, in rows of the program, in rows over
    places, and in straight-line code at several places; addends of popcounts, inputs and outputs of
    tile bodies at all of these, slots, 64s of thresholds, and 64s of features.

    words: that LUTs and tile bodies load or store, registers left out.
    """

    straight: int
    tables: int
    strips: int
    bodies: int
    addends: int
    moved: int
    words: int
    slots: int
    thresholds: int
    windows: int


def work(found: ProgramSet, packing: Packing) -> Work:
    """Of a program with all that is under it, its tiles at every place."""
    sums = _sums(found.programs, found.programs.programs[0], {})
    straight, tables, strips, bodies, addends, moved, words = sums.tolist()
    return Work(
        straight,
        tables,
        strips,
        bodies,
        addends,
        moved,
        words,
        found.slots,
        len(packing.slot),
        len(packing.first),
    )


def _sums(programs: Programs, program: Program, known: dict[int, _Sums]) -> _Sums:
    """The first seven numbers of `Work`; `known` by id."""
    if id(program) in known:
        return known[id(program)]
    sums = np.zeros(7, np.int64)
    bodies = {id(op.body.netlist): op.body for op in program.ops if op.body is not None}
    for cell in program.netlist.cells:
        if isinstance(cell, Tile):
            body = bodies[id(cell.body)]
            ports = cell.body.n_inputs + len(cell.body.outputs)
            if programs.in_strips(body):
                luts, words = _luts(cell.body)
                sums += cell.places * np.array([0, 0, luts, 0, 0, 0, words])
            elif programs.is_straight(body):
                gates, addends = n_gates(cell.body), _addends(cell.body)
                if cell.places == 1:
                    sums += np.array([gates, 0, 0, 0, addends, 0, ports])
                else:
                    sums += cell.places * np.array([0, 0, 0, gates, addends, ports, ports])
            else:
                inner = _sums(programs, body, known)
                sums += cell.places * (inner + np.array([0, 0, 0, 0, 0, ports, 2 * ports]))
        elif isinstance(cell, Luts):
            sums += np.array([0, cell.n_nets, 0, 0, 0, 0, cell.n_nets * (cell.k + 1)])
        else:
            sums[4] += cell.fanin.size
    known[id(program)] = sums
    return sums


def _addends(body: Netlist) -> int:
    return sum(cell.fanin.size for cell in body.cells if isinstance(cell, Popcount))


def _luts(body: Netlist) -> tuple[int, int]:
    """LUTs, tiles unrolled, and the words that they load and store."""
    found = lut_histogram(body)
    return sum(found.values()), sum((k + 1) * count for k, count in found.items())


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
        + rates.strips * asked.strips
        + rates.bodies * asked.bodies
        + rates.addend * asked.addends
        + rates.moved * asked.moved
        + rates.thresholds * asked.thresholds
    )
    row = rates.row_thresholds * asked.thresholds + rates.row_window * asked.windows
    return Cost(block, row)
