"""Cutting a netlist at its boxes into a subject graph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import NetlistError
from .literals import Literals
from .netlist import FIRST_INPUT, Cell, Luts, Netlist
from .passes.decompose import Decompose
from .passes.fold import fold
from .subject import Subject
from .subject_join import Frame

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


def split(netlist: Netlist) -> tuple[Subject, Frame]:
    """The subject graph of a netlist, and the frame it belongs in.

    LUTs of more inputs become gates by Shannon expansion. Tiles are boxes: for their bodies, see
    `bodies.with_bodies`.

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
