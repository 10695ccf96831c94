"""Remove what no output needs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..literals import Body, Writer, drop_unread_inputs, literals_of, same_or
from ..liveness import Mask, Memo, live_nets, tile_masks
from ..netlist import FIRST_INPUT, Argmax, Cell, Luts, Netlist, Popcount, Tile


def sweep(netlist: Netlist) -> Netlist:
    """Remove rows, groups, argmaxes and places that no output needs, and renumber.

    Of a tile's body stays what any of its places needs, and the inputs that this reads. The inputs
    of the netlist itself stay, read or not.
    """
    return _Sweep().copy(netlist, None).close(netlist)


class _Sweep:
    """One run: remembers which nets of shared bodies live, and what became of the bodies."""

    def __init__(self) -> None:
        self.live: Memo = {}
        self.bodies: dict[tuple[int, bytes], Body] = {}

    def copy(self, netlist: Netlist, wanted: Mask | None) -> Writer:
        """A writer with the live cells of `netlist`, where `wanted` bool [outputs] count."""
        live = live_nets(netlist, wanted, self.live)
        writer = Writer(netlist)
        for first, cell in netlist.placed():
            driven = live[first : first + cell.n_nets]
            if not driven.any():
                continue
            match cell:
                case Luts():
                    kept = driven
                    made = writer.add(_rows(cell, driven, writer))
                case Popcount():
                    rows = driven.reshape(-1, cell.width).any(axis=1)
                    kept = np.repeat(rows, cell.width)
                    made = writer.add(replace(cell, fanin=writer.read(cell.fanin[rows])))
                case Argmax():
                    kept = np.ones(cell.n_nets, np.bool_)
                    made = writer.add(Argmax(writer.read(cell.fanin)))
                case Tile():
                    self._tile(writer, first, cell, driven)
                    continue
            writer.literal[first : first + cell.n_nets][kept] = literals_of(made)
        return writer

    def _tile(self, writer: Writer, first: int, cell: Tile, driven: Mask) -> None:
        outputs, places = tile_masks(cell, driven)
        body = self._body(cell.body, outputs)
        grid = writer.literal[first : first + cell.n_nets].reshape(cell.places, -1)
        grid[places] = writer.place(body, writer.literal[cell.fanin[places]])

    def _body(self, body: Netlist, wanted: Mask) -> Body:
        key = (id(body), wanted.tobytes())
        if key not in self.bodies:
            inner = self.copy(body, wanted)
            swept, columns = drop_unread_inputs(inner.build(inner.read(body.outputs[wanted])))
            outputs = np.zeros(len(wanted), np.uint32)
            driven = np.arange(len(swept.outputs)) + FIRST_INPUT + body.n_inputs
            outputs[wanted] = literals_of(driven)
            self.bodies[key] = Body(same_or(body, swept), columns, outputs)
        return self.bodies[key]


def _rows(cell: Luts, rows: Mask, writer: Writer) -> Cell:
    """The given rows of `cell`, reading the new nets; the cell itself if that changes nothing."""
    if not rows.all():
        return Luts(writer.read(cell.fanin[rows]), cell.table[rows])
    return replace(cell, fanin=writer.read(cell.fanin))
