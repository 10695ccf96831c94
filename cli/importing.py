"""`gatewright import`: what other libraries and tools wrote, as another circuit file."""

from __future__ import annotations

import argparse

from ..compiler.files import WRITERS, check_target, write
from ..compiler.optimize import optimize
from ..compiler.stats import stats
from ..runtime.errors import FileError
from .arguments import add_effort, add_output, add_source
from .outputs import check_output
from .sources import open_source

_CHECKPOINTS = (".pt", ".pth", ".ckpt", ".pkl", ".bin", ".safetensors")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    text = "torchlogix's JSON, AIGER, BLIF, BENCH or structural Verilog; or a model or circuit"
    add_source(parser, text)
    add_output(parser, f"its suffix says the format: {', '.join(WRITERS)}")
    add_effort(parser, 0)
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
