"""The programs that rewrite AND gates for `Rewrite`: ABC, and mockturtle through aigverse.

Both read one AIGER file and write another, each run in a process and a folder of its own. ABC ends
with status 0 whatever happened, and stops where it does not know a command, so what counts is the
file that its last command writes.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...runtime.errors import BuildError, ExtraMissing, NetlistError, ToolMissing
from ...runtime.processes import run_process

SOURCE, TARGET = "before.aig", "after.aig"
ABC_NAMES = ("yosys-abc", "abc", "berkeley-abc")
ABC_SCRIPT = (
    "strash; dc2; balance -l; resub -K 6 -l; rewrite -l; resub -K 6 -N 2 -l; refactor -l; "
    "resub -K 8 -l; balance -l; resub -K 8 -N 2 -l; rewrite -l; resub -K 10 -l; rewrite -z -l; "
    "resub -K 10 -N 2 -l; balance -l; resub -K 12 -l; refactor -z -l; resub -K 12 -N 2 -l; "
    "rewrite -z -l; balance -l; dc2"
)
MOCKTURTLE_SCRIPT = "sop_refactoring; aig_cut_rewriting; aig_resubstitution"
ALGORITHMS = ("aig_cut_rewriting", "aig_resubstitution", "balancing", "sop_refactoring")
_OPTION = re.compile(r"[a-z_]+=([0-9]+|true|false)")
_SHOWN = 500  # characters of a program's output in a message


class WindowFailed(BuildError):
    """A program gave no usable answer for one window."""


@dataclass(frozen=True)
class Engine:
    """A program that turns SOURCE in its folder into TARGET.

    name: for messages. command: what to start. keeps: a TARGET that is there when time runs out is
    a good one.
    """

    name: str
    command: tuple[str, ...]
    keeps: bool = False

    def run(self, folder: Path, seconds: float) -> None:
        """Turn SOURCE in `folder` into TARGET.

        Raises:
            ToolMissing: the program does not start.
            WindowFailed: time ran out, or it ended without a TARGET; what it printed is in the
                message.
        """
        try:
            status, printed = _started(self.name, self.command, folder, seconds)
        except WindowFailed:
            if self.keeps and (folder / TARGET).exists():
                return
            raise
        if status or not (folder / TARGET).exists():
            shown = _tail(printed)
            raise WindowFailed(f"{self.name}: status {status} and no result; it printed: {shown}")


def prove(abc: str, folder: Path, seconds: float) -> None:
    """Have ABC prove that SOURCE and TARGET in `folder` compute the same.

    Raises:
        WindowFailed: it did not, or not within that time.
    """
    command = (abc, "-s", "-q", f"cec -n {SOURCE} {TARGET}")
    _, printed = _started("abc", command, folder, seconds)
    if "Networks are equivalent" not in printed:
        raise WindowFailed(f"abc: cec did not prove the answer; it printed: {_tail(printed)}")


def _started(name: str, command: tuple[str, ...], folder: Path, seconds: float) -> tuple[int, str]:
    """Run a program to its end: its status, and what it printed."""
    try:
        status, printed = run_process(command, folder, max(seconds, 0.01))
    except OSError as error:
        raise ToolMissing(f"{name}: cannot start {command[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise WindowFailed(f"{name}: no answer within {seconds:.0f} seconds") from None
    return status, printed.strip()


def _tail(printed: str) -> str:
    text = " ".join(printed.split()) or "nothing"
    return text if len(text) <= _SHOWN else f"... {text[-_SHOWN:]}"


def mockturtle(script: str | None = None) -> Engine:
    """mockturtle's algorithms, of the package aigverse.

    script: functions of `aigverse.algorithms` with options, such as
        `sop_refactoring max_pis=8; balancing`.

    Raises:
        ExtraMissing: aigverse is not installed. NetlistError: no such function or option.
    """
    commands = _commands(script or MOCKTURTLE_SCRIPT)
    for command in commands:
        name, *options = command.split()
        if name not in ALGORITHMS or not all(_OPTION.fullmatch(option) for option in options):
            raise NetlistError(
                f"Rewrite: {command!r} in the script for mockturtle; allowed are "
                f"{', '.join(ALGORITHMS)}, each with options such as max_pis=8"
            )
    if importlib.util.find_spec("aigverse") is None:
        raise ExtraMissing(
            "Rewrite: the Python package aigverse is not installed; install the extra [rewrite]: "
            "pip install 'gatewright[rewrite]'"
        )
    worker = str(Path(__file__).with_name("rewrite_mockturtle.py"))
    return Engine("mockturtle", (sys.executable, worker, SOURCE, TARGET, *commands), keeps=True)


def abc(script: str | None = None) -> Engine:
    """ABC, with commands written out: aliases such as `resyn2` are of a file that it may lack.

    Raises:
        ToolMissing: no ABC is found. NetlistError: the script is empty.
    """
    commands = [f"read_aiger {SOURCE}", *_commands(script or ABC_SCRIPT), "strash"]
    commands.append(f"write_aiger {TARGET}")
    return Engine("abc", (find_abc(), "-s", "-q", "; ".join(commands)))


def find_abc() -> str:
    """The path of ABC: GATEWRIGHT_ABC, else pyosys's, else the first on the PATH.

    Raises:
        ToolMissing: there is none.
    """
    named = os.environ.get("GATEWRIGHT_ABC")
    if named:
        found = shutil.which(named)
        if found is None:
            raise ToolMissing(
                f"GATEWRIGHT_ABC={named!r} is no program that can be started; name the path of "
                "ABC, or leave the variable out"
            )
        return os.path.abspath(found)
    package = importlib.util.find_spec("pyosys")
    folders = list(package.submodule_search_locations or ()) if package else []
    for folder in (*folders, None):
        for name in ABC_NAMES:
            found = shutil.which(name, path=folder)
            if found:
                return os.path.abspath(found)
    raise ToolMissing(
        f"ABC is not installed: looked for {', '.join(ABC_NAMES)} in the package pyosys and on the "
        "PATH; pip install 'gatewright[rewrite]', apt-get install berkeley-abc, or name it in the "
        "environment variable GATEWRIGHT_ABC"
    )


def _commands(script: str) -> list[str]:
    found = [command.strip() for command in script.split(";")]
    if "\n" in script or not all(found):
        raise NetlistError(f"Rewrite: script {script!r}; allowed are commands with ; between them")
    return found


ENGINES = {"mockturtle": mockturtle, "abc": abc}


def installed_engines() -> list[str]:
    """The engines that this machine has, ABC first, which finds more."""
    found: list[str] = []
    for name in ("abc", "mockturtle"):
        with suppress(ExtraMissing, ToolMissing):
            ENGINES[name](None)
            found.append(name)
    return found
