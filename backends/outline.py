"""Small runs of LUTs become tiles of one place, which a backend emits as straight-line code.

A run is cut into pieces of moderate size, because compilers take more than linear time for a
function, in an order that follows the outputs: values are read soon after they are computed. The
popcounts behind a run belong to it, so that addends are counted where they are computed and need
no slot; where a piece ends amid a sum, the next one goes on with what it came to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ..compiler import Cell, Luts, Netlist, Popcount, Tile
from ..compiler.netlist import FALSE, FIRST_INPUT, renumbered, weight_of
from .lut_rows import Addend, Row, Sum, depth_first, rows_as_tile, rows_of

PIECE = 200
_LARGEST_SUM = 1 << 28  # of weights, so that parts of a sum fit a popcount too


@dataclass
class _Piece:
    """LUTs, by the nets that they drive, in order, and sums, or parts of sums."""

    nets: list[int] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    addends: int = 0

    @property
    def full(self) -> bool:
        return max(len(self.nets), self.addends) >= PIECE


def outline(netlist: Netlist, limit: int, cut: int) -> tuple[Netlist, int]:
    """Gather neighbouring `Luts` cells, and popcounts behind, into one-place tiles, while they are
    few.

    Values inside such a tile live in registers, and only what is read elsewhere is stored.

    Args:
        netlist: any netlist.
        limit: gates in all runs before, and in all behind the cut; what exceeds it stays as it is.
        cut: a cell index that no run crosses, because other code may begin there.

    Returns:
        The outlined netlist, and where `cut` lies in its cells.
    """
    firsts = [first for first, _ in netlist.placed()] + [netlist.n_nets]
    # from nets of `netlist`, and then of parts of sums, to those of the result
    final = np.arange(netlist.n_nets, dtype=np.int32)
    cells: list[Cell] = []
    new_cut = done = 0
    net = FIRST_INPUT + netlist.n_inputs
    for start, stop, small in runs(netlist, limit, cut):
        if start < done:
            continue  # popcounts that belong to a run
        done = stop
        if small:
            done = _behind(netlist, stop, limit, cut if start < cut else len(netlist.cells))
            run = netlist.cells[start:stop]
            sums = _sums(netlist.cells[stop:done], firsts[stop:done])
            read = _read_behind(netlist, firsts[start], firsts[done], done)
            found = _pieces(rows_of(run, firsts[start]), sums, read, len(final))
        else:
            found = [(netlist.cells[start], np.arange(firsts[start], firsts[stop]))]
        for cell, driven in found:
            cells.append(renumbered(cell, final))
            final = np.pad(final, (0, max(0, 1 + int(driven.max(initial=0)) - len(final))))
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


def _behind(netlist: Netlist, stop: int, limit: int, end: int) -> int:
    """Where the popcounts that follow cell `stop` end, as far as they are small, too."""
    left = limit
    for index, cell in enumerate(netlist.cells[stop:end], stop):
        if not isinstance(cell, Popcount) or weight_of(cell.planes) > _LARGEST_SUM:
            return index
        left -= cell.fanin.size
        if left < 0:
            return index
    return end


def _sums(cells: Sequence[Cell], firsts: Sequence[int]) -> list[Sum]:
    """Those of popcounts, whose first nets are given."""
    found: list[Sum] = []
    for cell, first in zip(cells, firsts, strict=True):
        assert isinstance(cell, Popcount)
        shifts = cell.shifts.tolist()
        for row, nets in enumerate(cell.fanin.tolist()):
            planes = range(first + row * cell.width, first + (row + 1) * cell.width)
            addends = zip(nets, shifts, strict=True)
            found.append(Sum(list(planes), [addend for addend in addends if addend[0] != FALSE]))
    return found


def _pieces(
    rows: Mapping[int, Row], sums: Sequence[Sum], read: list[int], fresh: int
) -> list[tuple[Tile, NDArray[np.int32]]]:
    """The run and the sums behind it as tiles, each with the nets that it drives.

    read: the nets needed elsewhere. fresh: from here on, nets are free for parts of sums.
    """
    pieces = _cut(rows, sums, read, fresh)
    piece_of = {net: number for number, piece in enumerate(pieces) for net in piece.nets}
    wanted = set(read)
    for number, piece in enumerate(pieces):
        needed = [net for row in piece.nets for net in rows[row][0]]
        needed += [net for made in piece.sums for net, _ in made.addends]
        wanted.update(net for net in needed if piece_of.get(net, number) != number)
    tiles = []
    for piece in pieces:
        kept = [net for made in piece.sums for net in made.planes]
        kept += [net for net in piece.nets if net in wanted]
        tile = rows_as_tile({net: rows[net] for net in piece.nets}, kept, piece.sums)
        tiles.append((tile, np.array(kept, np.int32)))
    return tiles


def _cut(rows: Mapping[int, Row], sums: Sequence[Sum], read: list[int], fresh: int) -> list[_Piece]:
    """LUTs in the order in which sums, and then others, need them, a piece at a time."""
    fanin = {net: nets for net, (nets, _) in rows.items()}
    pieces = [_Piece()]
    done: set[int] = set()

    def place(root: int) -> None:
        for net in depth_first(fanin, [root], done):
            if pieces[-1].full:
                pieces.append(_Piece())
            pieces[-1].nets.append(net)

    for whole in sums:
        part: list[Addend] = []
        total, at = 0, len(pieces)
        for addend in whole.addends:
            if pieces[-1].full:
                pieces.append(_Piece())
            place(addend[0])
            if part and len(pieces) > at:
                planes = list(range(fresh, fresh + total.bit_length()))
                pieces[at - 1].sums.append(Sum(planes, part))
                part = [(plane, shift) for shift, plane in enumerate(planes)]
                fresh += len(planes)
            at = len(pieces)
            part.append(addend)
            pieces[-1].addends += 1
            total += 1 << addend[1]
        pieces[-1].sums.append(Sum(whole.planes, part))
    for net in read:
        place(net)
    return [piece for piece in pieces if piece.nets or piece.sums]
