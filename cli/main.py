"""The `gatewright` command: arguments, and errors as one line."""

from __future__ import annotations

import argparse
import io
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from ..runtime.errors import GatewrightError, InputError
from ..runtime.parallel import check_threads
from ..runtime.version import VERSION
from . import (
    benching,
    checking,
    commands,
    demo,
    importing,
    models,
    observing,
    optimizing,
    synth,
    train,
)
from .arguments import (
    MODEL_OR_CIRCUIT,
    OR_COMPILED,
    SAMPLES,
    add_effort,
    add_output,
    add_part,
    add_places,
    add_proof,
    add_source,
    add_threads,
    add_verilog,
)
from .sources import PARTS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0, 1 if a check failed, 2 for an error, 130 after an interrupt.

    Raises:
        SystemExit: wrong arguments, or SIGTERM, which ends the programs that were started too.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # file names may be no text
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        parser = _parser()
        options = parser.parse_args(arguments)
        if options.command is None:
            parser.print_help()
            return 2
        _check_numbers(options)
        optimizing.tell_what_is_missing(options)
        with _terminable():
            return options.run(options)
    except GatewrightError as error:
        print(f"gatewright: {error}", file=sys.stderr)
    except BrokenPipeError:
        sys.stderr.close()
    except KeyboardInterrupt:
        print("gatewright: interrupted", file=sys.stderr)
        return 130
    return 2


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM as an exception meanwhile, so that what was started ends and is cleaned up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


def _check_numbers(options: argparse.Namespace) -> None:
    """Refuse what no command takes, before its work."""
    check_threads(getattr(options, "threads", 1))
    given = getattr(options, "data", None) or getattr(options, "vectors", None)
    if (part := getattr(options, "data_part", PARTS[0])) != PARTS[0] and not given:
        raise InputError(f"--part {part}: no data set is named (--data, --vectors); leave it out")
    for name in ("samples", "rtl_samples"):
        if getattr(options, name, 1) < 1:
            raise InputError(
                f"{name.replace('_', '-')} {getattr(options, name)}; allowed is 1 or more"
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gatewright",
        description="Train logic networks, compile them to C, CUDA and Verilog.",
        epilog="gatewright COMMAND --help says what a command takes. Exit status: 0, 1 if a check "
        "failed (verify, equivalent, synth, demo), 2 for an error.",
    )
    parser.add_argument("--version", action="version", version=f"gatewright {VERSION}")
    verbs = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for name, (add, summary, text) in _COMMANDS.items():
        about = f"{summary[0].upper()}{summary[1:]}. {text}"
        add(verbs.add_parser(name, help=summary, description=about, add_help=name != "train"))
    return parser


def _demo(parser: argparse.ArgumentParser) -> None:
    text = "where everything is written (out/demo)"
    folder = Path("out/demo")
    parser.add_argument("-o", "--output", type=Path, default=folder, metavar="FOLDER", help=text)
    text = "of split, wiring, weights and batches (0)"
    parser.add_argument("--seed", type=int, default=0, metavar="N", help=text)
    parser.set_defaults(run=demo.run)


