"""LUTs one by one, by the nets that they drive: in what order they are needed, and as a tile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ..compiler import Cell, Luts, Netlist, Popcount, Tile
from ..compiler.netlist import FALSE, FIRST_INPUT
from ..compiler.tables import table_dtype

Row = tuple[tuple[int, ...], int]  # fanin and table
Addend = tuple[int, int]  # net and binary logarithm of its weight


@dataclass(frozen=True)
class Sum:
    """The nets that a sum drives, least significant bit first, and its addends."""

    planes: list[int]
    addends: list[Addend]


def rows_of(run: tuple[Cell, ...], first: int) -> dict[int, Row]:
    """Fanin and table of every net that the run drives."""
    rows: dict[int, Row] = {}
    for cell in run:
        assert isinstance(cell, Luts)
        fanin = map(tuple, cell.fanin.tolist())
        made = range(first, first + cell.n_nets)
        rows.update(zip(made, zip(fanin, cell.table.tolist(), strict=True), strict=True))
        first += cell.n_nets
    return rows


def depth_first(
    fanin: Mapping[int, Iterable[int]], roots: Iterable[int], done: set[int] | None = None
) -> list[int]:
    """The keys of `fanin` that the roots need, each behind what it reads and soon thereafter.

    done: keys to leave out, to which the answer is added.
    """
    order: list[int] = []
    done = set() if done is None else done
    stack = [(root, False) for root in roots][::-1]
    while stack:
        net, ready = stack.pop()
        if ready:
            order.append(net)
        elif net in fanin and net not in done:
            done.add(net)
            stack.append((net, True))
            stack += [(f, False) for f in reversed(tuple(fanin[net]))]
    return order


def rows_as_tile(rows: Mapping[int, Row], kept: list[int], sums: Sequence[Sum] = ()) -> Tile:
    """Rows as a tile of one place whose body has the nets read from elsewhere as inputs; one cell a
    level. kept: what the body drives of its rows and sums. sums: popcounts behind the rows.
    """
    read = {f for fanin, _ in rows.values() for f in fanin}
    read.update(net for made in sums for net, _ in made.addends)
    read -= rows.keys() | {net for made in sums for net in made.planes}
    outside = sorted(net for net in read if net >= FIRST_INPUT)
    level: dict[int, int] = {}
    for net, (fanin, _) in rows.items():
        level[net] = 1 + max((level.get(f, 0) for f in fanin), default=0)
    inside = {net: net for net in range(FIRST_INPUT)}
    inside |= {net: FIRST_INPUT + i for i, net in enumerate(outside)}
    cells: list[Cell] = []

    def kind(net: int) -> tuple[int, int]:
        return level[net], len(rows[net][0])

    for _, group in groupby(sorted(rows, key=kind), key=kind):
        nets = list(group)
        fanins = [[inside[f] for f in rows[net][0]] for net in nets]
        inside |= {net: len(inside) + i for i, net in enumerate(nets)}
        tables = np.array([rows[net][1] for net in nets], table_dtype(len(fanins[0])))
        cells.append(Luts(np.array(fanins), tables))
    net = len(inside)
    for made in sums:
        addends = sorted(made.addends, key=lambda addend: addend[1]) or [(FALSE, 0)]
        shifts = np.array([shift for _, shift in addends], np.uint8)
        cell = Popcount(np.array([[inside[net] for net, _ in addends]], np.int32), shifts)
        driven = [net + i if i < cell.width else FALSE for i in range(len(made.planes))]
        inside |= dict(zip(made.planes, driven, strict=True))
        net += cell.n_nets
        cells.append(cell)
    body = Netlist(len(outside), tuple(cells), np.array([inside[net] for net in kept]))
    return Tile(body, np.array(outside, np.int32)[None])
