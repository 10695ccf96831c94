"""Tiles that would be slow as strips, as straight-line code or as rows.

A body of many LUTs and few inputs and outputs keeps most values in registers as straight-line
code, where rows over places load and store each. It is cut by its outputs, so that a piece is no
more code than compilers and instruction caches take well. Rows over places are faster, though, for
a body that has more inputs and outputs than LUTs, which stays whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...compiler import Cell, Luts, Netlist, Tile
from ...compiler.netlist import FIRST_INPUT, renumbered
from ...compiler.passes.unroll import unroll_where
from ...compiler.stats import n_gates
from ..lut_rows import depth_first, rows_as_tile, rows_of
from ..outline import PIECE

_MOST = 12_000  # LUTs of all bodies that are cut, because compilers take a second for 2,000
_REPEATED = 1.25  # times that a LUT is computed, on average, at most
_FEW = 16  # places at which rows over places cost more than rows of the program
_ROWS = 1 << 16  # LUTs of a tile, all places counted, that become rows of the program at most


@dataclass(frozen=True)
class _Piece:
    """A tile for some outputs of a body: which of its nets [outputs], without repetition."""

    tile: Tile
    nets: list[int]


def dense(body: Netlist) -> bool:
    """Whether a body of LUTs, or of tiles of them, should be straight-line code in pieces: it has
    at least as many LUTs as inputs and outputs, and not too many."""
    return body.n_inputs + len(body.outputs) <= n_gates(body) <= _MOST


def only_luts(body: Netlist) -> bool:
    return bool(body.cells) and all(isinstance(cell, Luts) for cell in body.cells)


def unroll_few(netlist: Netlist, straight_line: int) -> Netlist:
    """Unroll tiles of few places whose bodies are LUTs, but more than straight-line code has."""

    def chosen(tile: Tile) -> bool:
        gates = n_gates(tile.body)
        few = tile.places <= _FEW and tile.places * gates <= _ROWS
        return few and gates > straight_line and only_luts(tile.body)

    return unroll_where(netlist, chosen)


def cut_bodies(netlist: Netlist, straight_line: int) -> Netlist:
    """The same function, `dense` bodies of more LUTs than that in pieces, a tile for each."""
    most = min(straight_line, PIECE)
    left = _MOST
    parts: dict[int, list[_Piece]] = {}
    for index, cell in enumerate(netlist.cells):
        if not isinstance(cell, Tile) or not only_luts(cell.body) or not dense(cell.body):
            continue
        gates = n_gates(cell.body)
        if straight_line < gates <= left:
            pieces = _pieces(cell, most)
            total = sum(n_gates(piece.tile.body) for piece in pieces)
            if total <= _REPEATED * gates:
                parts[index] = pieces
                left -= total
    return _rewritten(netlist, parts) if parts else netlist


def _pieces(tile: Tile, most: int) -> list[_Piece]:
    """The outputs that LUTs drive, in their order, as many in a piece as take up to `most` LUTs."""
    body = tile.body
    rows = rows_of(body.cells, FIRST_INPUT + body.n_inputs)
    fanin = {net: nets for net, (nets, _) in rows.items()}
    groups: list[tuple[list[int], set[int]]] = []
    for output in dict.fromkeys(body.outputs.tolist()):
        if output not in rows:
            continue
        cone = depth_first(fanin, [output])
        if not groups or len(groups[-1][1].union(cone)) > most:
            groups.append(([], set()))
        outputs, needed = groups[-1]
        outputs.append(output)
        needed.update(cone)
    found = []
    for outputs, needed in groups:
        piece = rows_as_tile({net: rows[net] for net in sorted(needed)}, outputs)
        given = tile.fanin[:, piece.fanin[0] - FIRST_INPUT]
        found.append(_Piece(Tile(piece.body, given), outputs))
    return found


def _rewritten(netlist: Netlist, parts: dict[int, list[_Piece]]) -> Netlist:
    """The netlist with pieces in place of cells, by their index."""
    final = np.arange(netlist.n_nets, dtype=np.int32)
    cells: list[Cell] = []
    following = FIRST_INPUT + netlist.n_inputs
    for index, (first, cell) in enumerate(netlist.placed()):
        driven = np.arange(first, first + cell.n_nets)
        if index not in parts:
            cells.append(renumbered(cell, final))
            final[driven] = following + np.arange(cell.n_nets)
            following += cell.n_nets
            continue
        assert isinstance(cell, Tile)
        columns = driven.reshape(cell.places, -1)
        source = cell.body.outputs
        for column in np.flatnonzero(source < FIRST_INPUT + cell.body.n_inputs):
            net = source[column]
            final[columns[:, column]] = (
                net if net < FIRST_INPUT else final[cell.fanin[:, net - FIRST_INPUT]]
            )
        for piece in parts[index]:
            cells.append(renumbered(piece.tile, final))
            made = following + np.arange(piece.tile.n_nets).reshape(cell.places, -1)
            for number, net in enumerate(piece.nets):
                final[columns[:, source == net]] = made[:, number : number + 1]
            following += piece.tile.n_nets
    return Netlist(netlist.n_inputs, tuple(cells), final[netlist.outputs])
