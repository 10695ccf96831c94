"""Neighbouring LUTs and popcounts as tiles of one place, which become straight-line code."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from ...compiler import Cell, Luts, Netlist, Popcount, Tile
from ...compiler.netlist import FIRST_INPUT, IntArray, renumbered

Run = tuple[int, int]  # the cells from, and to


def size_of(cells: tuple[Cell, ...]) -> int:
    """Operations that LUTs and popcounts become, about: an adder is two and takes two bits away."""
    luts = sum(cell.n_nets for cell in cells if isinstance(cell, Luts))
    return luts + sum(2 * cell.fanin.size for cell in cells if isinstance(cell, Popcount))


def gather(netlist: Netlist, cut: int) -> tuple[Netlist, list[Netlist], int]:
    """Each run of neighbouring LUTs and popcounts as one tile of one place.

    Args:
        netlist: any netlist.
        cut: a cell index that no run crosses.

    Returns:
        The netlist, the bodies of these tiles, and where `cut` lies in its cells.
    """
    runs = _runs(netlist, cut)
    covered = {index for run in runs for index in range(*run)}
    stops = dict(runs)
    kept = _kept(netlist, runs)
    firsts = [first for first, _ in netlist.placed()] + [netlist.n_nets]
    final = np.arange(netlist.n_nets, dtype=np.int32)
    cells: list[Cell] = []
    bodies: list[Netlist] = []
    net = FIRST_INPUT + netlist.n_inputs
    new_cut = 0
    for index, cell in enumerate(netlist.cells):
        made = np.arange(firsts[index], firsts[index + 1])
        if index in stops:
            made = kept[index]
            cell = _tile(netlist, (index, stops[index]), firsts[index], made)
            if len(made):
                bodies.append(cell.body)
        elif index in covered:
            continue
        if len(made):
            cells.append(renumbered(cell, final))
            final[made] = np.arange(net, net + len(made))
            net += len(made)
        if index < cut:
            new_cut = len(cells)
    return Netlist(netlist.n_inputs, tuple(cells), final[netlist.outputs]), bodies, new_cut


def _runs(netlist: Netlist, cut: int) -> list[Run]:
    found: list[Run] = []
    kinds = [
        (isinstance(cell, Luts | Popcount), index >= cut)
        for index, cell in enumerate(netlist.cells)
    ]
    for (joins, _), group in groupby(range(len(kinds)), key=kinds.__getitem__):
        indices = list(group)
        if joins:
            found.append((indices[0], indices[-1] + 1))
    return found


def _kept(netlist: Netlist, runs: list[Run]) -> dict[int, IntArray]:
    """For each run, by its first cell, its nets that cells behind it or outputs read."""
    needed = np.zeros(netlist.n_nets, np.bool_)
    needed[netlist.outputs] = True
    stops = {stop: start for start, stop in runs}
    firsts = [first for first, _ in netlist.placed()] + [netlist.n_nets]
    kept: dict[int, IntArray] = {}
    for index in range(len(netlist.cells), 0, -1):
        if index in stops:
            start = stops[index]
            within = np.flatnonzero(needed[firsts[start] : firsts[index]])
            kept[start] = (firsts[start] + within).astype(np.int32)
        needed[netlist.cells[index - 1].fanin] = True
    return kept


def _tile(netlist: Netlist, run: Run, first: int, kept: IntArray) -> Tile:
    """The cells of a run as a tile of one place, which drives the nets `kept`."""
    cells = netlist.cells[slice(*run)]
    read = np.unique(np.concatenate([cell.fanin.ravel() for cell in cells]))
    outside = read[(read >= FIRST_INPUT) & (read < first)]
    inside = np.arange(netlist.n_nets, dtype=np.int32)
    inside[outside] = np.arange(FIRST_INPUT, FIRST_INPUT + len(outside))
    made = sum(cell.n_nets for cell in cells)
    begin = FIRST_INPUT + len(outside)
    inside[first : first + made] = np.arange(begin, begin + made)
    body = Netlist(len(outside), tuple(renumbered(cell, inside) for cell in cells), inside[kept])
    return Tile(body, outside[None].astype(np.int32))
