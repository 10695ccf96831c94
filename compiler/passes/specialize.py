"""Bodies of their own for the places of a tile that need less than the others."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import NetlistError
from ..bodies import with_bodies
from ..hashing import repeated_rows
from ..literals import Writer
from ..liveness import Mask, live_nets
from ..netlist import FIRST_INPUT, TRUE, IntArray, Netlist, Tile
from ..stats import n_gates
from .fold import fold
from .sweep import sweep

# What is known of a place, uint8 [inputs + outputs]: 0 nothing, for inputs 1 + the constant, for
# outputs 1 where nothing reads it.
Known = NDArray[np.uint8]
Counts = NDArray[np.intp]
_CANDIDATES = 16  # bodies tried for a tile


@dataclass(frozen=True)
class Specialize:
    """Divide tiles by what is constant or unread at some places only, and fold and sweep the parts.

    The places at the border of a padded convolution read constants. Folding these takes a body of
    its own, which costs storage and code. It is made where it pays: it must save, over all places
    that it serves, `worth` times the gates that it has, and `share` of the gates of the tile. A
    place is served by the smallest body that assumes nothing wrong of it.

    Args:
        variants: more bodies than one for a tile, at most; of a 3 x 3 window 8 borders differ.
        worth: gates saved for each gate of a new body.
        share: gates saved by a new body, as a part of those of the tile, all its places counted.

    Raises:
        NetlistError: an argument is negative or not finite.
    """

    variants: int = 8
    worth: float = 1.0
    share: float = 0.001

    def __post_init__(self) -> None:
        for name, kinds in (("variants", int), ("worth", (int, float)), ("share", (int, float))):
            value = getattr(self, name)
            if not (isinstance(value, kinds) and math.isfinite(value) and value >= 0):
                what = "integers" if kinds is int else "finite numbers"
                raise NetlistError(f"Specialize: {name} is {value!r}; allowed are {what} from 0 on")

    def __call__(self, netlist: Netlist) -> Netlist:
        divided = with_bodies(netlist, self._divide)
        return netlist if divided is netlist else sweep(fold(divided))

    def _divide(self, netlist: Netlist) -> Netlist:
        """Tiles as several, one for each body to be; themselves where that does not pay."""
        if not any(isinstance(cell, Tile) for cell in netlist.cells):
            return netlist
        live = live_nets(netlist)
        writer = Writer(netlist)
        for first, cell in netlist.placed():
            moved = replace(cell, fanin=writer.read(cell.fanin))
            if isinstance(moved, Tile):
                driven = live[first : first + cell.n_nets]
                writer.drive(first, self._parts(writer, moved, driven))
            else:
                writer.drive(first, writer.add(moved))
        return writer.close(netlist)

    def _parts(self, writer: Writer, tile: Tile, live: Mask) -> IntArray:
        """Emit the parts of a tile; the nets of its outputs [places, outputs]."""
        part = self._assign(tile, live.reshape(tile.places, -1))
        nets = np.empty((tile.places, len(tile.body.outputs)), np.int32)
        for number in np.unique(part):
            rows = part == number
            made = writer.add(Tile(tile.body, tile.fanin[rows]))
            nets[rows] = made.reshape(-1, nets.shape[1])
        return nets

    def _assign(self, tile: Tile, live: Mask) -> IntArray:
        """Which part each place belongs to: int32 [places]."""
        part = np.zeros(tile.places, np.int32)
        known = _known(tile, live)
        places = np.flatnonzero(live.any(axis=1))  # dead ones may belong anywhere
        if not self.variants or len(places) < 2 or not known[places].any():
            return part
        kinds, kind, count = _distinct(known[places])
        common = np.where((kinds == kinds[0]).all(axis=0), kinds[0], 0)
        if len(kinds) > 1:
            part[places] = self._choose(tile.body, kinds, count, common)[kind]
        return part

    def _choose(self, body: Netlist, kinds: Known, count: Counts, common: Known) -> IntArray:
        """The body that serves each kind of place best [kinds]: 0 the general one, or a number.

        kinds: [kinds, inputs + outputs]. count: places of each. common: what is known of all.
        """
        gates = _gates(body, common)
        candidates = _candidates(kinds, count, body.n_inputs)
        size = np.array([_gates(body, assumed) for assumed in candidates])
        serves = np.stack([_serves(assumed, kinds) for assumed in candidates])
        least = self.share * gates * int(count.sum())
        cost = np.full(len(kinds), gates)
        part = np.zeros(len(kinds), np.int32)
        for number in range(1, self.variants + 1):
            better = serves & (size[:, None] < cost)
            saved = np.where(better, cost - size[:, None], 0) @ count
            gain = np.where(saved >= least, saved - self.worth * size, 0)
            best = int(gain.argmax())
            if gain[best] <= 0:
                break
            part[better[best]], cost[better[best]] = number, size[best]
        return part


def _known(tile: Tile, live: Mask) -> Known:
    """What is known of each place: [places, inputs + outputs]."""
    inputs = np.where(tile.fanin <= TRUE, tile.fanin + 1, 0)
    return np.concatenate([inputs, ~live], axis=1, dtype=np.uint8, casting="unsafe")


def _distinct(rows: Known) -> tuple[Known, Counts, Counts]:
    """Distinct rows in order of first occurrence, the index of each row among them, and counts."""
    first = np.arange(len(rows))
    again, original = repeated_rows(rows.astype(np.uint32))
    first[again] = original
    heads, index, count = np.unique(first, return_inverse=True, return_counts=True)
    return rows[heads], index, count


def _candidates(kinds: Known, count: Counts, n_inputs: int) -> Known:
    """What bodies could assume: kinds of places by inputs, by outputs and by both, those first
    that say most of most places."""
    by_inputs, by_outputs = kinds.copy(), kinds.copy()
    by_inputs[:, n_inputs:] = 0
    by_outputs[:, :n_inputs] = 0
    found, kind, _ = _distinct(np.concatenate([kinds, by_inputs, by_outputs]))
    places = np.bincount(kind, np.tile(count, 3))
    order = np.argsort(-places * (found != 0).sum(axis=1), kind="stable")
    return found[order[:_CANDIDATES]]


def _serves(assumed: Known, kinds: Known) -> Mask:
    """For which kinds of places what is `assumed` holds: [kinds]."""
    columns = np.flatnonzero(assumed)
    return (kinds[:, columns] == assumed[columns]).all(axis=1)


def _gates(body: Netlist, assumed: Known) -> int:
    """The gates of a body at one place of which that much is assumed."""
    inputs, unread = assumed[: body.n_inputs], assumed[body.n_inputs :] != 0
    own = np.arange(FIRST_INPUT, FIRST_INPUT + body.n_inputs)
    tile = Tile(body, np.where(inputs == 0, own, inputs.astype(np.int32) - 1)[None])
    outputs = np.flatnonzero(~unread).astype(np.int32) + np.int32(FIRST_INPUT + body.n_inputs)
    return n_gates(sweep(fold(Netlist(body.n_inputs, (tile,), outputs))))
