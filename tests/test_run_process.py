"""Programs that we start end with all that they started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from gatewright.runtime.processes import run_process


@pytest.mark.skipif(os.name != "posix", reason="groups of processes are POSIX's")
def test_a_program_out_of_time_ends_with_all_that_it_started(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    child = (
        "import fcntl, pathlib, time\nlock = open('lock', 'w')\nfcntl.flock(lock, fcntl.LOCK_EX)\n"
        "pathlib.Path('ready').touch()\ntime.sleep(60)"
    )
    (tmp_path / "child.py").write_text(child)
    (tmp_path / "parent").write_text(
        f"'{sys.executable}' child.py &\nwhile [ ! -e ready ]; do sleep 0.05; done\nsleep 60"
    )
    with pytest.raises(subprocess.TimeoutExpired):
        run_process(["sh", "parent"], tmp_path, 3)
    assert (tmp_path / "ready").exists()
    with open(tmp_path / "lock", "w") as lock:
        for _ in range(100):  # the child holds it as long as it runs
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.05)
    raise AssertionError("the child still runs")
