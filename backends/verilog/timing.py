"""Levels of nets, and where registers cut them: what pipelining needs to know of a netlist.

A LUT is one level, and so is a row of adders or comparators where these are written as operators.
A **cut** at level p puts registers on all nets of level p or less that are read above p. All places
of a tile start at the same level, that of the latest net that any of them reads, so that one module
with the same cuts inside serves them all.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...compiler import Argmax, Luts, Netlist, Popcount, Tile
from ...compiler.netlist import FIRST_INPUT, Cell, IntArray
from .behaviour import argmax_live, popcount_live

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Timing:
    """The levels of one netlist, its inputs at level `start`.

    level: int32 [n_nets], at which each net is there. last: int32 [n_nets], the level of its last
    reader; its own where nothing reads it. starts: the level that each cell begins after, 0 for
    LUTs. end: the level after the last, where outputs are read; 0 in a body, whose outputs are read
    as they come. live: int64 [levels + 1], for each level the registers that a cut there takes,
    tiles included; entry 0 is not used.
    """

    level: IntArray
    last: IntArray
    starts: tuple[int, ...]
    end: int
    live: Counts


class Timings:
    """The timing of each netlist of a design, found once.

    chains: bodies that are counters on carry chains, of one level each.
    """

    def __init__(self, chains: Container[Netlist] = ()) -> None:
        self._bodies: dict[int, Timing] = {}
        self._chains = chains

    def of_body(self, netlist: Netlist) -> Timing:
        """Of a tile's body: inputs at level 0, outputs read where they are there."""
        if id(netlist) not in self._bodies:
            counter = netlist in self._chains
            self._bodies[id(netlist)] = (
                _one_level(netlist) if counter else self._found(netlist, 0, False)
            )
        return self._bodies[id(netlist)]

    def of_whole(self, netlist: Netlist, start: int) -> Timing:
        """Of the whole logic: outputs are all read after the last level."""
        return self._found(netlist, start, True)

    def depth(self, cell: Cell) -> int:
        """How many levels a cell takes."""
        return int(self.outputs(cell).max(initial=1))

    def outputs(self, cell: Cell) -> IntArray:
        """After how many levels each net that a cell drives is there: int32 [n_nets]."""
        match cell:
            case Tile():
                timing = self.of_body(cell.body)
                return np.tile(np.maximum(timing.level[cell.body.outputs], 1), cell.places)
            case Popcount():
                return np.full(cell.n_nets, len(popcount_live(cell.planes)) - 1, np.int32)
            case Argmax():
                return np.full(cell.n_nets, len(argmax_live(*cell.fanin.shape)) - 1, np.int32)
            case _:
                return np.ones(cell.n_nets, np.int32)

    def _found(self, netlist: Netlist, start: int, whole: bool) -> Timing:
        level, starts = self._earliest(netlist, start)
        depth = max(1, start, int(level[netlist.outputs].max(initial=0)))
        _sink(netlist, level, starts, depth + whole)
        last = _last_read(netlist, level, starts)
        if whole:
            last[netlist.outputs] = depth + 1
        last[:FIRST_INPUT] = level[:FIRST_INPUT] = 0
        live = _crossings(level, last, depth)
        for begin, cell in zip(starts, netlist.cells, strict=True):
            inner = self._inner(cell)[1:]
            inside = live[begin + 1 : begin + 1 + len(inner)]
            inside += inner[: len(inside)]
        return Timing(level, last, starts, depth + 1 if whole else 0, live)

    def _earliest(self, netlist: Netlist, start: int) -> tuple[IntArray, tuple[int, ...]]:
        """The least levels of nets, and where cells start."""
        level = np.full(netlist.n_nets, start, np.int32)
        level[:FIRST_INPUT] = 0
        starts = []
        for first, cell in netlist.placed():
            driven = slice(first, first + cell.n_nets)
            if isinstance(cell, Luts):
                level[driven] = np.maximum(level[cell.fanin].max(axis=1), start) + 1
                starts.append(0)
            else:
                starts.append(max(start, int(level[cell.fanin].max(initial=0))))
                level[driven] = starts[-1] + self.outputs(cell)
        return level, tuple(starts)

    def _inner(self, cell: Cell) -> Counts:
        """Registers inside a cell for a cut at each level after its start."""
        match cell:
            case Tile():
                return self.of_body(cell.body).live[:-1] * cell.places
            case Popcount():
                return popcount_live(cell.planes)[:-1] * len(cell.fanin)
            case Argmax():
                return argmax_live(*cell.fanin.shape)[:-1]
            case _:
                return np.zeros(1, np.int64)


