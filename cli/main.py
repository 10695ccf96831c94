"""The `gatewright` command: arguments, and errors as one line."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from ..runtime.errors import GatewrightError, InputError
from ..runtime.parallel import check_threads
from ..runtime.version import VERSION
from . import benching, commands, demo, importing, models, observing, optimizing, synth, train


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 if a check failed, 2 for an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # file names may be no text
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        parser = _parser()
        options = parser.parse_args(arguments)
        if options.command is None:
            parser.print_help()
            return 2
        _check_numbers(options)
        return options.run(options)
    except GatewrightError as error:
        print(f"gatewright: {error}", file=sys.stderr)
    except BrokenPipeError:
        sys.stderr.close()
    except KeyboardInterrupt:
        print("gatewright: interrupted", file=sys.stderr)
    return 2


def _check_numbers(options: argparse.Namespace) -> None:
    """Refuse what no command takes, before its work."""
    check_threads(getattr(options, "threads", 1))
    for name in ("samples", "rtl_samples"):
        if getattr(options, name, 1) < 1:
            raise InputError(
                f"{name.replace('_', '-')} {getattr(options, name)}; allowed is 1 or more"
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gatewright", description="Train logic networks, compile them to C and Verilog."
    )
    parser.add_argument("--version", action="version", version=f"gatewright {VERSION}")
    verbs = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    _demo(verbs.add_parser("demo", help="train, compile, verify, time and emit, on real digits"))
    text = "train a network and write a model file"
    train.add(verbs.add_parser("train", help=text, add_help=False))
    models.add(verbs.add_parser("models", help="published networks by name"))
    _compile(verbs.add_parser("compile", help="a model or circuit to a shared library"))
    _emit(verbs.add_parser("emit", help="a model or circuit to C or Verilog text"))
    text = "what a model or circuit takes of an FPGA, and its clock rate there"
    synth.add(verbs.add_parser("synth", help=text), _verilog)
    _predict(verbs.add_parser("predict", help="classes of samples"))
    _verify(verbs.add_parser("verify", help="compare module, circuit, library and RTL on data"))
    _bench(verbs.add_parser("bench", help="time a library"))
    _inspect(verbs.add_parser("inspect", help="gates, levels, inputs used, size"))
    text = "a smaller circuit that is equal, and what each pass did"
    optimizing.add_optimize(verbs.add_parser("optimize", help=text))
    text = "gates, LUTs and levels of encoder, logic and head"
    optimizing.add_report(verbs.add_parser("report", help=text))
    optimizing.add_equivalent(verbs.add_parser("equivalent", help="prove two circuits equal"))
    importing.add(verbs.add_parser("import", help="a circuit or netlist file to another format"))
    text = "make a circuit smaller by the data it will see"
    observing.add(verbs.add_parser("observe", help=text))
    return parser


def _source(parser: argparse.ArgumentParser, help: str = "a model or circuit file") -> None:
    parser.add_argument("source", type=Path, metavar="FILE", help=help)


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, default=Path("out/demo"), metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    parser.set_defaults(run=demo.run)


def _compile(parser: argparse.ArgumentParser) -> None:
    _source(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    text = "c (a shared library), cuda (one for CUDA devices), numpy (data) or verilator (Verilog)"
    parser.add_argument("--target", default="c", help=text)
    parser.add_argument("--name", help="of the C functions; the file's name if left out")
    text = "another machine to compile for, such as aarch64-linux-gnu (extra cross)"
    parser.add_argument("--triple", help=text)
    text = "cuda: to compile for, such as sm_90, may be repeated; those of the devices here"
    parser.add_argument("--architecture", action="append", metavar="SM", help=text)
    text = "cuda: the kernels as loops on the CPU, without device or CUDA compiler"
    parser.add_argument("--emulate", action="store_true", help=text)
    text = "measure candidates here, on random rows or on DATA, and keep the fastest"
    parser.add_argument("--tune", nargs="?", const=True, metavar="DATA", help=text)
    parser.add_argument("--header", action="store_true", help="write the C header beside it")
    _places(parser, "verilator")
    optimizing.add_effort(parser)
    optimizing.add_proof(parser)
    parser.set_defaults(run=commands.compile)


def _emit(parser: argparse.ArgumentParser) -> None:
    _source(parser)
    parser.add_argument("--target", help="c, cuda or verilog; c if a profile is named")
    parser.add_argument("--profile", help="c: embedded, for microcontrollers")
    parser.add_argument(
        "--size", metavar="CC", help="embedded: compile with this command; print the bytes"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--name", help="of functions and modules; the file's name if left out")
    parser.add_argument(
        "--vectors", metavar="DATA", help="verilog: a .npy or data set for a testbench"
    )
    parser.add_argument("--samples", type=int, default=500, help="vectors at most (500)")
    parser.add_argument("--feature-bits", type=int, help="verilog: bits a feature; 0: encoded bits")
    parser.add_argument("--device", help="verilog: the FPGA, ice40, ecp5 or xc7, to emit for")
    _verilog(parser)
    optimizing.add_effort(parser)
    optimizing.add_proof(parser)
    parser.set_defaults(run=commands.emit)


_VERILOG_FLAGS = {
    "reset": "a synchronous reset",
    "enable": "a clock enable",
    "keep-hierarchy": "ask synthesis to keep popcounts and argmaxes",
    "register-inputs": "registers at the inputs too",
    "carry-chains": "rows of adders on the carry chains of ice40 and ecp5",
    "flow": "files for the tools of the device",
    "cocotb": "tests for cocotb, with vectors",
}


def _verilog(parser: argparse.ArgumentParser) -> None:
    """Options of the Verilog backend; `VERILOG_OPTIONS` names them."""
    parser.add_argument("--answer", help="verilog: class, scores or both")
    parser.add_argument("--style", help="verilog: gates, lut or behavioural")
    parser.add_argument(
        "--registers-every", type=int, metavar="N", help="verilog: levels, pipelined"
    )
    parser.add_argument("--max-latency", type=int, metavar="N", help="verilog: clocks, pipelined")
    parser.add_argument("--target-mhz", type=float, metavar="F", help="verilog: clock, pipelined")
    for name, text in _VERILOG_FLAGS.items():
        parser.add_argument(f"--{name}", action="store_true", default=None, help=f"verilog: {text}")
    _places(parser, "verilog")
    parser.add_argument("--interface", help="verilog: ports, named, stream or axis")
    parser.add_argument(
        "--primitives",
        metavar="DEVICE",
        help="verilog: xilinx, ice40 or ecp5: its LUTs as instances",
    )


def _places(parser: argparse.ArgumentParser, target: str) -> None:
    text = f"{target}: run convolutions in turn, so many places at once"
    parser.add_argument("--places-per-clock", type=int, metavar="N", help=text)


def _predict(parser: argparse.ArgumentParser) -> None:
    _source(parser, "a compiled library, or a model or circuit file to compile now")
    parser.add_argument("--data", required=True, help="a .npy, or a data set's test part")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="a .npy; else printed")
    parser.add_argument("--scores", action="store_true", help="scores instead of classes")
    parser.add_argument("--threads", type=int, default=1)
    parser.set_defaults(run=commands.predict)


def _verify(parser: argparse.ArgumentParser) -> None:
    _source(parser)
    parser.add_argument("--library", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument("--data", help="a .npy, or a data set's test part; random if left out")
    parser.add_argument("--samples", type=int, default=10_000, help="at most (10000)")
    parser.add_argument("--rtl-samples", type=int, default=500, help="through simulators (500)")
    parser.add_argument(
        "--target", choices=["verilator"], help="check this one too, on all samples"
    )
    parser.add_argument("--no-rtl", action="store_true", help="leave the simulators out")
    _places(parser, "Verilog")
    optimizing.add_effort(parser)
    parser.set_defaults(run=commands.verify)


def _bench(parser: argparse.ArgumentParser) -> None:
    _source(parser, "a compiled library, or a model or circuit file to compile now")
    parser.add_argument("--data", help="a .npy, or a data set's test part; random if left out")
    parser.add_argument("--samples", type=int, default=100_000, help="a call (100000)")
    parser.add_argument("--threads", type=int, default=1)
    text = "a model or circuit: packing, logic and head apart, which takes two compilations more"
    parser.add_argument("--stages", action="store_true", help=text)
    parser.set_defaults(run=benching.bench)


def _inspect(parser: argparse.ArgumentParser) -> None:
    _source(parser, "a model, circuit or compiled file")
    parser.add_argument("--text", action="store_true", help="print the netlist too")
    parser.set_defaults(run=commands.inspect)
