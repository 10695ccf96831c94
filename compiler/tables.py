"""Truth tables as 64-bit integers, whole arrays at a time.

Bit `j` of a table is the output for the fanin pattern `j`; input 0 is the least significant bit of
`j`. All functions take and return uint64 arrays, so one expression serves a million gates.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# WHERE_TRUE[i] has bit j set where pattern j has input i true.
WHERE_TRUE = tuple(np.uint64(sum(1 << j for j in range(64) if j >> i & 1)) for i in range(6))
Tables = NDArray[np.uint64]


def table_dtype(k: int) -> np.dtype[Any]:
    """The smallest unsigned dtype that holds the 2**k bits of a k-input table."""
    return np.dtype(f"u{max(1, (1 << k) // 8)}")


def full(k: int) -> np.uint64:
    """The k-input table that is true everywhere: 2**k ones."""
    return np.uint64((1 << (1 << k)) - 1)


def as_tables(table: ArrayLike) -> Tables:
    return np.asarray(table).astype(np.uint64)


def _shift(i: int) -> np.uint64:
    return np.uint64(1 << i)


def flip(table: Tables, i: int) -> Tables:
    """The table with input `i` inverted."""
    high = table & WHERE_TRUE[i]
    low = table & ~WHERE_TRUE[i]
    return (high >> _shift(i)) | (low << _shift(i))


def cofactor(table: Tables, i: int, value: bool) -> Tables:
    """The table with input `i` held at `value`; it no longer depends on input `i`."""
    if value:
        half = table & WHERE_TRUE[i]
        return half | (half >> _shift(i))
    half = table & ~WHERE_TRUE[i]
    return half | (half << _shift(i))


def depends(table: Tables, i: int) -> NDArray[np.bool_]:
    """Whether the output depends on input `i`."""
    return (table & WHERE_TRUE[i]) >> _shift(i) != table & ~WHERE_TRUE[i]


def merge(table: Tables, keep: int, drop: int) -> Tables:
    """The table where input `drop` always equals input `keep`; it no longer depends on `drop`."""
    low, high = cofactor(table, drop, False), cofactor(table, drop, True)
    return (low & ~WHERE_TRUE[keep]) | (high & WHERE_TRUE[keep])


def swap(table: Tables, i: int, j: int) -> Tables:
    """The table with inputs `i` and `j` exchanged."""
    if i == j:
        return table
    i, j = min(i, j), max(i, j)
    distance = np.uint64((1 << j) - (1 << i))
    only_i = WHERE_TRUE[i] & ~WHERE_TRUE[j]
    only_j = WHERE_TRUE[j] & ~WHERE_TRUE[i]
    rest = table & ~(only_i | only_j)
    return rest | ((table & only_i) << distance) | ((table & only_j) >> distance)


def remove(table: Tables, i: int, k: int) -> Tables:
    """The (k-1)-input table left when the k-input `table` does not depend on input `i`."""
    result = table & ~WHERE_TRUE[i]
    for step in range(i, k - 1):
        result = (result | (result >> _shift(step))) & ~WHERE_TRUE[step + 1]
    return result & full(k - 1)


def extend(table: Tables, k: int, to: int) -> Tables:
    """The k-input table as a `to`-input table that ignores the added inputs."""
    result = table & full(k)
    for step in range(k, to):
        result = result | (result << _shift(step))
    return result
