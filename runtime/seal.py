"""A checksum behind a shared library, because loading a damaged one kills the process.

ELF ignores what follows its last section, so the seal costs nothing where the library is used. A
library that somebody built from the emitted C has no seal; of that, at least the length is checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from .archive import read_file
from .cache import discard
from .elf import file_size
from .errors import FileError

_MAGIC = b"\x7fELF"
_MARK = b"gatewright-sha256:"
_SIZE = len(_MARK) + 32


def sealed(library: bytes) -> bytes:
    """The library with its checksum appended; unchanged where the format allows no such thing, or
    it is there.
    """
    if not library.startswith(_MAGIC) or _is_sealed(library):
        return library
    return library + _MARK + hashlib.sha256(library).digest()


def check_seal(data: bytes, path: object) -> None:
    """Raise FileError if `data` is a damaged or truncated library."""
    if data.startswith(_MAGIC) and not (_is_sealed(data) or _is_unsealed(data)):
        raise FileError(f"{path}: a damaged or truncated shared library; compile it again")


def whole(made: Callable[[], Path]) -> Path:
    """What `made` puts into the cache, a library; made once more if it was damaged there."""
    path = made()
    data = read_file(path)
    if _is_sealed(data) or (data and path.suffix != ".so"):
        return path
    discard(path)
    return made()


def _is_sealed(data: bytes) -> bool:
    body, seal = data[:-_SIZE], data[-_SIZE:]
    return seal.startswith(_MARK) and seal.endswith(hashlib.sha256(body).digest())


def _is_unsealed(elf: bytes) -> bool:
    """Whether all of an ELF file is there, and behind it nothing that may be left of a seal.

    Some tools append to libraries, or leave more of a gap.
    """
    try:
        end = file_size(elf)
    except FileError:
        return False
    left = elf[end : end + _SIZE + 1]
    return not left or (len(left) > _SIZE and not left.startswith(_MARK))
