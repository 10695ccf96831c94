"""The small data sets that come with scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..extras import need
from .dataset import Pair


def _digits() -> Pair:
    bunch = _sklearn().load_digits()
    return bunch.images[:, None].astype(np.uint8), bunch.target


def _table(loader: str) -> Callable[[], Pair]:
    def load() -> Pair:
        bunch = getattr(_sklearn(), loader)()
        return bunch.data.astype(np.float32), bunch.target

    return load


def _sklearn() -> Any:
    return need("sklearn.datasets", "the bundled data sets")


BUNDLED: dict[str, Callable[[], Pair]] = {
    "digits": _digits,
    "breast_cancer": _table("load_breast_cancer"),
    "wine": _table("load_wine"),
    "iris": _table("load_iris"),
}
"""Loaders by name."""
