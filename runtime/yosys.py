"""Yosys: finding it, running its commands, and having it read Verilog."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .errors import BuildError, ExtraMissing
from .tools import copied, first_lines, run_program

_SCRIPT = "commands.ys"
_WORKER = f"from pyosys import libyosys as y; y.run_pass('script {_SCRIPT}', y.Design())"
_CURE = "allow more (timeout, --timeout), or take a smaller network"
# What elaborates a design and changes no function; `opt_dff` sees enables and resets.
_ELABORATE = (
    "proc -noopt",
    "setattr -mod -unset keep_hierarchy *",
    "flatten",
    "opt_clean",
    "opt_dff",
    "opt_clean",
    "write_json design.json",
)


def available() -> bool:
    """Whether there is a Yosys: the program, or the package pyosys."""
    return bool(shutil.which("yosys") or importlib.util.find_spec("pyosys"))


def require(who: str, extra: str) -> None:
    """Raise ExtraMissing for `who`, naming the extra that brings Yosys, unless there is one."""
    if not available():
        raise ExtraMissing(
            f"{who}: neither yosys on PATH nor the package pyosys is there; install the extra: "
            f"pip install 'gatewright[{extra}]'"
        )


def run_yosys(commands: Sequence[str], folder: Path, seconds: float) -> None:
    """Run commands of Yosys in a folder.

    Raises:
        BuildError: one failed, or they took too long.
    """
    (folder / _SCRIPT).write_text("\n".join(commands) + "\n")
    found = shutil.which("yosys")
    command = [found, "-q", "-s", _SCRIPT] if found else [sys.executable, "-c", _WORKER]
    status, log = run_program(command, folder, seconds, "yosys", _CURE)
    if status:
        errors = [line for line in log.splitlines() if "ERROR" in line]
        raise BuildError(
            f"yosys: exit status {status}:\n{first_lines(chr(10).join(errors) or log)}"
        )


def elaborate(text: bytes, top: str, timeout: float = 600) -> dict[str, Any]:
    """The flat module `top` of a design as Yosys's JSON has it: ports, cells, netnames.

    Args:
        text: of all modules; SYNTHESIS is defined in it, as for any synthesis.
        timeout: seconds.

    Raises:
        ExtraMissing: there is no Yosys.
        BuildError: it refused the text, or took too long.
    """
    require("a proof of Verilog", "rewrite")
    reading = ("read_verilog -noautowire design.v", f"hierarchy -top {top}")
    with copied({"design.v": text}) as folder:
        run_yosys((*reading, *_ELABORATE), folder, timeout)
        found = folder / "design.json"
        if not found.exists():
            raise BuildError(f"yosys: it wrote no netlist of module {top}")
        return json.loads(found.read_bytes())["modules"][top]
