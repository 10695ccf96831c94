"""The rules of the IR, checked: every net is driven before it is read."""

from __future__ import annotations

import numpy as np

from ..runtime.errors import NetlistError
from .netlist import Luts, Netlist, Tile
from .tables import full

_MOST_ALIKE = 1 << 16


def verify(netlist: Netlist) -> Netlist:
    """Return `netlist` if it is valid.

    Raises:
        NetlistError: a fanin reads a net that is not driven before its cell, a table has bits
            beyond 2**k, an output does not exist, a body without inputs has over 2**16 places, or
            the nets do not fit int32. The message names cell, row and column.
    """
    _check_size(netlist)
    checked: set[int] = set()
    for index, (first, cell) in enumerate(netlist.placed()):
        where = f"cell {index} ({type(cell).__name__})"
        check_fanin(cell.fanin, first, where)
        if cell.n_nets == 0:
            raise NetlistError(
                f"{where}: drives no net; allowed is one or more; leave the cell out"
            )
        if isinstance(cell, Luts):
            _check_tables(cell, where)
        if isinstance(cell, Tile):
            _check_places(cell, where)
        if isinstance(cell, Tile) and id(cell.body) not in checked:
            checked.add(id(cell.body))
            try:
                verify(cell.body)
            except NetlistError as error:
                raise NetlistError(f"{where}, body: {error}") from None
    check_fanin(netlist.outputs[None], netlist.n_nets, "outputs")
    return netlist


def _check_size(netlist: Netlist) -> None:
    if netlist.n_nets > np.iinfo(np.int32).max:
        raise NetlistError(
            f"netlist: {netlist.n_nets} nets; allowed are {np.iinfo(np.int32).max}; "
            "keep repeated parts as tiles"
        )


def check_fanin(fanin: np.ndarray, limit: int, where: str) -> None:
    """Raise NetlistError unless every net in `fanin` [rows, columns] is below `limit`."""
    if fanin.size == 0 or (int(fanin.min()) >= 0 and int(fanin.max()) < limit):
        return
    row, column = (int(i) for i in np.argwhere((fanin < 0) | (fanin >= limit))[0])
    raise NetlistError(
        f"{where}, row {row}, column {column}: reads net {fanin[row, column]}; "
        f"allowed are 0 to {limit - 1}, the nets driven before it; order the cells by dependence"
    )


def _check_places(tile: Tile, where: str) -> None:
    # Places that read something are as many as the rows of numbers that say what.
    if not tile.body.n_inputs and tile.places > _MOST_ALIKE:
        raise NetlistError(
            f"{where}: {tile.places} places of a body without inputs; allowed are {_MOST_ALIKE}; "
            "all answer alike, so one place is enough"
        )


def _check_tables(cell: Luts, where: str) -> None:
    # Storage is 8 bits at least, so only k = 1 and 2 can hold bits beyond the table.
    if cell.k <= 2 and (wrong := np.flatnonzero(cell.table > int(full(cell.k)))).size:
        row = int(wrong[0])
        raise NetlistError(
            f"{where}, row {row}: table {int(cell.table[row]):#x} of {cell.k} inputs; "
            f"allowed are 0 to {int(full(cell.k)):#x}"
        )
