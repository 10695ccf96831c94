"""Changing the bodies of tiles, each once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .netlist import Netlist, Tile


def with_bodies(netlist: Netlist, change: Callable[[Netlist], Netlist]) -> Netlist:
    """`change` applied to the body of every tile, from the inside out, and then to the netlist.

    Bodies shared between tiles are changed once and stay shared. `change` must keep a body's inputs
    and outputs.
    """
    return _with_bodies(netlist, change, {})


def _with_bodies(
    netlist: Netlist, change: Callable[[Netlist], Netlist], memo: dict[int, Netlist]
) -> Netlist:
    if id(netlist) in memo:
        return memo[id(netlist)]
    cells = tuple(
        replace(cell, body=_with_bodies(cell.body, change, memo))
        if isinstance(cell, Tile)
        else cell
        for cell in netlist.cells
    )
    same = all(
        not isinstance(new, Tile) or (isinstance(old, Tile) and new.body is old.body)
        for new, old in zip(cells, netlist.cells, strict=True)
    )
    inner = netlist if same else Netlist(netlist.n_inputs, cells, netlist.outputs)
    memo[id(netlist)] = change(inner)
    return memo[id(netlist)]
