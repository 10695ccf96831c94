"""Turn tiles into plain cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..literals import Writer
from ..netlist import FIRST_INPUT, TRUE, Argmax, Cell, IntArray, Luts, Netlist, Popcount, Tile


def unroll(netlist: Netlist) -> Netlist:
    """Replace every tile, nested ones too, by the cells of its body, each once for all places.

    A body cell of `n` rows becomes one cell of `places * n` rows, place by place. An argmax becomes
    one cell a place.
    """
    return _unroll(netlist, {})


def _unroll(netlist: Netlist, memo: dict[int, Netlist]) -> Netlist:
    if not any(isinstance(cell, Tile) for cell in netlist.cells):
        return netlist
    writer = Writer(netlist)
    for first, cell in netlist.placed():
        fanin = writer.read(cell.fanin)
        if isinstance(cell, Tile):
            if id(cell.body) not in memo:
                memo[id(cell.body)] = _unroll(cell.body, memo)
            writer.drive(first, _places(writer, memo[id(cell.body)], fanin))
        else:
            writer.drive(first, _rows(writer, cell, fanin[None]))
    return writer.close(netlist)


def _places(writer: Writer, body: Netlist, inputs: IntArray) -> IntArray:
    """Emit a body without tiles for inputs [places, n_inputs]; its outputs [places, outputs]."""
    nets = np.empty((len(inputs), body.n_nets), np.int32)
    nets[:, :FIRST_INPUT] = [0, TRUE]
    nets[:, FIRST_INPUT : FIRST_INPUT + body.n_inputs] = inputs
    for first, cell in body.placed():
        nets[:, first : first + cell.n_nets] = _rows(writer, cell, nets[:, cell.fanin])
    return nets[:, body.outputs]


def _rows(writer: Writer, cell: Cell, fanin: IntArray) -> IntArray:
    """Emit `cell` for fanins [places, rows, columns]; the nets that it drives, [places, n_nets]."""
    places, _, columns = fanin.shape
    flat = fanin.reshape(-1, columns)
    match cell:
        case Luts():
            nets = writer.add(Luts(flat, np.tile(cell.table, places)))
        case Popcount():
            nets = writer.add(replace(cell, fanin=flat))
        case Argmax():
            nets = np.concatenate([writer.add(Argmax(place)) for place in fanin])
        case Tile():
            raise AssertionError("bodies are unrolled from the inside out")
    return nets.reshape(places, -1)
