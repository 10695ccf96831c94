"""Which tile bodies become straight-line code, and which data."""

from __future__ import annotations

from ...compiler import Luts, Netlist, Tile


def only_luts(body: Netlist) -> bool:
    return all(isinstance(cell, Luts) for cell in body.cells)


def large_bodies(netlist: Netlist, most: int, most_together: int) -> list[Netlist]:
    """Each body once that has more than `most` LUTs, or for which nothing of the budget is left.

    The budget of `most_together` LUTs is spent on the smallest bodies first.
    """
    bodies = {id(cell.body): cell.body for cell in netlist.cells if isinstance(cell, Tile)}
    large, spent = [], 0
    for body in sorted(bodies.values(), key=_size):
        spent += _size(body)
        if _size(body) > most or spent > most_together:
            large.append(body)
    return large


def _size(body: Netlist) -> int:
    return sum(cell.n_nets for cell in body.cells)
