"""One safe container for every file we write: named arrays and a JSON manifest in a `.npz`.

Nothing is ever unpickled. Members are stored, not compressed, so a small file cannot unfold into a
large one; every array's header is checked against the bytes that are there before it is read.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import plain
from .errors import FileError

_MANIFEST = "manifest"
_CURES = {  # where a file of one kind is found and another one is needed
    ("model", "circuit"): "; gatewright.trace(gatewright.frontend.load_model(FILE)) makes it one",
    ("training state", "model"): "; the model of a run is model.npz beside it",
    ("circuit", "model"): "; gatewright.read(FILE) reads circuits",
}
VERSION = 1


def write_archive(
    path: str | os.PathLike[str],
    kind: str,
    manifest: dict[str, Any],
    arrays: dict[str, NDArray[Any]],
) -> None:
    """Write a container; an existing file is replaced only once the new one is complete.

    Raises:
        FileError: the file cannot be written (no such folder, no room, not allowed).
    """
    write_file(path, archive_bytes(kind, manifest, arrays))


def archive_bytes(kind: str, manifest: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> bytes:
    """The content of a container."""
    header = {**manifest, "gatewright": kind, "version": VERSION}
    text = np.frombuffer(json.dumps(header, sort_keys=True, default=plain).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{_MANIFEST: text}, **arrays)
    return buffer.getvalue()


def check_folder(path: str | os.PathLike[str]) -> None:
    """Refuse a file whose folder is not there, before the work whose result it is to take.

    Raises:
        FileError: no such folder.
    """
    if not Path(path).parent.is_dir():
        raise FileError(f"{path}: no folder {Path(path).parent}; make it first")


def write_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path` in one step: readers see the old file or the whole new one.

    Raises:
        FileError: it cannot be written; the message says why, and nothing was lost.
    """
    target = Path(path)
    temporary = None
    try:
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(data)  # a device or pipe, such as /dev/null
            return
        real = Path(os.path.realpath(target))  # behind a link
        temporary = real.parent / f".{real.name[:100]}.{token_hex(8)}"
        with open(temporary, "xb") as file:
            file.write(data)
        os.replace(temporary, real)
        temporary = None
    except OSError as error:
        raise FileError(
            f"{target}: cannot write {len(data)} bytes: {error.strerror or error}; "
            "what was there before is unchanged; free room or choose another place"
        ) from None
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


def make_folder(path: str | os.PathLike[str]) -> Path:
    """The folder at `path`, made if needed; FileError if it cannot be made."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"{path}: cannot make this folder: {error.strerror or error}; choose another place"
        ) from None
    return Path(path)


def read_archive(
    path: str | os.PathLike[str], kind: str | None = None
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read a container: its manifest and its arrays.

    Args:
        path: a file that `write_archive` wrote.
        kind: what it must hold, such as "circuit"; any kind if None.

    Raises:
        FileError: the file is missing, truncated, damaged, of another kind or version, or claims
            more than it holds.
    """
    return parse_archive(read_file(path), str(path), kind)


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The whole file at `path`; FileError if it cannot be read, or is none."""
    check_file(path)
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"{path}: cannot read: {error.strerror or error}") from None
    except MemoryError:
        raise FileError(f"{path}: more than fits into memory; is it the right file?") from None


def check_file(path: str | os.PathLike[str]) -> None:
    """Refuse what is no file: reading from a pipe may wait forever, and from a device never end.

    Raises:
        FileError: nothing is there, or no file.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte
        raise FileError(
            f"{path}: cannot read: {getattr(error, 'strerror', None) or error}"
        ) from None
    if not stat.S_ISREG(mode):
        what = next(name for test, name in _KINDS if test(mode))
        raise FileError(f"{path}: {what}; allowed is a file")


def parse_archive(
    data: bytes, where: str, kind: str | None = None
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """A container from its bytes; as `read_archive`, with `where` for the messages."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            arrays = {
                name.removesuffix(".npy"): _member(archive, name)
                for name in _names(archive, len(data))
            }
    except (
        zipfile.BadZipFile,
        ValueError,
        EOFError,
        LookupError,
        ArithmeticError,
        TypeError,
        RuntimeError,
        struct.error,
    ) as error:
        raise FileError(
            f"{where}: not a Gatewright file, or damaged: {error}; write it again with gatewright"
        ) from None
    manifest = _manifest(arrays.pop(_MANIFEST, None), where)
    if manifest.get("version") != VERSION:
        raise FileError(
            f"{where}: format version {manifest.get('version')}; allowed is {VERSION}; "
            "use the Gatewright that wrote it"
        )
    if kind is not None and manifest["gatewright"] != kind:
        found = manifest["gatewright"]
        cure = _CURES.get((found, kind), "")
        raise FileError(f"{where}: holds a {found}; a {kind} is needed here{cure}")
    return manifest, arrays


def _names(archive: zipfile.ZipFile, size: int) -> list[str]:
    names = archive.namelist()
    if len(set(names)) != len(names):
        raise ValueError("two members of one name")
    for info in archive.infolist():
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > size:
            raise ValueError(f"member {info.filename} is compressed; allowed are stored members")
    if sum(info.file_size for info in archive.infolist()) > size:
        raise ValueError("members overlap")
    return names


_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (lambda _: True, "a device"),
)


# numpy parses headers with Python's tokenizer, which hostile ones break in many ways.
_HEADER = re.compile(
    r"\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), \} *\n"
)


def _member(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    data = archive.read(name)
    if data[:8] != b"\x93NUMPY\x01\x00":
        raise ValueError(f"member {name} is no array of format 1.0")
    start = 10 + int.from_bytes(data[8:10], "little")
    header = _HEADER.fullmatch(data[10:start].decode("latin-1"))
    if header is None:
        raise ValueError(f"member {name} has a header that numpy does not write")
    if not re.fullmatch(r"[<>=|](b1|[iu][1248]|f[248])", header[1]) or header[2] == "True":
        raise ValueError(f"member {name} has dtype {header[1]}; allowed are plain numbers")
    shape = tuple(int(size) for size in header[3].split(",") if size.strip())
    dtype = np.dtype(header[1])
    if math.prod(shape) * dtype.itemsize != len(data) - start:
        raise ValueError(f"member {name} claims shape {shape} and holds {len(data)} bytes")
    return np.frombuffer(data, dtype, offset=start).reshape(shape)


def _manifest(array: NDArray[Any] | None, where: str) -> dict[str, Any]:
    try:
        manifest = json.loads(array.tobytes()) if array is not None else None
    except (ValueError, RecursionError):
        manifest = None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("gatewright"), str):
        raise FileError(f"{where}: no Gatewright manifest; write it again with gatewright")
    return manifest
