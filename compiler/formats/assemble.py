"""A netlist from LUTs in any order, as files define them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..literals import Literals, absorb
from ..netlist import IntArray, Netlist
from ..subject import LutNetwork
from ..subject_join import Frame
from ..tables import Tables

_ONE = np.uint32(1)


class Cycle(Exception):
    """LUTs that read themselves: `luts`, each read by the next and the last by the first."""

    def __init__(self, luts: list[int]) -> None:
        super().__init__(luts)
        self.luts = luts


def assemble(
    n_inputs: int,
    fanin: Literals,
    size: NDArray[np.uint8],
    table: Tables,
    outputs: Literals,
) -> Netlist:
    """The netlist of LUTs that may be defined in any order.

    A literal is `2 * node + inverted`; node 0 is the constant false, then come the inputs and the
    LUTs.

    Args:
        n_inputs: how many inputs there are.
        fanin: uint32 [n, k], literals; columns from size[i] on are 0.
        size: uint8 [n], 1 to k.
        table: uint64 [n], over the first size[i] columns.
        outputs: uint32 [m], literals.

    Raises:
        Cycle: LUTs read themselves.
    """
    table = absorb(table, (fanin & _ONE).astype(np.bool_))
    nodes = (fanin >> _ONE).astype(np.int32)
    own = 1 + n_inputs + np.arange(len(nodes))
    if len(nodes) and (nodes.max(axis=1) >= own).any():
        _check_order(nodes - (1 + n_inputs), size)
    frame = Frame(Netlist(n_inputs, (), np.zeros(0, np.int32)), ())
    return frame.join(LutNetwork(n_inputs, nodes, size, table, outputs))


def _check_order(fanin: IntArray, size: NDArray[np.uint8]) -> None:
    """Raise Cycle unless there is an order in which each LUT reads earlier ones.

    fanin: LUT numbers [n, k], negative for what is no LUT. One step a LUT and edge, however deep.
    """
    rows, columns = np.nonzero((np.arange(fanin.shape[1]) < size[:, None]) & (fanin >= 0))
    read = fanin[rows, columns]
    waiting = np.bincount(rows, minlength=len(fanin)).tolist()
    readers = rows[np.argsort(read, kind="stable")].tolist()
    start = np.searchsorted(np.sort(read), np.arange(len(fanin) + 1)).tolist()
    ready = [lut for lut, count in enumerate(waiting) if not count]
    done = 0
    while ready:
        done += 1
        lut = ready.pop()
        for reader in readers[start[lut] : start[lut + 1]]:
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    if done < len(fanin):
        raise Cycle(_find_cycle(fanin, waiting))


def _find_cycle(fanin: IntArray, waiting: list[int]) -> list[int]:
    """A cycle among the LUTs that still wait, each of which reads another that waits."""
    lut = next(lut for lut, count in enumerate(waiting) if count)
    place: dict[int, int] = {}
    path: list[int] = []
    while lut not in place:
        place[lut] = len(path)
        path.append(lut)
        lut = next(read for read in fanin[lut].tolist() if read >= 0 and waiting[read])
    return path[place[lut] :][::-1]
