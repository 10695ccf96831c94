"""Small runs of LUTs become tiles of one place, which a backend emits as straight-line code.

A run is cut into pieces of moderate size, because compilers take more than linear time for a
function, in an order that follows the outputs: values are read soon after they are computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ..compiler import Cell, Luts, Netlist, Tile
from ..compiler.netlist import FIRST_INPUT, renumbered
from ..compiler.tables import table_dtype

PIECE = 200
Row = tuple[tuple[int, ...], int]  # fanin and table


def outline(netlist: Netlist, limit: int, cut: int) -> tuple[Netlist, int]:
    """Gather neighbouring `Luts` cells into one-place tiles, while they are few.

    Values inside such a tile live in registers, and only what is read elsewhere is stored.

    Args:
        netlist: any netlist.
        limit: gates in all runs before, and in all behind the cut; what exceeds it stays as it is.
        cut: a cell index that no run crosses, because other code may begin there.

    Returns:
        The outlined netlist, and where `cut` lies in its cells.
    """
    firsts = [first for first, _ in netlist.placed()] + [netlist.n_nets]
    # from nets of `netlist` to those of the result
    final = np.arange(netlist.n_nets, dtype=np.int32)
    cells: list[Cell] = []
    new_cut = 0
    net = FIRST_INPUT + netlist.n_inputs
    for start, stop, small in runs(netlist, limit, cut):
        if small:
            read = _read_behind(netlist, firsts[start], firsts[stop], stop)
            found = _pieces(netlist.cells[start:stop], firsts[start], read)
        else:
            found = [(netlist.cells[start], np.arange(firsts[start], firsts[stop]))]
        for cell, driven in found:
            cells.append(renumbered(cell, final))
            final[driven] = np.arange(net, net + len(driven))
            net += len(driven)
        if start < cut:
            new_cut = len(cells)
    return Netlist(netlist.n_inputs, tuple(cells), final[netlist.outputs]), new_cut


def runs(netlist: Netlist, limit: int, cut: int) -> list[tuple[int, int, bool]]:
    """(start, stop, small): neighbouring LUT cells within the limit, every other cell alone."""
    found: list[tuple[int, int, bool]] = []
    left = [limit, limit]  # before and after the cut, so that long networks still compile fast
    kinds = [(isinstance(cell, Luts), index >= cut) for index, cell in enumerate(netlist.cells)]
    for (is_luts, part), group in groupby(range(len(kinds)), key=kinds.__getitem__):
        indices = list(group)
        gates = sum(netlist.cells[i].n_nets for i in indices)
        if is_luts and gates <= left[part]:
            left[part] -= gates
            found.append((indices[0], indices[-1] + 1, True))
        else:
            found += [(i, i + 1, False) for i in indices]
    return found


def _read_behind(netlist: Netlist, first: int, end: int, stop: int) -> list[int]:
    """The nets from `first` to `end` that cells from `stop` on or outputs read, in that order."""
    reads = [cell.fanin.ravel() for cell in netlist.cells[stop:]] + [netlist.outputs]
    found = np.concatenate([nets[(nets >= first) & (nets < end)] for nets in reads])
    return list(dict.fromkeys(found.tolist()))


def _pieces(
    run: tuple[Cell, ...], first: int, read: list[int]
) -> list[tuple[Tile, NDArray[np.int32]]]:
    """The run as tiles, each with the nets that it drives."""
    rows = rows_of(run, first)
    order = depth_first({net: fanin for net, (fanin, _) in rows.items()}, read)
    pieces = [order[i : i + PIECE] for i in range(0, len(order), PIECE)]
    piece_of = {net: number for number, piece in enumerate(pieces) for net in piece}
    wanted = set(read)
    for net in order:
        wanted.update(f for f in rows[net][0] if piece_of.get(f, piece_of[net]) != piece_of[net])
    tiles = []
    for piece in pieces:
        kept = [net for net in piece if net in wanted]
        tile = rows_as_tile({net: rows[net] for net in piece}, kept)
        tiles.append((tile, np.array(kept, np.int32)))
    return tiles


def rows_of(run: tuple[Cell, ...], first: int) -> dict[int, Row]:
    """Fanin and table of every net that the run drives."""
    rows: dict[int, Row] = {}
    for cell in run:
        assert isinstance(cell, Luts)
        fanin = map(tuple, cell.fanin.tolist())
        made = range(first, first + cell.n_nets)
        rows.update(zip(made, zip(fanin, cell.table.tolist(), strict=True), strict=True))
        first += cell.n_nets
    return rows


def depth_first(fanin: Mapping[int, Iterable[int]], roots: Iterable[int]) -> list[int]:
    """The keys of `fanin` that the roots need, each behind what it reads and soon thereafter."""
    order: list[int] = []
    done: set[int] = set()
    stack = [(root, False) for root in roots][::-1]
    while stack:
        net, ready = stack.pop()
        if ready:
            order.append(net)
        elif net in fanin and net not in done:
            done.add(net)
            stack.append((net, True))
            stack += [(f, False) for f in reversed(tuple(fanin[net]))]
    return order


def rows_as_tile(rows: Mapping[int, Row], kept: list[int]) -> Tile:
    """Rows as a tile of one place whose body has the nets read from elsewhere as inputs; one cell a
    level. kept: of its rows, the outputs.
    """
    outside = sorted({f for fanin, _ in rows.values() for f in fanin} - rows.keys())
    outside = [net for net in outside if net >= FIRST_INPUT]
    level: dict[int, int] = {}
    for net, (fanin, _) in rows.items():
        level[net] = 1 + max((level.get(f, 0) for f in fanin), default=0)
    inside = {net: net for net in range(FIRST_INPUT)}
    inside |= {net: FIRST_INPUT + i for i, net in enumerate(outside)}
    cells: list[Cell] = []

    def kind(net: int) -> tuple[int, int]:
        return level[net], len(rows[net][0])

    for _, group in groupby(sorted(rows, key=kind), key=kind):
        nets = list(group)
        fanins = [[inside[f] for f in rows[net][0]] for net in nets]
        inside |= {net: len(inside) + i for i, net in enumerate(nets)}
        tables = np.array([rows[net][1] for net in nets], table_dtype(len(fanins[0])))
        cells.append(Luts(np.array(fanins), tables))
    body = Netlist(len(outside), tuple(cells), np.array([inside[net] for net in kept]))
    return Tile(body, np.array(outside, np.int32)[None])
