"""Popcount groups as sums of weighted literals: what they cost, and their least form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .hashing import canonical_luts, repeated_rows
from .literals import Literals, literals_of
from .netlist import IntArray, Luts, Netlist, Popcount
from .tables import as_tables

_ONE = np.uint32(1)
Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums of addends `2**shift * literal`, in no order.

    n: how many sums. group: int64 [addends], which sum. literal: uint32 [addends], 1 for a
    constant. shift: int64 [addends].
    """

    n: int
    group: Numbers
    literal: Literals
    shift: Numbers

    def planes(self) -> Numbers:
        """How many addends of each sum count 1, 2, 4 and so on: int64 [n, shifts]."""
        shifts = 1 + int(self.shift.max(initial=0))
        counts = np.bincount(self.group * shifts + self.shift, minlength=self.n * shifts)
        return counts.reshape(self.n, shifts)

    def adders(self) -> Numbers:
        """Full and half adders that each sum takes: int64 [n].

        Half of the bits of one weight, rounded down, carry, and each carry is an adder.
        """
        total = carry = np.zeros(self.n, np.int64)
        for count in self.planes().T:
            carry = (count + carry) // 2
            total = total + carry
        while carry.any():
            carry = carry // 2
            total = total + carry
        return total

    def cost(self) -> Numbers:
        """Adders first, then addends, as one number for each sum: int64 [n]."""
        addends = np.bincount(self.group, minlength=self.n)
        return (self.adders() << 32) + addends

    def replaced(self, chosen: NDArray[np.bool_], others: Sums) -> Sums:
        """These sums, but those that are `chosen` [n] from `others`."""
        rest, some = self.only(~chosen[self.group]), others.only(chosen[others.group])
        return rest.plus(some.group, some.literal, some.shift)

    def only(self, chosen: NDArray[np.bool_]) -> Sums:
        """The same sums with these addends alone."""
        return Sums(self.n, self.group[chosen], self.literal[chosen], self.shift[chosen])

    def plus(self, group: Numbers, literal: Literals, shift: Numbers) -> Sums:
        """The same sums with more addends."""
        return Sums(
            self.n,
            np.concatenate([self.group, group]),
            np.concatenate([self.literal, literal]),
            np.concatenate([self.shift, shift]),
        )

    def ordered(self) -> Sums:
        """The same sums, their addends by sum, then weight, then literal."""
        order = np.lexsort([self.literal, self.shift, self.group])
        return Sums(self.n, self.group[order], self.literal[order], self.shift[order])

    def reduced(self) -> Sums:
        """The same sums with each net and the constant in them at most once a weight.

        A literal and its inverse are a constant: with `a` times `x` and `b` times `not x`, where
        `a >= b`, the sum is `b` and `a - b` times `x`. What then counts 3 is an addend of weight 1
        and one of weight 2.
        """
        weight = np.left_shift(1, self.shift)
        inverted = (self.literal & _ONE).astype(np.bool_)
        constant = np.zeros(self.n, np.int64)
        np.add.at(constant, self.group[inverted], weight[inverted])  # not x = 1 - x
        varying = self.literal > 1
        group, base = self.group[varying], (self.literal[varying] >> _ONE).astype(np.int64)
        times = np.where(inverted, -weight, weight)[varying]
        order = np.lexsort([base, group])
        group, base, times = group[order], base[order], times[order]
        first = np.ones(len(group), np.bool_)
        first[1:] = (group[1:] != group[:-1]) | (base[1:] != base[:-1])
        if len(times):
            times = np.add.reduceat(times, np.flatnonzero(first))
        group, base = group[first], base[first]
        negative = times < 0
        np.add.at(constant, group[negative], times[negative])
        literal = (2 * base + negative).astype(np.uint32)
        sums = Sums(self.n, group[:0], literal[:0], times[:0])
        sums = sums.plus(*_binary(group, literal, np.abs(times)))
        return sums.plus(*_binary(np.arange(self.n), np.ones(self.n, np.uint32), constant))


def _binary(group: Numbers, literal: Literals, times: Numbers) -> tuple[Numbers, Literals, Numbers]:
    """Addends that together count each literal so many times."""
    shifts = np.arange(int(times.max(initial=0)).bit_length())
    at, shift = np.nonzero(times[:, None] >> shifts & 1)
    return group[at], literal[at], shifts[shift]


def sums_of(cells: list[Popcount], literal: Literals) -> Sums:
    """The sums of all groups, cell by cell; literal: uint32 [nets], what each net stands for."""
    groups, literals, shifts = [], [], []
    n = 0
    for cell in cells:
        rows, columns = np.nonzero(cell.fanin)
        groups.append(n + rows)
        literals.append(literal[cell.fanin[rows, columns]])
        shifts.append(cell.shifts[columns].astype(np.int64))
        n += len(cell.fanin)
    return Sums(n, np.concatenate(groups), np.concatenate(literals), np.concatenate(shifts))


def without_false(
    addends: NDArray[Any], shift: NDArray[np.uint8]
) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Addends [groups, fewer] with the zeros of each weight last, and their shifts.

    addends: nets or literals [groups, m], 0 for the constant false.
    """
    parts, shifts = [addends[:, :0]], [shift[:0]]
    for one in np.unique(shift):
        some = addends[:, shift == one]
        columns = int((some != 0).sum(axis=1).max(initial=0))
        order = np.argsort(some == 0, axis=1, kind="stable")[:, :columns]
        parts.append(np.take_along_axis(some, order, axis=1))
        shifts.append(np.full(columns, one, np.uint8))
    return np.concatenate(parts, axis=1), np.concatenate(shifts)


def addend_literals(netlist: Netlist) -> Literals:
    """For each net that a popcount reads, the literal of the lowest such net that is equal to it or
    its inverse by its own LUT: uint32 [n_nets]. Nets of other readers stand for themselves.

    Inverters and buffers are seen through, and LUTs of equal fanin compared. Deeper equality is
    for `strash` to find before.
    """
    literal = literals_of(np.arange(netlist.n_nets))
    read = np.zeros(netlist.n_nets, np.bool_)
    rows: dict[int, list[tuple[IntArray, IntArray, NDArray[np.uint64]]]] = {}
    for cell in netlist.cells:
        if isinstance(cell, Popcount):
            read[cell.fanin] = True
    for first, cell in netlist.placed():
        if isinstance(cell, Luts) and len(some := np.flatnonzero(read[first:][: cell.n_nets])):
            nets = (first + some).astype(np.int32)
            rows.setdefault(cell.k, []).append(
                (nets, cell.fanin[some], as_tables(cell.table[some]))
            )
    for k in sorted(rows, reverse=True):
        nets, fanin, table = (np.concatenate(part) for part in zip(*rows[k], strict=True))
        if k > 1:
            keys, table, phase = canonical_luts(literals_of(fanin), table)
            again, firsts = repeated_rows(keys, table)
            literal[nets[again]] = literals_of(nets[firsts]) ^ phase[again] ^ phase[firsts]
        else:
            low, high = (table & np.uint64(1)).astype(np.uint32), (table >> np.uint64(1)) & 1
            literal[nets] = np.where(low == high, low, literal[fanin[:, 0]] ^ low)
    return literal
