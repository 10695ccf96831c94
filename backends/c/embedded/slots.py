"""Which slots of the workspace are free: ranges, so that outputs of many gates lie side by side."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Slots = NDArray[np.uint32]


@dataclass
class FreeSlots:
    """Slots 0 to `count` are in use or among the ranges `free`, ascending and not touching."""

    count: int = 0
    free: list[tuple[int, int]] = field(default_factory=list)

    def take(self, n: int) -> int:
        """The first of `n` slots side by side, lowest first."""
        ((first, _),) = self.take_ranges(n, n)
        return first

    def take_ranges(self, n: int, least: int) -> list[tuple[int, int]]:
        """`n` slots as ranges (first, length), of which only the last may be under `least`."""
        taken: list[tuple[int, int]] = []
        while n:
            at, (first, stop) = self._fit(n, min(n, least))
            length = min(n, stop - first)
            self.free[at : at + 1] = [(first + length, stop)] if first + length < stop else []
            taken.append((first, length))
            n -= length
        return taken

    def _fit(self, n: int, least: int) -> tuple[int, tuple[int, int]]:
        """The lowest range of at least `least`, and where it is; else the last, grown to `n`."""
        for at, (first, stop) in enumerate(self.free):
            if stop - first >= least:
                return at, (first, stop)
        first = self.count
        if self.free and self.free[-1][1] == self.count:
            first = self.free.pop()[0]
        self.count = first + n
        self.free.append((first, self.count))
        return len(self.free) - 1, self.free[-1]

    def release(self, slots: Slots) -> None:
        """Free distinct slots that are in use."""
        merged: list[tuple[int, int]] = []
        for first, stop in sorted([*self.free, *ranges(np.sort(slots))]):
            if merged and merged[-1][1] == first:
                merged[-1] = (merged[-1][0], stop)
            else:
                merged.append((first, stop))
        self.free = merged


def ranges(values: NDArray[np.integer]) -> list[tuple[int, int]]:
    """Ascending integers as half-open ranges (first, stop) of neighbours."""
    if not len(values):
        return []
    values = values.astype(np.int64)
    parts = np.split(values, np.flatnonzero(np.diff(values) != 1) + 1)
    return [(int(part[0]), int(part[-1]) + 1) for part in parts]
