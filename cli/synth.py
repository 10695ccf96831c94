"""`gatewright synth`: what a network takes of an FPGA, and how fast it is there."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from .. import synthesize
from ..runtime.archive import write_file
from .arguments import add_effort, add_source, add_verilog, verilog_options
from .sources import c_name, open_source


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments of `synth`, those of the Verilog backend among them."""
    add_source(parser)
    text = "ice40 or ecp5, placed and routed, or xc7, mapped only"
    parser.add_argument("--device", required=True, metavar="DEVICE", help=text)
    text = "such as up5k or 45k (ice40: hx8k, ecp5: 25k)"
    parser.add_argument("--part", metavar="PART", help=text)
    text = "such as ct256 or CABGA381 (the part's default)"
    parser.add_argument("--package", metavar="PACKAGE", help=text)
    text = "ecp5: the speed grade, 6, 7 or 8 (6)"
    parser.add_argument("--speed", metavar="N", help=text)
    text = "times to place and route (3); 0 maps only"
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help=text)
    text = "pipelines at most that are placed and routed for --target-mhz (3)"
    parser.add_argument("--attempts", type=int, default=3, metavar="N", help=text)
    text = "router1 (default), or router2 for large networks"
    parser.add_argument("--router", default="router1", metavar="NAME", help=text)
    text = "do not map encoder, logic and head alone as well"
    parser.add_argument("--no-sections", action="store_true", help=text)
    text = "seconds for each run of a tool (3600)"
    parser.add_argument("--timeout", type=float, default=3600, metavar="X", help=text)
    parser.add_argument("--json", action="store_true", help="print the report for programs")
    text = "write Verilog, constraints, a Makefile or Tcl, and report.json there"
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help=text)
    parser.add_argument("--name", metavar="NAME", help="of the module (the name of FILE)")
    add_effort(parser)
    add_verilog(parser, emitted=False)
    parser.set_defaults(run=run)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def run(options: argparse.Namespace) -> int:
    """Synthesise and print the report; status 1 if the clock asked for is missed."""
    extra = {key: value for key, value in verilog_options(options).items() if key != "device"}
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
        tell=_tell,
        **extra,
    )
    text = json.dumps(report.as_dict(), indent=2)
    print(text if options.json else report)
    if options.output:
        write_file(options.output / "report.json", f"{text}\n".encode())
    missed = report.target_mhz and report.fmax_mhz and report.fmax_mhz < report.target_mhz
    return 1 if missed else 0