def _compile(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    add_output(parser, "the library, such as net.so; for the target numpy net.npz")
    text = "c (a shared library, the default), cuda, numpy (needs no compiler) or verilator"
    parser.add_argument("--target", default="c", metavar="TARGET", help=text)
    text = "of the library and its C functions (the name of the file written)"
    parser.add_argument("--name", metavar="NAME", help=text)
    parser.add_argument("--header", action="store_true", help="write the C header beside it")
    text = "compile for another machine, such as aarch64-linux-gnu (extra cross)"
    parser.add_argument("--triple", metavar="TRIPLE", help=text)
    text = "c: measure candidates here, on random rows or on DATA, and keep the fastest"
    parser.add_argument("--tune", nargs="?", const=True, metavar="DATA", help=text)
    text = "cuda: compile for it, such as sm_90; may be repeated (the devices here)"
    parser.add_argument("--architecture", action="append", metavar="SM", help=text)
    text = "cuda: kernels as loops on the CPU, without device or CUDA compiler"
    parser.add_argument("--emulate", action="store_true", help=text)
    add_places(parser)
    add_effort(parser)
    add_proof(parser)
    parser.set_defaults(run=commands.compile)


def _emit(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    add_output(parser, "where the files go; made if needed", "FOLDER")
    text = "c, cuda or verilog; c if a profile is named"
    parser.add_argument("--target", metavar="TARGET", help=text)
    text = "of files, functions and modules (the name of FILE)"
    parser.add_argument("--name", metavar="NAME", help=text)
    text = "c: embedded, for microcontrollers"
    parser.add_argument("--profile", metavar="PROFILE", help=text)
    text = "embedded: compile with this command, and print the bytes"
    parser.add_argument("--size", metavar="CC", help=text)
    text = f"verilog: a testbench of these {SAMPLES}"
    parser.add_argument("--vectors", metavar="DATA", help=text)
    add_part(parser)
    text = "of --vectors, at most (500)"
    parser.add_argument("--samples", type=int, default=500, metavar="N", help=text)
    add_effort(parser)
    add_proof(parser)
    add_verilog(parser, emitted=True)
    parser.set_defaults(run=commands.emit)


def _predict(parser: argparse.ArgumentParser) -> None:
    add_source(parser, OR_COMPILED)
    parser.add_argument("--data", required=True, metavar="DATA", help=SAMPLES)
    add_part(parser)
    text = "a .npy; printed, a sample a line, if left out"
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=text)
    parser.add_argument("--scores", action="store_true", help="scores instead of classes")
    add_threads(parser)
    parser.set_defaults(run=commands.predict)


def _verify(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    text = "a compiled library to check too; may be repeated"
    parser.add_argument(
        "--library", type=Path, action="append", default=[], metavar="FILE", help=text
    )
    parser.add_argument("--data", metavar="DATA", help=f"{SAMPLES} (random ones)")
    add_part(parser)
    text = "at most (10000)"
    parser.add_argument("--samples", type=int, default=10_000, metavar="N", help=text)
    text = "of them through Verilog simulators, at most (500)"
    parser.add_argument("--rtl-samples", type=int, default=500, metavar="N", help=text)
    text = "leave the Verilog simulators out"
    parser.add_argument("--no-rtl", action="store_true", help=text)
    text = (
        "check too; may be repeated: cuda (the kernels as loops), verilator (the library that it "
        "makes of the Verilog, on all samples), verilog (in simulators; up to 5,000 gates anyway)"
    )
    parser.add_argument(
        "--target",
        choices=checking.SLOWER,
        action="append",
        default=[],
        metavar="TARGET",
        help=text,
    )
    add_places(parser)
    add_effort(parser)
    parser.set_defaults(run=commands.verify)


def _bench(parser: argparse.ArgumentParser) -> None:
    add_source(parser, OR_COMPILED)
    parser.add_argument("--data", metavar="DATA", help=f"{SAMPLES} (random ones)")
    add_part(parser)
    text = "of a call (100000); fewer are repeated"
    parser.add_argument("--samples", type=int, default=100_000, metavar="N", help=text)
    add_threads(parser)
    text = "packing, logic and head apart, which takes two compilations more; no compiled library"
    parser.add_argument("--stages", action="store_true", help=text)
    parser.set_defaults(run=benching.bench)


def _inspect(parser: argparse.ArgumentParser) -> None:
    add_source(parser, f"a compiled library; or {MODEL_OR_CIRCUIT}")
    parser.add_argument("--text", action="store_true", help="print the netlist too")
    parser.set_defaults(run=commands.inspect)


_COMMANDS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], str, str]] = {
    "demo": (
        _demo,
        "train, compile, verify, time and emit, on real digits",
        "Takes a minute or two; the data set is scikit-learn's.",
    ),
    "train": (train.add, "train a network and write a model file", train.ABOUT),
    "models": (models.add, "list published networks, which train by name", ""),
    "compile": (
        _compile,
        "compile a model or circuit to a shared library",
        "It is optimised first. predict, bench and gatewright.load take what is written.",
    ),
    "emit": (
        _emit,
        "write a model or circuit as C, CUDA or Verilog text",
        "It is optimised first, which gatewright.emit in Python leaves to its caller; --level 0 "
        "writes it as it is. No compiler is started.",
    ),
    "predict": (
        _predict,
        "print or write the classes of samples",
        "Where their classes are known, the accuracy is printed as well, to stderr.",
    ),
    "verify": (
        _verify,
        "compare module, circuit, libraries and Verilog on data",
        "C on every instruction set, numpy, CUDA where there is a device, and the Verilog of small "
        "networks in simulators, which may take a minute; --target adds more. Status 1 if any "
        "answer differs.",
    ),
    "bench": (_bench, "time a library on every instruction set", ""),
    "inspect": (
        _inspect,
        "show gates, levels, inputs used and size of a file",
        "Of a compiled library the manifest is printed, as JSON.",
    ),
    "optimize": (
        optimizing.add_optimize,
        "make a circuit smaller, and show what each pass did",
        "docs/optimizing.md says what each level does.",
    ),
    "report": (
        optimizing.add_report,
        "count gates, LUTs and levels of encoder, logic and head",
        "What each pass does is shown before; nothing is written.",
    ),
    "equivalent": (
        optimizing.add_equivalent,
        "prove two circuits equal",
        "Status 0 if proved, 1 if refuted or unproved.",
    ),
    "observe": (
        observing.add,
        "make a circuit smaller by the data it will see",
        "On the samples observed every answer stays; on others it may change (docs/observe.md).",
    ),
    "import": (
        importing.add,
        "turn a circuit or netlist file into another format",
        "Formats are told apart by content; docs/files.md says what each holds.",
    ),
    "synth": (
        synth.add,
        "find what a model or circuit takes of an FPGA, and its clock rate there",
        "Needs Yosys and nextpnr: on PATH, or by the extra synth. Place and route takes minutes; "
        "status 1 if --target-mhz is missed.",
    ),
}
