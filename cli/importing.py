"""`gatewright import`: what other libraries wrote, as a circuit file."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..compiler.optimize import optimize
from ..compiler.stats import stats
from ..compiler.store import write_circuit
from ..runtime.errors import FileError
from .sources import open_source

_CHECKPOINTS = (".pt", ".pth", ".ckpt", ".pkl", ".bin", ".safetensors")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "source", type=Path, metavar="FILE", help="a circuit that torchlogix wrote as JSON"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    parser.add_argument("--level", type=int, default=0, help="how hard to optimise: 0 to 3 (0)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read, optimise if asked to, and write a circuit file."""
    if options.source.suffix in _CHECKPOINTS:
        raise FileError(
            f"{options.source}: a checkpoint, which holds numbers but no network; allowed is a "
            "circuit that torchlogix wrote as JSON; in Python, gatewright.frontend.importing "
            "converts live modules and loads checkpoints into them"
        )
    circuit = optimize(open_source(options.source).circuit, options.level)
    write_circuit(circuit, options.output)
    print(stats(circuit.netlist))
    print(f"wrote {options.output}")
    return 0
