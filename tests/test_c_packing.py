"""Every path of the C library packs every row, and reads no byte beyond the last one."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from circuits import DTYPES, THRESHOLDS, samples

from gatewright.backends.c.backend import C
from gatewright.compiler import Circuit, Encoder, Netlist
from gatewright.runtime.arrays import pack
from gatewright.runtime.library import DTYPES as CODES

BATCHES = (1, 7, 64, 65, 511, 520)


def wires(features: int, inputs: int, seed: int = 0) -> Circuit:
    """A circuit whose outputs are the encoder's bits, in another order; some inputs are unread."""
    random = np.random.default_rng(seed)
    feature = random.integers(0, features, inputs)
    threshold = random.choice(THRESHOLDS, inputs)
    outputs = 2 + random.permutation(inputs)[: max(1, 3 * inputs // 4)]
    return Circuit(Encoder((features,), feature, threshold), Netlist(inputs, (), outputs))


CIRCUITS = {
    "1 feature": wires(1, 1),
    "100 thresholds on 2 features": wires(2, 200),
    "63 features": wires(63, 80),
    "64 features": wires(64, 64),
    "65 features": wires(65, 200),
    "few of 784 features": wires(784, 30),
    "1100 features": wires(1100, 1500),
}


def planes(bits: np.ndarray, gap: int) -> np.ndarray:
    """Packed planes, `gap` words further apart than need be."""
    packed = pack(bits)
    return np.pad(packed, ((0, 0), (0, gap)), constant_values=np.uint64(0xA5A5A5A5A5A5A5A5))


def cases(circuit: Circuit) -> list[tuple[bytes, np.ndarray]]:
    """Input of the driver and the bits that it must answer, for every dtype, batch and stride."""
    made = []
    for n in BATCHES:
        for dtype in DTYPES:
            x = samples(circuit, n, dtype, seed=n)
            for gap in (0, 5):
                rows = np.pad(x.view(np.uint8).reshape(n, -1), ((0, 0), (0, gap)))
                made.append((case(dtype, n, rows, gap), circuit.bits(x)))
        x = samples(circuit, n, "uint8", seed=n)
        bits, want = circuit.encoder(x), circuit.bits(x)
        rows = np.packbits(bits, axis=1, bitorder="little")
        made.append((case("rows", n, np.pad(rows, ((0, 0), (0, 3))), 3), want))
        made.append((case("rows", n, rows, 0), want))
        made.append((case("planes", n, planes(bits, 0).view(np.uint8), 0), want))
        made.append((case("planes", n, planes(bits, 2).view(np.uint8), 16), want))
    return made


def case(dtype: str, n: int, rows: np.ndarray, gap: int) -> bytes:
    """One case: the last row ends where its values do."""
    data = rows.tobytes()
    data = data[: len(data) - gap]
    return struct.pack("4q", CODES[dtype], n, rows.shape[1], len(data)) + data


def check(circuit: Circuit, folder: Path, compiler: list[str], run: list[str]) -> set[str]:
    """Answer all cases with a program built by `compiler` and started by `run`; the paths tried."""
    C().emit(C().prepare(circuit), "net").write(folder)
    driver = Path(__file__).parent / "fixtures" / "packing_driver.c"
    flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-overlength-strings"]
    # Absolute paths: zig takes equal ones for equal files.
    files = [f"-I{folder}", "-o", f"{folder}/driver", str(driver), f"{folder}/net.c"]
    subprocess.run([*compiler, *flags, *files], check=True)
    made = cases(circuit)
    (folder / "cases").write_bytes(b"".join(text for text, _ in made))
    with open(folder / "cases", "rb") as source, open(folder / "answers", "wb") as target:
        subprocess.run([*run, f"{folder}/driver"], stdin=source, stdout=target, check=True)
    answers, paths, at = (folder / "answers").read_bytes(), set[str](), 0
    first = answers[: answers.index(b"\0")]
    for _, want in made:
        while True:
            end = answers.index(b"\0", at) + 1
            paths.add(answers[at : end - 1].decode())
            bits = np.frombuffer(answers, np.uint8, want.size, end).reshape(want.shape)
            assert np.array_equal(bits, want), paths
            at = end + want.size
            if at == len(answers) or answers.startswith(first + b"\0", at):
                break
    assert at == len(answers)
    return paths


@pytest.mark.isa
@pytest.mark.parametrize("name", CIRCUITS)
def test_every_path_reads_the_rows_and_nothing_else(tmp_path, name):
    assert "portable" in check(CIRCUITS[name], tmp_path, ["cc"], [])


@pytest.mark.isa
@pytest.mark.skipif(not shutil.which("qemu-aarch64"), reason="qemu-user is not installed")
@pytest.mark.parametrize("name", ["63 features", "1100 features"])
def test_neon(tmp_path, name):
    pytest.importorskip("ziglang")
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-musl"]
    assert check(CIRCUITS[name], tmp_path, zig, ["qemu-aarch64"]) == {"neon", "portable"}
