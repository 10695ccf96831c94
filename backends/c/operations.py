"""The operations that C code knows, by number: the same in every library.

So a path's code can be compiled once for all circuits, see `text`.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ..input_order import order_inputs
from ..program import Op
from .isa import Isa

POPCOUNT, WEIGHTED, TILE, STRIPS, _FIRST_LUT = 1, 2, 3, 4, 5  # 0 ends a program
_MOST_INPUTS = 3
_KINDS = {"popcount": POPCOUNT, "weighted": WEIGHTED, "tile": TILE}
Case = tuple[int, str, int, str]  # number; kind; of LUTs the inputs, and the value in C


@cache
def _luts() -> dict[tuple[int, int], int]:
    """The number of each LUT by inputs and table, which is the least that permuting gives."""
    kinds: list[tuple[int, int]] = []
    for k in range(_MOST_INPUTS + 1):
        tables = np.arange(1 << (1 << k), dtype=np.uint64)
        _, least = order_inputs(np.zeros((len(tables), k), np.int64), tables)
        kinds += [(k, int(table)) for table in np.unique(least)]
    return {kind: number for number, kind in enumerate(kinds, _FIRST_LUT)}


def number_of(op: Op) -> int:
    """Of an operation; tiles in strips are `STRIPS` instead."""
    return _luts()[op.k, op.table] if op.kind == "lut" else _KINDS[op.kind]


def case_of(isa: Isa, number: int, op: Op) -> Case:
    """What the template needs to know of an operation."""
    if op.kind == "lut":
        return _lut_case(isa, number, op.k, op.table)
    return number, "strips" if number == STRIPS else op.kind, 0, ""


def all_cases(isa: Isa) -> list[Case]:
    """Every operation that a program of LUTs of up to three inputs, popcounts and tiles may use."""
    others = [(number, kind, 0, "") for kind, number in _KINDS.items()]
    luts = [_lut_case(isa, number, *kind) for kind, number in _luts().items()]
    return [*others, (STRIPS, "strips", 0, ""), *luts]


def _lut_case(isa: Isa, number: int, k: int, table: int) -> Case:
    return number, "lut", k, isa.lut(table, [f"IN({1 + i})" for i in range(k)])
