"""Netlists as formats of single gates take them."""

from __future__ import annotations

from ..netlist import Netlist
from ..passes.lower import lower
from ..passes.sweep import sweep
from ..passes.unroll import unroll


def flat(netlist: Netlist) -> Netlist:
    """The same function in LUTs alone: tiles unrolled, popcounts and argmaxes lowered, swept."""
    return sweep(lower(unroll(netlist)))
