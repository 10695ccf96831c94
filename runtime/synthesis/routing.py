"""How fast a design is after place and route, by nextpnr."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BuildError, ExtraMissing
from ..folders import check_writable, tool_folder
from ..tools import first_lines, run_program
from .families import Family

ROUTERS = ("router1", "router2")
_YOWASP = "import sys, yowasp_{0} as m; sys.exit(m.run_{0}(sys.argv[1:]))"
_CURE = (
    "allow more (timeout, --timeout), or take a smaller network, or one with fewer registers "
    "(registers_every, --registers-every)"
)
_OPTIONS = ("--timing-allow-fail", "--quiet")
_USED = re.compile(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%$", re.MULTILINE)
_UNPLACEABLE = (
    "Unable to place",
    "no BELs remaining",
    "Unable to find a placement",
    "no more BELs",
)


@dataclass(frozen=True)
class Routed:
    """What place and route answered for one seed.

    mhz: the fastest clock by which all paths between registers arrive. logic_ns, routing_ns: of the
    slowest of them, which goes from the cell `begin` to the cell `end`. used: of each kind of cell,
    how many are used, and how many there are.
    """

    seed: int
    mhz: float
    logic_ns: float
    routing_ns: float
    begin: str
    end: str
    used: dict[str, tuple[int, int]]


def nextpnr_command(program: str) -> list[str]:
    """The command of "nextpnr-ice40" or "nextpnr-ecp5", without its options.

    Raises:
        ExtraMissing: neither it nor the package that brings it is there.
    """
    if found := shutil.which(program):
        return [found]
    words = program.replace("-", "_")
    if importlib.util.find_spec(f"yowasp_{words}") is None:
        raise ExtraMissing(
            f"synth: neither {program} on PATH nor the package yowasp-{program} is there; install "
            "the extra: pip install 'gatewright[synth]'"
        )
    return [sys.executable, "-c", _YOWASP.format(words)]


def _yowasp_cache() -> dict[str, str]:
    """Where packages of YoWASP keep what they compile, if their own place cannot be written."""
    if "YOWASP_CACHE_DIR" in os.environ or importlib.util.find_spec("platformdirs") is None:
        return {}
    from platformdirs import user_cache_dir

    try:
        check_writable(Path(user_cache_dir("YoWASP", appauthor=False)))
    except OSError:
        return {"YOWASP_CACHE_DIR": str(tool_folder("yowasp"))}
    return {}


def place_and_route(
    family: Family,
    chosen: tuple[str, str, str],
    netlist: Path,
    mhz: float,
    seed: int,
    seconds: float,
    router: str = ROUTERS[0],
) -> Routed:
    """Place and route a netlist of Yosys with one clock.

    chosen: part, package and speed grade. mhz: the clock to work for. router: of `ROUTERS`.

    Raises:
        ExtraMissing: no nextpnr here. BuildError: it failed, the design does not fit, or it took
        too long.
    """
    assert family.nextpnr
    folder, report = netlist.parent, netlist.parent / f"{netlist.stem}_{seed}_report.json"
    log = folder / f"{netlist.stem}_{seed}.log"
    part, package, speed = chosen
    command = [
        *nextpnr_command(family.nextpnr),
        *(f"--{family.parts[part].option}", "--package", package),
        *(("--speed", speed) if speed else ()),
        *(("--lpf-allow-unconstrained",) if family.nextpnr == "nextpnr-ecp5" else ()),
        *("--json", netlist.name, "--freq", f"{mhz:g}", "--seed", str(seed)),
        *("--report", report.name, "--log", log.name, "--router", router, *_OPTIONS),
    ]
    status, printed = run_program(command, folder, seconds, family.nextpnr, _CURE, _yowasp_cache())
    text = log.read_text(errors="replace") if log.exists() else printed
    if status or not report.exists():
        raise BuildError(_failure(family.nextpnr, part, package, status, f"{text}\n{printed}"))
    return _read(report, seed)


def _read(path: Path, seed: int) -> Routed:
    """What a report of nextpnr says.

    Raises:
        BuildError: it is none, or of a design without paths between registers.
    """
    try:
        report = json.loads(path.read_text())
        clocks = report["fmax"]
        if not clocks:
            raise BuildError(
                "nextpnr: no path between registers, so there is no clock rate; "
                "all answers are constant"
            )
        (clock,) = clocks.values()
        steps = _slowest(report["critical_paths"])
        nanoseconds = {"logic": 0.0, "routing": 0.0}
        for step in steps:
            kind = "routing" if step["type"] == "routing" else "logic"
            nanoseconds[kind] += float(step["delay"])
        return Routed(
            seed,
            float(clock["achieved"]),
            nanoseconds["logic"],
            nanoseconds["routing"],
            str(steps[0]["from"]["cell"]) if steps else "",
            str(steps[-1]["to"]["cell"]) if steps else "",
            {
                name: (int(some["used"]), int(some["available"]))
                for name, some in report["utilization"].items()
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BuildError(f"nextpnr: {path.name} is no report of one clock: {error!r}") from None


def _slowest(paths: list[Any]) -> list[Any]:
    """The steps of the path between registers."""
    for path in paths:
        if path["from"] == path["to"] and path["from"] != "<async>":
            return path["path"]
    return []


def _failure(program: str, part: str, package: str, status: int, log: str) -> str:
    errors = [line for line in log.splitlines() if line.startswith("ERROR")]
    rows = dict.fromkeys(_USED.findall(log))
    full = [
        f"{int(used):,} of {int(there):,} {kind}"
        for kind, used, there in rows
        if int(used) > int(there)
    ]
    if full or any(sign in line for line in errors for sign in _UNPLACEABLE):
        found = ", ".join(full) or first_lines("\n".join(errors))
        return (
            f"{program}: the design does not fit part {part} in {package}: {found}; take a larger "
            "part, a smaller network, or fewer registers (a lower target_mhz)"
        )
    return f"{program}: exit status {status}:\n{first_lines(chr(10).join(errors) or log)}"
