"""`gatewright optimize`, `report` and `equivalent`: smaller circuits, their cost, and proofs."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from ..compiler import Circuit
from ..compiler.cost import cost
from ..compiler.equivalence import equivalent
from ..compiler.files import check_target, write
from ..compiler.optimize import optimize
from ..compiler.reports import Recorder
from .outputs import check_output
from .sources import open_source


def add_effort(parser: argparse.ArgumentParser) -> None:
    """How hard to optimise."""
    parser.add_argument("--level", type=int, default=2, help="how hard to optimise: 0 to 3 (2)")


def add_proof(parser: argparse.ArgumentParser) -> None:
    """Whether to prove the result."""
    parser.add_argument("--prove", action="store_true", help="fail unless proved equal")


def add_optimize(parser: argparse.ArgumentParser) -> None:
    """The arguments of `optimize`."""
    parser.add_argument("source", type=Path, metavar="FILE", help="a model, circuit or netlist")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    add_effort(parser)
    parser.add_argument("--seconds", type=float, help="stop starting passes after so long")
    add_proof(parser)
    parser.set_defaults(run=run_optimize)


def add_report(parser: argparse.ArgumentParser) -> None:
    """The arguments of `report`."""
    parser.add_argument("source", type=Path, metavar="FILE", help="a model, circuit or netlist")
    parser.add_argument("--json", action="store_true", help="for programs")
    add_effort(parser)
    parser.add_argument("--seconds", type=float, help="stop starting passes after so long")
    add_proof(parser)
    parser.set_defaults(run=run_report)


def add_equivalent(parser: argparse.ArgumentParser) -> None:
    """The arguments of `equivalent`."""
    parser.add_argument("first", type=Path, metavar="FILE")
    parser.add_argument("second", type=Path, metavar="FILE")
    parser.add_argument(
        "--bits", action="store_true", help="of netlists only, whatever encoders and decoders say"
    )
    parser.set_defaults(run=run_equivalent)


def run_optimize(options: argparse.Namespace) -> int:
    """Optimise, write, and say what each pass did."""
    check_target(options.output)
    check_output(options.output, options.source)
    recorder = Recorder(luts=True)
    small = _optimized(options, recorder)
    write(small, options.output)
    print(recorder.report())
    print(f"wrote {options.output}")
    return 0


def run_report(options: argparse.Namespace) -> int:
    """What each pass does, and what encoder, logic and head then cost."""
    recorder = Recorder(luts=True)
    found = cost(_optimized(options, recorder))
    if options.json:
        steps = [asdict(step) for step in recorder.report().steps]
        print(json.dumps({"passes": steps, **asdict(found)}, indent=2))
    else:
        print(f"{recorder.report()}\n\n{found}")
    return 0


def run_equivalent(options: argparse.Namespace) -> int:
    """Compare two files; status 0 if proved equal, 1 if not."""
    a, b = (open_source(path).circuit for path in (options.first, options.second))
    found = equivalent(a.netlist, b.netlist) if options.bits else equivalent(a, b)
    print(found)
    return 0 if found.status == "proved" else 1


def _optimized(options: argparse.Namespace, recorder: Recorder) -> Circuit:
    return optimize(
        open_source(options.source).circuit,
        options.level,
        after=recorder,
        seconds=options.seconds,
        prove=options.prove,
    )
