"""A netlist cut at the tiles that are evaluated place by place.

What can be computed before any such tile has run is **segment** 0; segment `s` waits for tiles that
wait for segment `s - 1`, which run at the same time in **stage** `s`. A net that is read in a later
segment than its own is carried there in registers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...compiler import Argmax, Cell, Netlist, Tile
from ...compiler.literals import Writer
from ...compiler.netlist import FALSE, FIRST_INPUT, TRUE, IntArray, renumbered
from ...compiler.passes.sweep import sweep


class Job(NamedTuple):
    """A tile that runs place by place.

    tile: it reads nets of the whole netlist. first: the first net that it drives. read: which of
    its nets something reads, counted from there, ascending.
    """

    tile: Tile
    first: int
    read: IntArray


@dataclass(frozen=True, eq=False)
class Stage:
    """Tiles that run at the same time. carried: nets that pass by."""

    jobs: tuple[Job, ...]
    carried: IntArray


class Stages:
    """The stages of a netlist, none if no tile is chosen; and the segments between them."""

    def __init__(self, netlist: Netlist, chosen: Callable[[Tile], bool]) -> None:
        self._netlist = netlist
        self._chosen = [
            isinstance(cell, Tile) and bool((cell.fanin >= FIRST_INPUT).any()) and chosen(cell)
            for cell in netlist.cells
        ]
        self._segment = self._segments()
        self._last = self._last_reads()
        count = int(self._segment.max(initial=0))
        self.stages = tuple(self._stage(number) for number in range(1, count + 1))

    def segment(self, number: int, given: IntArray, wanted: IntArray) -> Netlist:
        """The logic of a segment from the nets that it is given, -1 for none, to those wanted."""
        old = self._netlist
        nets = np.full(old.n_nets, FALSE, np.int32)
        nets[TRUE] = TRUE
        at = np.flatnonzero(given >= 0)
        nets[given[at]] = FIRST_INPUT + at
        writer = Writer(Netlist(len(given), (), np.zeros(0, np.int32)))
        for first, cell, chosen in self._cells():
            if not chosen:
                driven = np.arange(first, first + cell.n_nets)
                made = writer.add(renumbered(cell, nets))
                own = self._segment[driven] == number
                nets[driven[own]] = made[own]
        return sweep(writer.build(nets[wanted]))

    def _segments(self) -> IntArray:
        """The segment of each net."""
        segment = np.zeros(self._netlist.n_nets, np.int32)
        for first, cell, chosen in self._cells():
            own = segment[_together(cell, chosen)].max(axis=1, initial=0) + chosen
            segment[first : first + cell.n_nets] = np.repeat(own, cell.n_nets // len(own))
        return segment

    def _last_reads(self) -> IntArray:
        """The last segment that reads each net; -1 if none does."""
        last = np.full(self._netlist.n_nets, -1, np.int32)
        for first, cell, chosen in self._cells():
            fanin = _together(cell, chosen)
            own = self._segment[first : first + cell.n_nets : cell.n_nets // len(fanin)]
            read = np.broadcast_to((own - chosen)[:, None], fanin.shape)
            np.maximum.at(last, fanin.ravel(), read.ravel())
        last[self._netlist.outputs] = self._segment.max(initial=0)
        return last

    def _cells(self) -> Iterator[tuple[int, Cell, bool]]:
        """The cells that drive nets: the first net, the cell, and whether it runs in a stage."""
        for (first, cell), chosen in zip(self._netlist.placed(), self._chosen, strict=True):
            if cell.n_nets:
                yield first, cell, chosen

    def _stage(self, number: int) -> Stage:
        jobs = []
        for first, cell, chosen in self._cells():
            if chosen and isinstance(cell, Tile) and self._segment[first] == number:
                driven = np.arange(first, first + cell.n_nets, dtype=np.int32)
                jobs.append(Job(cell, first, driven[self._last[driven] >= 0] - np.int32(first)))
        passes = (self._segment < number) & (self._last >= number)
        passes[:FIRST_INPUT] = False
        carried = np.flatnonzero(passes).astype(np.int32)
        return Stage(tuple(jobs), carried)


def _together(cell: Cell, chosen: bool) -> IntArray:
    """What nets are driven from, [parts, nets]: each row of a cell drives its share of them."""
    whole = chosen or isinstance(cell, Argmax)
    return cell.fanin.reshape(1, cell.fanin.size) if whole else cell.fanin
