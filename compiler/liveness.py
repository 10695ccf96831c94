"""Which nets matter: a backward walk from the outputs, through tiles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .netlist import FALSE, FIRST_INPUT, TRUE, Luts, Netlist, Popcount, Tile

Mask = NDArray[np.bool_]
Memo = dict[tuple[int, bytes], Mask]


def live_nets(netlist: Netlist, wanted: Mask | None = None, memo: Memo | None = None) -> Mask:
    """Which nets the outputs need: bool [n_nets].

    A tile's body is needed as far as any of its places needs it; the body inputs that it then
    reads are needed at every place of which anything is needed.

    Args:
        netlist: a verified netlist.
        wanted: bool [outputs], the outputs that count; all of them by default.
        memo: results for shared bodies, kept between calls while the netlist is.
    """
    memo = {} if memo is None else memo
    live = np.zeros(netlist.n_nets, np.bool_)
    live[netlist.outputs if wanted is None else netlist.outputs[wanted]] = True
    end = netlist.n_nets
    for cell in reversed(netlist.cells):
        first = end - cell.n_nets
        driven = live[first:end]
        if isinstance(cell, Luts):
            live[cell.fanin if driven.all() else cell.fanin[driven]] = True
        elif isinstance(cell, Popcount):
            live[cell.fanin[driven.reshape(-1, cell.width).any(axis=1)]] = True
        elif isinstance(cell, Tile):
            outputs, places = tile_masks(cell, driven)
            columns = live_inputs(cell.body, outputs, memo)
            live[cell.fanin[np.ix_(places, columns)]] = True
        elif driven.any():
            live[cell.fanin] = True
        end = first
    live[[FALSE, TRUE]] = True
    return live


def tile_masks(cell: Tile, driven: Mask) -> tuple[Mask, Mask]:
    """The body outputs and the places of `cell` needed when `driven` [n_nets of it] are."""
    grid = driven.reshape(cell.places, len(cell.body.outputs))
    return np.logical_or.reduce(grid, axis=0), np.logical_or.reduce(grid, axis=1)


def live_inputs(body: Netlist, wanted: Mask | None = None, memo: Memo | None = None) -> Mask:
    """Which inputs the `wanted` outputs of `body` need: bool [n_inputs]."""
    memo = {} if memo is None else memo
    key = (id(body), b"" if wanted is None else wanted.tobytes())
    if key not in memo:
        live = live_nets(body, wanted, memo)
        memo[key] = live[FIRST_INPUT : FIRST_INPUT + body.n_inputs].copy()
    return memo[key]
