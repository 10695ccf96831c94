"""What the nets of a tile body stand for: constants, inputs, and gates at a place of a window."""

from __future__ import annotations

from ...compiler import Luts, Netlist, Tile
from ...compiler.netlist import FIRST_INPUT, TRUE
from ..lut_rows import Row, rows_of
from .rows import simple

# Phase, from 0; net of that phase's body; of phase 0, the place in the window.
Value = tuple[int, int, int]


class Values:
    """The nets of a body that `strips.suits`, and of the tile that it may begin with.

    inner: that tile, or None. Its nets are of phase 0, the body's of phase 1.
    """

    def __init__(self, body: Netlist) -> None:
        self._body = body
        first = body.cells[0] if body.cells else None
        self.inner = first if isinstance(first, Tile) else None
        self._gates = [_gates(self.inner.body) if self.inner else {}, _gates(body)]
        self._simple: dict[Value, tuple[int, list[Value]]] = {}

    def resolve(self, phase: int, net: int, place: int = 0) -> Value | bool:
        """What a net of a phase's body stands for; of phase 0 at a place of the window."""
        if net <= TRUE:
            return net == TRUE
        if phase == 1 and self.inner:
            first = FIRST_INPUT + self._body.n_inputs
            if first <= net < first + self.inner.n_nets:
                place, output = divmod(net - first, len(self.inner.body.outputs))
                return self._inside(int(self.inner.body.outputs[output]), place)
        return phase, net, place

    def _inside(self, net: int, place: int) -> Value | bool:
        assert self.inner
        if net <= TRUE:
            return net == TRUE
        if net < FIRST_INPUT + self.inner.body.n_inputs:
            return 1, int(self.inner.fanin[place, net - FIRST_INPUT]), 0
        return 0, net, place

    def gate(self, value: Value) -> tuple[int, list[Value]]:
        """The table of a gate, and the operands that it depends on."""
        if value not in self._simple:
            fanin, table = self._gates[value[0]][value[1]]
            self._simple[value] = simple(table, [self.resolve(value[0], net) for net in fanin])
        return self._simple[value]

    def is_gate(self, value: Value) -> bool:
        """Whether a LUT drives it, rather than an input."""
        return value[1] in self._gates[value[0]]


def whole(value: Value) -> Value:
    """The value at all places of the window."""
    return value[0], value[1], 0


def _gates(body: Netlist) -> dict[int, Row]:
    """Fanin and table of each net that a LUT drives."""
    found: dict[int, Row] = {}
    for first, cell in body.placed():
        if isinstance(cell, Luts):
            found.update(rows_of((cell,), first))
    return found
