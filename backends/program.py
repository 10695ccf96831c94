"""A netlist as a program over slots: what the C interpreter and numpy both run.

A **slot** holds one word of samples. Each cell becomes instructions over slots, and a slot is used
again once its net has been read for the last time, by the very row that reads it last, so the
working set stays near the width of the network instead of its size. Rows of one truth table stand
together: a machine dispatches once for thousands of gates and then streams through index arrays.
Truth tables that differ in the order of their inputs only are one.

Rows run in order, or all read before any writes.

The code is one stream of unsigned integers::

    lut       op, n,              n rows of  (output, input, ...)
    popcount  op, groups, m,      groups rows of  (width outputs, m inputs)
    weighted  op, groups, p, m_0, ..., m_p-1,
                                  groups rows of  (width outputs, m_0 inputs that count 1,
                                                   m_1 that count 2, and so on)
    tile      op, places,         places rows of  (outputs, inputs)
    end       0
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiler import Argmax, Cell, Circuit, Luts, Netlist, Popcount, Tile
from ..compiler.mapping import Effort
from ..compiler.netlist import FALSE, FIRST_INPUT, TRUE
from ..compiler.passes.lower import lower_argmax
from ..compiler.passes.lutmap import LutMap
from ..compiler.stats import stored_gates
from ..compiler.tables import Tables, as_tables, swap
from .outline import outline

NONE = 0xFFFF_FFFF
_FOREVER = np.iinfo(np.int32).max
# With so many gates, the usual effort takes a second or more to save a thousandth of the LUTs.
_MANY, _BRISK = (10_000, 50_000), Effort(rounds=3, split=True, times=2)
Slots = NDArray[np.uint32]


@dataclass(frozen=True)
class Op:
    """One kind of instruction: a truth table of k inputs, the popcount, that of weighted addends,
    or a tile with its body. row: the slots of a tile of one place, outputs first.
    """

    kind: str
    table: int = 0
    k: int = 0
    body: Program | None = None
    row: tuple[int, ...] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.kind, self.table, self.k, id(self.body), self.row)


@dataclass(frozen=True)
class Program:
    """Instructions over `n_slots` slots.

    ops: numbered from 1 in the code. parts: uint32 streams that run one after the other; a caller
    may stop after any. input_slot: [n_inputs], NONE where an input is never read. output_slot:
    [outputs]. false_slot, true_slot: where the constants lie, NONE if unread. scratch: slots that
    tile bodies need beyond `n_slots`.
    """

    netlist: Netlist
    ops: tuple[Op, ...]
    parts: tuple[Slots, ...]
    n_slots: int
    scratch: int
    input_slot: Slots
    output_slot: Slots
    false_slot: int
    true_slot: int


def legal(circuit: Circuit) -> Circuit:
    """The circuit mapped to LUTs of three inputs and without argmax, as programs need it."""
    many = stored_gates(circuit.netlist) in range(*_MANY)
    mapped = LutMap(3, effort=_BRISK if many else None)(circuit.netlist)
    return circuit.with_netlist(lower_argmax(mapped))


def class_program(circuit: Circuit, straight_line: int = 0) -> Program:
    """The program of a legal circuit: its outputs, and in a second part the bits of the class.

    Up to `straight_line` gates in a part become tiles of one place; see `outline`.
    """
    netlist, cut = with_class(circuit)
    return assemble(*outline(netlist, straight_line, cut))


def with_class(circuit: Circuit) -> tuple[Netlist, int]:
    """A legal circuit's netlist with the bits of the class, and the cell at which these begin."""
    netlist, cut = circuit.netlist, len(circuit.netlist.cells)
    if circuit.decoder is not None:
        head = lower_argmax(circuit.class_netlist())
        outputs = np.concatenate([netlist.outputs, head.outputs])
        netlist = Netlist(netlist.n_inputs, head.cells, outputs)
    return netlist, cut


def assemble(netlist: Netlist, cut: int | None = None) -> Program:
    """The program of a netlist with LUTs of at most 3 inputs, popcounts and tiles.

    Args:
        netlist: legal in that sense, its tile bodies too.
        cut: the cell at which the second part of the code begins; one part if None.
    """
    return _Assembler(netlist, cut, {}).program()


