"""Cells that one step runs together."""

from __future__ import annotations

from ...compiler import Cell, Luts, Netlist

Run = list[tuple[int, Cell]]  # the first net that each cell drives, and the cell


def runs_of(netlist: Netlist, cut: int) -> tuple[list[Run], int]:
    """The runs of a netlist, and how many of them end before cell `cut`.

    A run is neighbouring `Luts` that do not read each other, or one cell of another kind.
    """
    found: list[Run] = []
    before = 0
    for index, (first, cell) in enumerate(netlist.placed()):
        if index == cut:
            before = len(found)
        if not cell.n_nets:
            continue
        run = found[-1] if found and index != cut else []
        joins = run and isinstance(cell, Luts) and isinstance(run[0][1], Luts)
        if joins and not (cell.fanin >= run[0][0]).any():
            run.append((first, cell))
        else:
            found.append([(first, cell)])
    return found, before if cut < len(netlist.cells) else len(found)
