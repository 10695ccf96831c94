"""Finding and running Yosys and nextpnr: from PATH, or from the packages of the extra `synth`."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ..errors import BuildError, ExtraMissing
from ..processes import run_process
from ..tools import first_lines

_PYOSYS = (
    "import sys; from pyosys import libyosys as y; y.run_pass('script ' + sys.argv[1], y.Design())"
)
_YOWASP = "import sys, {module} as m; sys.exit(m.{run}(sys.argv[1:]))"


def yosys_command(script: str) -> list[str]:
    """The command that runs a script of Yosys.

    Raises:
        ExtraMissing: neither `yosys` nor the package pyosys is there.
    """
    if found := shutil.which("yosys"):
        return [found, "-q", "-s", script]
    _require("pyosys", "yosys")
    return [sys.executable, "-c", _PYOSYS, script]


def nextpnr_command(program: str) -> list[str]:
    """The command of "nextpnr-ice40" or "nextpnr-ecp5", without its options.

    Raises:
        ExtraMissing: neither it nor the package that brings it is there.
    """
    if found := shutil.which(program):
        return [found]
    words = program.replace("-", "_")
    _require(f"yowasp_{words}", program)
    return [sys.executable, "-c", _YOWASP.format(module=f"yowasp_{words}", run=f"run_{words}")]


def _require(module: str, program: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise ExtraMissing(
            f"synth: neither {program} on PATH nor the package {module.replace('_', '-')} is "
            "there; install the extra: pip install 'gatewright[synth]'"
        )


def run_program(command: list[str], name: str, folder: Path, seconds: float) -> tuple[int, str]:
    """Run a program in a folder: its exit status, and what it printed.

    Raises:
        BuildError: it does not start, takes too long, or is killed.
    """
    places = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(folder))
    try:
        status, log = run_process(command, folder, seconds, {**os.environ, **places})
    except subprocess.TimeoutExpired:
        raise BuildError(
            f"{name}: no end after {seconds:g} seconds; allow more (timeout, --timeout), take a "
            "larger part, which is easier to route, or a smaller network"
        ) from None
    except OSError as error:
        raise BuildError(f"{name}: cannot start {command[0]}: {error.strerror}") from None
    if status < 0:
        raise BuildError(
            f"{name}: killed by signal {-status}; it may have run out of memory:\n"
            f"{first_lines(log)}"
        )
    return status, log
