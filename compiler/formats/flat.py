"""Netlists as formats of single gates take them."""

from __future__ import annotations

from ..netlist import FALSE, TRUE, Netlist
from ..passes.lower import lower
from ..passes.sweep import sweep
from ..passes.unroll import unroll


def flat(netlist: Netlist) -> Netlist:
    """The same function in LUTs alone: tiles unrolled, popcounts and argmaxes lowered, swept."""
    return sweep(lower(unroll(netlist)))


def constants_read(netlist: Netlist, copies: list[tuple[str, int]]) -> tuple[bool, bool]:
    """Whether a gate or copied output reads the constant false, and the constant true."""
    read = [
        any((cell.fanin == net).any() for cell in netlist.cells)
        or any(copied == net for _, copied in copies)
        for net in (FALSE, TRUE)
    ]
    return read[0], read[1]