def _one_level(netlist: Netlist) -> Timing:
    """All that is no input at level 1."""
    level = np.ones(netlist.n_nets, np.int32)
    level[: FIRST_INPUT + netlist.n_inputs] = 0
    live = np.array([0, len(netlist.outputs)], np.int64)
    return Timing(level, level, (0,) * len(netlist.cells), 0, live)


def _last_read(netlist: Netlist, level: IntArray, starts: tuple[int, ...]) -> IntArray:
    """The level of each net's last reader."""
    last = level.copy()
    for begin, (first, cell) in zip(starts, netlist.placed(), strict=True):
        if isinstance(cell, Luts):
            reads = np.repeat(level[first : first + cell.n_nets], cell.k)
            np.maximum.at(last, cell.fanin.reshape(-1), reads)
        else:
            np.maximum.at(last, cell.fanin.reshape(-1), np.int32(begin + 1))
    return last


def _crossings(level: IntArray, last: IntArray, depth: int) -> Counts:
    """For each level, how many nets are there and are read later."""
    change = np.zeros(depth + 2, np.int64)
    begin = np.minimum(np.maximum(level, 1), depth + 1)
    end = np.minimum(np.maximum(last, begin), depth + 1)
    np.add.at(change, begin, 1)
    np.add.at(change, end, -1)
    return np.cumsum(change)[:-1]


def _sink(netlist: Netlist, level: IntArray, starts: tuple[int, ...], depth: int) -> None:
    """Move LUTs to later levels where nets are then live for fewer levels in all.

    From the last level down: a LUT may move to just before its first reader. What it drives then
    lives shorter, and what it reads longer, except where something else reads that as late.
    """
    first, last = _fixed_reads(netlist, level, starts, depth)
    for now, groups in reversed(_by_level(netlist, level)):
        for nets, fanin in groups:
            target = np.where(first[nets] == _NEVER, now, first[nets] - 1)
            longer = target[:, None] - np.maximum(last[fanin], now)
            longer[fanin < FIRST_INPUT] = 0
            moves = np.maximum(longer, 0).sum(axis=1) < target - now
            level[nets[moves]] = target[moves]
        for nets, fanin in groups:
            reads = np.repeat(level[nets], fanin.shape[1])
            np.minimum.at(first, fanin.reshape(-1), reads)
            np.maximum.at(last, fanin.reshape(-1), reads)


_NEVER = np.iinfo(np.int32).max


def _fixed_reads(
    netlist: Netlist, level: IntArray, starts: tuple[int, ...], depth: int
) -> tuple[IntArray, IntArray]:
    """The levels of the first and the last reader that is no LUT of each net; outputs stay."""
    first = np.full(netlist.n_nets, _NEVER, np.int32)
    last = np.zeros(netlist.n_nets, np.int32)
    for begin, cell in zip(starts, netlist.cells, strict=True):
        if not isinstance(cell, Luts):
            np.minimum.at(first, cell.fanin.reshape(-1), np.int32(begin + 1))
            np.maximum.at(last, cell.fanin.reshape(-1), np.int32(begin + 1))
    np.minimum.at(first, netlist.outputs, level[netlist.outputs] + 1)
    np.maximum.at(last, netlist.outputs, np.int32(depth))
    return first, last


def _by_level(
    netlist: Netlist, level: IntArray
) -> list[tuple[int, list[tuple[IntArray, IntArray]]]]:
    """The LUTs of each level in ascending order: nets [n] and fanin [n, k] of each cell."""
    found: dict[int, list[tuple[IntArray, IntArray]]] = {}
    for first, cell in netlist.placed():
        if isinstance(cell, Luts) and cell.n_nets:
            own = level[first : first + cell.n_nets]
            order = np.argsort(own, kind="stable").astype(np.int32)
            steps = np.flatnonzero(np.diff(own[order])) + 1
            for rows in np.split(order, steps):
                found.setdefault(int(own[rows[0]]), []).append((first + rows, cell.fanin[rows]))
    return sorted(found.items())
