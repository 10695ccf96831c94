"""What the readers of netlist files share: errors that say where, and limits on sizes."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from dataclasses import dataclass
from typing import Any

from ...runtime.archive import read_file
from ...runtime.errors import FileError
from ..circuit import Circuit, Encoder
from ..names import Names
from ..netlist import Netlist

# Inputs that a file may declare without a byte for each.
_FREE_INPUTS = 1 << 20
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


@dataclass(frozen=True)
class Source:
    """A file and its content, without a byte order mark.

    Raises:
        FileError: it cannot be read or is empty.
    """

    path: str
    data: bytes

    @staticmethod
    def read(path: str | os.PathLike[str]) -> Source:
        source = Source(os.fspath(path), read_file(path).removeprefix(BOM_UTF8))
        if not source.data.strip():
            raise source.error(None, "the file is empty", "a netlist", "write it again")
        for start, program in _COMPRESSED.items():
            if source.data.startswith(start):
                raise source.error(
                    None, f"the file is compressed by {program}", "a netlist", "decompress it first"
                )
        return source

    def error(self, where: Any, found: str, allowed: str, cure: str = "") -> FileError:
        """The error for what is wrong at `where`: a line's number, words, or None for the file."""
        place = f"{self.path}:{where}" if isinstance(where, int) else self.path
        place += f": {where}" if isinstance(where, str) else ""
        return FileError(f"{place}: {found}; allowed: {allowed}{'; ' if cure else ''}{cure}")

    def text(self) -> str:
        """The content as text with \\n at the ends of lines; FileError unless it is UTF-8."""
        return self.decode(0, len(self.data)).replace("\r\n", "\n").replace("\r", "\n")

    def decode(self, start: int, stop: int) -> str:
        """The bytes from `start` to `stop` as text."""
        try:
            return self.data[start:stop].decode()
        except UnicodeDecodeError as error:
            byte = start + error.start
            raise self.error(
                f"byte {byte}", f"{self.data[byte : byte + 1]!r} is no UTF-8", "text in UTF-8"
            ) from None

    def check_inputs(self, count: int) -> None:
        """Refuse a declared number of inputs that the file's size does not warrant."""
        most = _FREE_INPUTS + len(self.data)
        if count > most:
            raise self.error(
                None, f"{count} inputs in {len(self.data)} bytes", f"{most} in such a file"
            )


def short(text: str) -> str:
    """A piece of a file for a message: quoted, cut to 60 characters."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def boolean_circuit(netlist: Netlist, names: Names | None = None) -> Circuit:
    """A circuit whose inputs are Boolean, as files of bits hold it."""
    return Circuit(Encoder.boolean(netlist.n_inputs), netlist, names=names)
