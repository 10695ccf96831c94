"""Which slot holds which net, step by step.

Rows of a step run at the same time, so a slot is free for others only after the step in which its
net is read for the last time. A row may take the slot of an operand at once if nobody else reads
it in that step, for the thread that writes it has read it before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...compiler import Luts, Netlist, Popcount
from ...compiler.netlist import FALSE, FIRST_INPUT, TRUE
from ..slots import NONE
from .counts import AT_ONCE
from .runs import Run

_FOREVER = np.iinfo(np.int32).max
Words = NDArray[np.uint32]


class Slots:
    """of: uint32 [n_nets], the slot of each net, NONE before it has one. count: slots in all."""

    def __init__(self, netlist: Netlist, runs: Sequence[Run], order: NDArray[np.integer]) -> None:
        """order: of the inputs, which get neighbouring slots in it."""
        self.last_use = _last_uses(netlist, runs)
        self.of = np.full(netlist.n_nets, NONE, np.uint32)
        self.count = 0
        self._free = np.zeros(0, np.uint32)
        self._inherited = np.zeros(netlist.n_nets, np.bool_)
        by_use = np.argsort(self.last_use, kind="stable")
        self._by_use, self._uses = by_use, self.last_use[by_use]
        given = np.concatenate([[FALSE, TRUE], FIRST_INPUT + np.asarray(order, np.int64)])
        self.take(given[self.last_use[given] >= 0])

    def take(self, nets: NDArray[np.integer], residue: Sequence[int] = (), of: int = 1) -> Words:
        """Give each net a slot and return them, the lowest first.

        residue: what the slot of each net shall be modulo `of`, where such a slot is free.
        """
        fresh = max(0, len(nets) - len(self._free))
        if residue and fresh < 2 * of:
            fresh = 2 * of
        offered = np.concatenate([self._free, np.arange(self.count, self.count + fresh)])
        if residue:
            chosen = _matched(offered[: len(nets) + 2 * of], residue, of)
        else:
            chosen = np.arange(len(nets))
        made = offered[chosen].astype(np.uint32)
        self._free = np.delete(offered, chosen).astype(np.uint32)
        self._keep(made)
        self.of[nets] = made
        return made

    def spare(self, count: int) -> Words:
        """Slots for values that are no nets; the caller gives them back."""
        fresh = np.arange(self.count, self.count + max(0, count - len(self._free)), dtype=np.uint32)
        made = np.concatenate([self._free, fresh])[:count]
        self._free = self._free[count:]
        self._keep(made)
        return made

    def give_back(self, slots: Words) -> None:
        self._free = np.sort(np.concatenate([self._free, slots]))

    def _keep(self, made: Words) -> None:
        """Count the slots; those beyond are not free, they were never there."""
        if len(made):
            self.count = max(self.count, int(made.max()) + 1)
        self._free = self._free[self._free < self.count]

    def heirs(self, step: int, fanin: NDArray[np.integer]) -> NDArray[np.integer]:
        """For each row [rows, k] of a step the operand whose slot it may take, -1 if none."""
        again = np.zeros(fanin.shape, np.bool_)  # read by this row already
        for i in range(1, fanin.shape[1]):
            again[:, i] = (fanin[:, :i] == fanin[:, i : i + 1]).any(axis=1)
        reads = np.bincount(fanin[~again], minlength=len(self.of))
        own = (self.last_use[fanin] == step) & (reads[fanin] == 1)
        first = own.argmax(axis=1)
        rows = np.arange(len(fanin))
        return np.where(own[rows, first], fanin[rows, first], -1)

    def inherit(self, nets: NDArray[np.integer], heirs: NDArray[np.integer]) -> None:
        """Give each net the slot of its operand."""
        self.of[nets] = self.of[heirs]
        self._inherited[heirs] = True

    def release(self, step: int) -> None:
        """Free the slots of nets that `step` was the last to read."""
        start, stop = np.searchsorted(self._uses, [step, step + 1])
        nets = self._by_use[start:stop]
        nets = nets[(self.of[nets] != NONE) & ~self._inherited[nets]]
        self.give_back(self.of[nets])


def _matched(offered: NDArray[np.integer], residue: Sequence[int], of: int) -> list[int]:
    """For each wish one of the offered slots, the first that fits, else the first of any."""
    queues: list[list[int]] = [[] for _ in range(of)]
    for place, slot in enumerate(offered.tolist()):
        queues[slot % of].append(place)
    for queue in queues:
        queue.reverse()
    chosen, without = [-1] * len(residue), []
    for i, wish in enumerate(residue):
        if queues[wish]:
            chosen[i] = queues[wish].pop()
        else:
            without.append(i)
    left = sorted((place for queue in queues for place in queue), reverse=True)
    for i in without:
        chosen[i] = left.pop()
    return chosen


def _last_uses(netlist: Netlist, runs: Sequence[Run]) -> NDArray[np.int32]:
    """The last step that reads each net; -1 if none does. Outputs and constants are kept."""
    last = np.full(netlist.n_nets, -1, np.int32)
    for step, run in enumerate(runs):
        for first, cell in run:
            last[cell.fanin] = step
            if not isinstance(cell, Luts):  # all its outputs are written, so all need a slot
                made = slice(first, first + cell.n_nets)
                last[made] = np.maximum(last[made], step)
            if isinstance(cell, Popcount) and any(m % AT_ONCE for m in cell.planes):
                last[FALSE] = step
    for constant in (FALSE, TRUE):
        last[constant] = _FOREVER if last[constant] >= 0 else -1
    last[netlist.outputs] = _FOREVER
    return last
