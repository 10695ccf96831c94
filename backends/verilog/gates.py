"""Addends that are gates of two inputs, added up three by three before logic is mapped.

A LUT of six inputs holds three gates and their sum, another one their carry. That takes two LUTs
where the gates alone would take three. A LUT of four inputs holds one gate and two other addends.

Where adding up a bit takes half a LUT, as on carry chains, that pays only for gates that would be
LUTs of two inputs: others are a LUT together with what they read.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...compiler import Luts, Netlist, Popcount
from ...compiler.bodies import with_bodies
from ...compiler.literals import Writer
from ...compiler.netlist import FALSE, IntArray
from ...compiler.passes.lower import CARRY3, SUM3
from ...compiler.passes.lutmap import LutMap
from ...compiler.simulate import simulate_nets

_ROUNDS = 2  # of mapping, to see which operands are there
_WORDS = 4  # of 64 random samples that tell nets apart


def add_gates(netlist: Netlist, lut_inputs: int = 6, sparing: bool = False) -> Netlist:
    """Popcounts with full adders before them that each add up three gates of two inputs, or with
    LUTs of four inputs one.

    sparing: only gates whose operands mapping has as LUTs anyway.
    """
    change = _sparing if sparing else _add_gates
    return with_bodies(
        netlist,
        lambda each: change(each, lut_inputs) if _counts(each) else each,
    )


def _counts(netlist: Netlist) -> bool:
    return any(isinstance(cell, Popcount) for cell in netlist.cells)


def _sparing(netlist: Netlist, lut_inputs: int) -> Netlist:
    """Add up gates whose operands are there once the logic is mapped, which is tried."""
    added = netlist
    for _ in range(_ROUNDS):
        mapped = LutMap(lut_inputs)(added)
        there = np.isin(_signatures(netlist), _signatures(mapped))
        added = _add_gates(netlist, lut_inputs, there)
    return added


def _signatures(netlist: Netlist) -> NDArray[np.uint64]:
    """Numbers that are equal where nets agree, or disagree, on all of some random samples."""
    random = np.random.default_rng(0)
    words = random.integers(0, 1 << 64, (netlist.n_inputs, _WORDS), np.uint64, endpoint=False)
    values = simulate_nets(netlist, words)
    values ^= np.uint64(0) - (values[:, :1] & np.uint64(1))
    return values @ random.integers(0, 1 << 64, _WORDS, np.uint64)


def _add_gates(
    netlist: Netlist, lut_inputs: int, there: NDArray[np.bool_] | None = None
) -> Netlist:
    """there: bool [n_nets], which nets may be operands; all if None."""
    writer = Writer(netlist)
    gate = np.zeros((netlist.n_nets, 2), np.int32)  # what gates of two inputs read
    for first, cell in netlist.placed():
        if isinstance(cell, Luts) and cell.k == 2:
            good = True if there is None else there[cell.fanin].all(axis=1, keepdims=True)
            gate[first : first + cell.n_nets] = np.where(good, cell.fanin, 0)
        if isinstance(cell, Popcount):
            writer.drive(first, _count(writer, cell, gate, lut_inputs))
        else:
            writer.drive(first, writer.add(replace(cell, fanin=writer.read(cell.fanin))))
    return writer.close(netlist)


def _count(writer: Writer, cell: Popcount, gate: IntArray, lut_inputs: int) -> IntArray:
    """Emit a popcount whose gates are added up first; bits [groups * width]."""
    result = np.full((len(cell.fanin), cell.width), FALSE, np.int32)
    for row, bits in zip(cell.fanin, result, strict=True):
        columns: list[list[int]] = [[] for _ in range(len(cell.planes) + 1)]
        for shift in range(len(cell.planes)):
            addends = row[(cell.shifts == shift) & (row != FALSE)]
            triples, rest = _triples(addends, gate, lut_inputs)
            _add_column(writer, triples, rest, columns[shift : shift + 2])
        nets = np.array([[net for column in columns for net in column]], np.int32)
        if nets.size:
            shifts = np.repeat(np.arange(len(columns)), [len(column) for column in columns])
            found = writer.add(Popcount(nets, shifts.astype(np.uint8)))
            bits[: len(found)] = found[: cell.width]
    return result


def _triples(addends: IntArray, gate: IntArray, lut_inputs: int) -> tuple[IntArray, IntArray]:
    """Which addends are added up first [n, 3], and the others."""
    gates = addends[gate[addends].any(axis=1)]
    gates = gates[np.lexsort(gate[gates].T)]  # neighbours may read the same nets
    others = addends[~gate[addends].any(axis=1)]
    if lut_inputs < 6:
        n = min(len(gates), len(addends) // 3)
        others = np.concatenate([others, gates[n:]])
        return np.column_stack([gates[:n], others[: 2 * n].reshape(-1, 2)]), others[2 * n :]
    triples = gates[: len(gates) // 3 * 3].reshape(-1, 3)
    return triples, np.concatenate([others, gates[triples.size :]])


def _add_column(
    writer: Writer, triples: IntArray, rest: IntArray, columns: list[list[int]]
) -> None:
    """Append addends of one weight to its column, three as their sum; carries to the next one."""
    fanin = np.repeat(writer.read(triples), 2, axis=0)
    made = writer.luts(fanin, np.resize([SUM3, CARRY3], len(fanin)))
    columns[0] += [*writer.read(rest).tolist(), *made[::2].tolist()]
    columns[1] += made[1::2].tolist()
