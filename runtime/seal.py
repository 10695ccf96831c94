"""A checksum behind a shared library, because loading a damaged one kills the process.

ELF ignores what follows its last section, so the seal costs nothing where the library is used. A
library that somebody built from the emitted C has no seal; of that, at least the length is checked.
"""

from __future__ import annotations

import hashlib
import struct

from .errors import FileError

_MAGIC = b"\x7fELF"
_MARK = b"gatewright-sha256:"
_SIZE = len(_MARK) + 32


def sealed(library: bytes) -> bytes:
    """The library with its checksum appended; unchanged where the format allows no such thing."""
    if not library.startswith(_MAGIC):
        return library
    return library + _MARK + hashlib.sha256(library).digest()


def check_seal(data: bytes, path: object) -> None:
    """Raise FileError if `data` is a damaged or truncated library."""
    if not data.startswith(_MAGIC):
        return
    body, seal = data[:-_SIZE], data[-_SIZE:]
    whole = seal == _MARK + hashlib.sha256(body).digest() if _MARK in seal else _is_long(data)
    if not whole:
        raise FileError(f"{path}: a damaged or truncated shared library; compile it again")


def _is_long(elf: bytes) -> bool:
    """Whether the section headers, which end an ELF file, are there."""
    try:
        order = "<" if elf[5] == 1 else ">"
        if elf[4] == 2:
            (offset,) = struct.unpack_from(f"{order}Q", elf, 40)
            size, count = struct.unpack_from(f"{order}HH", elf, 58)
        else:
            (offset,) = struct.unpack_from(f"{order}I", elf, 32)
            size, count = struct.unpack_from(f"{order}HH", elf, 46)
    except (struct.error, IndexError):
        return False
    return 0 < offset + size * count <= len(elf)
