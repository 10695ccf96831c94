"""LUTs of one step as rows, and rows as words."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ...compiler import Luts
from ...compiler.tables import Tables, as_tables, extend
from .orders import smallest_tables
from .runs import Run

Words = NDArray[np.uint32]


def live_rows(
    run: Run, last_use: NDArray[np.int32]
) -> tuple[NDArray[np.integer], Tables, NDArray[np.integer]]:
    """Fanin [rows, 3], table and net of those LUTs of a run that somebody reads.

    Args:
        last_use: of each net the last step that reads it, negative for none.
    """
    fanins, tables, nets = [], [], []
    for first, cell in run:
        assert isinstance(cell, Luts)
        assert cell.k <= 3, "LUTs must be mapped to three inputs"
        live = np.flatnonzero(last_use[first : first + cell.n_nets] >= 0)
        fanin = cell.fanin[live]
        fanins.append(fanin[:, [*range(cell.k), *[0] * (3 - cell.k)]])
        tables.append(extend(as_tables(cell.table[live]), cell.k, 3) & np.uint64(0xFF))
        nets.append(first + live)
    fanin, table = smallest_tables(np.concatenate(fanins), np.concatenate(tables))
    return fanin, table, np.concatenate(nets)


def row_words(arrays: Iterable[Words], narrow: bool) -> Words:
    """Slots [rows, 4] and numbers of tables [rows] as `steps` describes them."""
    rows, number = arrays
    if not narrow:
        wide = rows.astype(np.uint32)
        wide[:, 0] |= number << np.uint32(24)
        return wide.ravel()
    pairs = np.ascontiguousarray(rows.astype("<u2")).view("<u4").astype(np.uint32)
    count = -(-len(number) // 4) * 4
    codes = np.zeros(count, np.uint8)
    codes[: len(number)] = number
    return np.concatenate([pairs.ravel(), codes.view("<u4").astype(np.uint32)])
