"""What a compiled object takes in memory, read from the section table of an ELF file."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .errors import FileError

_WRITE, _ALLOC, _EXEC = 1, 2, 4
_NOTES = (7, 0x7000_0001)  # SHT_NOTE, and on ARM the table for unwinding


@dataclass(frozen=True)
class Section:
    """One section that takes memory: its `kind` is "code", "constants" or "variables"."""

    name: str
    kind: str
    size: int


def sections(data: bytes, where: str = "object") -> list[Section]:
    """The sections of an ELF object that take memory on its target.

    Args:
        data: the file, of 32 or 64 bits and either byte order.
        where: it is from, for the error.

    Raises:
        FileError: it is no ELF file, or damaged.
    """
    if data[:4] != b"\x7fELF" or len(data) < 52:
        raise FileError(f"{where}: not an ELF object; allowed are objects of ELF toolchains")
    try:
        return _sections(data)
    except (struct.error, IndexError, ValueError):
        raise FileError(f"{where}: the section table of this ELF file is damaged") from None


def _sections(data: bytes) -> list[Section]:
    order = "<" if data[5] == 1 else ">"
    wide = data[4] == 2
    offset = struct.unpack_from(order + ("Q" if wide else "I"), data, 40 if wide else 32)[0]
    step, count, names = struct.unpack_from(order + "HHH", data, 58 if wide else 46)
    layout = order + ("IIQQQQ" if wide else "IIIIII")  # name, type, flags, address, offset, size
    rows = [struct.unpack_from(layout, data, offset + i * step) for i in range(count)]
    strings = rows[names][4]
    found = []
    for name, kind, flags, _, _, size in rows:
        if flags & _ALLOC and size and kind not in _NOTES:
            start = strings + name
            text = data[start : data.index(b"\0", start)].decode("ascii", "replace")
            found.append(Section(text, _kind(flags), size))
    return found


def _kind(flags: int) -> str:
    return "code" if flags & _EXEC else "variables" if flags & _WRITE else "constants"
