"""Inputs as windows: four neighbouring features, each with one threshold, read as one word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...compiler import Encoder, Netlist
from ...compiler.netlist import FIRST_INPUT
from ..slots import NONE

WIDTH = 4


@dataclass(frozen=True)
class Windows:
    """feature: of the first value of each window [windows]. inputs: [windows, 4], -1 for none.

    A feature with several thresholds is in as many windows, the lowest threshold first, which are
    neighbours.
    """

    feature: NDArray[np.int64]
    inputs: NDArray[np.int64]

    @property
    def begin(self) -> NDArray[np.int64]:
        """The first window of each four features, and how many there are [groups + 1]."""
        return np.append(np.flatnonzero(np.diff(self.feature, prepend=-1)), len(self.feature))

    @property
    def order(self) -> NDArray[np.int64]:
        """Inputs so that those of neighbouring features, written together, are neighbours."""
        begin = self.begin
        rank = np.arange(len(self.feature)) - np.repeat(begin[:-1], np.diff(begin))
        column = self.inputs[np.argsort(rank, kind="stable")].T.ravel()
        return column[column >= 0]

    def records(self, encoder: Encoder) -> NDArray[np.uint32]:
        """Eight words each: feature, levels a byte each, which are never reached, 0, thresholds.

        A byte above its threshold is at least its level; of level 256, which none is, a bit is set.
        """
        threshold = np.append(encoder.threshold, np.float32(np.inf))[self.inputs]
        level = np.floor(np.clip(threshold, -1, 255)).astype(np.int64) + 1
        place = np.arange(WIDTH)
        records = np.zeros((len(self.feature), 2 * WIDTH), np.uint32)
        records[:, 0] = self.feature
        records[:, 1] = (np.minimum(level, 255) << 8 * place).sum(axis=1)
        records[:, 2] = ((level > 255) << place).sum(axis=1)
        records[:, WIDTH:] = np.ascontiguousarray(threshold, np.float32).view(np.uint32)
        return records

    def slots(self, input_slot: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """The slot of each value [windows, 4], NONE for none."""
        return np.append(input_slot, np.uint32(NONE))[self.inputs]


def plan_windows(encoder: Encoder, netlist: Netlist) -> Windows:
    """The windows of all inputs that the netlist reads."""
    read = np.zeros(netlist.n_nets, np.bool_)
    for cell in netlist.cells:
        read[cell.fanin] = True
    read[netlist.outputs] = True
    live = np.flatnonzero(read[FIRST_INPUT : FIRST_INPUT + netlist.n_inputs])
    feature = encoder.feature[live].astype(np.int64)
    order = np.lexsort([encoder.threshold[live], feature])
    live, feature = live[order], feature[order]
    starts = np.flatnonzero(np.diff(feature, prepend=-1))
    rank = np.arange(len(live)) - np.repeat(starts, np.diff(starts, append=len(live)))
    keys = np.column_stack([feature // WIDTH, rank])
    found, window = np.unique(keys, axis=0, return_inverse=True)
    inputs = np.full((len(found), WIDTH), -1, np.int64)
    inputs[window.reshape(-1), feature % WIDTH] = live
    return Windows(found[:, 0].astype(np.int64) * WIDTH, inputs)
