"""Small runs of LUTs become tiles of one place, which a backend emits as straight-line code."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ..compiler import Cell, Luts, Netlist, Tile
from ..compiler.netlist import FIRST_INPUT, IntArray, renumbered


def outline(netlist: Netlist, limit: int, cut: int) -> tuple[Netlist, int]:
    """Gather neighbouring `Luts` cells into one-place tiles, while they are few.

    Values inside such a run then live in registers, and only what is read elsewhere is stored.

    Args:
        netlist: any netlist.
        limit: gates in all runs before, and in all behind the cut; what exceeds it stays as it is.
        cut: a cell index that no run crosses, because other code may begin there.

    Returns:
        The outlined netlist, and where `cut` lies in its cells.
    """
    firsts = [first for first, _ in netlist.placed()] + [netlist.n_nets]
    last_reader = _last_readers(netlist)
    final = np.arange(
        netlist.n_nets, dtype=np.int32
    )  # from nets of `netlist` to those of the result
    cells: list[Cell] = []
    new_cut = 0
    net = FIRST_INPUT + netlist.n_inputs
    for start, stop, small in _runs(netlist, limit, cut):
        kept = driven = np.arange(firsts[start], firsts[stop], dtype=np.int32)
        if small:
            kept = driven[last_reader[driven] >= stop]
            cell: Cell = _tile(netlist.cells[start:stop], driven, kept, final)
        else:
            cell = renumbered(netlist.cells[start], final)
        if len(kept):
            final[kept] = np.arange(net, net + len(kept))
            net += len(kept)
            cells.append(cell)
        if start < cut:
            new_cut = len(cells)
    return Netlist(netlist.n_inputs, tuple(cells), final[netlist.outputs]), new_cut


def _runs(netlist: Netlist, limit: int, cut: int) -> list[tuple[int, int, bool]]:
    """(start, stop, small): neighbouring LUT cells within the limit, every other cell alone."""
    runs: list[tuple[int, int, bool]] = []
    left = [limit, limit]  # before and after the cut, so that long networks still compile fast
    kinds = [(isinstance(cell, Luts), index >= cut) for index, cell in enumerate(netlist.cells)]
    for (is_luts, part), group in groupby(range(len(kinds)), key=kinds.__getitem__):
        indices = list(group)
        gates = sum(netlist.cells[i].n_nets for i in indices)
        if is_luts and gates <= left[part]:
            left[part] -= gates
            runs.append((indices[0], indices[-1] + 1, True))
        else:
            runs += [(i, i + 1, False) for i in indices]
    return runs


def _tile(run: tuple[Cell, ...], driven: IntArray, kept: IntArray, final: IntArray) -> Tile:
    """The run as a body whose inputs are the nets it reads from outside."""
    read = np.unique(np.concatenate([cell.fanin.ravel() for cell in run]))
    outside = read[(read >= FIRST_INPUT) & (read < driven[0])]
    inside: NDArray[np.int32] = np.zeros(int(driven[-1]) + 1, np.int32)
    inside[:FIRST_INPUT] = np.arange(FIRST_INPUT)
    inside[outside] = np.arange(FIRST_INPUT, FIRST_INPUT + len(outside))
    inside[driven] = np.arange(len(driven)) + FIRST_INPUT + len(outside)
    body = Netlist(len(outside), tuple(renumbered(cell, inside) for cell in run), inside[kept])
    return Tile(body, final[outside][None])


def _last_readers(netlist: Netlist) -> NDArray[np.int64]:
    """The last cell that reads each net, counting the outputs as one more; -1 if none does."""
    last = np.full(netlist.n_nets, -1, np.int64)
    for index, cell in enumerate(netlist.cells):
        last[cell.fanin] = index
    last[netlist.outputs] = len(netlist.cells)
    return last
