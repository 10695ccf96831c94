"""The input bits of a trace: one for each feature and threshold that is met."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...compiler import Builder, Encoder

IMPLIED = np.float32(0.5)


class InputBits:
    """Declares inputs to `builder`, once for each (feature, threshold), in order of appearance."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._keys = np.empty(0, np.int64)  # sorted
        self._nets = np.empty(0, np.int64)  # beside them
        self._features = [np.empty(0, np.int32)]
        self._thresholds = [np.empty(0, np.float32)]
        self._implied: list[NDArray[np.int64]] = []

    def nets(self, feature: NDArray[np.int64], threshold: NDArray[np.float32]) -> NDArray[np.int64]:
        """Nets that say `x[feature] > threshold`; all three [n]."""
        keys = _keys(feature, threshold + np.float32(0.0))  # -0.0 becomes 0.0
        unique, first = np.unique(keys, return_index=True)
        fresh = np.sort(first[~np.isin(unique, self._keys, assume_unique=True)])
        self._declare(keys[fresh], feature[fresh], threshold[fresh])
        return self._nets[np.searchsorted(self._keys, keys)].astype(np.int64)

    def _declare(
        self, keys: NDArray[np.int64], feature: NDArray[np.int64], threshold: NDArray[np.float32]
    ) -> None:
        if not len(keys):
            return
        self._features.append(feature.astype(np.int32))
        self._thresholds.append(threshold)
        nets = np.concatenate([self._nets, self._builder.inputs(len(keys))])
        keys = np.concatenate([self._keys, keys])
        order = np.argsort(keys)
        self._keys, self._nets = keys[order], nets[order]

    def implied(self, feature: NDArray[np.int64]) -> NDArray[np.int64]:
        """Nets of features that are used as bits, [n]: the input is taken to be Boolean."""
        self._implied.append(np.unique(feature))
        return self.nets(feature, np.full(len(feature), IMPLIED))

    def conflict(self) -> tuple[int, float] | None:
        """A feature that is used as a bit and yet compared with a threshold, and that threshold."""
        if not self._implied:
            return None
        feature, threshold = np.concatenate(self._features), np.concatenate(self._thresholds)
        found = np.isin(feature, np.concatenate(self._implied)) & (threshold != IMPLIED)
        where = np.flatnonzero(found)
        return (int(feature[where[0]]), float(threshold[where[0]])) if len(where) else None

    def encoder(self, shape: tuple[int, ...]) -> Encoder:
        return Encoder(shape, np.concatenate(self._features), np.concatenate(self._thresholds))


def _keys(feature: NDArray[np.int64], threshold: NDArray[np.float32]) -> NDArray[np.int64]:
    return feature << 32 | np.ascontiguousarray(threshold).view(np.uint32).astype(np.int64)
