"""The two-input logic of a netlist, as the arrays that mapping and resynthesis work on.

What lies between LUTs, that is popcounts, argmaxes and tiles, are **boxes**. `subject_split.split`
cuts a netlist at them: the **leaves** of its subject graph are the netlist's inputs and what boxes
drive, the outputs are the netlist's outputs and what boxes read. `subject_join.Frame.join` puts
other logic of the same leaves and outputs in its place.

Nodes are numbered: 0 is the constant false, then come the leaves, then the gates in an order in
which each reads earlier ones. A **literal** is `2 * node + inverted`; 0 and 1 are the constants.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .literals import Literals
from .netlist import IntArray
from .tables import Tables, flip

_ONE = np.uint32(1)


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
