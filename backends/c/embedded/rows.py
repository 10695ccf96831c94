"""How a row of features becomes the first slots: runs of neighbouring features and inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....compiler import Encoder


@dataclass(frozen=True)
class Rows:
    """One row a run; slots are filled in order.

    first: the first feature. step: 1 where features follow each other, 0 where one feature meets
    several thresholds. bit: the first netlist input, which neighbours follow. count: how many.
    level: [slots] a slot is true where its feature is at least this. never: slots that no value
    of a feature makes true.
    """

    first: NDArray[np.int64]
    step: NDArray[np.int64]
    bit: NDArray[np.int64]
    count: NDArray[np.int64]
    level: NDArray[Any]
    never: NDArray[np.int64]


def plan_rows(encoder: Encoder, inputs: NDArray[np.int32]) -> Rows:
    """The runs of an encoder of bytes for the netlist inputs that have slots, ascending."""
    feature = encoder.feature[inputs].astype(np.int64)
    bit = inputs.astype(np.int64)
    starts = _starts(feature, bit)
    count = np.diff(np.append(starts, len(bit)))
    second = np.minimum(starts + 1, max(0, len(bit) - 1))
    step = np.where(count > 1, feature[second] - feature[starts], 1)
    level = np.floor(np.clip(encoder.threshold[inputs], -1, 255)) + 1
    return Rows(
        feature[starts],
        step,
        bit[starts],
        count,
        np.minimum(level, 255).astype(np.uint8),
        np.flatnonzero(level > 255),
    )


def _starts(feature: NDArray[np.int64], bit: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where runs begin: as far as inputs follow each other and features all step by 0 or 1."""
    if not len(bit):
        return np.zeros(0, np.int64)
    step = np.where(np.diff(bit) == 1, np.diff(feature), -1)
    step[(step != 0) & (step != 1)] = -1
    starts, now = [0], None
    for at, found in enumerate(step.tolist(), start=1):
        if found == -1 or (now is not None and found != now):
            starts.append(at)
            now = None
        else:
            now = found
    return np.array(starts)
