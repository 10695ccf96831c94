"""Convolution and pooling as one tile, so that what pooling alone reads is never stored.

A pooling tile has a place for each window of each channel. Where its windows cover the places of a
convolution about once, both become a tile with a place for each window: its body is the convolution
at the places of the window, a tile itself, and the pooling of every channel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...compiler import Cell, Luts, Netlist, Tile
from ...compiler.hashing import repeated_rows
from ...compiler.netlist import FIRST_INPUT, IntArray, renumbered
from ...compiler.passes.unroll import unroll
from ...compiler.stats import n_gates
from ...compiler.tables import Tables, as_tables, flip, table_dtype
from .pieces import dense, only_luts

_COVERED = 0.5  # of all windows of all channels, those that are pooled, at least
_OVERLAP = 1.3  # times that a place is computed, on average, at most
_KEPT = 0.3  # of the places, those that others read too, at most
Mask = NDArray[np.bool_]


def fuse_pools(netlist: Netlist, straight_line: int = 0) -> Netlist:
    """The same function, each convolution and its pooling one tile where that pays.

    Args:
        netlist: any netlist.
        straight_line: bodies of so many LUTs are faster by themselves than in a larger body that is
            not straight-line code. A fused body of so many is unrolled, to be that, too, and one
            that `cut_bodies` makes straight-line code in pieces, unless this is 0.
    """
    if sum(isinstance(cell, Tile) for cell in netlist.cells) < 2:
        return netlist
    return _Fusing(netlist, straight_line).result()


@dataclass
class _Fused:
    """A tile in place of two. nets: of the pooling [rows], which of its nets [rows] they become.

    kept: places of the convolution that others read [kept].
    """

    tile: Tile
    nets: IntArray
    become: IntArray
    kept: IntArray


class _Fusing:
    def __init__(self, netlist: Netlist, straight_line: int) -> None:
        self.netlist, self.straight_line = netlist, straight_line
        self.first = np.array([first for first, _ in netlist.placed()], np.int32)
        self.source = np.arange(netlist.n_nets, dtype=np.int32)
        self.inverted = np.zeros(netlist.n_nets, np.bool_)
        self.readers = self._counted(netlist.outputs, *(cell.fanin for cell in netlist.cells))
        for first, cell in netlist.placed():
            if isinstance(cell, Luts) and cell.k == 1:
                rows = np.flatnonzero(cell.table == 1)
                self.source[first + rows] = cell.fanin[rows, 0]
                self.inverted[first + rows] = True
        self.fused: dict[int, _Fused] = {}  # by the index of the convolution
        self.pools: set[int] = set()  # indices of the poolings fused with them
        self.gone = np.zeros(netlist.n_nets, np.bool_)  # nets that a fused tile drives or spares

    def result(self) -> Netlist:
        for index, cell in enumerate(self.netlist.cells):
            if isinstance(cell, Tile):
                self._try(index, cell)
        if not self.fused:
            return self.netlist
        return self._rewritten()

    def _counted(self, *read: IntArray) -> NDArray[np.int64]:
        """How often each net is among those read."""
        nets = np.concatenate([part.ravel() for part in read])
        return np.bincount(nets, minlength=self.netlist.n_nets)

    def _try(self, index: int, pool: Tile) -> None:
        """Fuse a tile with the one that it reads, if it reads no other."""
        body = pool.body
        if len(body.outputs) != 1 or not body.n_inputs or not only_luts(body):
            return
        if body.outputs[0] < FIRST_INPUT + body.n_inputs:
            return
        fanin = self.source[pool.fanin]
        rows = np.flatnonzero((fanin >= FIRST_INPUT + self.netlist.n_inputs).all(axis=1))
        if not len(rows):
            return
        owners = np.searchsorted(self.first, fanin[rows], side="right") - 1
        owner = int(np.bincount(owners[:, 0]).argmax())
        rows = rows[(owners == owner).all(axis=1)]
        conv = self.netlist.cells[owner]
        if owner in self.fused or not isinstance(conv, Tile) or not only_luts(conv.body):
            return
        if owner >= index or index in self.fused or owner in self.pools:
            return
        found = self._fuse(index, pool, owner, conv, rows)
        if found is not None:
            self.fused[owner] = found
            self.pools.add(index)

    def _fuse(
        self, index: int, pool: Tile, owner: int, conv: Tile, rows: NDArray[np.intp]
    ) -> _Fused | None:
        outputs = len(conv.body.outputs)
        read = pool.fanin[rows]
        place, channel = np.divmod(self.source[read] - self.first[owner], outputs)
        windows, window = _distinct(place)
        kinds, kind = _distinct(2 * channel + self.inverted[read])
        if len(rows) < _COVERED * len(windows) * len(kinds):
            return None
        if windows.size > _OVERLAP * conv.places:
            return None
        kept = self._kept(owner, conv, pool, rows)
        if len(kept) > _KEPT * conv.places:
            return None
        tile = _pooled(conv, windows, pool.body, kinds)
        if n_gates(tile.body) <= self.straight_line or (self.straight_line and dense(tile.body)):
            tile = Tile(unroll(tile.body), tile.fanin)
        elif n_gates(conv.body) <= self.straight_line:
            return None
        become = (window * len(kinds) + kind).astype(np.int32)
        nets = self.first[index] + rows.astype(np.int32)
        self.gone[nets] = True
        self._spare(read)
        return _Fused(tile, nets, become, kept)

    def _kept(self, owner: int, conv: Tile, pool: Tile, rows: NDArray[np.intp]) -> IntArray:
        """Places of which something is read elsewhere."""
        read = pool.fanin[rows].ravel()
        left = self.readers - self._counted(read)
        through = np.unique(read[self.inverted[read] & (left[read] == 0)])
        np.subtract.at(left, self.source[through], 1)
        driven = left[self.first[owner] : self.first[owner] + conv.n_nets]
        return np.flatnonzero((driven > 0).reshape(conv.places, -1).any(axis=1)).astype(np.int32)

    def _spare(self, read: IntArray) -> None:
        """Count the readers that are gone, and inverters that are left without any."""
        flat = read.ravel()
        self.readers -= self._counted(flat)
        through = np.unique(flat[self.inverted[flat] & (self.readers[flat] == 0)])
        np.subtract.at(self.readers, self.source[through], 1)
        self.gone[through] = True

    def _rewritten(self) -> Netlist:
        final = np.full(self.netlist.n_nets, -1, np.int32)
        given = FIRST_INPUT + self.netlist.n_inputs
        final[:given] = np.arange(given)
        cells: list[Cell] = []
        following = given
        for index, (first, cell) in enumerate(self.netlist.placed()):
            places = rows = None
            if index in self.fused:
                found = self.fused[index]
                assert isinstance(cell, Tile)
                cells.append(renumbered(found.tile, final))
                final[found.nets] = following + found.become
                following += found.tile.n_nets
                places = found.kept
                cell = Tile(cell.body, cell.fanin[places])
                driven = first + (
                    places[:, None] * len(cell.body.outputs) + np.arange(len(cell.body.outputs))
                )
            else:
                alive = ~self.gone[first : first + cell.n_nets]
                if not alive.all():
                    rows = np.flatnonzero(alive)
                    cell = _rows_of(cell, rows)
                    driven = first + rows
                else:
                    driven = np.arange(first, first + cell.n_nets)
            if driven.size:
                cells.append(renumbered(cell, final))
                final[driven.ravel()] = np.arange(following, following + driven.size)
                following += driven.size
        return Netlist(self.netlist.n_inputs, tuple(cells), final[self.netlist.outputs])


def _rows_of(cell: Cell, rows: NDArray[np.intp]) -> Cell:
    if isinstance(cell, Luts):
        return Luts(cell.fanin[rows], cell.table[rows])
    assert isinstance(cell, Tile)
    return Tile(cell.body, cell.fanin[rows])


def _distinct(rows: IntArray) -> tuple[IntArray, NDArray[np.intp]]:
    """The distinct rows in order of first occurrence, and the index of each row among them."""
    first = np.arange(len(rows))
    again, original = repeated_rows(np.ascontiguousarray(rows).astype(np.uint32))
    first[again] = original
    heads, index = np.unique(first, return_inverse=True)
    return rows[heads], index


def _pooled(conv: Tile, windows: IntArray, pool: Netlist, kinds: IntArray) -> Tile:
    """A tile with a place for each window.

    windows: places of the convolution [windows, inputs of the pooling]. kinds: of what is pooled,
    [kinds, inputs of the pooling], twice the output of the convolution, and one more if inverted.
    """
    wide = conv.fanin[windows].reshape(len(windows), -1)
    columns, column = _distinct(wide.T)
    inner = Tile(
        conv.body, np.int32(FIRST_INPUT) + column.reshape(windows.shape[1], -1).astype(np.int32)
    )
    first = FIRST_INPUT + len(columns)
    outputs = len(conv.body.outputs)
    channel, inverted = np.divmod(kinds, 2)
    given = first + np.arange(windows.shape[1]) * outputs + channel
    cells, nets = _copies(pool, given, inverted.astype(np.bool_), first + inner.n_nets)
    body = Netlist(len(columns), (inner, *cells), nets[:, pool.outputs[0]])
    return Tile(body, np.ascontiguousarray(columns.T))


def _copies(
    pool: Netlist, given: IntArray, inverted: Mask, following: int
) -> tuple[list[Cell], IntArray]:
    """The cells of a body of LUTs for inputs [copies, n_inputs], and its nets [copies, n_nets]."""
    copies = len(given)
    nets = np.zeros((copies, pool.n_nets), np.int32)
    flipped = np.zeros(nets.shape, np.bool_)
    nets[:, 1] = 1
    nets[:, FIRST_INPUT : FIRST_INPUT + pool.n_inputs] = given
    flipped[:, FIRST_INPUT : FIRST_INPUT + pool.n_inputs] = inverted
    cells: list[Cell] = []
    for first, cell in pool.placed():
        assert isinstance(cell, Luts)
        table: Tables = np.tile(as_tables(cell.table), copies)
        turned = flipped[:, cell.fanin].reshape(-1, cell.k)
        for i in range(cell.k):
            table = np.where(turned[:, i], flip(table, i), table)
        fanin = nets[:, cell.fanin].reshape(-1, cell.k)
        cells.append(Luts(fanin, table.astype(table_dtype(cell.k))))
        rows = cell.n_nets
        nets[:, first : first + rows] = (following + np.arange(copies * rows)).reshape(copies, rows)
        following += copies * rows
    return cells, nets
