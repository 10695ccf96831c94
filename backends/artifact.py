"""What a backend emits: files by name, and a manifest that says what they are."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..compiler import Circuit
from ..compiler.stats import levels, n_gates
from ..runtime.archive import make_folder, write_file
from ..runtime.errors import EmitError


@dataclass(frozen=True)
class Artifact:
    """Emitted files (name to content) and their manifest; nothing is written until `write`."""

    name: str
    files: dict[str, bytes]
    manifest: dict[str, Any]

    def write(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the files into `folder`, which is made if needed; returns their paths.

        Raises:
            FileError: a file cannot be written.
        """
        made = make_folder(folder)
        paths = [made / name for name in self.files]
        for path, data in zip(paths, self.files.values(), strict=True):
            write_file(path, data)
        return paths


def check_name(name: str) -> str:
    """`name`, if it can name C functions and Verilog modules; EmitError if not."""
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise EmitError(
            f"name {name!r}; allowed are up to 63 of a-z, 0-9 and _, first a letter, "
            "because it names functions and modules"
        )
    return name


def describe(circuit: Circuit, name: str, target: str) -> dict[str, Any]:
    """The part of the manifest that is the same for every target."""
    decoder = circuit.decoder
    return {
        "name": name,
        "target": target,
        "shape": list(circuit.encoder.shape),
        "input_bits": circuit.netlist.n_inputs,
        "output_bits": len(circuit.netlist.outputs),
        "decoder": {"groups": decoder.groups, "tau": decoder.tau, "beta": decoder.beta}
        if decoder
        else None,
        "gates": n_gates(circuit.netlist),
        "levels": levels(circuit.netlist),
        "digest": circuit.digest(),
    }


def shape_comment(circuit: Circuit) -> str:
    """The shape of a sample for a header, if it is more than a number of features."""
    shape = circuit.encoder.shape
    return "" if len(shape) == 1 else f" ({' x '.join(map(str, shape))}, row by row)"


def answer_comment(circuit: Circuit) -> str:
    """What a circuit answers with, for a header."""
    if circuit.decoder is None:
        return f"{len(circuit.netlist.outputs)} bits"
    decoder = circuit.decoder
    return (
        f"{decoder.groups} counts, scores (count + {decoder.beta:g}) / {decoder.tau:g}, or a class"
    )
