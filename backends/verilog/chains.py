"""Shift registers that bring what a tile's places read to fixed taps, one position a clock.

Place `p` stands at position `time[p]`. An input of the body reads one net at each position, so it
reads along a **chain**, a row of nets, from an offset of its own on: at position `q` it reads entry
`offset + q`. Inputs that read the same nets earlier or later share a chain; those of a convolution,
which read neighbours in one image, need little more than the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...compiler.netlist import FIRST_INPUT, IntArray

ANYTHING = -1  # an entry that no place reads
_TRIED = 4  # offsets tried for a share in a chain, those of most common entries first


@dataclass(frozen=True, eq=False)
class Chains:
    """Where each input of a body reads.

    chains: nets, one array each, constants and `ANYTHING` among them. held: nets that an input
    reads at every place, which need not move. taps: for each input of the body, its chain and
    offset; chain -1 is `held`, chain -2 a constant, and the offset then which one.
    """

    chains: tuple[IntArray, ...]
    held: IntArray
    taps: tuple[tuple[int, int], ...]

    @property
    def bits(self) -> int:
        """Registers of all chains."""
        return sum(map(len, self.chains)) + len(self.held)


HELD, CONSTANT = -1, -2


def find_chains(fanin: IntArray, time: IntArray) -> Chains:
    """Chains for places [places, inputs] at these positions [places], which are distinct."""
    positions = int(time.max()) + 1
    rows = np.full((fanin.shape[1], positions), ANYTHING, np.int32)
    rows[:, time] = fanin.T
    building = _Building()
    taps = []
    held: dict[int, int] = {}
    for nets, row in zip(fanin.T, rows, strict=True):
        if (nets != nets[0]).any():
            taps.append(building.add(row))
        elif nets[0] < FIRST_INPUT:
            taps.append((CONSTANT, int(nets[0])))
        else:
            taps.append((HELD, held.setdefault(int(nets[0]), len(held))))
    chains, start = building.result()
    placed = tuple((c, at - start[c]) if c >= 0 else (c, at) for c, at in taps)
    return Chains(chains, np.array(list(held), np.int32), placed)


class _Building:
    """Chains that grow at both ends; positions count from where the first input reads."""

    def __init__(self) -> None:
        self._entries: list[IntArray] = []
        self._start: list[int] = []  # the position of each chain's first entry
        self._nets = np.zeros(0, np.int32)  # of all entries so far, ascending
        self._where = np.zeros((0, 2), np.int64)  # the chain and the position of each

    def result(self) -> tuple[tuple[IntArray, ...], list[int]]:
        """The chains, and the position of each one's first entry."""
        return tuple(self._entries), self._start

    def add(self, row: IntArray) -> tuple[int, int]:
        """Give an input a chain; the answer is which and the position of its first entry."""
        for chain, at in self._candidates(row):
            if self._join(chain, at, row):
                break
        else:
            chain, at = len(self._entries), 0
            self._entries.append(row.copy())
            self._start.append(0)
        self._note(chain, at, row)
        return chain, at

    def _candidates(self, row: IntArray) -> list[tuple[int, int]]:
        """Chains and positions where entries are common, most of them first."""
        own = np.flatnonzero(row >= FIRST_INPUT)
        low = np.searchsorted(self._nets, row[own], "left")
        many = np.searchsorted(self._nets, row[own], "right") - low
        index = np.repeat(low - np.cumsum(many) + many, many) + np.arange(many.sum())
        found = self._where[index]
        if not len(found):
            return []
        found = np.column_stack([found[:, 0], found[:, 1] - np.repeat(own, many)])
        pairs, votes = np.unique(found, axis=0, return_counts=True)
        best = np.argsort(-votes, kind="stable")[:_TRIED]
        return [(int(chain), int(at)) for chain, at in pairs[best]]

    def _join(self, chain: int, at: int, row: IntArray) -> bool:
        """Put a row into a chain from a position on, unless an entry there is another."""
        entries, start = self._entries[chain], self._start[chain]
        first = min(start, at)
        end = max(start + len(entries), at + len(row))
        joined = np.full(end - first, ANYTHING, np.int32)
        joined[start - first : start - first + len(entries)] = entries
        part = joined[at - first : at - first + len(row)]
        if ((part != row) & (part != ANYTHING) & (row != ANYTHING)).any():
            return False
        part[row != ANYTHING] = row[row != ANYTHING]
        self._entries[chain], self._start[chain] = joined, first
        return True

    def _note(self, chain: int, at: int, row: IntArray) -> None:
        """Remember where the nets of a row stand."""
        own = np.flatnonzero(row >= FIRST_INPUT)
        where = np.column_stack([np.full(len(own), chain), own + at])
        nets = np.concatenate([self._nets, row[own]])
        pairs = np.concatenate([self._where, where])
        _, kept = np.unique(np.column_stack([nets, pairs]), axis=0, return_index=True)
        self._nets, self._where = nets[kept], pairs[kept]
