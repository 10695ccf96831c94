"""CIFAR-10 from its binary version: `.bin` files, or the archive that they come in."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ...runtime.errors import FileError
from .dataset import Pair, Parts
from .folder import Shelf, read_at_most, shelf

_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_TEST = "test_batch.bin"
_ARCHIVE = "cifar-10-binary.tar.gz"
_RECORD = 1 + 3 * 32 * 32  # a class, then the three colours
_MOST = 1 << 26  # bytes a file; a real one holds 30,730,000
_MOST_UNPACKED = 1 << 28  # bytes the whole archive; the real one 184,380,000 and headers


def load_cifar10(folder: str | os.PathLike[str] | None) -> Parts:
    """Images uint8 [n, 3, 32, 32] and classes uint8 [n].

    Raises:
        FileError: files are missing, damaged, or those of the Python version.
    """
    places = shelf("cifar10", folder, ("cifar10", "cifar-10-batches-bin"))
    if places.find(_TEST) is not None:
        paths = {name: places.need(name) for name in (*_TRAIN, _TEST)}
        files = {
            name: _records(read_at_most(path, _MOST), str(path)) for name, path in paths.items()
        }
    else:
        files = _archived(_archive(places))
    images, classes = zip(*(files[name] for name in _TRAIN), strict=True)
    return (np.concatenate(images), np.concatenate(classes)), files[_TEST]


def _archive(places: Shelf) -> Path:
    found = places.find(_ARCHIVE)
    pickled = places.find("cifar-10-batches-py", "cifar-10-python.tar.gz", "data_batch_1")
    if found is None and pickled is not None:
        _refuse_pickle(str(pickled))
    return found or places.need(_ARCHIVE, _TEST)


def _refuse_pickle(where: str) -> NoReturn:
    raise FileError(
        f"{where}: the Python version of CIFAR-10, which is pickled: reading it can run code that "
        f"it holds; allowed is the binary version, {_ARCHIVE}"
    )


def _archived(path: Path) -> dict[str, Pair]:
    """The batches of the archive; only those files are looked at, and none is unpacked to disk."""
    files: dict[str, Pair] = {}
    try:
        with open(path, "rb") as file, tarfile.open(fileobj=_Bounded(file), mode="r|") as archive:
            for member in archive:
                name = Path(member.name).name
                if name == "data_batch_1":
                    _refuse_pickle(str(path))
                if name not in (*_TRAIN, _TEST) or not member.isreg() or member.size > _MOST:
                    continue
                content: Any = archive.extractfile(member)
                files[name] = _records(content.read(), f"{path}: {name}")
    except (
        OSError,
        EOFError,
        tarfile.TarError,
        zlib.error,
        ValueError,
        RecursionError,  # of headers that announce headers
    ) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(
            f"{path}: not a gzipped tar archive, or damaged: {error}; download it again"
        ) from None
    missing = [name for name in (*_TRAIN, _TEST) if name not in files]
    if missing:
        raise FileError(f"{path}: holds no {', '.join(missing)}; needed is {_ARCHIVE} as published")
    return files


class _Bounded(io.RawIOBase):
    """The unpacked content of a gzip file, up to `_MOST_UNPACKED` bytes."""

    def __init__(self, file: Any) -> None:
        self._content = gzip.open(file)
        self._left = _MOST_UNPACKED
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        """The next bytes; OSError once they are too many, EOFError on going on after the end."""
        data = self._content.read(size)
        if self._ended:  # tarfile would go on for as long as a header claims
            raise EOFError("it ends within a file")
        self._ended = not data
        self._left -= len(data)
        if self._left < 0:
            raise OSError(f"it unpacks to over {_MOST_UNPACKED} bytes")
        return data


def _records(data: bytes, where: str) -> Pair:
    if not data or len(data) % _RECORD:
        raise FileError(
            f"{where}: {len(data)} bytes; needed are whole records of {_RECORD} bytes; "
            "download it again"
        )
    rows = np.frombuffer(data, np.uint8).reshape(-1, _RECORD)
    if rows[:, 0].max() > 9:
        raise FileError(
            f"{where}: class {rows[:, 0].max()}; allowed are 0 to 9; is it the binary version of "
            "CIFAR-10?"
        )
    return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0]
