"""Emitted cocotb tests: they pass on what is emitted, and fail on a planted fault."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_verilog import needs_iverilog, tiny

from gatewright.backends.artifact import Artifact
from gatewright.backends.verilog.backend import Verilog

STALLS = {"registers_every": 2, "reset": True, "enable": True}
VARIANTS = {
    "test_dut.py": [{}, {"registers_every": 1}, STALLS],
    "test_dut_stream.py": [{**STALLS, "interface": "stream"}],
    "test_dut_axis.py": [{**STALLS, "interface": "axis"}],
}
CASES = [(test, options) for test, found in VARIANTS.items() for options in found]
needs_cocotb = pytest.mark.skipif(find_spec("cocotb") is None, reason="needs the extra cocotb")


def emitted(options: dict[str, Any]) -> Artifact:
    x = np.random.default_rng(4).integers(0, 128, (20, 2)).astype(np.uint8)
    return Verilog(7, cocotb=True, **options).emit(tiny(), "dut", x)


def status(files: dict[str, bytes], test: str, folder: Path) -> int:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    command = [sys.executable, test]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=120).returncode


@pytest.mark.parametrize(("test", "options"), CASES)
def test_compiles(test: str, options: dict[str, Any]) -> None:
    compile(emitted(options).files[test], test, "exec")


@pytest.mark.simulator
@needs_iverilog
@needs_cocotb
@pytest.mark.parametrize(("test", "options"), CASES)
def test_passes_and_sees_a_fault(test: str, options: dict[str, Any], tmp_path: Path) -> None:
    files = dict(emitted(options).files)
    assert status(files, test, tmp_path) == 0
    lines = files["dut_expected.hex"].decode().split()
    lines[-1] = lines[-1][:-1] + f"{int(lines[-1][-1], 16) ^ 1:x}"
    files["dut_expected.hex"] = "\n".join(lines).encode()
    assert status(files, test, tmp_path) != 0
