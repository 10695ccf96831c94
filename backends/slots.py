"""Which slot holds which net: slots are used again as soon as their nets have been read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiler import Luts, Netlist, Tile
from ..compiler.netlist import FALSE, FIRST_INPUT, TRUE
from ..runtime.plan import NONE

_FOREVER = np.iinfo(np.int32).max
Slots = NDArray[np.uint32]


class SlotTable:
    """Which slot holds which net, while the cells are walked in order."""

    def __init__(self, netlist: Netlist) -> None:
        self.last_use = _last_uses(netlist)
        self.of = np.full(netlist.n_nets, NONE, np.uint32)
        self.count = 0
        self._free = np.zeros(0, np.uint32)
        self._held = np.zeros(netlist.n_nets, np.bool_)
        self._reader = np.zeros(netlist.n_nets, np.int64)
        self._order = np.argsort(self.last_use, kind="stable")
        self._sorted = self.last_use[self._order]
        given = np.arange(FIRST_INPUT + netlist.n_inputs)
        live = given[self.last_use[given] >= 0]
        if any(isinstance(cell, Tile) and cell.places > 1 for cell in netlist.cells):
            self.of[live] = live  # neighbours stay neighbours, as tiles read them
            self._held[live] = True
            self.count = len(given)
        else:
            self.take(np.roll(live, -int((live < FIRST_INPUT).sum())))  # inputs first

    def take(self, nets: NDArray[np.integer]) -> Slots:
        """Give each net a slot, lowest first; returns them."""
        return self._give(nets, np.full(len(nets), len(self._free)))

    def replace(self, cell: int, nets: NDArray[np.integer], fanin: NDArray[np.integer]) -> Slots:
        """Give each net a slot where row by row the last readers in `cell` leave theirs.

        nets: [rows]. fanin: [rows, k], the nets that each row reads. A row takes the slot of an
        input that it is the last to read, because that is in the cache.
        """
        rows, k = fanin.shape
        flat = fanin.ravel()
        self._reader[flat] = np.arange(rows * k)  # of equal nets, the last one stays
        left = (self.last_use[flat] == cell) & (self._reader[flat] == np.arange(rows * k))
        self._held[flat[left]] = False
        own = left.reshape(rows, k).argmax(axis=1) + np.arange(rows) * k
        has_own = left[own]
        left[own] = False
        made = np.where(has_own, self.of[flat[own]], NONE)
        ready = len(self._free) + np.cumsum(left.reshape(rows, k).sum(axis=1))
        self._free = np.concatenate([self._free, self.of[flat[left]]])
        made[~has_own] = self._give(nets[~has_own], ready[~has_own])
        self.of[nets] = made
        self._held[nets] = True
        return made

    def _give(self, nets: NDArray[np.integer], ready: NDArray[np.integer]) -> Slots:
        """Slots from the queue of free ones, of which `ready` [nets] have come when each asks."""
        asked = np.arange(len(nets))
        taken = np.minimum(asked, np.minimum.accumulate(ready - asked - 1) + asked) + 1
        reuses = np.diff(taken, prepend=0) > 0
        made = np.empty(len(nets), np.uint32)
        used = int(reuses.sum())
        made[reuses] = self._free[:used]
        self._free = self._free[used:]
        made[~reuses] = np.arange(self.count, self.count + len(nets) - used)
        self.count += len(nets) - used
        self.of[nets] = made
        self._held[nets] = True
        return made

    def take_run(self, nets: NDArray[np.integer]) -> None:
        """Give the nets neighbouring slots, in their order: the first free ones, or fresh ones."""
        n, free = len(nets), self._free
        starts = free[: max(len(free) - n + 1, 0)]
        runs = np.flatnonzero(free[len(free) - len(starts) :] - starts == n - 1)
        if n and len(runs):
            self.of[nets] = free[runs[0] : runs[0] + n]
            self._free = np.delete(free, slice(int(runs[0]), int(runs[0]) + n))
        else:
            self.of[nets] = np.arange(self.count, self.count + n)
            self.count += n
        self._held[nets] = True

    def release(self, cell: int) -> None:
        """Free the slots still held by nets that `cell` was the last to read; sort what is free."""
        start, stop = np.searchsorted(self._sorted, [cell, cell + 1])
        nets = self._order[start:stop]
        nets = nets[self._held[nets]]
        self._held[nets] = False
        self._free = np.sort(np.concatenate([self._free, self.of[nets]]))


def _last_uses(netlist: Netlist) -> NDArray[np.int32]:
    """The last cell that reads each net; -1 if none does. Outputs and constants are kept."""
    last = np.full(netlist.n_nets, -1, np.int32)
    for index, (first, cell) in enumerate(netlist.placed()):
        last[cell.fanin] = index
        if not isinstance(cell, Luts):  # all its outputs are written, so all need a slot
            last[first : first + cell.n_nets] = np.maximum(last[first : first + cell.n_nets], index)
    for constant in (FALSE, TRUE):
        last[constant] = _FOREVER if last[constant] >= 0 else -1
    last[netlist.outputs] = _FOREVER
    return last
