"""Programs that we start: what they print, and nothing of theirs left running."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_together: ContextVar[set[subprocess.Popen[bytes]] | None] = ContextVar("together", default=None)


def in_threads(
    work: Callable[[_Item], _Result], items: Iterable[_Item], threads: int
) -> list[_Result]:
    """Work on all items, so many at a time; an error or interrupt ends the programs of all."""
    running: set[subprocess.Popen[bytes]] = set()
    if (outer := _together.get()) is not None:
        running = outer  # threads of threads end together

    def one(item: _Item) -> _Result:
        _together.set(running)
        return work(item)

    with ThreadPoolExecutor(threads) as pool:
        found = [pool.submit(one, item) for item in items]
        try:
            return [each.result() for each in found]
        except BaseException:
            for each in found:
                each.cancel()
            for process in list(running):
                if process.returncode is None:
                    _kill(process)
            raise


def run_process(
    command: Sequence[str],
    folder: Path,
    seconds: float | None = None,
    env: Mapping[str, str] | None = None,
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
    running = _together.get()
    if running is not None:
        running.add(process)
    try:
        printed, _ = process.communicate(timeout=seconds)
    except BaseException:
        _kill(process)
        process.communicate()
        raise
    finally:
        if running is not None:
            running.discard(process)
    return process.returncode, printed.decode(errors="replace")


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
