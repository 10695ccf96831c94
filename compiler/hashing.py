"""Equal rows of large matrices, found by sorting 64-bit hashes and compared exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .literals import Literals
from .tables import Tables, flip, full, swap

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_BLOCK = 1 << 20  # elements hashed at once
_ONE = np.uint32(1)
Keys = NDArray[np.uint32]
Rows = NDArray[np.intp]


def repeated_rows(keys: Keys, tables: Tables | None = None) -> tuple[Rows, Rows]:
    """Rows that equal an earlier one, and for each the first row that it equals.

    Args:
        keys: uint32 [rows, columns].
        tables: uint64 [rows], compared as well if given.

    Returns:
        Two arrays of row numbers. Two rows with one hash that differ can hide a repetition behind
        them (about 2**-64 a pair); rows that are returned do repeat.
    """
    none = np.zeros(0, np.intp)
    if len(keys) < 2:
        return none, none
    hashes = _hash(keys, tables)
    order = np.argsort(hashes)
    hashes = hashes[order]
    alike = np.flatnonzero(hashes[1:] == hashes[:-1])
    left, right = order[alike], order[alike + 1]
    equal = (keys[left] == keys[right]).all(axis=1)
    if tables is not None:
        equal &= tables[left] == tables[right]
    if not equal.any():
        return none, none
    starts = np.ones(len(keys), np.bool_)
    starts[alike[equal] + 1] = False
    heads = np.flatnonzero(starts)
    lowest = np.empty(len(keys), np.intp)
    lowest[order] = np.minimum.reduceat(order, heads)[np.cumsum(starts) - 1]
    rows = np.flatnonzero(lowest != np.arange(len(keys)))
    return rows, lowest[rows]


def _hash(keys: Keys, tables: Tables | None) -> NDArray[np.uint64]:
    rows, columns = keys.shape
    result = np.zeros(rows, np.uint64) if tables is None else _mix(tables)
    salt = np.arange(1, columns + 1, dtype=np.uint64) * _GOLDEN
    step = max(1, _BLOCK // rows)
    for start in range(0, columns, step):
        block = slice(start, start + step)
        result += _mix(keys[:, block].astype(np.uint64) + salt[block]).sum(axis=1, dtype=np.uint64)
    return result


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = values * _MIX
    values ^= values >> np.uint64(31)
    values *= _GOLDEN
    values ^= values >> np.uint64(29)
    return values


def canonical_luts(literals: Literals, table: Tables) -> tuple[Keys, Tables, NDArray[np.uint32]]:
    """One form for LUTs that are equal up to fanin order, inverted fanins and inverted output.

    Args:
        literals: uint32 [n, k], what the LUTs read.
        table: uint64 [n].

    Returns:
        nets [n, k] in ascending order, table [n] false for the all-false pattern, and phase [n],
        1 where that table is the inverse.
    """
    k = literals.shape[1]
    columns = [column.copy() for column in (literals >> _ONE).T]
    for i in range(k):
        rows = np.flatnonzero(literals[:, i] & _ONE)
        if len(rows):
            table = table.copy()
            table[rows] = flip(table[rows], i)
    for end in range(k - 1, 0, -1):
        for i in range(end):
            table = _order(columns, table, i)
    phase = (table & np.uint64(1)).astype(np.uint32)
    table = np.where(phase.astype(np.bool_), table ^ full(k), table)
    return np.stack(columns, axis=1), table, phase


def _order(columns: list[Keys], table: Tables, i: int) -> Tables:
    """Exchange inputs `i` and `i + 1` of the rows where they descend; columns in place."""
    low, high = columns[i], columns[i + 1]
    rows = low > high
    if not rows.any():
        return table
    columns[i], columns[i + 1] = np.minimum(low, high), np.maximum(low, high)
    return np.where(rows, swap(table, i, i + 1), table)
