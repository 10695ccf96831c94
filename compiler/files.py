"""Reading and writing circuits by file suffix."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..runtime.archive import check_folder
from ..runtime.errors import FileError, InputError, NetlistError
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


def _write_graph(circuit: Circuit, path: str | os.PathLike[str]) -> None:
    from .formats.graph_write import write_graph  # which imports networkx

    write_graph(circuit, path)


READERS: dict[str, Callable[[str | os.PathLike[str]], Circuit]] = {
    ".npz": read_circuit,
    ".json": read_torchlogix,
    ".aig": read_aiger,
    ".aag": read_aiger,
    ".blif": read_blif,
    ".bench": read_bench,
    ".v": read_verilog,
}
WRITERS = {
    ".npz": write_circuit,
    ".aig": write_aiger,
    ".aag": write_aiger,
    ".blif": write_blif,
    ".bench": write_bench,
    ".dot": _write_graph,
    ".graphml": _write_graph,
}
_CURES = {
    "write": {
        ".v": "gatewright emit FILE --target verilog -o FOLDER writes Verilog, as does "
        "gatewright.emit(circuit, 'verilog', folder)"
    },
    "read": {
        ".graphml": "networkx reads it, and Netlist.from_networkx takes such graphs",
        ".pt": "gatewright.frontend.importing loads checkpoints",
        ".gz": "decompress it first",
    },
}


def read(path: str | os.PathLike[str]) -> Circuit:
    """Read a circuit; the suffix says the format.

    `.npz` holds whole circuits, torchlogix's `.json` too. AIGER (`.aig`, `.aag`), BLIF (`.blif`),
    BENCH (`.bench`) and structural Verilog (`.v`) hold combinational netlists: they become circuits
    of Boolean inputs, with the names of inputs and outputs.

    Raises:
        FileError: an unknown suffix, or a file that is missing, damaged or hostile.
    """
    return _by_suffix(path, READERS, "read")(path)


def write(circuit: Circuit | Netlist, path: str | os.PathLike[str]) -> None:
    """Write a circuit; the suffix says the format.

    Only `.npz` holds whole circuits. AIGER (`.aig`, `.aag`), BLIF (`.blif`), BENCH (`.bench`) and
    graphs (`.dot`, `.graphml`) hold the netlist: encoder and decoder are not in the file.

    Raises:
        FileError: an unknown suffix, or the file cannot be written.
        NetlistError: `circuit` is none.
    """
    writer = _by_suffix(path, WRITERS, "write")
    if isinstance(circuit, Netlist):
        circuit = Circuit(Encoder.boolean(circuit.n_inputs), circuit)
    if not isinstance(circuit, Circuit):
        raise NetlistError(
            f"write: {type(circuit).__name__}; allowed is a Netlist or a Circuit; "
            "trace a module first, or use save_model or CompiledCircuit.save"
        )
    writer(circuit, path)


def check_target(path: str | os.PathLike[str]) -> None:
    """Refuse what `write` cannot write to, before the work whose result it is to take.

    Raises:
        FileError: an unknown suffix, or no such folder.
    """
    _by_suffix(path, WRITERS, "write")
    check_folder(path)


def check_no_path(model: Any) -> None:
    """Refuse the path of a file where what is in it is needed.

    Raises:
        InputError: `model` is a path.
    """
    if isinstance(model, (str, os.PathLike)):
        raise InputError(
            f"{os.fspath(model)!r}: a path; allowed is what the file holds; gatewright.read reads "
            "circuits and netlists, gatewright.frontend.load_model the models of gatewright train, "
            "and gatewright.load what is compiled"
        )


def _by_suffix(path: str | os.PathLike[str], formats: dict[str, Any], verb: str) -> Any:
    suffix = Path(path).suffix
    if suffix not in formats:
        cure = _CURES[verb].get(suffix)
        raise FileError(
            f"{path}: suffix {suffix!r}; allowed are {', '.join(formats)}"
            + (f"; {cure}" if cure else "")
        )
    return formats[suffix]
