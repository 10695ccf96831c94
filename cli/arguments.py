"""Arguments that several commands take."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .sources import PARTS

MODEL_OR_CIRCUIT = "a model of gatewright train, a circuit, or a netlist"
OR_COMPILED = f"a compiled library; or {MODEL_OR_CIRCUIT}, which is compiled now"
SAMPLES = "samples: a .npy, or a part of a data set: digits, another name, or a .npz"

# What names an option of the Verilog backend: type, metavar, help. Flags have no type.
_VERILOG: dict[str, tuple[type | None, str, str]] = {
    "feature-bits": (
        int,
        "N",
        "of a feature, an unsigned integer (1, 8 or 16, what its thresholds need); 0: the module "
        "takes the encoder's bits; of --profile embedded 8 or 0",
    ),
    "answer": (str, "WHAT", "class, scores (the counts) or both (both)"),
    "style": (str, "STYLE", "gates, lut or behavioural (gates; pipelines: lut)"),
    "registers-every": (int, "N", "a pipeline: registers after so many levels at most"),
    "max-latency": (int, "N", "a pipeline: as few registers as make so many clocks"),
    "target-mhz": (float, "X", "a pipeline: as few registers as this clock needs"),
    "register-inputs": (None, "", "registers at the inputs of a pipeline too"),
    "reset": (None, "", "a synchronous reset of what is valid"),
    "enable": (None, "", "a clock enable for every register"),
    "places-per-clock": (int, "N", "run convolutions in turn, so many places at once"),
    "primitives": (str, "DEVICE", "xilinx, ice40 or ecp5: LUTs are instances of the device's"),
    "carry-chains": (None, "", "on ice40 and ecp5, popcounts in rows on carry chains"),
    "keep-hierarchy": (None, "", "ask synthesis to keep popcounts and argmaxes as modules"),
}
_EMITTED: dict[str, tuple[type | None, str, str]] = {
    "device": (str, "DEVICE", "ice40, ecp5 or xc7: LUTs and delays of that family"),
    "interface": (str, "NAME", "ports (default); named, stream or axis: a module around it"),
    "flow": (None, "", "with --device: Makefile or Tcl, and constraints"),
    "cocotb": (None, "", "with --vectors: tests for cocotb"),
}


def add_source(parser: argparse.ArgumentParser, help: str = MODEL_OR_CIRCUIT) -> None:
    """The file that a command is about."""
    parser.add_argument("source", type=Path, metavar="FILE", help=help)


def add_output(parser: argparse.ArgumentParser, help: str, metavar: str = "FILE") -> None:
    """Where the result goes."""
    parser.add_argument("-o", "--output", type=Path, required=True, metavar=metavar, help=help)


def add_effort(parser: argparse.ArgumentParser, level: int = 2) -> None:
    """How hard to optimise."""
    text = f"how hard to optimise: 0 (not at all) to 3 ({level})"
    parser.add_argument("--level", type=int, default=level, metavar="N", help=text)


def add_seconds(parser: argparse.ArgumentParser) -> None:
    """How long to optimise."""
    text = "begin no further pass after so long (no limit)"
    parser.add_argument("--seconds", type=float, metavar="X", help=text)


def add_proof(parser: argparse.ArgumentParser) -> None:
    """Whether to prove the result."""
    text = "fail unless the result is proved equal to FILE"
    parser.add_argument("--prove", action="store_true", help=text)


def add_part(parser: argparse.ArgumentParser) -> None:
    """Which part of a data set, as `data_part`; an FPGA has a part too."""
    text = f"of a data set: {', '.join(PARTS)} (test)"
    parser.add_argument(
        "--part", dest="data_part", choices=PARTS, default=PARTS[0], metavar="PART", help=text
    )


def add_threads(parser: argparse.ArgumentParser) -> None:
    """How many threads answer."""
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads (1)")


def add_places(parser: argparse.ArgumentParser) -> None:
    """Verilog whose tiles run in turn, where it is the only option of the backend."""
    text = "of the Verilog: run convolutions in turn, so many places at once"
    parser.add_argument("--places-per-clock", type=int, metavar="N", help=text)


def add_verilog(parser: argparse.ArgumentParser, emitted: bool) -> None:
    """Options of the Verilog backend; with `emitted` those too that add modules and files."""
    group = parser.add_argument_group("Verilog (docs/verilog.md)")
    for name, (kind, metavar, text) in {**_VERILOG, **(_EMITTED if emitted else {})}.items():
        if kind is None:
            group.add_argument(f"--{name}", action="store_true", default=None, help=text)
        else:
            group.add_argument(f"--{name}", type=kind, metavar=metavar, help=text)


def verilog_options(options: argparse.Namespace) -> dict[str, Any]:
    """The options of the Verilog backend that were given."""
    names = [name.replace("-", "_") for name in (*_VERILOG, *_EMITTED)]
    found = {name: getattr(options, name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None}
