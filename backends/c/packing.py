"""How rows become bit planes: blocks of 64 neighbouring features with one threshold each.

Thermometer codes compare one feature with several thresholds. Sorted by rank (the lowest threshold
of each feature, then the second lowest, ...) every block is a run of neighbouring features, so rows
are read straight, without gathering.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiler import Encoder
from ..program import NONE

LANES = 64


@dataclass(frozen=True)
class Packing:
    """One row a block; [blocks] or [blocks, 64].

    first: the first feature. count: how many features. slot: where each lane's plane goes, NONE if
    nobody reads it. threshold: float32. level: uint8, true where `x >= level` for uint8 x, if
    `possible` has the lane's bit set.
    """

    first: NDArray[np.uint32]
    count: NDArray[np.uint8]
    slot: NDArray[np.uint32]
    threshold: NDArray[np.float32]
    level: NDArray[np.uint8]
    possible: NDArray[np.uint64]


def plan_packing(encoder: Encoder, input_slot: NDArray[np.uint32]) -> Packing:
    """The blocks that an encoder needs for the inputs that have a slot."""
    live = np.flatnonzero(input_slot != NONE)
    feature, threshold = encoder.feature[live], encoder.threshold[live]
    order = np.lexsort([threshold, feature])
    feature, threshold, slot = feature[order], threshold[order], input_slot[live][order]
    block, lane = feature // LANES, feature % LANES
    keys = _rank(feature) * (encoder.n_features // LANES + 1) + block
    blocks, row = np.unique(keys, return_inverse=True)
    first = (blocks % (encoder.n_features // LANES + 1) * LANES).astype(np.uint32)

    def table(dtype: Any, empty: float, values: NDArray[Any]) -> NDArray[Any]:
        made = np.full((len(blocks), LANES), empty, dtype)
        made[row, lane] = values
        return made

    level, possible = _integer_levels(threshold)
    lanes = table(np.uint64, 0, possible) << np.arange(LANES, dtype=np.uint64)
    return Packing(
        first,
        np.minimum(LANES, encoder.n_features - first.astype(np.int64)).astype(np.uint8),
        table(np.uint32, NONE, slot),
        table(np.float32, np.inf, threshold),
        table(np.uint8, 255, level),
        np.bitwise_or.reduce(lanes, axis=1),
    )


def _rank(feature: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """The position of each entry among its equals, for a sorted array."""
    start = np.flatnonzero(np.diff(feature, prepend=-1))
    length = np.diff(np.append(start, len(feature)))
    return np.arange(len(feature)) - np.repeat(start, length)


def _integer_levels(
    threshold: NDArray[np.float32],
) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    """For uint8 x: `x > threshold` is `x >= level`, where it is possible at all."""
    level = np.floor(np.clip(threshold, -1, 255)) + 1
    return np.minimum(level, 255).astype(np.uint8), (level <= 255).astype(np.uint64)
