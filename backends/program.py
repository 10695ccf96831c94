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
from typing import Any

import numpy as np

from ..compiler import Argmax, Cell, Circuit, Luts, Netlist, Popcount, Tile
from ..compiler.mapping import Effort
from ..compiler.netlist import FALSE, FIRST_INPUT, TRUE
from ..compiler.passes.lower import lower_argmax
from ..compiler.passes.lutmap import LutMap
from ..compiler.stats import stored_gates
from ..compiler.tables import as_tables
from .input_order import order_inputs
from .outline import outline
from .slots import Slots, SlotTable

# With so many gates, the usual effort takes a second or more to save a thousandth of the LUTs.
_MANY, _BRISK = (10_000, 50_000), Effort(rounds=3, split=True, times=2)


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
        slots = SlotTable(netlist)
        streams: list[list[Slots]] = [[]]
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

    def _cell(self, index: int, first: int, cell: Cell, slots: SlotTable) -> list[Slots]:
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

    def _luts(self, index: int, first: int, cell: Luts, slots: SlotTable) -> list[Slots]:
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
        code: list[Slots] = []
        for start, stop in zip(starts, [*starts[1:], len(table)], strict=True):
            op = self._op(Op("lut", int(table[start]), cell.k))
            code += [np.array([op, stop - start], np.uint32), rows[start:stop].ravel()]
        return code


def _depth(body: Program | None) -> int:
    return body.n_slots + body.scratch if body else 0
