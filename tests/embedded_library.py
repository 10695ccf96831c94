"""The embedded profile's functions, built for this machine and called on arrays."""

from __future__ import annotations

import ctypes

import numpy as np

from gatewright.backends.c.embedded.backend import Embedded
from gatewright.compiler import Circuit
from gatewright.runtime.toolchain import find_compiler

STRICT = (
    *("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-ffreestanding"),
    *("-fvisibility=default", "-fno-builtin"),
)
WORD = 32


class EmbeddedLibrary:
    """One emitted network. Arrays are the answers of every sample, one at a time or 32."""

    def __init__(self, circuit: Circuit, backend: Embedded | None = None, flags=("-O1",)) -> None:
        backend = backend or Embedded(feature_bits=8)
        self.circuit = backend.prepare(circuit)
        self.artifact = backend.emit(self.circuit, "net")
        path = find_compiler().build(self.artifact.files, "net", (*STRICT, *flags))
        self._library = ctypes.CDLL(str(path))
        if circuit.decoder:
            self._library.net_class.restype = ctypes.c_uint32

    def __getattr__(self, name: str):
        return getattr(self._library, f"net_{name}")

    def answers(self, rows: np.ndarray, packed: bool = False) -> dict[str, np.ndarray]:
        """Of rows [n, bytes] of features or packed bits, evaluated one by one."""
        rows = np.ascontiguousarray(rows)
        evaluate = self.evaluate_packed if packed else self.evaluate
        workspace = _workspace(self.artifact.manifest["workspace_bytes"])
        found = self._empty(len(rows))
        for i, row in enumerate(rows):
            evaluate(_at(row), _at(workspace))
            self.bits(_at(workspace), _at(found["bits"][i]))
            if self.circuit.decoder:
                self.counts(_at(workspace), _at(found["counts"][i]))
                found["predict"][i] = self._library.net_class(_at(workspace))
        _check(workspace)
        return found

    def answers_32(self, rows: np.ndarray, packed: bool = False) -> dict[str, np.ndarray]:
        """The same, 32 rows at once and the rest at last."""
        rows = np.ascontiguousarray(rows)
        evaluate = self.evaluate_packed_32 if packed else self.evaluate_32
        workspace = _workspace(self.artifact.manifest["workspace_bytes_32"])
        found = self._empty(len(rows))
        for at in range(0, len(rows), WORD):
            part = rows[at : at + WORD]
            n = len(part)
            evaluate(_at(part), part.strides[0], n, _at(workspace))
            self.bits_32(_at(workspace), n, _at(found["bits"][at:]))
            if self.circuit.decoder:
                self.counts_32(_at(workspace), n, _at(found["counts"][at:]))
                self.classes_32(_at(workspace), n, _at(found["predict"][at:]))
        _check(workspace)
        return found

    def _empty(self, n: int) -> dict[str, np.ndarray]:
        """Arrays to write to, one element longer, because the address of nothing is none."""
        found = {"bits": np.full((n + 1, len(self.circuit.netlist.outputs)), 77, np.uint8)}
        if self.circuit.decoder:
            found["counts"] = np.full((n + 1, self.circuit.decoder.groups), -1, np.int32)
            found["predict"] = np.full(n + 1, 77, np.uint32)
        return {name: array[:n] for name, array in found.items()}


GUARD = 64


def _workspace(size: int) -> np.ndarray:
    """`size` bytes of rubbish, and a guard behind them."""
    return np.concatenate([np.full(size, 0xA5, np.uint8), np.full(GUARD, 0x3C, np.uint8)])


def _check(workspace: np.ndarray) -> None:
    assert (workspace[-GUARD:] == 0x3C).all(), "wrote behind the workspace"


def _at(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
