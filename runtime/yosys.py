"""Yosys as a reader of Verilog: the text of a design to its cells, as JSON."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from typing import Any

from .errors import BuildError, ExtraMissing
from .tools import copied, run_tool

# What elaborates a design and changes no function; `opt_dff` sees enables and resets.
_COMMANDS = (
    "proc -noopt; setattr -mod -unset keep_hierarchy *; flatten; opt_clean; opt_dff; opt_clean; "
    "write_json"
)
_WORKER = (
    "import sys\n"
    "from pyosys import libyosys\n"
    "design = libyosys.Design()\n"
    "for command in sys.argv[1].split('; '):\n"
    "    libyosys.run_pass(command, design)\n"
)


def available() -> bool:
    """Whether there is a Yosys: the package pyosys, or the program."""
    return bool(importlib.util.find_spec("pyosys") or shutil.which("yosys"))


def require(who: str) -> None:
    """Raise ExtraMissing for `who` unless there is a Yosys."""
    if not available():
        raise ExtraMissing(
            f"{who}: Yosys reads the Verilog, and neither the package pyosys nor the program is "
            "installed; pip install 'gatewright[rewrite]', or apt-get install yosys"
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
    require("a proof of Verilog")
    script = f"read_verilog -noautowire design.v; hierarchy -top {top}; {_COMMANDS} design.json"
    if importlib.util.find_spec("pyosys"):
        command = [sys.executable, "-c", _WORKER, script]
    else:
        command = ["yosys", "-q", "-p", script]
    with copied({"design.v": text}) as folder:
        run_tool(command, folder, timeout)
        found = folder / "design.json"
        if not found.exists():
            raise BuildError(f"yosys: it wrote no netlist of module {top}")
        return json.loads(found.read_bytes())["modules"][top]
