"""The two-input logic of a netlist, as the arrays that mapping and resynthesis work on.

What lies between LUTs, that is popcounts, argmaxes and tiles, are **boxes**. `split` cuts a netlist
at them: the **leaves** of its subject graph are the netlist's inputs and what boxes drive, the
outputs are the netlist's outputs and what boxes read. `Frame.join` puts other logic of the same
leaves and outputs in its place.

Nodes are numbered: 0 is the constant false, then come the leaves, then the gates in an order in
which each reads earlier ones. A **literal** is `2 * node + inverted`; 0 and 1 are the constants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import NetlistError
from .literals import Literals, Writer, ascending, literals_of
from .literals import split as literal_nets
from .netlist import FIRST_INPUT, MAX_FANIN, Cell, IntArray, Luts, Netlist, Tile
from .passes.decompose import Decompose
from .passes.fold import fold
from .tables import Tables, flip, full

_ONE = np.uint32(1)
_MOST_NODES = 1 << 29  # native code numbers two edges a node, and outputs, in 31 bits
# For each two-input table: whether it is an XOR, and the inversions of fanin 0, fanin 1 and output.
# Tables 0, 3, 5, 10, 12 and 15 depend on fewer inputs, so `fold` has removed them.
_GATES = {
    0x8: (0, 0, 0, 0),
    0x2: (0, 0, 1, 0),
    0x4: (0, 1, 0, 0),
    0x1: (0, 1, 1, 0),
    0x7: (0, 0, 0, 1),
    0xD: (0, 0, 1, 1),
    0xB: (0, 1, 0, 1),
    0xE: (0, 1, 1, 1),
    0x6: (1, 0, 0, 0),
    0x9: (1, 0, 0, 1),
}
_GATE = np.zeros((16, 4), np.uint32)
for _table, _row in _GATES.items():
    _GATE[_table] = _row


@dataclass(frozen=True, eq=False)
class Subject:
    """AND and XOR gates over leaves, inversion on the edges.

    n_leaves: nodes 1 to n_leaves. stage: int32 [n_leaves], the most boxes on a path to each leaf;
    logic may be moved onto other leaves only where that raises no box's stage, or a box might come
    to read what it drives. fanin: uint32 [gates, 2], literals of earlier nodes. xor: bool [gates],
    XOR rather than AND. outputs: uint32 [m], literals. output_stage: int32 [m], the latest stage a
    leaf may have that this output depends on.
    """

    n_leaves: int
    stage: IntArray
    fanin: Literals
    xor: NDArray[np.bool_]
    outputs: Literals
    output_stage: IntArray

    @property
    def n_gates(self) -> int:
        return len(self.fanin)

    @property
    def first_gate(self) -> int:
        """The node of gate 0."""
        return 1 + self.n_leaves

    def as_luts(self) -> LutNetwork:
        """The same gates as two-input LUTs."""
        inverted = (self.fanin & _ONE).astype(np.bool_)
        table = np.where(self.xor, np.uint64(0x6), np.uint64(0x8))
        for i in range(2):
            table = np.where(inverted[:, i], flip(table, i), table)
        return LutNetwork(
            self.n_leaves,
            (self.fanin >> _ONE).astype(np.int32),
            np.full(self.n_gates, 2, np.uint8),
            table,
            self.outputs,
        )


@dataclass(frozen=True, eq=False)
class LutNetwork:
    """LUTs over the leaves of a subject graph; nodes are numbered as there.

    fanin: int32 [n, k], nodes; columns from size[i] on are not read. size: uint8 [n], 1 to k.
    table: uint64 [n], over the first size[i] columns. outputs: uint32 [m], literals.
    """

    n_leaves: int
    fanin: IntArray
    size: NDArray[np.uint8]
    table: Tables
    outputs: Literals


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


def split(netlist: Netlist) -> tuple[Subject, Frame]:
    """The subject graph of a netlist, and the frame it belongs in.

    LUTs of more inputs become gates by Shannon expansion. Tiles are boxes: for their bodies, see
    `with_bodies`.

    Raises:
        NetlistError: it would have more than 2**29 nodes or outputs.
    """
    plain = fold(Decompose(2)(netlist))
    boxes = _boxes(plain)
    outputs = len(plain.outputs) + sum(cell.fanin.size for cell in boxes)
    if max(plain.n_nets, outputs) > _MOST_NODES:
        raise NetlistError(
            f"two-input logic: {plain.n_nets:,} nets and {outputs:,} outputs; allowed are "
            f"{_MOST_NODES:,} of each; keep repeated parts in tiles, or optimise parts alone"
        )
    return _Splitter(plain).subject(), Frame(netlist, boxes)


def with_bodies(netlist: Netlist, change: Callable[[Netlist], Netlist]) -> Netlist:
    """`change` applied to the body of every tile, from the inside out, and then to the netlist.

    Bodies shared between tiles are changed once and stay shared. `change` must keep a body's inputs
    and outputs.
    """
    return _with_bodies(netlist, change, {})


def _with_bodies(
    netlist: Netlist, change: Callable[[Netlist], Netlist], memo: dict[int, Netlist]
) -> Netlist:
    if id(netlist) in memo:
        return memo[id(netlist)]
    cells = tuple(
        replace(cell, body=_with_bodies(cell.body, change, memo))
        if isinstance(cell, Tile)
        else cell
        for cell in netlist.cells
    )
    same = all(
        not isinstance(new, Tile) or (isinstance(old, Tile) and new.body is old.body)
        for new, old in zip(cells, netlist.cells, strict=True)
    )
    inner = netlist if same else Netlist(netlist.n_inputs, cells, netlist.outputs)
    memo[id(netlist)] = change(inner)
    return memo[id(netlist)]


def _boxes(netlist: Netlist) -> tuple[Cell, ...]:
    return tuple(cell for cell in netlist.cells if not isinstance(cell, Luts))


class _Splitter:
    """Numbers the nets of a folded netlist as nodes of its subject graph."""

    def __init__(self, netlist: Netlist) -> None:
        self.netlist = netlist
        self.literal = np.zeros(netlist.n_nets, np.uint32)  # of each net
        self.stage = np.zeros(netlist.n_nets, np.int32)
        self.literal[1] = 1
        self.leaf_nets = [np.arange(FIRST_INPUT, FIRST_INPUT + netlist.n_inputs)]
        self.leaf_nets += [
            np.arange(first, first + cell.n_nets)
            for first, cell in netlist.placed()
            if not isinstance(cell, Luts)
        ]
        self.leaves = np.concatenate(self.leaf_nets)
        self.literal[self.leaves] = 2 * np.arange(1, len(self.leaves) + 1)
        self.next = 1 + len(self.leaves)

    def subject(self) -> Subject:
        fanin, xor = [np.zeros((0, 2), np.uint32)], [np.zeros(0, np.bool_)]
        outputs, late = [self.literal[:0]], [self.stage[:0]]
        for first, cell in self.netlist.placed():
            nets = slice(first, first + cell.n_nets)
            if isinstance(cell, Luts):
                literals, kind = self._gates(first, cell)
                fanin.append(literals)
                xor.append(kind)
                self.stage[nets] = self.stage[cell.fanin].max(axis=1)
            else:
                outputs.append(self.literal[cell.fanin].reshape(-1))
                stage = int(self.stage[cell.fanin].max(initial=0))
                late.append(np.full(cell.fanin.size, stage, np.int32))
                self.stage[nets] = stage + 1
        outputs.append(self.literal[self.netlist.outputs])
        late.append(np.full(len(self.netlist.outputs), np.iinfo(np.int32).max, np.int32))
        return Subject(
            len(self.leaves),
            self.stage[self.leaves],
            np.concatenate(fanin),
            np.concatenate(xor),
            np.concatenate(outputs),
            np.concatenate(late),
        )

    def _gates(self, first: int, cell: Luts) -> tuple[Literals, NDArray[np.bool_]]:
        """Fanin literals [n, 2] and kinds [n] of a cell; inverters become literals alone."""
        nets = slice(first, first + cell.n_nets)
        if cell.k == 1:
            self.literal[nets] = self.literal[cell.fanin[:, 0]] ^ _ONE
            return np.zeros((0, 2), np.uint32), np.zeros(0, np.bool_)
        rows = _GATE[cell.table]
        kind = rows[:, 0].astype(np.bool_)
        literals = self.literal[cell.fanin] ^ rows[:, 1:3]
        output = rows[:, 3].copy()
        odd = (literals & _ONE).sum(axis=1).astype(np.uint32) & _ONE
        output[kind] ^= odd[kind]  # an XOR hands the inversions of its inputs on
        literals[kind] &= ~_ONE
        nodes = np.arange(self.next, self.next + cell.n_nets, dtype=np.uint32)
        self.literal[nets] = 2 * nodes ^ output
        self.next += cell.n_nets
        return literals, kind


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
        nets, _ = literal_nets(self.literal[nodes])
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
