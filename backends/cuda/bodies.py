"""Which tile bodies become straight-line code, and which data."""

from __future__ import annotations

from dataclasses import replace

from ...compiler import Luts, Netlist, Tile
from ...compiler.passes.unroll import unroll
from ..c.pooling import fuse_pools


def only_luts(body: Netlist) -> bool:
    return all(isinstance(cell, Luts) for cell in body.cells)


def with_pools(netlist: Netlist, straight_line: int) -> Netlist:
    """Each convolution and its pooling one tile, where that pays, so that what only pooling reads
    is never stored; its body has LUTs for all places of a window.

    Args:
        netlist: its tiles' bodies hold LUTs only.
        straight_line: LUTs of a body, at most, that becomes straight-line code.
    """
    fused = fuse_pools(netlist, straight_line)
    if fused is netlist:
        return netlist
    flat = {id(cell.body): unroll(cell.body) for cell in fused.cells if isinstance(cell, Tile)}
    cells = [
        replace(cell, body=flat[id(cell.body)]) if isinstance(cell, Tile) else cell
        for cell in fused.cells
    ]
    return Netlist(fused.n_inputs, tuple(cells), fused.outputs)


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
