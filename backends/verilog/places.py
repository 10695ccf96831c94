"""When the places of a tile are evaluated that has a few copies of its body.

Copies (lanes) share the work by stretches: of the positions 0 to `lanes * clocks - 1` each lane
evaluates `clocks` in a row, one a clock. Where the places are a grid, as those of a convolution
are, a row of it may be followed by positions without a place: then the same window lies under every
row and inputs share their chains, see `chains`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiler import Tile
from ...compiler.netlist import FIRST_INPUT, IntArray
from .chains import Chains, find_chains

_GAPS = (0, 1, 2, 3, 4, 6, 8)  # positions without a place behind each row of a grid


@dataclass(frozen=True, eq=False)
class Schedule:
    """The positions of places, and what follows from them.

    time: int32 [places]; place `p` is evaluated in clock `time[p] % clocks` by lane
    `time[p] // clocks`. clocks: that the last lane needs, and all others with it.
    """

    time: IntArray
    lanes: int
    clocks: int
    chains: Chains
    outputs: int  # of the body

    @property
    def registers(self) -> int:
        """Bits of the chains, and of the results."""
        return self.chains.bits + self.lanes * self.clocks * self.outputs


def schedule(tile: Tile, lanes: int) -> Schedule:
    """The schedule whose registers times clocks are fewest; of equal ones the first."""
    found = [_scheduled(tile, time, lanes) for time in _candidates(tile.fanin)]
    return min(found, key=lambda one: one.registers * one.clocks)


def _scheduled(tile: Tile, time: IntArray, lanes: int) -> Schedule:
    clocks = -(-(int(time.max()) + 1) // lanes)
    lanes = int(time.max()) // clocks + 1  # some may be left without any place
    return Schedule(time, lanes, clocks, find_chains(tile.fanin, time), len(tile.body.outputs))


def _candidates(fanin: IntArray) -> Iterator[IntArray]:
    """Positions to try: as the places come, and as a grid with gaps behind its rows."""
    places = np.arange(len(fanin), dtype=np.int32)
    yield places
    base = _bases(fanin)
    if base is None or len(np.unique(base)) < len(base):
        return
    row, column = _grid(base)
    if not row.any():
        row, column = np.divmod(column, _padded_width(fanin, column))
    width = int(column.max()) + 1
    for gap in _GAPS if row.any() else _GAPS[:1]:
        if gap <= width:
            yield (row * (width + gap) + column).astype(np.int32)


def _bases(fanin: IntArray) -> IntArray | None:
    """How far each place lies behind one of them, the same for all its inputs; None if it differs.

    Inputs that are constant at a place, such as padding, do not count.
    """
    varying = fanin >= FIRST_INPUT
    ahead = fanin - fanin[varying.sum(axis=1).argmax()]
    varying &= varying[varying.sum(axis=1).argmax()]
    if not varying.any(axis=1).all():
        return None
    base = ahead[np.arange(len(fanin)), varying.argmax(axis=1)]
    return base if ((ahead == base[:, None]) | ~varying).all() else None


def _grid(base: IntArray) -> tuple[IntArray, IntArray]:
    """The rows and columns of places, from how far apart they lie; one row if they are no grid."""
    order = np.argsort(base)
    ascending = base[order] - base[order[0]]
    step = _most_common(np.diff(ascending))
    begins = np.flatnonzero(np.diff(ascending, prepend=0) != step)
    if len(begins) < 2:
        return np.zeros_like(base), (base - base.min()) // step
    pitch = _most_common(np.diff(ascending[begins]))
    row, rest = np.divmod(base - base.min(), pitch)
    used = np.unique(rest)
    apart = np.diff(used, append=used[0] + pitch)
    first = used[(int(apart.argmax()) + 1) % len(used)]  # after the widest gap
    row = np.where(rest < first, row, row + 1) if first else row
    column = (rest - first) % pitch
    if (column % step).any() or int(row.max()) * (int(column.max()) // step) > 4 * len(base):
        return _runs(base, order, begins)
    return row - row.min(), column // step


def _padded_width(fanin: IntArray, column: IntArray) -> int:
    """The width of a grid without gaps, by how often padding comes back; all of it if it has none.

    Rows of a convolution that is padded to the size of its image follow each other in one step.
    """
    ordered = fanin[np.argsort(column)] < FIRST_INPUT
    apart = [np.diff(np.flatnonzero(padding)) for padding in ordered.T]
    apart = np.concatenate(apart) if apart else np.zeros(0, np.int64)
    return _most_common(apart[apart > 1]) if (apart > 1).any() else int(column.max()) + 1


def _runs(
    base: IntArray, order: NDArray[np.intp], begins: NDArray[np.intp]
) -> tuple[IntArray, IntArray]:
    """Rows by where steps break off."""
    number = np.zeros(len(base), np.int32)
    number[begins] = 1
    row = np.zeros_like(base)
    column = np.zeros_like(base)
    run = np.cumsum(number) - 1
    row[order] = run
    column[order] = np.arange(len(base)) - begins[run]
    return row, column


def _most_common(numbers: NDArray[Any]) -> int:
    found, count = np.unique(numbers, return_counts=True)
    return int(found[count.argmax()]) if len(found) else 1
