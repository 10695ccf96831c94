"""What the section table of an ELF file says: what an object takes in memory, where a file ends."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .errors import FileError

_WRITE, _ALLOC, _EXEC = 1, 2, 4
_EMPTY = 8  # SHT_NOBITS, which takes no room in a file
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
    rows, names, _ = _table(data, where)
    try:
        strings = rows[names][4]
        found = []
        for name, kind, flags, _, _, size in rows:
            if flags & _ALLOC and size and kind not in _NOTES:
                start = strings + name
                text = data[start : data.index(b"\0", start)].decode("ascii", "replace")
                found.append(Section(text, _kind(flags), size))
        return found
    except (IndexError, ValueError):
        raise _damaged(where) from None


def file_size(data: bytes, where: str = "library") -> int:
    """Where the last section of an ELF file ends, or its table of sections.

    Raises:
        FileError: it is no ELF file, damaged, or shorter than that.
    """
    rows, _, end = _table(data, where)
    ends = [offset + size for _, kind, _, _, offset, size in rows if kind != _EMPTY]
    if max(ends, default=0) > len(data):
        raise _damaged(where)
    return max([end, *ends])


def _table(data: bytes, where: str) -> tuple[list[tuple[int, ...]], int, int]:
    """Rows of name, type, flags, address, offset and size; the row of names; where they end."""
    if data[:4] != b"\x7fELF" or len(data) < 52:
        raise FileError(f"{where}: not an ELF object; allowed are objects of ELF toolchains")
    order = "<" if data[5] == 1 else ">"
    wide = data[4] == 2
    layout = order + ("IIQQQQ" if wide else "IIIIII")
    try:
        offset = struct.unpack_from(order + ("Q" if wide else "I"), data, 40 if wide else 32)[0]
        step, count, names = struct.unpack_from(order + "HHH", data, 58 if wide else 46)
        end = offset + count * step
        if not 0 < offset < end <= len(data):
            raise _damaged(where)
        rows = [struct.unpack_from(layout, data, offset + i * step) for i in range(count)]
    except struct.error:
        raise _damaged(where) from None
    return rows, names, end


def _damaged(where: str) -> FileError:
    return FileError(f"{where}: the section table of this ELF file is damaged")


def _kind(flags: int) -> str:
    return "code" if flags & _EXEC else "variables" if flags & _WRITE else "constants"
