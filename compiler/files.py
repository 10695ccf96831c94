"""Reading and writing circuits by file suffix."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..runtime.errors import FileError
from .circuit import Circuit, Encoder
from .formats.aiger import read_aiger
from .formats.aiger_write import write_aiger
from .formats.bench import read_bench
from .formats.bench_write import write_bench
from .formats.blif import read_blif
from .formats.blif_write import write_blif
from .formats.verilog import read_verilog
from .netlist import Netlist
from .store import read_circuit, write_circuit
from .torchlogix_json import read_torchlogix

_READERS = {
    ".npz": read_circuit,
    ".json": read_torchlogix,
    ".aig": read_aiger,
    ".aag": read_aiger,
    ".blif": read_blif,
    ".bench": read_bench,
    ".v": read_verilog,
}
_WRITERS = {
    ".npz": write_circuit,
    ".aig": write_aiger,
    ".aag": write_aiger,
    ".blif": write_blif,
    ".bench": write_bench,
}


def read(path: str | os.PathLike[str]) -> Circuit:
    """Read a circuit; the suffix says the format: `.npz`, or torchlogix's `.json`.

    Raises:
        FileError: an unknown suffix, or a file that is missing, damaged or hostile.
    """
    return _by_suffix(path, _READERS)(path)


def write(circuit: Circuit | Netlist, path: str | os.PathLike[str]) -> None:
    """Write a circuit; the suffix says the format: `.npz`.

    Raises:
        FileError: an unknown suffix, or the file cannot be written.
    """
    if isinstance(circuit, Netlist):
        circuit = Circuit(Encoder.boolean(circuit.n_inputs), circuit)
    _by_suffix(path, _WRITERS)(circuit, path)


def _by_suffix(path: str | os.PathLike[str], formats: dict[str, Any]) -> Any:
    if Path(path).suffix not in formats:
        raise FileError(f"{path}: suffix {Path(path).suffix!r}; allowed are {', '.join(formats)}")
    return formats[Path(path).suffix]
