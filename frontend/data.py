"""Data sets: small ones that come with scikit-learn, and the user's own arrays."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import FileError, InputError
from .checks import check_pair
from .extras import need


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


def load_dataset(
    name: str | os.PathLike[str],
    *,
    labels: str | os.PathLike[str] | None = None,
    seed: int = 0,
    test_fraction: float = 0.2,
) -> Dataset:
    """Load a data set and hold a part of it out, the same share of every class.

    Args:
        name: "digits" (uint8 [1, 8, 8], values 0 to 16), "breast_cancer", "wine" or "iris"
            (float32), or a file: a .npz with `x` and `y`, or a .npy of samples.
        labels: the .npy of classes where `name` is a .npy.
        seed: of the split.
        test_fraction: what is held out, above 0, below 1.

    Raises:
        InputError: unknown name, unusable samples or labels.
        FileError: a file is missing, damaged or holds something else.
        ExtraMissing: scikit-learn is needed and not installed.
    """
    if name in BUNDLED:
        x, y = BUNDLED[str(name)]()
    elif Path(name).suffix in (".npz", ".npy"):
        x, y = _read_pair(Path(name), labels)
    else:
        raise InputError(
            f"data set {str(name)!r}; allowed are {', '.join(BUNDLED)}, a .npz with x and y, "
            "or a .npy of samples with labels="
        )
    samples, classes = (tensor.numpy() for tensor in check_pair(x, y, str(name)))
    train, test = split_indices(classes, test_fraction, seed)
    return Dataset(
        Path(name).stem,
        samples[train],
        classes[train],
        samples[test],
        classes[test],
        int(classes.max()) + 1,
    )


def split_indices(
    y: NDArray[np.int64], fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions to keep and positions to hold out, each class in proportion, both shuffled.

    Args:
        y: labels, integers [n].
        fraction: what is held out, above 0, below 1.
        seed: of the draw.

    Raises:
        InputError: a fraction out of range, or one that leaves a side empty.
    """
    if not 0 < fraction < 1:
        raise InputError(f"split: fraction {fraction}; allowed is above 0 and below 1")
    random = np.random.default_rng(seed)
    order = random.permutation(len(y))
    # Within each class the first share is held out; `rank` counts a sample within its class.
    ranked = order[np.argsort(y[order], kind="stable")]
    counts = np.bincount(y[ranked]) if len(y) else np.zeros(0, np.int64)
    rank = np.arange(len(y)) - np.repeat(np.cumsum(counts) - counts, counts)
    held = rank < np.repeat(np.round(counts * fraction), counts)
    if held.all() or not held.any():
        raise InputError(
            f"split: fraction {fraction} of {len(y)} samples in {np.count_nonzero(counts)} classes "
            "leaves one side empty; use more samples or another fraction"
        )
    return random.permutation(ranked[~held]), random.permutation(ranked[held])


def _read_pair(path: Path, labels: str | os.PathLike[str] | None) -> tuple[Any, Any]:
    if path.suffix == ".npy":
        if labels is None:
            raise InputError(f"{path}: samples without classes; name their .npy with labels=")
        return _load(path), _load(Path(labels))
    arrays = _load(path)
    if not isinstance(arrays, dict):
        raise FileError(f"{path}: a single array; allowed in a .npz are x and y")
    missing = [key for key in ("x", "y") if key not in arrays]
    if missing:
        raise FileError(
            f"{path}: holds {', '.join(sorted(arrays)) or 'nothing'}; needed are x and y; "
            "write it with numpy.savez(path, x=samples, y=classes)"
        )
    return arrays["x"], arrays["y"]


def _load(path: Path) -> Any:
    try:
        with open(path, "rb") as file:
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return found
            with found:
                return {key: found[key] if key in ("x", "y") else None for key in found}
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FileError(
            f"{path}: not a NumPy file of plain arrays, or damaged: {error}; "
            "write it with numpy.save or numpy.savez"
        ) from None


def _digits() -> tuple[Any, Any]:
    bunch = _sklearn().load_digits()
    return bunch.images[:, None].astype(np.uint8), bunch.target


def _table(loader: str) -> Callable[[], tuple[Any, Any]]:
    def load() -> tuple[Any, Any]:
        bunch = getattr(_sklearn(), loader)()
        return bunch.data.astype(np.float32), bunch.target

    return load


def _sklearn() -> Any:
    return need("sklearn.datasets", "the bundled data sets")


BUNDLED: dict[str, Callable[[], tuple[Any, Any]]] = {
    "digits": _digits,
    "breast_cancer": _table("load_breast_cancer"),
    "wine": _table("load_wine"),
    "iris": _table("load_iris"),
}
"""Loaders by name; a new data set is one more entry that answers (x, y)."""
