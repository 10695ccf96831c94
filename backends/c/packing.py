"""How rows become bit planes: windows of 64 neighbouring features, compared block by block.

A window is read once and compared with one or more blocks of 64 thresholds, one a feature.
Thermometer codes compare a feature with several thresholds; sorted by rank (the lowest threshold of
each feature, then the second lowest, ...) each rank is one block, so that nothing is gathered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiler import Encoder
from ..slots import NONE

LANES = 64
PANEL = 64  # blocks whose bytes are kept before they are transposed


@dataclass(frozen=True)
class Packing:
    """The windows in order, [windows], and what they are compared with, [blocks, 64].

    first: the first feature; the window ends within the row if that has 64 features. blocks: how
    many follow one another for this window, at most `PANEL`. slot: where each lane's plane goes,
    NONE if nobody reads it. threshold: float32. level: uint8, true where `x >= level` for uint8 x.
    possible: 255 if uint8 x can reach that, else 0.
    """

    first: NDArray[np.uint32]
    blocks: NDArray[np.uint8]
    slot: NDArray[np.uint32]
    threshold: NDArray[np.float32]
    level: NDArray[np.uint8]
    possible: NDArray[np.uint8]


def plan_packing(encoder: Encoder, input_slot: NDArray[np.uint32]) -> Packing:
    """The windows that an encoder needs for the inputs that have a slot."""
    live = np.flatnonzero(input_slot != NONE)
    feature, threshold = encoder.feature[live], encoder.threshold[live]
    order = np.lexsort([threshold, feature])
    feature, threshold, slot = feature[order], threshold[order], input_slot[live][order]
    first = _windows(feature, encoder.n_features)
    window = np.searchsorted(first, feature, side="right") - 1
    lane = feature - first[window]
    rank = _rank(feature)
    ranks = np.zeros(len(first), np.int64)
    np.maximum.at(ranks, window, rank + 1)
    block = (np.cumsum(ranks) - ranks)[window] + rank

    def table(dtype: Any, empty: float, values: NDArray[Any]) -> NDArray[Any]:
        made = np.full((int(ranks.sum()), LANES), empty, dtype)
        made[block, lane] = values
        return made

    level, possible = _integer_levels(threshold)
    parts = -(-ranks // PANEL)
    blocks = np.full(int(parts.sum()), PANEL)
    if len(parts):
        blocks[np.cumsum(parts) - 1] = ranks - (parts - 1) * PANEL
    return Packing(
        np.repeat(first, parts).astype(np.uint32),
        blocks.astype(np.uint8),
        table(np.uint32, NONE, slot),
        table(np.float32, np.inf, threshold),
        table(np.uint8, 255, level),
        table(np.uint8, 0, possible),
    )


def _windows(feature: NDArray[np.integer[Any]], n_features: int) -> NDArray[np.int64]:
    """First features of the windows that cover the sorted `feature`."""
    first: list[int] = []
    at = 0
    while at < len(feature):
        first.append(int(feature[at]))
        at = int(np.searchsorted(feature, first[-1] + LANES))
    if first:
        first[-1] = max(0, min(first[-1], n_features - LANES))
    return np.array(first, np.int64)


def _rank(feature: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """The position of each entry among its equals, for a sorted array."""
    start = np.flatnonzero(np.diff(feature, prepend=-1))
    length = np.diff(np.append(start, len(feature)))
    return np.arange(len(feature)) - np.repeat(start, length)


def _integer_levels(
    threshold: NDArray[np.float32],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """For uint8 x: `x > threshold` is `x >= level`, where it is possible at all."""
    level = np.floor(np.clip(threshold, -1, 255)) + 1
    possible = np.where(level <= 255, 255, 0)
    return np.minimum(level, 255).astype(np.uint8), possible.astype(np.uint8)
