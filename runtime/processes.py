"""Programs that we start: what they print, and nothing of theirs left running."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run_process(
    command: Sequence[str], folder: Path, seconds: float, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a program in a folder to its end: its exit status, and all that it prints.

    Whatever ends this early, an interrupt too, also ends the processes that the program started.

    Raises:
        OSError: it does not start. subprocess.TimeoutExpired: no end after so many seconds.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a group of its own, which can be ended as a whole
    )
    try:
        printed, _ = process.communicate(timeout=seconds)
    except BaseException:
        _end(process)
        raise
    return process.returncode, printed.decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.communicate()
