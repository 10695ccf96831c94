"""Verilog simulators: finding them, running a self-checking testbench, linting.

Everything runs on copies in a temporary directory that is gone afterwards, so nothing is left
beside the sources, and their paths reach no tool.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, Union

from .errors import BuildError, ToolMissing
from .processes import run_process

SIMULATORS = ("iverilog", "verilator")
_PROGRAMS = {"iverilog": ("iverilog", "vvp"), "verilator": ("verilator",)}
_SHOWN_LINES = 12

# Verilator's optimisation of trees of & | ^ gives wrong answers in several versions
# (verilator issues 4059, 4709, 5186); on 12,000 random gates 5.006 fails every vector.
# For a few hundred vectors, compiling its C++ is all the work, so that is not optimised, and split.
_VERILATOR = (
    "-fno-const-bit-op-tree",
    "--output-split",
    "5000",
    "-MAKEFLAGS",
    f"-s -j{os.cpu_count() or 1} OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0",
)
_VERDICT = re.compile(r"^(?:PASS|FAIL (\d+) of) (\d+) vectors$", re.MULTILINE)

Files: TypeAlias = Union[
    str, "os.PathLike[str]", Iterable["str | os.PathLike[str]"], Mapping[str, bytes]
]


@dataclass(frozen=True)
class SimulationResult:
    """What a testbench answered: `failures` of `vectors` did not match; `log` is all it printed."""

    simulator: str
    vectors: int
    failures: int
    log: str

    @property
    def passed(self) -> bool:
        return self.failures == 0


def available() -> tuple[str, ...]:
    """The simulators that are installed, of `SIMULATORS`."""
    return tuple(name for name in SIMULATORS if all(map(shutil.which, _PROGRAMS[name])))


def simulate_testbench(
    simulator: str, files: Files, top: str, timeout: float = 600
) -> SimulationResult:
    """Build and run a testbench that ends with `PASS <n> vectors` or `FAIL <k> of <n> vectors`.

    Args:
        simulator: "iverilog" or "verilator" (5 or newer).
        files: a folder, whose `.v` and `.hex` files are taken; or paths; or contents by name.
        top: the testbench's module.
        timeout: seconds, for each program that runs.

    Raises:
        ToolMissing: the simulator is not installed.
        BuildError: it refused the files, took too long, or the testbench gave no verdict.
    """
    _require(simulator)
    with _copied(files) as folder:
        sources = sorted(path.name for path in folder.glob("*.v"))
        if simulator == "iverilog":
            build = ["iverilog", "-g2005", "-s", top, "-o", "sim.vvp", *sources]
            simulation = ["vvp", "-n", "sim.vvp"]
        else:
            build = ["verilator", "--binary", "--timing", "--top-module", top]
            build += [*_VERILATOR, *sources]
            simulation = [os.path.join(".", "obj_dir", f"V{top}")]
        _run(build, folder, timeout)
        log = _run(simulation, folder, timeout)
    verdicts = _VERDICT.findall(log)
    if len(verdicts) != 1:
        raise BuildError(
            f"{simulator}: testbench {top} printed {len(verdicts)} lines PASS or FAIL; allowed is "
            f"exactly one; it printed:\n{_first_lines(log)}"
        )
    failures, vectors = verdicts[0]
    return SimulationResult(simulator, int(vectors), int(failures or 0), log)


def lint(file: str | os.PathLike[str], top: str | None = None, timeout: float = 600) -> None:
    """`verilator --lint-only -Wall` on one file.

    Raises:
        ToolMissing: verilator is not installed.
        BuildError: it found something, or took too long.
    """
    _require("verilator")
    chosen = ["--top-module", top] if top else []
    with _copied([file]) as folder:
        log = _run(["verilator", "--lint-only", "-Wall", *chosen, Path(file).name], folder, timeout)
    if log.strip():
        raise BuildError(f"verilator: {Path(file).name}:\n{_first_lines(log)}")


def _require(simulator: str) -> None:
    if simulator not in SIMULATORS:
        raise BuildError(f"simulator {simulator!r}; allowed are {', '.join(SIMULATORS)}")
    missing = [program for program in _PROGRAMS[simulator] if not shutil.which(program)]
    if missing:
        raise ToolMissing(
            f"{simulator}: {' and '.join(missing)} not found on PATH; "
            f"install it, for example: apt-get install {simulator}"
        )


@contextlib.contextmanager
def _copied(files: Files) -> Iterator[Path]:
    """A temporary folder that holds copies of the files."""
    with tempfile.TemporaryDirectory(prefix="gatewright-sim-") as name:
        folder = Path(name)
        try:
            _copy(files, folder)
        except OSError as error:
            raise BuildError(
                f"simulation: cannot copy {error.filename}: {error.strerror}; "
                "write the artifact's files to one folder first"
            ) from None
        yield folder


def _copy(files: Files, folder: Path) -> None:
    if isinstance(files, Mapping):
        for name, data in files.items():
            (folder / name).write_bytes(data)
        return
    if isinstance(files, (str, os.PathLike)):
        inside = sorted(Path(files).iterdir())
        files = [path for path in inside if path.suffix in (".v", ".hex")]
    for path in files:
        shutil.copyfile(path, folder / Path(path).name)


def _run(command: list[str], folder: Path, timeout: float) -> str:
    """What a program prints, all of it; its own temporary files stay in `folder`."""
    places = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(folder))
    try:
        status, log = run_process(command, folder, timeout, {**os.environ, **places})
    except subprocess.TimeoutExpired:
        raise BuildError(
            f"{command[0]}: no end after {timeout:g} seconds; allow a longer timeout, "
            "or use fewer vectors"
        ) from None
    if status:
        raise BuildError(_failure(command, status, log))
    return log


def _failure(command: list[str], code: int, log: str) -> str:
    text = f"{' '.join(command[:3])} ...: exit status {code}:\n{_first_lines(log)}"
    if "Invalid option: --binary" in log:
        text += "\nsimulating needs Verilator 5 or newer; or use iverilog"
    if "directories containing spaces" in log:
        text += "\nset TMPDIR to a folder without spaces in its name"
    return text


def _first_lines(log: str) -> str:
    lines = log.strip().splitlines()
    shown = lines[:_SHOWN_LINES]
    if len(lines) > len(shown):
        shown.append(f"... and {len(lines) - len(shown)} more lines")
    return "\n".join(shown)
