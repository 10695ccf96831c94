"""Which full adders and rows add up columns of bits, level by level.

As in a tree that counts both halves of the bits, and adds both counts and a bit that was left: then
a bit of the lowest weight takes two LUTs to remove, and any other one logic cell. So rows begin and
end only where they must. It is known how often each column will be added to; a row goes on into the
next one as long as additions are left there.
"""

from __future__ import annotations

from typing import NamedTuple

from .rows import Row

Heights = tuple[int, ...]  # bits of each column


class Add(NamedTuple):
    """A row, or, of one position, a full adder or a half adder, whose lowest weight is a column."""

    column: int
    row: Row


def plan(heights: Heights) -> list[list[Add]]:
    """What is added at each level, after which no column has more than one bit.

    heights: bits of each column, up to that of the sum's highest digit.
    """
    return _Plan(heights).levels()


class _Plan:
    """Bits by column: those that are there, that this level made, and that are left in all."""

    def __init__(self, heights: Heights) -> None:
        self._width = len(heights)
        self._bits = list(heights)
        self._made = [0] * self._width
        self._left = list(heights)
        for column in range(self._width - 1):
            self._left[column + 1] += self._left[column] // 2
        times = [left // 2 for left in self._left]
        self._begin = [n - below for n, below in zip(times, [0, *times], strict=False)]
        self._end = [n - above for n, above in zip(times, [*times[1:], 0], strict=True)]

    def levels(self) -> list[list[Add]]:
        found = []
        while any(left > 1 for left in self._left):
            found.append(self._level(sparing=True) or self._level(sparing=False))
            self._bits = [a + b for a, b in zip(self._bits, self._made, strict=True)]
            self._made = [0] * self._width
        return found

    def _level(self, sparing: bool) -> list[Add]:
        """sparing: rows begin and end only where they must."""
        level: list[Add] = []
        for column in range(self._width):
            while row := self._row(column, sparing):
                level.append(Add(column, row))
                self._take(column, row)
        return level

    def _row(self, column: int, sparing: bool) -> Row | None:
        """The row that begins at a column, if there may be one."""
        there = self._bits[column]
        if there < 3 and not self._lasts(column, 2):
            return None
        if sparing and self._begin[column] <= 0:
            return None
        taken = [min(there, 3)]
        for above in range(column + 1, self._width):
            if self._bits[above] < 2 and not self._lasts(above, 1):
                break
            taken.append(min(self._bits[above], 2))
        while sparing and taken and self._end[column + len(taken) - 1] <= 0:
            taken.pop()
        return Row(tuple(taken), min(len(taken) + 1, self._width - column)) if taken else None

    def _lasts(self, column: int, bits: int) -> bool:
        """Whether a column has so many bits, of the two that are left there in all."""
        return self._bits[column] == bits and self._left[column] == 2

    def _take(self, column: int, row: Row) -> None:
        self._begin[column] -= 1
        self._end[column + len(row.taken) - 1] -= 1
        for i, n in enumerate(row.taken):
            self._bits[column + i] -= n
            self._left[column + i] -= 2 if n + (i > 0) == 3 else 1
        for i in range(row.digits):
            self._made[column + i] += 1
