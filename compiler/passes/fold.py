"""Fold constants, buffers, inverters, repeated and unused fanins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..literals import Body, Literals, Writer, absorb, close_body, literals_of, split
from ..netlist import FALSE, FIRST_INPUT, TRUE, Argmax, IntArray, Luts, Netlist, Popcount, Tile
from ..sums import without_false
from ..tables import Tables, as_tables, cofactor, depends, merge, remove

Memo = dict[tuple[int, bytes], Body]
_ONE = np.uint32(1)


def fold(netlist: Netlist) -> Netlist:
    """Leave no LUT with a constant, repeated or unused fanin, and no buffer.

    An inverter is left only where a popcount, an argmax, a tile or an output reads it: LUTs take
    inversion into their tables. Constant addends leave popcounts, equal columns leave argmaxes.
    What is the same at every place of a tile moves into its body; body outputs that are constants,
    inputs or inverted inputs bypass it. Dead cells stay; `sweep` removes them.
    """
    writer = Writer(netlist)
    _sweep_forward(netlist, writer, {})
    return writer.close(netlist)


def _sweep_forward(netlist: Netlist, writer: Writer, memo: Memo) -> None:
    for first, cell in netlist.placed():
        literals = writer.literal[cell.fanin]
        match cell:
            case Luts():
                found = _fold_luts(writer, literals, as_tables(cell.table))
            case Popcount():
                found = _fold_popcount(writer, literals, cell)
            case Argmax():
                found = _fold_argmax(writer, literals, cell.width)
            case Tile():
                found = _fold_tile(writer, literals, cell.body, memo)
        writer.literal[first : first + cell.n_nets] = found.reshape(-1)


def _fold_luts(writer: Writer, literals: Literals, table: Tables) -> Literals:
    """Literals [n] of LUTs that read `literals` [n, k]; emits rows of two inputs or more."""
    fanin, inverted = split(literals)
    table = absorb(table, inverted)
    _hold_constants(fanin, table)
    _merge_repeated(fanin, table)
    k = fanin.shape[1]
    used = np.stack([depends(table, i) for i in range(k)], axis=1)
    support = used.sum(axis=1)
    result = (table & np.uint64(1)).astype(np.uint32)  # right where no input matters
    for size in range(1, k + 1):
        rows = np.flatnonzero(support == size)
        if not len(rows):
            continue
        kept, packed = _compress(fanin[rows], table[rows], used[rows], size)
        if size == 1:
            result[rows] = literals_of(kept[:, 0]) ^ (packed & np.uint64(1)).astype(np.uint32)
        else:
            result[rows] = literals_of(writer.luts(kept, packed))
    return result


def _hold_constants(fanin: IntArray, table: Tables) -> None:
    """Take constant fanins out of `table`, in place."""
    if not (fanin <= TRUE).any():
        return
    for i, column in enumerate(fanin.T):
        for net in (FALSE, TRUE):
            rows = np.flatnonzero(column == net)
            table[rows] = cofactor(table[rows], i, net == TRUE)


def _merge_repeated(fanin: IntArray, table: Tables) -> None:
    """Let the first of equal fanins stand for the others, in place."""
    for drop in range(1, fanin.shape[1]):
        for keep in range(drop):
            rows = np.flatnonzero(fanin[:, drop] == fanin[:, keep])
            if len(rows):
                table[rows] = merge(table[rows], keep, drop)


def _compress(
    fanin: IntArray, table: Tables, used: NDArray[np.bool_], size: int
) -> tuple[IntArray, Tables]:
    """LUTs over the `size` inputs that each row uses: fanin [n, size], table [n]."""
    k = fanin.shape[1]
    if size == k:
        return fanin, table
    packed = table.copy()
    kept = fanin[used].reshape(-1, size)
    codes = used @ (1 << np.arange(k))
    for code in np.flatnonzero(np.bincount(codes)):
        rows = np.flatnonzero(codes == code)
        some = packed[rows]
        for step, i in enumerate(i for i in reversed(range(k)) if not code >> i & 1):
            some = remove(some, i, k - step)
        packed[rows] = some
    return kept, packed


def _fold_popcount(writer: Writer, literals: Literals, cell: Popcount) -> Literals:
    """Literals [groups, width] of the popcounts `cell`, which reads `literals` [groups, m]."""
    weights = np.left_shift(1, cell.shifts, dtype=np.int64)
    true = (literals == 1) @ weights
    varying = (literals > 1).sum(axis=1)
    bits = np.arange(cell.width)
    # With at most one varying addend the sum is `true` or its weight more: each bit is a literal.
    base = np.where(varying == 1, literals.max(axis=1), 0).astype(np.uint32)[:, None]
    low = (true[:, None] >> bits & 1).astype(np.uint32)
    high = (true + (varying == 1) * ((literals > 1) @ weights))[:, None] >> bits & 1
    result = np.where(low == high, low, base ^ low)
    rows = np.flatnonzero(varying > 1)
    if len(rows):
        result[rows] = _emit_popcount(writer, literals[rows], cell)
    return result


def _emit_popcount(writer: Writer, literals: Literals, cell: Popcount) -> Literals:
    """Popcounts without constant-false addends, as narrow as the largest group allows."""
    packed, shift = without_false(literals, cell.shifts)
    least = int(shift[0])
    nets = writer.add(Popcount(writer.nets(packed), shift - shift[0]))
    made = literals_of(nets).reshape(len(literals), -1)
    result = np.zeros((len(literals), cell.width), np.uint32)
    result[:, least : least + made.shape[1]] = made
    result[~_possible(literals, cell)] = 0
    return result


def _possible(literals: Literals, cell: Popcount) -> NDArray[np.bool_]:
    """Which bits of each sum can be true: bool [groups, width].

    Bits beyond the sum of all weights cannot, nor bits below the least weight.
    """
    bits = np.arange(cell.width)
    there = literals != 0
    largest = there @ np.left_shift(1, cell.shifts, dtype=np.int64)
    least = np.where(there, cell.shifts, cell.width).min(axis=1)
    return (largest[:, None] >> bits != 0) & (bits >= least[:, None])


def _fold_argmax(writer: Writer, literals: Literals, width: int) -> Literals:
    """Literals [width] of an argmax; a bit that all candidates share decides nothing."""
    differing = (literals != literals[0]).any(axis=0)
    if not differing.any():
        return np.zeros(width, np.uint32)
    if (literals[:, differing] <= 1).all():
        numbers = [tuple(row[::-1]) for row in literals[:, differing].tolist()]
        best = max(range(len(numbers)), key=numbers.__getitem__)
        return (best >> np.arange(width) & 1).astype(np.uint32)
    return literals_of(writer.add(Argmax(writer.nets(literals[:, differing]))))


def _fold_tile(writer: Writer, literals: Literals, body: Netlist, memo: Memo) -> Literals:
    binding = _binding(literals)
    key = (id(body), binding.tobytes())
    if key not in memo:
        inner = Writer(body, binding)
        _sweep_forward(body, inner, memo)
        memo[key] = close_body(inner, body)
    return writer.place(memo[key], literals)


def _binding(literals: Literals) -> Literals:
    """What the body may know of its inputs [inputs]: constants, and equal or inverse inputs.

    literals: [places, inputs]. The result is in literals of the body: itself for an input of which
    nothing is known.
    """
    phase = literals[0] & _ONE
    columns = np.ascontiguousarray((literals ^ phase).T)
    seen = {np.zeros(len(literals), np.uint32).tobytes(): 0}
    result = np.empty(len(columns), np.uint32)
    for i, column in enumerate(columns):
        own = 2 * (FIRST_INPUT + i) ^ int(phase[i])
        result[i] = seen.setdefault(column.tobytes(), own) ^ int(phase[i])
    return result
