"""The order of a LUT's inputs is free: it is chosen so that few truth tables are left."""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from ...compiler.tables import Tables, depends, swap

Order = tuple[int, int, int]
ORDERS: tuple[Order, ...] = tuple(permutations(range(3)))  # type: ignore[assignment]


def smallest_tables(
    fanin: NDArray[np.integer], table: Tables
) -> tuple[NDArray[np.integer], Tables]:
    """Rows [n, 3] with their inputs ordered so that few tables are left: 80 instead of 256.

    Inputs that nothing depends on come last, and read what the first one reads; then the table is
    the smallest.
    """
    least, order = _smallest()
    columns = order[table]
    fanin = np.take_along_axis(fanin, columns, axis=1)
    unread = ~_depends()[least[table]]
    return np.where(unread, fanin[:, :1], fanin), least[table]


@lru_cache(maxsize=256)
def symmetries(table: int) -> tuple[Order, ...]:
    """The orders of the inputs under which a table stays as it is, the given one first.

    Inputs that nothing depends on keep their place.
    """
    tables = _ordered(np.array([table], np.uint64))
    fixed = [i for i in range(3) if not _depends()[table][i]]
    return tuple(
        order
        for order, other in zip(ORDERS, tables, strict=True)
        if int(other[0]) == table and all(order[i] == i for i in fixed)
    )


def _ordered(table: Tables) -> list[Tables]:
    """The tables when input i is what was input `order[i]`, for each of the six orders."""
    found = []
    for order in ORDERS:
        now, made = list(range(3)), table
        for i in range(3):
            j = now.index(order[i])
            if i != j:
                made = swap(made, i, j)
                now[i], now[j] = now[j], now[i]
        found.append(made & np.uint64(0xFF))
    return found


@lru_cache(maxsize=1)
def _depends() -> NDArray[np.bool_]:
    """Whether each table depends on each input: bool [256, 3]."""
    whole = np.arange(256, dtype=np.uint64) * np.uint64(0x0101_0101_0101_0101)
    return np.column_stack([depends(whole, i) for i in range(3)]).astype(np.bool_)


@lru_cache(maxsize=1)
def _smallest() -> tuple[Tables, NDArray[np.intp]]:
    """For each table the one that it becomes [256], and the order of the inputs there [256, 3]."""
    table = np.arange(256, dtype=np.uint64)
    found = np.array(_ordered(table))
    reads = _depends()[found]  # [orders, 256, 3]
    gaps = (~reads[:, :, :-1] & reads[:, :, 1:]).any(axis=2)
    best = np.where(gaps, np.uint64(1 << 32), found).argmin(axis=0)
    return found[best, table], np.array(ORDERS, np.intp)[best]
