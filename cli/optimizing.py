"""`gatewright optimize`, `report` and `equivalent`: smaller circuits, their cost, and proofs."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from ..compiler import Circuit
from ..compiler.cost import cost
from ..compiler.equivalence import equivalent
from ..compiler.files import WRITERS, check_target, write
from ..compiler.optimize import missing_at_level_3, optimize
from ..compiler.reports import Recorder
from .arguments import (
    MODEL_OR_CIRCUIT,
    add_effort,
    add_output,
    add_proof,
    add_seconds,
    add_source,
)
from .outputs import check_output
from .sources import open_source


def add_optimize(parser: argparse.ArgumentParser) -> None:
    """The arguments of `optimize`."""
    add_source(parser)
    add_output(parser, f"its suffix says the format: {', '.join(WRITERS)}")
    add_effort(parser)
    add_seconds(parser)
    add_proof(parser)
    parser.set_defaults(run=run_optimize)


def add_report(parser: argparse.ArgumentParser) -> None:
    """The arguments of `report`."""
    add_source(parser)
    parser.add_argument("--json", action="store_true", help="print the report for programs")
    add_effort(parser)
    add_seconds(parser)
    add_proof(parser)
    parser.set_defaults(run=run_report)


def add_equivalent(parser: argparse.ArgumentParser) -> None:
    """The arguments of `equivalent`."""
    for which in ("first", "second"):
        parser.add_argument(which, type=Path, metavar=which.upper(), help=MODEL_OR_CIRCUIT)
    text = "compare netlists only, whatever encoders and decoders say"
    parser.add_argument("--bits", action="store_true", help=text)
    parser.set_defaults(run=run_equivalent)


def run_optimize(options: argparse.Namespace) -> int:
    """Optimise, write, and say what each pass did."""
    check_target(options.output)
    check_output(options.output, options.source)
    recorder = Recorder(luts=True)
    small = _optimized(options, recorder)
    write(small, options.output)
    print(recorder.report())
    print(f"wrote {options.output}{_proved(options)}")
    return 0


def run_report(options: argparse.Namespace) -> int:
    """What each pass does, and what encoder, logic and head then cost."""
    recorder = Recorder(luts=True)
    found = cost(_optimized(options, recorder))
    if options.json:
        steps = [asdict(step) for step in recorder.report().steps]
        print(json.dumps({"passes": steps, **asdict(found)}, indent=2))
    else:
        print(f"{recorder.report()}\n\n{found}{_proved(options)}")
    return 0


def run_equivalent(options: argparse.Namespace) -> int:
    """Compare two files; status 0 if proved equal, 1 if not."""
    a, b = (open_source(path).circuit for path in (options.first, options.second))
    found = equivalent(a.netlist, b.netlist) if options.bits else equivalent(a, b)
    print(found)
    return 0 if found.status == "proved" else 1


def tell_what_is_missing(options: argparse.Namespace) -> None:
    """Say what a command that was asked for level 3 leaves out, for want of extras."""
    if getattr(options, "level", 0) == 3 and (missing := missing_at_level_3()):
        print(f"level 3 without {', '.join(missing)}", file=sys.stderr)


def _proved(options: argparse.Namespace) -> str:
    return f"\nproved equal to {options.source}" if options.prove else ""


def _optimized(options: argparse.Namespace, recorder: Recorder) -> Circuit:
    return optimize(
        open_source(options.source).circuit,
        options.level,
        after=recorder,
        seconds=options.seconds,
        prove=options.prove,
    )
