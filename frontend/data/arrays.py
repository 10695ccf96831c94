"""The user's own arrays: `.npz` and `.npy` files, never unpickled, never larger than they say."""

from __future__ import annotations

import math
import os
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import FileError, InputError
from .dataset import Pair, Parts

_WHOLE = ("x", "y")
_SPLIT = ("x_train", "y_train", "x_test", "y_test")
_FREE = 1 << 26  # bytes that a member may unpack to however small it is
_RATIO = 100  # beyond that, how often its packed size

# numpy reads headers with Python's own parser, which hostile ones break in many ways.
_HEADER = re.compile(
    r"\{\s*'descr': '([<>|=](?:b1|[iu][1248]|f[248]))', 'fortran_order': (True|False), "
    r"'shape': \(([0-9, ]*)\),? *\}\s*"
)


def read_parts(path: Path) -> Parts:
    """Samples and classes of a `.npz`: x and y, or x_train, y_train, x_test and y_test.

    Raises:
        FileError: it is missing, damaged, or holds something else.
    """
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            names = _SPLIT if all(name in members for name in _SPLIT) else _WHOLE
            _check_names(path, names, members)
            size = os.fstat(file.fileno()).st_size
            found = [_member(archive, members[name], size) for name in names]
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, error) from None
    train, *test = [(x, _flat(y)) for x, y in zip(found[::2], found[1::2], strict=True)]
    return train, test[0] if test else None


def read_npy(path: Path) -> NDArray[Any]:
    """The array of a `.npy`; FileError if it is missing, damaged or no plain array."""
    try:
        with open(path, "rb") as file:
            return _array(file, os.fstat(file.fileno()).st_size)
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(path, error) from None


def read_pair(path: Path, labels: str | os.PathLike[str] | None) -> Pair:
    """Samples of a `.npy`, and their classes from another.

    Raises:
        InputError: no file of classes is named.
        FileError: as `read_npy`.
    """
    if labels is None:
        raise InputError(f"{path}: samples without classes; name their .npy with labels=")
    return read_npy(path), _flat(read_npy(Path(labels)))


def _check_names(path: Path, needed: tuple[str, ...], members: dict[str, Any]) -> None:
    if not all(name in members for name in needed):
        raise FileError(
            f"{path}: holds {', '.join(sorted(members)) or 'nothing'}; needed are "
            f"{_words(_WHOLE)}, or {_words(_SPLIT)}; "
            "write it with numpy.savez(path, x=samples, y=classes)"
        )


def _words(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _damaged(path: Path, error: Exception) -> FileError:
    if isinstance(error, FileError):
        return error
    return FileError(
        f"{path}: not a NumPy file of plain arrays, or damaged: {error}; "
        "write it with numpy.save or numpy.savez"
    )


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, size: int) -> NDArray[Any]:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{info.filename} is packed in a way that numpy does not write")
    if info.compress_size > size:
        raise ValueError(f"{info.filename} claims more bytes than the file holds")
    if info.file_size > max(_FREE, _RATIO * info.compress_size):
        raise ValueError(
            f"{info.filename} unpacks to over {_RATIO} times its size; "
            "numpy.savez writes it unpacked"
        )
    with archive.open(info) as member:
        return _array(member, info.file_size)  # type: ignore[arg-type]


def _array(file: BinaryIO | Any, size: int) -> NDArray[Any]:
    """The array of a `.npy` of that many bytes; ValueError if it is no plain one."""
    magic = file.read(8)
    if magic[:6] != b"\x93NUMPY" or magic[6:] not in (b"\x01\x00", b"\x02\x00"):
        raise ValueError("it does not begin as a .npy")
    width = 2 * magic[6]
    header = file.read(min(int.from_bytes(file.read(width), "little"), 1 << 16))
    found = _HEADER.fullmatch(header.decode("latin-1"))
    if found is None:
        raise ValueError(f"array of {header[:80].decode('latin-1')!r}; allowed are plain numbers")
    dtype = np.dtype(found[1])
    shape = tuple(int(part) for part in found[3].split(",") if part.strip())
    data = file.read(max(0, size - 8 - width - len(header)) + 1)
    if math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"array claims shape {list(shape)} of {dtype} and holds {len(data)} bytes")
    array = np.frombuffer(data, dtype).astype(dtype.newbyteorder("="), copy=False)
    return array.reshape(shape, order="F" if found[2] == "True" else "C")


def _flat(y: NDArray[Any]) -> NDArray[Any]:
    """Classes [n] from [n] or [n, 1], which some tools write."""
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
