"""Building netlists cell by cell, with inputs added at any time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .netlist import (
    FALSE,
    FIRST_INPUT,
    TRUE,
    Argmax,
    Cell,
    IntArray,
    Luts,
    Netlist,
    Popcount,
    Tile,
    frozen,
    renumbered,
)
from .verify import check_fanin, verify

__all__ = ["FALSE", "TRUE", "Builder"]


class Builder:
    """Collects cells and hands out the nets they drive.

    Every method returns the new nets as an int32 array, to be used as fanin of later cells; nets
    0 and 1 are the constants. Numbers are provisional while building, because inputs may still be
    added; `build` numbers everything for good.

        b = Builder()
        x = b.inputs(3)
        s = b.luts([[x[0], x[1]]], [0x6])
        netlist = b.build(s)
    """

    def __init__(self, n_inputs: int = 0) -> None:
        self._cells: list[tuple[int, Cell]] = []
        self._input_nets: list[IntArray] = []
        self._next = FIRST_INPUT
        if n_inputs:
            self.inputs(n_inputs)

    @property
    def n_inputs(self) -> int:
        return sum(map(len, self._input_nets))

    def _take(self, count: int) -> IntArray:
        nets = np.arange(self._next, self._next + count, dtype=np.int32)
        self._next += count
        return nets

    def _add(self, cell: Cell) -> IntArray:
        check_fanin(cell.fanin, self._next, f"builder, {type(cell).__name__}")
        nets = self._take(cell.n_nets)
        if len(nets):
            self._cells.append((int(nets[0]), cell))
        return nets

    def inputs(self, count: int) -> IntArray:
        """Add inputs: [count]."""
        nets = self._take(count)
        self._input_nets.append(nets)
        return nets

    def luts(self, fanin: ArrayLike, table: ArrayLike) -> IntArray:
        """Add lookup tables, fanin [n, k], table [n] or one for all: [n]."""
        rows = np.asarray(fanin)
        return self._add(Luts(rows, np.broadcast_to(np.asarray(table), (len(rows),))))

    def popcount(self, fanin: ArrayLike, shift: ArrayLike | None = None) -> IntArray:
        """Add a popcount of each group, fanin [groups, m], shift [m] or None: [groups, width]."""
        cell = Popcount(np.asarray(fanin), None if shift is None else np.asarray(shift))
        return self._add(cell).reshape(len(cell.fanin), cell.width)

    def argmax(self, fanin: ArrayLike) -> IntArray:
        """Add an argmax, fanin [candidates, bits]: [width]."""
        return self._add(Argmax(np.asarray(fanin)))

    def tile(self, body: Netlist, fanin: ArrayLike) -> IntArray:
        """Add a tile, fanin [places, body.n_inputs]: [places, outputs]."""
        cell = Tile(body, np.asarray(fanin))
        return self._add(cell).reshape(cell.places, len(body.outputs))

    def build(self, outputs: ArrayLike) -> Netlist:
        """The verified netlist with these output nets, in any shape; inputs in order of addition.

        Raises:
            NetlistError: a cell reads a net that does not exist, or an output is one.
        """
        wanted = frozen(np.reshape(outputs, -1), np.int64, 1)
        check_fanin(wanted[None], self._next, "builder, outputs")
        final = self._final_numbers()
        cells = [renumbered(cell, final) for _, cell in self._cells]
        return verify(Netlist(self.n_inputs, tuple(cells), final[wanted]))

    def _final_numbers(self) -> IntArray:
        order = [np.arange(FIRST_INPUT), *self._input_nets]
        order += [np.arange(first, first + cell.n_nets) for first, cell in self._cells]
        final = np.empty(self._next, np.int32)
        final[np.concatenate(order)] = np.arange(self._next, dtype=np.int32)
        return final
