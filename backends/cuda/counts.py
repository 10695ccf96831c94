"""Popcounts of many addends as popcounts of few, so that many threads count at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...compiler import Netlist, Popcount
from ...compiler.netlist import FALSE, FIRST_INPUT, Cell, IntArray, renumbered
from .banks import spread

MOST = 31  # addends of a part: their sum fills five planes
FEW = 8  # addends of each of several weights, which one thread adds
AT_ONCE = 8  # addends that a kernel reads
Words = NDArray[np.uint32]


def count_words(cell: Popcount, slot: Words, phase: int) -> tuple[Words, Words]:
    """What kernels read of a popcount but for where its bits go: the head, and the addends.

    Args:
        slot: of each net. phase: see `banks.spread`.
    """
    eights = [-(-m // AT_ONCE) for m in cell.planes]
    head = np.zeros(-(-(4 + len(eights)) // 4) * 4, np.uint32)
    head[:4] = cell.width, len(eights), len(head), AT_ONCE * sum(eights)
    head[4 : 4 + len(eights)] = eights
    of_weight = np.split(slot[cell.fanin], np.cumsum(cell.planes)[:-1], axis=1)
    padded = [
        np.pad(
            spread(part, phase),
            ((0, 0), (0, -part.shape[1] % AT_ONCE)),
            constant_values=slot[FALSE],
        )
        for part in of_weight
    ]
    return head, np.hstack(padded).ravel()


def split_counts(netlist: Netlist, most: int = MOST) -> tuple[Netlist, list[int]]:
    """The same function with popcounts of at most `most` addends, or few of each of many weights.

    The addends of each weight are counted in parts; the bits of these counts are addends of other
    weights, and so on until few are left, which one weighted popcount adds.

    Returns:
        The netlist, and for each cell of the given one where its own cells begin, and the end.
    """
    cells: list[Cell] = []
    begins = []
    renamed = np.arange(netlist.n_nets, dtype=np.int32)
    n = FIRST_INPUT + netlist.n_inputs
    for first, cell in netlist.placed():
        begins.append(len(cells))
        whole = cell = renumbered(cell, renamed)
        while isinstance(cell, Popcount) and _is_large(cell, most):
            part, cell = _parted(cell, n, most)
            cells.append(part)
            n += part.n_nets
        cells.append(cell)
        made = np.arange(n, n + cell.n_nets)
        if isinstance(whole, Popcount) and isinstance(cell, Popcount):
            made = made.reshape(-1, cell.width)[:, : whole.width].ravel()  # more are always zero
        renamed[first : first + whole.n_nets] = made
        n += cell.n_nets
    return Netlist(netlist.n_inputs, tuple(cells), renamed[netlist.outputs]), [*begins, len(cells)]


def _is_large(cell: Popcount, most: int) -> bool:
    return max(cell.planes) > (most if len(cell.planes) == 1 else min(most, FEW))


def _parted(cell: Popcount, first: int, most: int) -> tuple[Popcount, Popcount]:
    """Popcounts of parts, which drive nets from `first` on, and the popcount of their bits."""
    groups = len(cell.fanin)
    of_weight = np.split(cell.fanin, np.cumsum(cell.planes)[:-1], axis=1)
    parts = [-(-columns.shape[1] // most) for columns in of_weight]
    size = max(-(-m // p) for m, p in zip(cell.planes, parts, strict=True) if m > 2)
    rows: list[IntArray] = []
    columns: list[tuple[int, IntArray]] = []  # shift, nets [groups]
    width = size.bit_length()
    for shift, addends in enumerate(of_weight):
        if addends.shape[1] <= 2:
            columns += [(shift, column) for column in addends.T]
            continue
        for at in range(0, addends.shape[1], size):
            part = addends[:, at : at + size]
            made = first + len(rows) * groups * width + np.arange(groups) * width
            used = part.shape[1].bit_length()
            columns += [(shift + b, made + b) for b in range(used)]
            rows.append(np.pad(part, ((0, 0), (0, size - part.shape[1])), constant_values=FALSE))
    columns.sort(key=lambda column: column[0])
    fanin = np.column_stack([nets for _, nets in columns]).astype(np.int32)
    shift = np.array([s for s, _ in columns], np.uint8)
    return Popcount(np.concatenate(rows)), Popcount(fanin, shift)
