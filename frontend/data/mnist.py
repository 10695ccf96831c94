"""MNIST and Fashion-MNIST from their four IDX files, or from the `mnist.npz` that Keras writes."""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import FileError
from .arrays import read_parts
from .dataset import Pair, Parts
from .folder import read_at_most, shelf

_MOST = 1 << 26  # bytes; the largest file, 60,000 images, holds 47,040,016
_FOLDERS = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}  # where torchvision puts them


def load_mnist(name: str, folder: str | os.PathLike[str] | None) -> Parts:
    """Images uint8 [n, 1, 28, 28] and classes uint8 [n] of "mnist" or "fashion-mnist".

    Raises:
        FileError: a file is missing or damaged.
    """
    places = shelf(name, folder, (name, f"{_FOLDERS[name]}/raw"))
    first = _names("train-images-idx3-ubyte")
    archive = places.need(*first, f"{name}.npz")
    if archive.suffix == ".npz":
        train, test = read_parts(archive)
        if test is None:
            raise FileError(
                f"{archive}: holds no x_test and y_test; allowed is {name} as IDX files"
            )
        return _images(*train, archive), _images(*test, archive)
    pairs: list[Pair] = []
    for part in ("train", "t10k"):
        images = places.need(*_names(f"{part}-images-idx3-ubyte"))
        labels = places.need(*_names(f"{part}-labels-idx1-ubyte"))
        pairs.append(_images(read_idx(images), read_idx(labels), images))
    return pairs[0], pairs[1]


def _names(name: str) -> tuple[str, str]:
    return name, f"{name}.gz"


def _images(x: Any, y: Any, path: Path) -> Pair:
    if x.dtype != np.uint8 or x.shape[1:] != (28, 28):
        raise FileError(
            f"{path}: {x.dtype} of shape {list(x.shape)}; needed are images, uint8 [n, 28, 28]"
        )
    if y.shape != (len(x),):
        raise FileError(
            f"{path}: {len(x)} images, and labels of shape {list(y.shape)}; needed is [{len(x)}]"
        )
    return x[:, None], y


def read_idx(path: Path) -> NDArray[np.uint8]:
    """An IDX file of bytes, gzipped or not.

    Raises:
        FileError: it is missing, truncated, too long, or holds something else.
    """
    data = read_at_most(path, _MOST)
    if len(data) < 4 or data[:3] != b"\0\0\x08" or not 1 <= data[3] <= 4:
        raise FileError(
            f"{path}: begins with {data[:4].hex(' ') or 'nothing'}; "
            "an IDX file of bytes begins with 00 00 08; download it again"
        )
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise FileError(f"{path}: ends within its header; download it again")
    shape = struct.unpack(f">{data[3]}I", data[4:start])
    if math.prod(shape) != len(data) - start:
        raise FileError(
            f"{path}: claims {list(shape)}, {math.prod(shape)} bytes, and holds "
            f"{len(data) - start}; download it again"
        )
    if not math.prod(shape):
        raise FileError(f"{path}: claims {list(shape)}, which holds nothing; download it again")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
