"""Putting logic back where LUTs were taken out of a netlist, between its boxes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .literals import Literals, Writer, ascending, literals_of, split
from .netlist import FIRST_INPUT, MAX_FANIN, Cell, IntArray, Netlist
from .subject import LutNetwork, Subject
from .tables import flip, full

_ONE = np.uint32(1)


@dataclass(frozen=True, eq=False)
class Frame:
    """What is left of a netlist when its LUTs are taken out: inputs, boxes and outputs."""

    netlist: Netlist
    boxes: tuple[Cell, ...]

    def join(self, logic: Subject | LutNetwork) -> Netlist:
        """The netlist with `logic` in place of its LUTs; itself if that changes nothing.

        LUTs come out level by level. One that outputs and boxes read inverted only takes the
        inversion into its table; where both are read, an inverter is added.
        """
        luts = logic.as_luts() if isinstance(logic, Subject) else logic
        joined = _Joiner(self, _phased(luts)).netlist()
        return self.netlist if joined == self.netlist else joined


def _phased(luts: LutNetwork) -> LutNetwork:
    """The same network, with LUTs inverted that outputs read inverted and not otherwise."""
    nodes, inverted = luts.outputs >> _ONE, (luts.outputs & _ONE).astype(np.bool_)
    n_nodes = 1 + luts.n_leaves + len(luts.table)
    turn = np.zeros(n_nodes, np.bool_)
    turn[nodes[inverted]] = True
    turn[nodes[~inverted]] = False
    turn[: 1 + luts.n_leaves] = False
    if not turn.any():
        return luts
    table = luts.table.copy()
    for i in range(luts.fanin.shape[1]):
        rows = np.flatnonzero(turn[luts.fanin[:, i]] & (i < luts.size))
        table[rows] = flip(table[rows], i)
    for size in np.unique(luts.size):
        rows = np.flatnonzero(turn[1 + luts.n_leaves :] & (luts.size == size))
        table[rows] ^= full(int(size))
    outputs = luts.outputs ^ turn[nodes].astype(np.uint32)
    return replace(luts, table=table, outputs=outputs)


class _Joiner:
    """Emits LUTs and boxes, each as soon as all that it reads is there."""

    def __init__(self, frame: Frame, luts: LutNetwork) -> None:
        self.boxes, self.luts = frame.boxes, luts
        self.n_inputs = frame.netlist.n_inputs
        self.first_lut = 1 + luts.n_leaves
        self.writer = Writer(Netlist(self.n_inputs, (), np.zeros(0, np.int32)))
        self.literal = np.zeros(self.first_lut + len(luts.table), np.uint32)
        inputs = np.arange(FIRST_INPUT, FIRST_INPUT + self.n_inputs)
        self.literal[1 : 1 + self.n_inputs] = literals_of(inputs)
        sizes = [0, *(cell.fanin.size for cell in frame.boxes)]
        self.box_reads = np.cumsum(sizes)  # the outputs of the logic that each box reads
        drives = [1 + self.n_inputs, *(cell.n_nets for cell in frame.boxes)]
        self.box_leaves = np.cumsum(drives)  # the leaves that each box drives

    def netlist(self) -> Netlist:
        for rows in self._runs():
            if rows[0] < len(self.luts.table):
                self._emit_luts(rows)
            else:
                for box in rows - len(self.luts.table):
                    self._emit_box(box)
        outputs = self._read(self.luts.outputs[self.box_reads[-1] :])
        return self.writer.build(self.writer.nets(outputs))

    def _runs(self) -> Iterator[NDArray[np.intp]]:
        """LUTs, and after them boxes, by number: what is emitted at once, in order.

        In each step come the LUTs, those of one size together, and then the boxes.
        """
        step = self._steps()[self.first_lut :]
        kind = np.full(len(step), MAX_FANIN + 1, np.uint8)
        kind[: len(self.luts.size)] = self.luts.size
        order = np.lexsort((kind, step))
        step, kind = step[order], kind[order]
        ends = np.flatnonzero((step[1:] != step[:-1]) | (kind[1:] != kind[:-1])) + 1
        yield from (rows for rows in np.split(order, ends) if len(rows))

    def _steps(self) -> IntArray:
        """When each node, and after them each box, may be emitted: the longest path to it."""
        columns = np.arange(self.luts.fanin.shape[1])
        read, column = np.nonzero(columns < self.luts.size[:, None])
        driver = np.arange(len(self.literal), dtype=np.int32)  # of leaves the box
        for box in range(len(self.boxes)):
            leaves = slice(self.box_leaves[box], self.box_leaves[box + 1])
            driver[leaves] = len(self.literal) + box
        sources = [driver[self.luts.fanin[read, column]]]
        targets = [self.first_lut + read]
        for box in range(len(self.boxes)):
            reads = self.luts.outputs[self.box_reads[box] : self.box_reads[box + 1]]
            needed = ascending(driver[reads >> _ONE])
            sources.append(needed)
            targets.append(np.full(len(needed), len(self.literal) + box))
        n = len(self.literal) + len(self.boxes)
        return longest_paths(n, np.concatenate(sources), np.concatenate(targets))

    def _emit_luts(self, rows: NDArray[np.intp]) -> None:
        fanin = self._nets(self.luts.fanin[rows, : self.luts.size[rows[0]]])
        nets = self.writer.luts(fanin, self.luts.table[rows])
        self.literal[self.first_lut + rows] = literals_of(nets)

    def _emit_box(self, box: int) -> None:
        cell = self.boxes[box]
        reads = self.luts.outputs[self.box_reads[box] : self.box_reads[box + 1]]
        fanin = self.writer.nets(self._read(reads)).reshape(cell.fanin.shape)
        nets = self.writer.add(replace(cell, fanin=fanin))
        self.literal[self.box_leaves[box] : self.box_leaves[box + 1]] = literals_of(nets)

    def _nets(self, nodes: IntArray) -> IntArray:
        nets, _ = split(self.literal[nodes])
        return nets

    def _read(self, literals: Literals) -> Literals:
        return self.literal[literals >> _ONE] ^ (literals & _ONE)


def longest_paths(n: int, sources: NDArray[np.integer], targets: NDArray[np.integer]) -> IntArray:
    """The number of edges on the longest path to each of `n` nodes of an acyclic graph: int32 [n].

    sources, targets: the ends of each edge [edges]. Takes time in proportion to edges, and a few
    array operations for each step of the longest path.
    """
    waiting = np.bincount(targets, minlength=n)
    order = np.argsort(sources, kind="stable")
    sources, targets = sources[order], targets[order]
    starts = np.searchsorted(sources, np.arange(n + 1))
    step = np.full(n, -1, np.int32)
    ready, depth = np.flatnonzero(waiting == 0), 0
    while len(ready):
        step[ready] = depth
        counts = starts[ready + 1] - starts[ready]
        edges = np.repeat(starts[ready] - (np.cumsum(counts) - counts), counts)
        reached = targets[edges + np.arange(len(edges))]
        np.subtract.at(waiting, reached, 1)
        ready, depth = ascending(reached[waiting[reached] == 0]), depth + 1
    assert (step >= 0).all(), "logic was moved so that it reads itself"
    return step
