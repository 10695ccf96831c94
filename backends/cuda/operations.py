"""LUTs and popcounts as operations of three inputs at most, in an order in which few values live.

An operation becomes one `lop3`. What an output needs is computed depth first, and each addend goes
into an adder where it is computed, so that no more than two bits of a weight wait in a sum.
"""

from __future__ import annotations

from typing import NamedTuple

from ...compiler import Luts, Netlist, Popcount
from ...compiler.netlist import FALSE, FIRST_INPUT, TRUE
from ..outline import depth_first
from .code import CARRY, SUM
from .luts import with_three_inputs

_HALF_SUM, _HALF_CARRY = 0x66, 0x88
_VARIABLE = (0xAA, 0xCC, 0xF0)


class Operation(NamedTuple):
    """operands: three nets, or none where the table is constant."""

    net: int
    table: int
    operands: tuple[int, ...]


def operations_of(body: Netlist) -> tuple[list[Operation], list[int]]:
    """The operations of a body of LUTs and popcounts, and which net each output is.

    Nets of bits of sums, and what is computed on the way, are numbered from `body.n_nets` on.
    """
    order = _Order(body)
    return order.made, [order.value(net) for net in body.outputs.tolist()]


class _Order:
    """alias: for each bit of a popcount the net that it turned out to be."""

    def __init__(self, body: Netlist) -> None:
        self.made: list[Operation] = []
        self.alias: dict[int, int] = {}
        self._next = body.n_nets
        self._rows: dict[int, tuple[list[int], int]] = {}
        self._sums: dict[int, tuple[list[int], list[int]]] = {}  # by lowest net: addends, shifts
        self._waiting: dict[int, list[list[int]]] = {}
        self._readers: dict[int, list[tuple[int, int]]] = {}
        given = FIRST_INPUT + body.n_inputs
        fanin: dict[int, list[int]] = {}
        for first, cell in body.placed():
            if isinstance(cell, Luts):
                fanins, tables = with_three_inputs(cell)
                rows = zip(fanins.tolist(), tables.tolist(), strict=True)
                self._rows.update(enumerate(rows, first))
            else:
                assert isinstance(cell, Popcount), "bodies of other cells are unrolled before"
                fanin |= self._add_sums(first, cell, given)
        fanin |= {net: nets for net, (nets, _) in self._rows.items()}
        for net in depth_first(fanin, dict.fromkeys(body.outputs.tolist())):
            if net in self._rows:
                nets, table = self._rows[net]
                self._operation(net, table, [self.value(f) for f in nets])
                self._count(net, net)
            elif net in self._sums:
                self._finish(net, given)

    def value(self, net: int) -> int:
        """The net that holds what `net` of the body is."""
        return self.alias.get(net, net)

    def _add_sums(self, first: int, cell: Popcount, given: int) -> dict[int, list[int]]:
        """What must be computed before each bit of the sums."""
        before: dict[int, list[int]] = {}
        shifts = cell.shifts.tolist()
        for row, nets in enumerate(cell.fanin.tolist()):
            lowest = first + row * cell.width
            self._sums[lowest] = nets, shifts
            self._waiting[lowest] = [[] for _ in range(cell.width)]
            before[lowest] = nets
            before |= {lowest + i: [lowest] for i in range(1, cell.width)}
            for net, shift in zip(nets, shifts, strict=True):
                if net >= given:
                    self._readers.setdefault(net, []).append((lowest, shift))
        return before

    def _finish(self, lowest: int, given: int) -> None:
        """The bits of a sum all of whose computed addends were added."""
        waiting = self._waiting[lowest]
        for net, shift in zip(*self._sums[lowest], strict=True):
            if net < given and net != FALSE:
                self._put(waiting, net, shift)
        for shift, bits in enumerate(waiting):
            if len(bits) == 2:
                self._join(waiting, shift)
        for i, bits in enumerate(waiting):
            self.alias[lowest + i] = bits[0] if bits else FALSE
            self._count(lowest + i, self.alias[lowest + i])

    def _count(self, net: int, value: int) -> None:
        """Add a net that has just been computed wherever it is an addend."""
        for lowest, shift in self._readers.get(net, ()):
            if value != FALSE:
                self._put(self._waiting[lowest], value, shift)

    def _put(self, waiting: list[list[int]], net: int, shift: int) -> None:
        waiting[shift].append(net)
        if len(waiting[shift]) == 3:
            self._join(waiting, shift)

    def _join(self, waiting: list[list[int]], shift: int) -> None:
        """One bit of that weight; what is carried to the next, which beyond the last is false."""
        bits = waiting[shift]
        full = len(bits) == 3
        waiting[shift] = [self._operation(self._fresh(), SUM if full else _HALF_SUM, bits)]
        if shift + 1 < len(waiting):
            carry = self._operation(self._fresh(), CARRY if full else _HALF_CARRY, bits)
            self._put(waiting, carry, shift + 1)

    def _fresh(self) -> int:
        self._next += 1
        return self._next - 1

    def _operation(self, net: int, table: int, nets: list[int]) -> int:
        """Add the operation; constants among the operands become part of the table."""
        for i, operand in enumerate(nets):
            if operand in (FALSE, TRUE):
                table = _cofactor(table, i, operand)
        read = [f for f in nets if f not in (FALSE, TRUE)]
        operands = [f if f not in (FALSE, TRUE) else read[0] for f in nets] if read else []
        operands += operands[:1] * (3 - len(operands)) if operands else []
        self.made.append(Operation(net, table, tuple(operands)))
        return net


def _cofactor(table: int, i: int, value: int) -> int:
    """A table of three inputs if the i-th is constant."""
    kept = table & (_VARIABLE[i] if value else ~_VARIABLE[i] & 0xFF)
    return kept | (kept >> (1 << i) if value else kept << (1 << i))
