"""Verilog simulators: finding them, running a self-checking testbench, linting.

Everything runs on copies in a temporary directory that is gone afterwards, so nothing is left
beside the sources, and their paths reach no tool.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from .errors import BuildError
from .tools import Files, copied, first_lines, require_programs, run_tool

SIMULATORS = ("iverilog", "verilator")
_PROGRAMS = {"iverilog": ("iverilog", "vvp"), "verilator": ("verilator",)}

# Verilator's optimisation of trees of & | ^ gives wrong answers in several versions
# (verilator issues 4059, 4709, 5186); on 12,000 random gates 5.006 fails every vector.
VERILATOR_FLAGS = ("-fno-const-bit-op-tree", "--output-split", "5000")
# For a few hundred vectors, compiling its C++ is all the work, so that is not optimised, and split.
_UNOPTIMISED = (
    "-MAKEFLAGS",
    f"-s -j{os.cpu_count() or 1} OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0",
)
_VERDICT = re.compile(r"^(?:PASS|FAIL (\d+) of) (\d+) vectors$", re.MULTILINE)


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
    with copied(files) as folder:
        sources = sorted(path.name for path in folder.glob("*.v"))
        if simulator == "iverilog":
            build = ["iverilog", "-g2005", "-s", top, "-o", "sim.vvp", *sources]
            simulation = ["vvp", "-n", "sim.vvp"]
        else:
            build = ["verilator", "--binary", "--timing", "--top-module", top]
            build += [*VERILATOR_FLAGS, *_UNOPTIMISED, *sources]
            simulation = [os.path.join(".", "obj_dir", f"V{top}")]
        run_tool(build, folder, timeout)
        log = run_tool(simulation, folder, timeout)
    verdicts = _VERDICT.findall(log)
    if len(verdicts) != 1:
        raise BuildError(
            f"{simulator}: testbench {top} printed {len(verdicts)} lines PASS or FAIL; allowed is "
            f"exactly one; it printed:\n{first_lines(log)}"
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
    with copied([file]) as folder:
        command = ["verilator", "--lint-only", "-Wall", *chosen, Path(file).name]
        log = run_tool(command, folder, timeout)
    if log.strip():
        raise BuildError(f"verilator: {Path(file).name}:\n{first_lines(log)}")


def _require(simulator: str) -> None:
    if simulator not in SIMULATORS:
        raise BuildError(f"simulator {simulator!r}; allowed are {', '.join(SIMULATORS)}")
    require_programs(_PROGRAMS[simulator], simulator, simulator)
