"""Turn tiles into plain cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...runtime.arguments import is_integer
from ...runtime.errors import NetlistError
from ..literals import Writer
from ..netlist import FIRST_INPUT, TRUE, Argmax, Cell, IntArray, Luts, Netlist, Popcount, Tile
from ..stats import n_gates


def unroll(netlist: Netlist) -> Netlist:
    """Replace every tile, nested ones too, by the cells of its body, each once for all places.

    A body cell of `n` rows becomes one cell of `places * n` rows, place by place. An argmax becomes
    one cell a place.
    """
    return unroll_where(netlist, lambda tile: True)


def unroll_where(netlist: Netlist, chosen: Callable[[Tile], bool]) -> Netlist:
    """Replace the tiles that `chosen` names, nested ones too; inner tiles are asked first."""
    return _Unrolling(chosen).apply(netlist)


@dataclass(frozen=True)
class UnrollSmall:
    """Unroll tiles of one place, and those of few gates.

    Their gates are then merged and mapped with those around them, and what only some places need
    is left out at the others. A single place stores as much without its tile. Beyond that, code
    for tiles is smaller and runs faster than what they unroll to, so large ones stay.

    Args:
        gates: unroll a tile of that many gates, all places counted, or fewer. What popcounts,
            argmaxes and tiles in its body read is counted like gates.

    Raises:
        NetlistError: gates is no integer, or negative.
    """

    gates: int = 1 << 14

    def __post_init__(self) -> None:
        if not is_integer(self.gates, 0):
            raise NetlistError(
                f"UnrollSmall: gates is {self.gates!r}; allowed are integers from 0 on"
            )

    def __call__(self, netlist: Netlist) -> Netlist:
        return _Unrolling(self._is_small).apply(netlist)

    def _is_small(self, tile: Tile) -> bool:
        return tile.places == 1 or tile.places * _size(tile.body) <= self.gates


def _size(body: Netlist) -> int:
    others = (cell for cell in body.cells if not isinstance(cell, Luts))
    return n_gates(body) + sum(cell.fanin.size for cell in others)


class _Unrolling:
    """One run: unrolls the tiles that `chosen` says, and remembers rewritten bodies."""

    def __init__(self, chosen: Callable[[Tile], bool]) -> None:
        self.chosen = chosen
        self.bodies: dict[int, Netlist] = {}

    def apply(self, netlist: Netlist) -> Netlist:
        if not any(isinstance(cell, Tile) for cell in netlist.cells):
            return netlist
        writer = Writer(netlist)
        for first, cell in netlist.placed():
            fanin = writer.read(cell.fanin)
            if isinstance(cell, Tile):
                cell = Tile(self._body(cell.body), cell.fanin)
                if self.chosen(cell):
                    writer.drive(first, _places(writer, cell.body, fanin))
                    continue
            writer.drive(first, _rows(writer, cell, fanin[None]))
        return writer.close(netlist)

    def _body(self, body: Netlist) -> Netlist:
        if id(body) not in self.bodies:
            self.bodies[id(body)] = self.apply(body)
        return self.bodies[id(body)]


def _places(writer: Writer, body: Netlist, inputs: IntArray) -> IntArray:
    """Emit the cells of a body for inputs [places, n_inputs]; its outputs [places, outputs]."""
    nets = np.empty((len(inputs), body.n_nets), np.int32)
    nets[:, :FIRST_INPUT] = [0, TRUE]
    nets[:, FIRST_INPUT : FIRST_INPUT + body.n_inputs] = inputs
    for first, cell in body.placed():
        nets[:, first : first + cell.n_nets] = _rows(writer, cell, nets[:, cell.fanin])
    return nets[:, body.outputs]


def _rows(writer: Writer, cell: Cell, fanin: IntArray) -> IntArray:
    """Emit `cell` for fanins [places, rows, columns]; the nets that it drives, [places, n_nets]."""
    places, _, columns = fanin.shape
    flat = fanin.reshape(fanin.shape[0] * fanin.shape[1], columns)
    match cell:
        case Luts():
            nets = writer.add(Luts(flat, np.tile(cell.table, places)))
        case Popcount():
            nets = writer.add(replace(cell, fanin=flat))
        case Argmax():
            nets = np.concatenate([writer.add(Argmax(place)) for place in fanin])
        case Tile():
            nets = writer.add(Tile(cell.body, flat))
    return nets.reshape(places, -1)
