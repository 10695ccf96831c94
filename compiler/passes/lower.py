"""Popcounts and argmaxes as LUTs of at most three inputs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..literals import Writer
from ..netlist import FALSE, Argmax, Cell, IntArray, Netlist, Popcount, Tile, weight_of
from ..sums import without_false

SUM3, CARRY3 = np.uint64(0x96), np.uint64(0xE8)
SUM2, CARRY2 = np.uint64(0x6), np.uint64(0x8)
GREATER2 = np.uint64(0x4)  # inputs a, b: b > a
GREATER3 = np.uint64(0xD4)  # inputs a, b, g: b > a, or a == b and g
MUX = np.uint64(0xCA)  # inputs low, high, select
ONLY_LOW = np.uint64(0x2)  # inputs low, select: a multiplexer whose high input is false


def lower(netlist: Netlist) -> Netlist:
    """Replace every popcount and argmax by LUTs, inside tiles too."""
    return _lower(netlist, (Popcount, Argmax), {})


def lower_popcount(netlist: Netlist) -> Netlist:
    """Replace popcounts by full adders (two 3-input LUTs) and half adders (two 2-input LUTs).

    Each bit of weight `w` is reduced as soon as it is there, as in Wallace, "A Suggestion for a
    Fast Multiplier" (1964): `m` addends take about `m` adders and log1.5(m) + log2(m) levels. A
    half adder is used only where the number of bits of one weight is even, once, so there are as
    few adders as there can be.
    """
    return _lower(netlist, (Popcount,), {})


def lower_argmax(netlist: Netlist) -> Netlist:
    """Replace argmaxes by a tournament of comparators; ties go to the lower index.

    A comparator of `b` bits is a chain of `b` LUTs, the cheapest form; `c` candidates take `c - 1`
    of them and `c - 2` multiplexers of `b` bits. An odd candidate passes to the next round free.
    """
    return _lower(netlist, (Argmax,), {})


def _lower(netlist: Netlist, kinds: tuple[type[Cell], ...], memo: dict[int, Netlist]) -> Netlist:
    if not any(isinstance(cell, (*kinds, Tile)) for cell in netlist.cells):
        return netlist
    writer = Writer(netlist)
    for first, cell in netlist.placed():
        fanin = writer.read(cell.fanin)
        if isinstance(cell, Popcount) and Popcount in kinds:
            writer.drive(first, _popcount(writer, fanin, cell))
        elif isinstance(cell, Argmax) and Argmax in kinds:
            writer.drive(first, _tournament(writer, fanin))
        elif isinstance(cell, Tile):
            if id(cell.body) not in memo:
                memo[id(cell.body)] = _lower(cell.body, kinds, memo)
            writer.drive(first, writer.add(Tile(memo[id(cell.body)], fanin)))
        else:
            writer.drive(first, writer.add(replace(cell, fanin=fanin)))
    return writer.close(netlist)


def _popcount(writer: Writer, addends: IntArray, cell: Popcount) -> IntArray:
    """Emit the popcount `cell` for each row of [groups, m]; bits [groups, width].

    Rows of as many addends of each weight are emitted together, so none pays for padding.
    """
    result = np.full((len(addends), cell.width), FALSE, np.int32)
    there = (addends != FALSE).astype(np.int32)
    planes = np.stack([there[:, cell.shifts == s].sum(axis=1) for s in range(len(cell.planes))])
    kinds, kind = np.unique(planes.T, axis=0, return_inverse=True)
    for number in np.flatnonzero(kinds.any(axis=1)):
        rows = np.flatnonzero(kind.reshape(-1) == number)
        bits = _count(writer, *without_false(addends[rows], cell.shifts))
        result[rows, : bits.shape[1]] = bits
    return result


def _count(writer: Writer, addends: IntArray, shift: NDArray[np.uint8]) -> IntArray:
    """Emit the sum of each row of [groups, m]; bits [groups, width]."""
    planes = np.bincount(shift).tolist()
    width = weight_of(planes).bit_length()
    ends = np.cumsum([0, *planes] + [0] * (width - len(planes)))
    columns = [addends[:, a:b] for a, b in pairwise(ends)]  # bits there, by weight
    to_come = [weight_of(planes[: w + 1]) >> w for w in range(width)]  # or there already
    while any(count > 1 for count in to_come):
        full = [column.shape[1] // 3 for column in columns]
        half = [
            column.shape[1] == 2 == count for column, count in zip(columns, to_come, strict=True)
        ]
        made = [column[:, :0] for column in [*columns, addends]]
        _add(writer, columns, made, [(w, n, 3) for w, n in enumerate(full) if n])
        _add(writer, columns, made, [(w, 1, 2) for w, there in enumerate(half) if there])
        for w in range(len(columns)):
            columns[w] = np.concatenate(
                [columns[w][:, 3 * full[w] + 2 * half[w] :], made[w]], axis=1
            )
            to_come[w] -= 2 * full[w] + half[w]
    if 0 in to_come:  # bits below the least weight
        nothing = np.full((len(addends), 1), FALSE, np.int32)
        columns = [column if column.shape[1] else nothing for column in columns]
    return np.concatenate(columns, axis=1)


def _add(
    writer: Writer,
    columns: list[IntArray],
    made: list[IntArray],
    adders: list[tuple[int, int, int]],
) -> None:
    """Emit adders, each (weight, how many, inputs of one), and append what they drive to `made`.

    An adder takes the first bits of its column that no other adder of it takes.
    """
    if not adders:
        return
    k = adders[0][2]
    bits = [columns[w][:, : n * k].reshape(-1, n, k) for w, n, _ in adders]
    fanin = np.repeat(np.concatenate(bits, axis=1), 2, axis=1)
    table = [SUM3, CARRY3] if k == 3 else [SUM2, CARRY2]
    nets = writer.luts(fanin.reshape(-1, k), np.resize(table, fanin.shape[0] * fanin.shape[1]))
    pairs = nets.reshape(len(fanin), -1, 2)
    start = 0
    for w, n, _ in adders:
        here = pairs[:, start : start + n]
        made[w] = np.concatenate([made[w], here[:, :, 0]], axis=1)
        made[w + 1] = np.concatenate([made[w + 1], here[:, :, 1]], axis=1)
        start += n


def _tournament(writer: Writer, values: IntArray) -> IntArray:
    """Emit the argmax of [candidates, bits]; bits of the index, [width]."""
    index = np.zeros((len(values), 0), np.int32)  # of each winner, within what it has beaten
    while len(values) > 1:
        left = len(values) % 2  # the odd one waits, its index bit of this round false
        low, high = slice(0, len(values) - left, 2), slice(1, None, 2)
        select = _greater(writer, values[low], values[high])
        kept = _choose(writer, index[low], index[high], select)
        waiting = np.pad(index[len(values) - left :], [(0, 0), (0, 1)], constant_values=FALSE)
        index = np.concatenate([np.column_stack([kept, select]), waiting])
        if len(values) == 2:
            break
        winners = _choose(writer, values[low], values[high], select)
        values = np.concatenate([winners, values[len(values) - left :]])
    return index[0] if index.size else np.array([FALSE], np.int32)


def _greater(writer: Writer, low: IntArray, high: IntArray) -> IntArray:
    """Emit `high > low` for numbers [pairs, bits]; nets [pairs]."""
    result = writer.luts(np.column_stack([low[:, 0], high[:, 0]]), GREATER2)
    for bit in range(1, low.shape[1]):
        fanin = np.column_stack([low[:, bit], high[:, bit], result])
        result = writer.luts(fanin, GREATER3)
    return result


def _choose(writer: Writer, low: IntArray, high: IntArray, select: IntArray) -> IntArray:
    """Emit `high if select else low` for numbers [pairs, bits]; nets [pairs, bits]."""
    result = np.empty_like(low)
    select = np.broadcast_to(select[:, None], low.shape)
    false = high == FALSE
    result[false] = writer.luts(np.column_stack([low[false], select[false]]), ONLY_LOW)
    both = ~false
    fanin = np.column_stack([low[both], high[both], select[both]])
    result[both] = writer.luts(fanin, MUX)
    return result
