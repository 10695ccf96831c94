"""Emitted C on other processors: built by Zig, run by QEMU's emulators of user programs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from gatewright.backends.c.backend import C
from gatewright.compiler import Circuit
from gatewright.runtime.batch import Batch
from gatewright.runtime.cross import cross_compiler
from gatewright.runtime.library import ANSWERS, DTYPES

DRIVER = Path(__file__).parent / "fixtures" / "driver.c"
EMULATORS = {"x86": "qemu-i386", "powerpc64": "qemu-ppc64"}
Request = tuple[Batch, str, "str | None"]
BIG_ENDIAN = ("s390x", "powerpc64")


def needs_ziglang() -> None:
    if find_spec("ziglang") is None:
        pytest.skip("ziglang is not installed; it is in the extra cross")


class Emulated:
    """The C library of a circuit, linked into `fixtures/driver.c` for another processor."""

    def __init__(self, circuit: Circuit, triple: str, backend: C | None = None) -> None:
        needs_ziglang()
        processor = triple.split("-")[0]
        self.emulator = EMULATORS.get(processor, f"qemu-{processor}")
        if not shutil.which(self.emulator):
            pytest.skip(f"{self.emulator} is not installed; for example: apt-get install qemu-user")
        self.order = ">" if processor in BIG_ENDIAN else "<"
        self.circuit = circuit
        backend = replace(backend or C(), triple=triple)
        artifact = backend.emit(backend.prepare(circuit), "net")
        self.isas: list[str] = artifact.manifest["isas"]
        compiler = replace(cross_compiler(triple), linking=_PROGRAM, suffix="")
        files = {**artifact.files, "driver.c": DRIVER.read_bytes()}
        self.program = compiler.build(files, "driver", ("-Wall", "-Wextra", "-Werror"))

    def runs(self, cpu: str | None = None) -> list[str]:
        """The paths that the emulated processor can run."""
        return self._call([(Batch(np.zeros((0, 1), np.uint8), 0), "bits", None)], cpu)[1]

    def ask(self, requests: list[Request], cpu: str | None = None) -> list[np.ndarray]:
        """The answers to (batch, what, path), by the best path if it is None."""
        return self._call(requests, cpu)[0]

    def _call(self, requests: list[Request], cpu: str | None) -> tuple[list[np.ndarray], list[str]]:
        outs = [_empty(self.circuit, what, batch.n) for batch, what, _ in requests]
        sent = [self._request(*one, out) for one, out in zip(requests, outs, strict=True)]
        with tempfile.TemporaryDirectory() as folder:
            program = shutil.copy(self.program, folder)
            Path(program).chmod(0o755)
            command = [self.emulator, *(["-cpu", cpu] if cpu else []), program]
            got = subprocess.run(command, input=b"".join(sent), capture_output=True, check=True)
        at, here = 0, []
        for i, out in enumerate(outs):
            status, count, runs = np.frombuffer(got.stdout, f"{self.order}i4", 3, at).tolist()
            assert (status, count) == (0, len(self.isas))
            here = [name for bit, name in enumerate(self.isas) if runs >> bit & 1]
            kind = out.dtype.newbyteorder(self.order)
            outs[i] = np.frombuffer(got.stdout, kind, out.size, at + 12).reshape(out.shape)
            at += 12 + out.nbytes
        return outs, here

    def _request(self, batch: Batch, what: str, isa: str | None, out: np.ndarray) -> bytes:
        x = np.ascontiguousarray(batch.data).astype(batch.data.dtype.newbyteorder(self.order))
        path = -1 if isa is None else self.isas.index(isa)
        numbers = [path, DTYPES[batch.dtype], ANSWERS[what], batch.n, x.strides[0]]
        head = np.array([*numbers, x.nbytes, out.nbytes], f"{self.order}i4")
        return head.tobytes() + x.tobytes()


_PROGRAM = ("-static", "-nostdlib", "-rtlib=compiler-rt", "-ffreestanding")


def _empty(circuit: Circuit, what: str, n: int) -> np.ndarray:
    if what == "bits":
        return np.empty((n, len(circuit.netlist.outputs)), np.bool_)
    assert circuit.decoder is not None
    groups = circuit.decoder.groups
    kinds = {"counts": np.int32, "scores": np.float32, "classes": np.int64}
    return np.empty((n,) if what == "classes" else (n, groups), kinds[what])
