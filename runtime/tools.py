"""Running the programs of others on copies of files, in a folder that is gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias, Union

from .errors import BuildError, ToolMissing
from .folders import temporary_folder, temporary_in
from .processes import run_process

_SHOWN_LINES = 12

Files: TypeAlias = Union[
    str, "os.PathLike[str]", Iterable["str | os.PathLike[str]"], Mapping[str, bytes]
]


def require_programs(programs: Iterable[str], what: str, packages: str) -> None:
    """Raise ToolMissing unless all these programs, which Debian's `packages` have, are there."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise ToolMissing(
            f"{what}: {' and '.join(missing)} not found on PATH; "
            f"install it, for example: apt-get install {packages}"
        )


@contextlib.contextmanager
def copied(files: Files) -> Iterator[Path]:
    """A temporary folder that holds copies of the files."""
    with temporary_folder() as folder:
        try:
            _copy(files, folder)
        except OSError as error:
            raise BuildError(
                f"cannot copy {error.filename}: {error.strerror}; "
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


def run_tool(command: list[str], folder: Path, timeout: float) -> str:
    """What a program prints, all of it.

    Raises:
        BuildError: it fails, or has not ended after `timeout` seconds.
    """
    cure = "allow a longer timeout, or use fewer vectors"
    status, log = run_program(command, folder, timeout, command[0], cure)
    if status:
        raise BuildError(_failure(command, status, log))
    return log


def run_program(
    command: list[str],
    folder: Path,
    seconds: float,
    name: str,
    cure: str,
    extra: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Run a program in a folder, its temporary files too: its exit status, and what it printed.

    name, cure: what the errors call it, and what they say against its taking too long. extra:
    variables to set.

    Raises:
        BuildError: it does not start, takes too long, or is killed.
    """
    try:
        status, log = run_process(
            command, folder, seconds, {**temporary_in(folder), **(extra or {})}
        )
    except subprocess.TimeoutExpired:
        raise BuildError(f"{name}: no end after {seconds:g} seconds; {cure}") from None
    except OSError as error:
        raise BuildError(f"{name}: cannot start {command[0]}: {error.strerror}") from None
    if status < 0:
        raise BuildError(
            f"{name}: killed by signal {-status}; it may have run out of memory:\n"
            f"{first_lines(log)}"
        )
    return status, log


def _failure(command: list[str], code: int, log: str) -> str:
    text = f"{' '.join(command[:3])} ...: exit status {code}:\n{first_lines(log)}"
    if "Invalid option: --binary" in log:
        text += "\nsimulating needs Verilator 5 or newer; or use iverilog"
    if "directories containing spaces" in log:
        text += "\nset TMPDIR to a folder without spaces in its name"
    return text


def first_lines(log: str) -> str:
    """The first lines of what a program printed, and how many more there are."""
    lines = log.strip().splitlines()
    shown = lines[:_SHOWN_LINES]
    if len(lines) > len(shown):
        shown.append(f"... and {len(lines) - len(shown)} more lines")
    return "\n".join(shown)
