"""Cuts with truth tables, one by one, for mapping without a compiler."""

from __future__ import annotations

from typing import NamedTuple

from .splitting import IS_TRUE, ONES, swap


class Cut(NamedTuple):
    """Leaves in ascending order, the table over them, its bits repeated up to 64, and its LUTs."""

    leaves: tuple[int, ...]
    table: int
    area: int = 1


class CutList:
    """The best cuts of a gate in order, none with all leaves of another."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.costs: list[tuple[int, int]] = []
        self.cuts: list[Cut] = []

    def wants(self, cost: tuple[int, int]) -> bool:
        return len(self.cuts) < self.limit or cost < self.costs[-1]

    def insert(self, cost: tuple[int, int], cut: Cut) -> None:
        if any(_dominates(other, cut) for other in self.cuts):
            return
        kept = [i for i, other in enumerate(self.cuts) if not _dominates(cut, other)]
        self.costs = [self.costs[i] for i in kept]
        self.cuts = [self.cuts[i] for i in kept]
        at = len(kept)
        while at and cost < self.costs[at - 1]:
            at -= 1
        self.costs.insert(at, cost)
        self.cuts.insert(at, cut)
        del self.costs[self.limit :], self.cuts[self.limit :]


def _dominates(a: Cut, b: Cut) -> bool:
    """Whether b is superfluous beside a."""
    return a.area <= b.area and set(a.leaves).issubset(b.leaves)


def spread(cut: Cut, leaves: tuple[int, ...]) -> int:
    """The table of `cut` over `leaves`, which has all of its own."""
    table = cut.table
    for i in range(len(cut.leaves) - 1, -1, -1):
        table = swap(table, i, leaves.index(cut.leaves[i]))
    return table


def shrunk(leaves: tuple[int, ...], table: int) -> tuple[tuple[int, ...], int]:
    """Leaves and table without the leaves that its table does not depend on."""
    for i in range(len(leaves) - 1, -1, -1):
        if (table >> (1 << i) ^ table) & ~IS_TRUE[i] & ONES == 0:
            for j in range(i, len(leaves) - 1):
                table = swap(table, j, j + 1)
            leaves = leaves[:i] + leaves[i + 1 :]
    return leaves, table
