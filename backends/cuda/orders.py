"""The order of a LUT's inputs is free: it is chosen so that few truth tables are left."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ...compiler.tables import swap

Number = TypeVar("Number", bound=np.integer)


def smallest_tables(
    fanin: NDArray[Number], table: NDArray[np.uint64]
) -> tuple[NDArray[Number], NDArray[np.uint64]]:
    """Rows with their inputs ordered so that the table is smallest: 80 tables instead of 256."""
    best_fanin, best = fanin, table
    columns = [0, 1, 2]
    for i, j in ((0, 1), (1, 2), (0, 1), (1, 2), (0, 1)):
        table = swap(table, i, j)
        columns[i], columns[j] = columns[j], columns[i]
        smaller = table < best
        best = np.where(smaller, table, best)
        best_fanin = np.where(smaller[:, None], fanin[:, columns], best_fanin)
    return best_fanin, best