@dataclass
class _Assembler:
    netlist: Netlist
    cut: int | None
    bodies: dict[int, Program]
    ops: dict[tuple[Any, ...], int] = field(default_factory=dict)
    op_list: list[Op] = field(default_factory=list)

    def program(self) -> Program:
        netlist = self.netlist
        slots = _Slots(netlist)
        streams: list[list[NDArray[np.uint32]]] = [[]]
        for index, (first, cell) in enumerate(netlist.placed()):
            if index == self.cut:
                streams.append([])
            streams[-1] += self._cell(index, first, cell, slots)
            slots.release(index)
        if self.cut is not None and len(streams) == 1:
            streams.append([])
        end = np.zeros(1, np.uint32)
        return Program(
            netlist,
            tuple(self.op_list),
            tuple(np.concatenate([*stream, end]) for stream in streams),
            slots.count,
            max((_depth(op.body) for op in self.op_list if op.body), default=0),
            slots.of[FIRST_INPUT : FIRST_INPUT + netlist.n_inputs].copy(),
            slots.of[netlist.outputs],
            int(slots.of[FALSE]),
            int(slots.of[TRUE]),
        )

    def _op(self, op: Op) -> int:
        if op.key not in self.ops:
            self.op_list.append(op)
            self.ops[op.key] = len(self.op_list)
        return self.ops[op.key]

    def _cell(self, index: int, first: int, cell: Cell, slots: _Slots) -> list[NDArray[np.uint32]]:
        match cell:
            case Luts():
                return self._luts(index, first, cell, slots)
            case Popcount():
                nets = np.arange(first, first + cell.n_nets)
                made = slots.take(nets).reshape(len(cell.fanin), cell.width)
                rows = np.hstack([made, slots.of[cell.fanin]])
                header = [self._op(Op("popcount")), len(rows), *cell.planes]
                if cell.shift is not None:
                    header = [self._op(Op("weighted")), len(rows), len(cell.planes), *cell.planes]
                return [np.array(header, np.uint32), rows.ravel()]
            case Tile():
                nets = np.arange(first, first + cell.n_nets).reshape(cell.places, -1)
                if cell.places > 1:
                    slots.take_run(nets.T.ravel())
                else:
                    slots.take(nets.ravel())
                rows = np.hstack([slots.of[nets], slots.of[cell.fanin]])
                row = tuple(rows[0].tolist()) if cell.places == 1 else ()
                op = self._op(Op("tile", body=self._body(cell.body), row=row))
                return [np.array([op, cell.places], np.uint32), rows.ravel()]
            case Argmax():
                raise AssertionError("argmax must be lowered before a program is assembled")

    def _body(self, body: Netlist) -> Program:
        if id(body) not in self.bodies:
            self.bodies[id(body)] = _Assembler(body, None, self.bodies).program()
        return self.bodies[id(body)]

    def _luts(self, index: int, first: int, cell: Luts, slots: _Slots) -> list[NDArray[np.uint32]]:
        assert cell.k <= 3, "wider LUTs must be decomposed before a program is assembled"
        live = np.flatnonzero(slots.last_use[first : first + cell.n_nets] >= 0)
        if not len(live):
            return []
        fanin, table = order_inputs(cell.fanin[live], as_tables(cell.table[live]))
        order = np.lexsort([slots.of[fanin].min(axis=1), table])
        fanin, table = fanin[order], table[order]
        read = slots.of[fanin]
        made = slots.replace(index, first + live[order], fanin)
        rows = np.column_stack([made, read])
        starts = np.flatnonzero(np.diff(table, prepend=~table[0]))
        code: list[NDArray[np.uint32]] = []
        for start, stop in zip(starts, [*starts[1:], len(table)], strict=True):
            op = self._op(Op("lut", int(table[start]), cell.k))
            code += [np.array([op, stop - start], np.uint32), rows[start:stop].ravel()]
        return code


class _Slots:
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


def order_inputs(fanin: NDArray[np.integer], table: Tables) -> tuple[NDArray[np.integer], Tables]:
    """The same rows with their inputs in the order that gives the least table.

    Of the 256 tables of three inputs 80 remain, so a machine dispatches less often.
    """
    least, order = _orders(fanin.shape[1])
    return np.take_along_axis(fanin, order[table], axis=1), least[table]


@lru_cache(maxsize=4)
def _orders(k: int) -> tuple[Tables, NDArray[np.intp]]:
    """For each table of `k` inputs the least among its reorderings, and the inputs' order there."""
    tables = np.arange(1 << (1 << k), dtype=np.uint64)
    orders = [np.arange(k)]
    found = [tables]
    for at in range(1, k):  # insert input `at` at each place of what is there
        for order, table in list(zip(orders, found, strict=True)):
            for other in range(at):
                moved = order.copy()
                moved[[at, other]] = moved[[other, at]]
                orders.append(moved)
                found.append(swap(table, at, other))
    best = np.argmin(found, axis=0)
    return np.min(found, axis=0), np.array(orders)[best]


def _depth(body: Program | None) -> int:
    return body.n_slots + body.scratch if body else 0
