"""Split wide LUTs into narrow ones by Shannon expansion."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...runtime.errors import NetlistError
from ..literals import Writer
from ..netlist import FALSE, MAX_FANIN, TRUE, IntArray, Luts, Netlist, Tile
from ..tables import Tables, as_tables, cofactor, full, swap

_XOR, _AND, _AND_NOT, _OR, _OR_NOT = (np.uint64(t) for t in (0x6, 0x8, 0x2, 0xE, 0xB))
_MUX = np.uint64(0xCA)  # inputs low, high, select


@dataclass(frozen=True)
class Decompose:
    """Split every LUT of more than `k` inputs into LUTs of at most `k`, inside tiles too.

    A LUT is a multiplexer of its two cofactors by one input (Shannon, "The Synthesis of
    Two-Terminal Switching Circuits", 1949). The input is the one whose cofactors are simplest:
    where one of them is constant or inverts the other, a gate of two inputs and one cofactor do.
    For k = 2 a multiplexer is three gates. What is left to simplify is left to `fold`.

    Raises:
        NetlistError: k is not 2 to 6.
    """

    k: int = 3

    def __post_init__(self) -> None:
        if not 2 <= self.k <= MAX_FANIN:
            raise NetlistError(f"Decompose: k is {self.k}; allowed are 2 to {MAX_FANIN}")

    def __call__(self, netlist: Netlist) -> Netlist:
        return self._apply(netlist, {})

    def _apply(self, netlist: Netlist, memo: dict[int, Netlist]) -> Netlist:
        if not any(isinstance(cell, Tile) or self._wide(cell) for cell in netlist.cells):
            return netlist
        writer = Writer(netlist)
        for first, cell in netlist.placed():
            fanin = writer.read(cell.fanin)
            if isinstance(cell, Luts) and self._wide(cell):
                writer.drive(first, _split(writer, fanin, as_tables(cell.table), self.k))
            elif isinstance(cell, Tile):
                if id(cell.body) not in memo:
                    memo[id(cell.body)] = self._apply(cell.body, memo)
                writer.drive(first, writer.add(Tile(memo[id(cell.body)], fanin)))
            else:
                writer.drive(first, writer.add(replace(cell, fanin=fanin)))
        return writer.close(netlist)

    def _wide(self, cell: object) -> bool:
        return isinstance(cell, Luts) and cell.k > self.k


def _split(writer: Writer, fanin: IntArray, table: Tables, limit: int) -> IntArray:
    """Emit LUTs fanin [n, k], table [n] by LUTs of at most `limit` inputs; nets [n]."""
    k = fanin.shape[1]
    if k <= limit or not len(fanin):
        return writer.luts(fanin, table)
    fanin, table = _simplest_last(fanin, table)
    low, high = table & full(k - 1), table >> np.uint64(1 << (k - 1))
    case = _Case(low, high, full(k - 1))
    low_net, high_net = _constant_nets(low), _constant_nets(high)
    narrow = np.concatenate([fanin[case.needs_low, :-1], fanin[case.needs_high, :-1]])
    parts = np.concatenate([low[case.needs_low], high[case.needs_high]])
    made = _split(writer, narrow, parts, limit)
    low_net[case.needs_low], high_net[case.needs_high] = np.split(made, [case.needs_low.sum()])
    result = np.where(case.use_high, high_net, low_net)
    gate = np.flatnonzero(case.gate != 0)
    result[gate] = writer.luts(np.column_stack([result[gate], fanin[gate, -1]]), case.gate[gate])
    mux = case.mux
    result[mux] = _mux(writer, low_net[mux], high_net[mux], fanin[mux, -1], limit)
    return result


class _Case:
    """How each row [n] follows from its cofactors `low` and `high`, tables up to `ones`.

    gate: table of the gate that reads one cofactor and then the select input; 0 where none does.
    """

    def __init__(self, low: Tables, high: Tables, ones: np.uint64) -> None:
        equal, inverse = low == high, low == (high ^ ones)
        one = ~equal & ~inverse
        tables = [
            (inverse, _XOR),
            (one & (low == 0), _AND),
            (one & (low == ones), _OR_NOT),
            (one & (high == 0), _AND_NOT),
            (one & (high == ones), _OR),
        ]
        self.gate = np.select([rows for rows, _ in tables], [t for _, t in tables], np.uint64(0))
        self.mux = ~equal & (self.gate == 0)
        self.use_high = one & ((low == 0) | (low == ones))
        self.needs_high = self.mux | self.use_high & (high != 0) & (high != ones)
        self.needs_low = (low != 0) & (low != ones)


def _constant_nets(table: Tables) -> IntArray:
    """Net 0 where the table is 0, net 1 elsewhere: right for constants, replaced for the others."""
    return np.where(table == 0, FALSE, TRUE).astype(np.int32)


def _simplest_last(fanin: IntArray, table: Tables) -> tuple[IntArray, Tables]:
    """Rows with the input of the simplest cofactors exchanged with the last input."""
    k = fanin.shape[1]
    ones = full(k)
    cost = np.empty((k, len(fanin)), np.int8)
    for i in range(k):
        low, high = cofactor(table, i, False), cofactor(table, i, True)
        simple = (low == 0) | (low == ones) | (high == 0) | (high == ones) | (low == (high ^ ones))
        cost[i] = np.where(low == high, 0, np.where(simple, 1, 2))
    best = k - 1 - cost[::-1].argmin(axis=0)
    fanin, table = fanin.copy(), table.copy()
    for i in range(k - 1):
        rows = np.flatnonzero(best == i)
        table[rows] = swap(table[rows], i, k - 1)
        fanin[rows, i], fanin[rows, -1] = fanin[rows, -1], fanin[rows, i]
    return fanin, table


def _mux(writer: Writer, low: IntArray, high: IntArray, select: IntArray, limit: int) -> IntArray:
    """Emit `high if select else low`, nets [n]."""
    if limit > 2:
        return writer.luts(np.column_stack([low, high, select]), _MUX)
    parts = np.concatenate([np.column_stack([low, select]), np.column_stack([high, select])])
    made = writer.luts(parts, np.repeat([_AND_NOT, _AND], len(low)))
    return writer.luts(made.reshape(2, -1).T, _OR)
