"""Data sets by name or file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ...runtime.errors import InputError
from ..checks import check_pair
from .arrays import read_pair, read_parts
from .bundled import BUNDLED
from .cifar import load_cifar10
from .dataset import Dataset, Parts, split_indices
from .mnist import load_mnist
from .uci import TABLES, load_table

NAMES = (*BUNDLED, "mnist", "fashion-mnist", "cifar10", *TABLES)
"""What `load_dataset` knows by name."""


def load_dataset(
    name: str | os.PathLike[str],
    *,
    labels: str | os.PathLike[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    seed: int = 0,
    test_fraction: float = 0.2,
) -> Dataset:
    """Load a data set; where it has no test part of its own, hold a share of every class out.

    Nothing is downloaded. scikit-learn brings "digits", "breast_cancer", "wine" and "iris"; of the
    others the files as published are read, gzipped or not.

    Args:
        name: one of
            "digits" (uint8 [1, 8, 8], values 0 to 16), "breast_cancer", "wine", "iris" (float32);
            "mnist", "fashion-mnist" (uint8 [1, 28, 28]) from their four IDX files;
            "cifar10" (uint8 [3, 32, 32]) from its binary version, archive or files;
            "adult" (bool [116]), "monk1", "monk2", "monk3" (bool [17]) and "breast-cancer-uci"
            (bool [51]) from the UCI repository's files, encoded as in difflogic's experiments;
            or a file: a .npz with `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`, or
            a .npy of samples.
        labels: the .npy of classes where `name` is a .npy.
        folder: where the files of a named data set lie; `$GATEWRIGHT_DATA` if None, else `data` in
            the cache folder, ~/.cache/gatewright.
        seed: of the split, where there is no test part.
        test_fraction: what is held out then, above 0, below 1.

    Raises:
        InputError: unknown name, unusable samples or labels.
        FileError: a file is missing, damaged or holds something else.
        ExtraMissing: scikit-learn is needed and not installed.
    """
    train, test = _parts(name, labels, folder)
    x, y = (tensor.numpy() for tensor in check_pair(*train, str(name)))
    if test is None:
        kept, held = split_indices(y, test_fraction, seed)
        x, x_test, y, y_test = x[kept], x[held], y[kept], y[held]
    else:
        x_test, y_test = (tensor.numpy() for tensor in check_pair(*test, f"{name} test"))
        if x_test.shape[1:] != x.shape[1:]:
            raise InputError(
                f"{name}: samples of shape {list(x.shape[1:])} to train on and "
                f"{list(x_test.shape[1:])} to test on; allowed is one shape"
            )
    classes = int(max(np.max(y), np.max(y_test))) + 1
    samples = len(y) + len(y_test)
    if classes > samples:
        raise InputError(
            f"{name}: label {classes - 1} for {samples} samples; allowed are classes counted from "
            "0; numpy.unique(y, return_inverse=True)[1] numbers them"
        )
    return Dataset(Path(name).name, x, y, x_test, y_test, classes)


def _parts(
    name: str | os.PathLike[str],
    labels: str | os.PathLike[str] | None,
    folder: str | os.PathLike[str] | None,
) -> Parts:
    if name in BUNDLED:
        return BUNDLED[str(name)](), None
    if name in ("mnist", "fashion-mnist"):
        return load_mnist(str(name), folder)
    if name == "cifar10":
        return load_cifar10(folder)
    if name in TABLES:
        return load_table(str(name), folder)
    if Path(name).suffix == ".npz":
        return read_parts(Path(name))
    if Path(name).suffix == ".npy":
        return read_pair(Path(name), labels), None
    raise InputError(
        f"data set {str(name)!r}; allowed are {', '.join(NAMES)}, a .npz with x and y, "
        "or a .npy of samples with labels="
    )
