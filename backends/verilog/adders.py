"""Popcounts as trees of full adders, which suit devices whose LUTs have four inputs.

A full adder removes a bit for two LUTs of three inputs. A counter of six bits takes three LUTs of
six inputs, that is, twelve of four, for three bits.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...compiler import Builder, Netlist
from ...compiler.netlist import FIRST_INPUT, TRUE
from ...compiler.passes.fold import fold
from ...compiler.passes.lower import lower_popcount


@lru_cache(maxsize=256)
def full_adders(planes: tuple[int, ...], offset: int = 0) -> Netlist:
    """Bits [sum of planes], lightest first, to the bits of their sum and `offset`.

    planes: how many inputs count 1, 2, 4 and so on.
    """
    n = sum(planes)
    builder = Builder(n)
    constants = [shift for shift in range(offset.bit_length()) if offset >> shift & 1]
    shifts = np.array([*np.repeat(np.arange(len(planes)), planes), *constants], np.uint8)
    if not len(shifts):
        return builder.build([])
    order = np.argsort(shifts, kind="stable")
    fanin = np.array([*range(FIRST_INPUT, FIRST_INPUT + n), *[TRUE] * len(constants)], np.int32)
    count = builder.popcount(fanin[None, order], shifts[order])
    return fold(lower_popcount(builder.build(count)))
