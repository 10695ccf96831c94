"""`gatewright synth`: what a network takes of an FPGA, and how fast it is there."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from .. import synthesize
from ..runtime.archive import write_file
from . import optimizing
from .commands import VERILOG_OPTIONS
from .sources import c_name, open_source


def add(
    parser: argparse.ArgumentParser, add_verilog: Callable[[argparse.ArgumentParser], None]
) -> None:
    """The arguments of `synth`, those of the Verilog backend among them."""
    parser.add_argument("source", type=Path, metavar="FILE", help="a model or circuit file")
    text = "ice40 or ecp5, placed and routed, or xc7, mapped only"
    parser.add_argument("--device", required=True, help=text)
    parser.add_argument("--part", help="such as hx8k or 25k; the family's default if left out")
    parser.add_argument("--package", help="such as ct256 or CABGA381")
    parser.add_argument("--speed", help="ecp5: the speed grade, 6, 7 or 8 (6)")
    parser.add_argument("--seeds", type=int, default=3, help="times to place and route (3)")
    text = "pipelines at most that are placed and routed for --target-mhz (3)"
    parser.add_argument("--attempts", type=int, default=3, help=text)
    parser.add_argument(
        "--router", default="router1", help="router1, or router2 for large networks"
    )
    parser.add_argument(
        "--no-sections", action="store_true", help="leave encoder, logic and head alone out"
    )
    parser.add_argument("--timeout", type=float, default=3600, help="seconds for each tool (3600)")
    parser.add_argument("--json", action="store_true", help="for programs")
    text = "Verilog, constraints and a Makefile or Tcl, and report.json"
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help=text)
    parser.add_argument("--name", help="of the module; the file's name if left out")
    parser.add_argument("--feature-bits", type=int, help="bits a feature; 0: encoded bits")
    add_verilog(parser)
    optimizing.add_effort(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Synthesise and print the report; status 1 if the clock asked for is missed."""
    extra = {key: getattr(options, key) for key in VERILOG_OPTIONS}
    report = synthesize(
        open_source(options.source).circuit,
        options.device,
        level=options.level,
        name=options.name or c_name(options.source),
        part=options.part,
        package=options.package,
        speed=options.speed,
        seeds=options.seeds,
        sections=not options.no_sections,
        attempts=options.attempts,
        router=options.router,
        timeout=options.timeout,
        folder=options.output,
        **{key: value for key, value in extra.items() if value is not None},
    )
    text = json.dumps(report.as_dict(), indent=2)
    print(text if options.json else report)
    if options.output:
        write_file(options.output / "report.json", f"{text}\n".encode())
    missed = report.target_mhz and report.fmax_mhz and report.fmax_mhz < report.target_mhz
    return 1 if missed else 0
