"""`gatewright import`: what other libraries and tools wrote, as another circuit file."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..compiler.files import WRITERS, check_target, write
from ..compiler.optimize import optimize
from ..compiler.stats import stats
from ..runtime.errors import FileError
from .outputs import check_output
from .sources import open_source

_CHECKPOINTS = (".pt", ".pth", ".ckpt", ".pkl", ".bin", ".safetensors")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "source",
        type=Path,
        metavar="FILE",
        help="torchlogix's JSON, AIGER, BLIF, BENCH, structural Verilog; a model or circuit file",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help=f"its suffix says the format: {', '.join(WRITERS)}",
    )
    parser.add_argument("--level", type=int, default=0, help="how hard to optimise: 0 to 3 (0)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read, optimise if asked to, and write in the format that the suffix says."""
    if options.source.suffix in _CHECKPOINTS:
        raise FileError(
            f"{options.source}: a checkpoint, which holds numbers but no network; allowed is a "
            "circuit that torchlogix wrote as JSON, or a netlist; in Python, "
            "gatewright.frontend.importing converts live modules and loads checkpoints into them"
        )
    check_target(options.output)
    check_output(options.output, options.source)
    circuit = optimize(open_source(options.source).circuit, options.level)
    write(circuit, options.output)
    print(stats(circuit.netlist))
    print(f"wrote {options.output}")
    return 0
