"""Emitted cocotb tests: they pass on what is emitted, and fail on a planted fault."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from verilog_checks import needs_iverilog, tiny

from gatewright.backends.artifact import Artifact
from gatewright.backends.verilog import sequential
from gatewright.backends.verilog.backend import Verilog

STALLS = {"registers_every": 2, "reset": True, "enable": True}
IN_TURN = {"places_per_clock": 1, "reset": True, "enable": True}
VARIANTS = {
    "test_dut.py": [{}, {"registers_every": 1}, STALLS, IN_TURN],
    "test_dut_stream.py": [{**STALLS, "interface": "stream"}],
    "test_dut_axis.py": [{**way, "interface": "axis"} for way in (STALLS, IN_TURN)],
}
CASES = [(test, options) for test, found in VARIANTS.items() for options in found]
needs_cocotb = pytest.mark.skipif(find_spec("cocotb") is None, reason="needs the extra cocotb")


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every tile is worth it, so that small circuits show what large ones need."""
    monkeypatch.setattr(sequential, "worth", lambda tile, found: True)


def emitted(options: dict[str, Any]) -> Artifact:
    x = np.random.default_rng(4).integers(0, 128, (20, 2)).astype(np.uint8)
    return Verilog(7, cocotb=True, **options).emit(tiny(), "dut", x)


def status(files: dict[str, bytes], test: str, folder: Path, **environment: str) -> tuple[int, str]:
    """What a test in a folder with these files ends with, and what it prints."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    command = [sys.executable, test]
    found = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return found.returncode, found.stdout + found.stderr


@pytest.mark.parametrize(("test", "options"), CASES)
def test_compiles(test: str, options: dict[str, Any]) -> None:
    compile(emitted(options).files[test], test, "exec")


@pytest.mark.simulator
@needs_iverilog
@needs_cocotb
@pytest.mark.parametrize(("test", "options"), CASES)
def test_passes_and_sees_a_fault(test: str, options: dict[str, Any], tmp_path: Path) -> None:
    files = dict(emitted(options).files)
    code, log = status(files, test, tmp_path)
    assert code == 0, log
    lines = files["dut_expected.hex"].decode().split()
    lines[-1] = lines[-1][:-1] + f"{int(lines[-1][-1], 16) ^ 1:x}"
    files["dut_expected.hex"] = "\n".join(lines).encode()
    assert status(files, test, tmp_path)[0] != 0


AXIS = "test_dut_axis.py"


@pytest.mark.simulator
@needs_iverilog
@needs_cocotb
@pytest.mark.parametrize(
    ("test", "options", "good", "bad"),
    [
        (AXIS, {**STALLS, "interface": "axis"}, "last && !skip) full", "last) full"),  # too long
        (AXIS, {**STALLS, "interface": "axis"}, "s_axis_tlast && last && !skip", "s_axis_tlast"),
        ("test_dut.py", IN_TURN, "ready1 = !full1 || done1", "ready1 = !full1"),
        ("test_dut.py", IN_TURN, "ready1 = !full1 || done1", "ready1 = 1'b1"),
    ],
)
def test_sees_a_wrong_module(
    test: str, options: dict[str, Any], good: str, bad: str, tmp_path: Path
) -> None:
    files = dict(emitted(options).files)
    text = files["dut.v"].decode()
    assert good in text
    assert status({**files, "dut.v": text.replace(good, bad).encode()}, test, tmp_path)[0] != 0


@pytest.mark.simulator
@needs_iverilog
@needs_cocotb
def test_two_tests_share_a_folder(tmp_path: Path) -> None:
    files = emitted({**STALLS, "interface": "axis"}).files
    tests = ("test_dut.py", AXIS)
    assert [status(files, test, tmp_path)[0] for test in tests] == [0, 0]
    text = files["dut.v"].decode()
    (tmp_path / "dut.v").write_text(text.replace("m_axis_tdata =", "m_axis_tdata = ~"))
    os.utime(tmp_path / "dut.v", (0, 0))  # as old as a file out of an archive may be
    assert status({}, "test_dut.py", tmp_path)[0] == 0
    assert status({}, AXIS, tmp_path)[0] != 0


@needs_cocotb
@pytest.mark.parametrize(("version", "said"), [("5.006", "needs 5.036"), ("5.040", "fno-const")])
def test_verilator(version: str, said: str, tmp_path: Path) -> None:
    """An old version is refused, a new one gets the flag that large networks need."""
    program = tmp_path / "verilator"
    program.write_text(f"#!/bin/sh\necho Verilator {version} 2025-01-01\necho $@ >&2\nexit 1\n")
    program.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    code, log = status(emitted({}).files, "test_dut.py", tmp_path, PATH=path, SIM="verilator")
    assert code != 0
    assert said in log
