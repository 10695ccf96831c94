"""Rows over places: which kinds occur, as C expressions, and tables of where places lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...compiler.tables import as_tables
from ..input_order import order_inputs
from .data import c_array, c_type
from .isa import Isa

FIRST_ROW = 3  # instructions below are `end` and the two phases
Place = tuple[int, int]  # base and table
T = TypeVar("T")


@dataclass
class Tables:
    """Where places lie in strips: distinct tables, one after the other."""

    parts: list[NDArray[np.int64]] = field(default_factory=list)
    _position: dict[bytes, int] = field(default_factory=dict)
    _length: int = 0

    def add(self, table: NDArray[np.int64]) -> int:
        """The position of a table that equals this one."""
        key = table.tobytes()
        if key not in self._position:
            self._position[key] = self._length
            self.parts.append(table)
            self._length += len(table)
        return self._position[key]

    def array(self) -> NDArray[Any]:
        """All tables, in the narrowest type."""
        return narrowest(np.concatenate([*self.parts, np.zeros(1, np.int64)]))


@dataclass
class Rows:
    """The code of all tiles in strips, the kinds of rows that occur, and the tables."""

    tables: Tables = field(default_factory=Tables)
    codes: list[list[int]] = field(default_factory=list)
    kinds: dict[tuple[int, int], int] = field(default_factory=dict)

    def number(self, table: int, k: int) -> int:
        return self.kinds.setdefault((table, k), FIRST_ROW + len(self.kinds))

    def _code(self) -> NDArray[Any]:
        return narrowest(np.concatenate([np.array(code, np.int64) for code in self.codes]))

    def arrays(self, suffix: str) -> list[str]:
        """Definitions in C."""
        if not self.codes:
            return []
        start = np.cumsum([0, *map(len, self.codes[:-1])]).astype(np.uint32)
        return [
            c_array(f"strip_start{suffix}", start),
            c_array(f"strip_rows{suffix}", self._code()),
            c_array(f"strip_at{suffix}", self.tables.array()),
        ]

    def values(self, isa: Isa) -> dict[str, Any]:
        """What the template needs: types of code and tables; number, inputs and expression of each
        kind of row."""
        if not self.codes:
            return {"strips": False}
        rows = [(number, k, _value(isa, table, k)) for (table, k), number in self.kinds.items()]
        return {
            "strips": True,
            "strip_code": c_type(self._code()),
            "strip_at": c_type(self.tables.array()),
            "rows": rows,
        }


def narrowest(numbers: NDArray[np.int64]) -> NDArray[Any]:
    """The numbers in 16 bits, or in 32 if they need more."""
    return numbers.astype(np.uint16 if numbers.max(initial=0) < 1 << 16 else np.uint32)


def _value(isa: Isa, table: int, k: int) -> str:
    """A row's value in C, from strips a, b and c."""
    if not k:
        return ("ZERO", "~ZERO")[table]
    return isa.lut(table, [f"{x}[{x}_at[i]]" for x in "abc"[:k]])


def simple(table: int, fanin: Sequence[T | bool]) -> tuple[int, list[T]]:
    """The table over those operands that it depends on and that are no constants."""
    kept: list[T] = []
    for position in reversed(range(len(fanin))):
        value = fanin[position]
        low, high = _cofactors(table, position, position + 1 + len(kept))
        if low == high or value is False:
            table = low
        elif value is True:
            table = high
        else:
            assert not isinstance(value, bool)
            kept.insert(0, value)
    return (table, kept) if len(kept) == len(fanin) else simple(table, kept)


def _cofactors(table: int, position: int, k: int) -> tuple[int, int]:
    """The table where one input is false, and where it is true."""
    low = [p for p in range(1 << k) if not p >> position & 1]
    high = [p | 1 << position for p in low]
    return _picked(table, low), _picked(table, high)


def _picked(table: int, patterns: list[int]) -> int:
    return sum((table >> p & 1) << i for i, p in enumerate(patterns))


def ordered(table: int, operands: list[Place]) -> tuple[int, list[Place]]:
    """The same function with its operands in that order which gives the least table."""
    table, order = _least(table, len(operands))
    return table, [operands[i] for i in order]


@lru_cache(maxsize=1024)
def _least(table: int, k: int) -> tuple[int, list[int]]:
    """The least table that permuting inputs gives, and which input each of its inputs is."""
    order, least = order_inputs(np.arange(k)[None], as_tables([table]))
    return int(least[0]), order[0].tolist()
