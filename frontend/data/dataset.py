"""What a data set is, and how a part of one is held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import InputError

Pair = tuple[Any, Any]
Parts = tuple[Pair, Pair | None]
"""(x, y) to train on and (x, y) to test on; None where a data set has no test part of its own."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples and classes, a part of them held out.

    name: of the data set, or of its file.
    x_train, x_test: uint8, bool or float32 [n, *input_shape]. y_train, y_test: int64 [n].
    classes: how many; labels are 0 to classes - 1.
    """

    name: str
    x_train: NDArray[Any]
    y_train: NDArray[np.int64]
    x_test: NDArray[Any]
    y_test: NDArray[np.int64]
    classes: int

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self.x_train.shape[1:])


def split_indices(
    y: NDArray[np.int64], fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions to keep and positions to hold out, each class in proportion, both shuffled.

    Args:
        y: labels, integers [n].
        fraction: what is held out, above 0, below 1.
        seed: of the draw, from 0.

    Raises:
        InputError: a fraction or seed out of range, or a fraction that leaves a side empty.
    """
    if seed < 0:
        raise InputError(f"split: seed {seed}; allowed are integers from 0")
    if not 0 < fraction < 1:
        raise InputError(f"split: fraction {fraction}; allowed is above 0 and below 1")
    random = np.random.default_rng(seed)
    order = random.permutation(len(y))
    # Within each class the first share is held out; `rank` counts a sample within its class.
    ranked = order[np.argsort(y[order], kind="stable")]
    counts = np.unique(y, return_counts=True)[1]
    rank = np.arange(len(y)) - np.repeat(np.cumsum(counts) - counts, counts)
    held = rank < np.repeat(np.round(counts * fraction), counts)
    if held.all() or not held.any():
        raise InputError(
            f"split: fraction {fraction} of {len(y)} samples in {len(counts)} classes "
            "leaves one side empty; use more samples or another fraction"
        )
    return random.permutation(ranked[~held]), random.permutation(ranked[held])
