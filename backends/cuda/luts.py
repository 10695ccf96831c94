"""LUTs with three inputs each, none of which is constant or read in vain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...compiler import Luts
from ...compiler.netlist import FALSE, TRUE
from ...compiler.tables import Tables, as_tables, cofactor, depends, extend


def with_three_inputs(cell: Luts) -> tuple[NDArray[np.int64], Tables]:
    """Fanin [rows, 3] and table of each LUT; one that depends on fewer inputs reads one of them
    again, and one that depends on none reads net 0.
    """
    fanin = cell.fanin[:, [*range(cell.k), *[0] * (3 - cell.k)]].astype(np.int64)
    table = _without_constants(fanin, extend(as_tables(cell.table), cell.k, 6))
    return _only_read(fanin, table), table & np.uint64(0xFF)


def _without_constants(fanin: NDArray[np.int64], table: Tables) -> Tables:
    """The tables with what constant operands make of them."""
    for i in range(3):
        table = np.where(fanin[:, i] == FALSE, cofactor(table, i, False), table)
        table = np.where(fanin[:, i] == TRUE, cofactor(table, i, True), table)
    return table


def _only_read(fanin: NDArray[np.int64], table: Tables) -> NDArray[np.int64]:
    read = np.column_stack([depends(table, i) for i in range(3)]).astype(bool)
    one = np.where(read.any(1), fanin[np.arange(len(fanin)), read.argmax(1)], 0)
    return np.where(read, fanin, one[:, None])
