"""Reading and writing circuits by file suffix."""

from __future__ import annotations

import os
from pathlib import Path

from ..runtime.errors import FileError
from .circuit import Circuit
from .store import read_circuit, write_circuit

_SUFFIXES = (".npz",)


def read(path: str | os.PathLike[str]) -> Circuit:
    """Read a circuit; the suffix says the format: `.npz`.

    Raises:
        FileError: an unknown suffix, or a file that is missing, damaged or hostile.
    """
    _check_suffix(path)
    return read_circuit(path)


def write(circuit: Circuit, path: str | os.PathLike[str]) -> None:
    """Write a circuit; the suffix says the format: `.npz`.

    Raises:
        FileError: an unknown suffix, or the file cannot be written.
    """
    _check_suffix(path)
    write_circuit(circuit, path)


def _check_suffix(path: str | os.PathLike[str]) -> None:
    if Path(path).suffix not in _SUFFIXES:
        raise FileError(f"{path}: suffix {Path(path).suffix!r}; allowed are {', '.join(_SUFFIXES)}")
