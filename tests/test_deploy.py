"""The programs of `examples/deploy` answer as the circuit does, without Python."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from circuits import classifier, samples
from emulators import needs_ziglang

import gatewright as gw

EXAMPLE = Path(__file__).parent.parent / "examples" / "deploy"
CIRCUIT = classifier()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("deploy") / "deploy"
    shutil.copytree(EXAMPLE, path)
    gw.emit(CIRCUIT, "c", path, name="net")
    return path


def run(command: list[str], folder: Path, rows: np.ndarray) -> list[int]:
    found = subprocess.run(
        command, cwd=folder, input=rows.tobytes(), capture_output=True, check=True
    )
    return [int(line) for line in found.stdout.split()]


def starts(command: str) -> bool:
    """Whether a command is there and works; rustup's `rustc` is there before any compiler is."""
    found = shutil.which(command)
    return bool(found) and not subprocess.run([found, "--version"], capture_output=True).returncode


@pytest.mark.parametrize("n", [0, 1, 600, 5000])
@pytest.mark.parametrize("program", ["c", "cpp", "rust"])
def test_programs(folder, program, n):
    needed = {"c": "make", "cpp": "g++", "rust": "rustc"}[program]
    if not starts(needed) or not shutil.which("make"):
        pytest.skip(f"{needed} is not installed")
    flags = ["CFLAGS=-O1 -Wall -Wextra -Werror", "CXXFLAGS=-O1 -Wall -Wextra -Werror"]
    make = ["make", "--silent", f"main-{program}", *flags]
    subprocess.run(make, cwd=folder, check=True, capture_output=True)
    x = samples(CIRCUIT, n, "uint8")
    arguments = ["20"] if program == "rust" else []
    found = run([f"./main-{program}", *arguments], folder, x)
    assert found == CIRCUIT.predict(x).tolist()


@pytest.mark.parametrize("n", [0, 1, 5000])
def test_webassembly(folder, n):
    if not shutil.which("node"):
        pytest.skip("node is not installed; for example: apt-get install nodejs")
    needs_ziglang()
    compiled = gw.compile(CIRCUIT, level=0, triple="wasm32-freestanding", name="net")
    assert compiled.manifest["isas"] == ["wasm128", "portable"]
    compiled.save(folder / "net.wasm")
    x = samples(CIRCUIT, n, "uint8")
    x.tofile(folder / "rows.bin")
    assert (
        run(["node", "main.mjs", "net.wasm", "rows.bin"], folder, x) == CIRCUIT.predict(x).tolist()
    )
