"""Interrupted commands: status 130, no traceback, no files and no processes left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from circuits import classifier

import gatewright as gw
from gatewright.runtime.processes import in_threads, run_process

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and file locks of POSIX")
ROOT = Path(gw.__file__).parents[1]


def lasting(path: Path, ready: Path, first: str = "") -> str:
    """A program that starts another, says so, and goes on for a minute."""
    said = f"echo $! > '{ready}.new'\nmv '{ready}.new' '{ready}'"
    path.write_text(f"#!/bin/sh\n{first}\nsleep 60 &\n{said}\nwait\n")
    path.chmod(0o755)
    return str(path)


def ended(ready: Path) -> bool:
    """Whether the process named in the file ends within seconds, or is nobody's child any more."""
    process = int(ready.read_text())
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        with suppress(OSError, IndexError):  # dead, and nobody to ask for its status
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        time.sleep(0.05)
    return False


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(1200):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError(f"no {path.name} after a minute")


@pytest.mark.usefixtures("mapper")
@pytest.mark.parametrize(
    ("tool", "number", "status", "words"),
    [
        ("cc", signal.SIGINT, 130, "gatewright: interrupted\n"),
        ("verilator", signal.SIGINT, 130, "gatewright: interrupted\n"),
        ("cc", signal.SIGTERM, 143, ""),
    ],
)
def test_an_interrupted_compile_leaves_nothing(tmp_path, tool, number, status, words):
    gw.write(classifier(), tmp_path / "net.npz")
    ready, places = tmp_path / "ready", [tmp_path / name for name in ("cache", "tmp", "out")]
    for place in places:
        place.mkdir()
    identify = '[ "$1" = --version ] && echo 1 && exit; [ "$1" = -dumpmachine ] && exit'
    program = lasting(tmp_path / tool, ready, identify)
    environment = {
        **os.environ,
        "GATEWRIGHT_CACHE": str(places[0]),
        "GATEWRIGHT_NATIVE": "0",
        "TMPDIR": str(places[1]),
        "PYTHONPATH": str(ROOT),
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
    }
    target = "c" if tool == "cc" else tool
    if tool == "cc":
        environment["CC"] = program
    command = [sys.executable, "-W", "ignore", "-m", "gatewright", "compile", "net.npz"]
    command += ["--target", target, "--level", "0", "-o", str(places[2] / "net.so")]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    wait_for(ready, process)
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    assert (process.returncode, said) == (status, words)
    assert ended(ready)
    assert not [path for place in places for path in place.rglob("*") if not path.is_dir()]
    assert not list(places[1].iterdir())


def test_an_interrupted_import(tmp_path):
    (tmp_path / "numpy.py").write_text("raise KeyboardInterrupt\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    command = [sys.executable, "-m", "gatewright", "--version"]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (130, "")


def test_programs_of_threads_end_together(tmp_path):
    ready = tmp_path / "ready"
    long = lasting(tmp_path / "long", ready)

    def work(name: str) -> None:
        if name == "wrong":
            while not ready.exists():
                time.sleep(0.02)
            raise ValueError(name)
        run_process([long], tmp_path)

    begun = time.monotonic()
    with pytest.raises(ValueError, match="wrong"):
        in_threads(work, ["wrong", "long"], 2)
    assert time.monotonic() - begun < 30
    assert ended(ready)


def test_results_of_threads_come_in_order(tmp_path):
    script = "import sys; print(sys.argv[1])"

    def work(number: int) -> str:
        return run_process([sys.executable, "-c", script, str(number)], tmp_path)[1]

    assert in_threads(work, range(5), 2) == [f"{number}\n" for number in range(5)]


def test_a_write_that_is_interrupted_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.npz"
    gw.write(classifier(), path)
    old = path.read_bytes()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gatewright.runtime.archive.os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        gw.write(classifier(seed=1), path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]
