"""The numpy target: a program as data, for machines without a compiler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiler import Circuit
from ..runtime.archive import archive_bytes
from .artifact import Artifact, check_name, describe
from .formulas import formula
from .program import Program, class_program, legal


@dataclass(frozen=True)
class Numpy:
    """A plan that `runtime.interpreter` runs on numpy words; the answers are those of C."""

    def prepare(self, circuit: Circuit) -> Circuit:
        """LUTs of at most three inputs and no argmax, as the program format asks."""
        return legal(circuit)

    def emit(self, circuit: Circuit, name: str) -> Artifact:
        """The plan of a prepared circuit as `name.npz`; raises EmitError for a bad name."""
        manifest = describe(circuit, check_name(name), "numpy")
        arrays: dict[str, NDArray[Any]] = {
            "feature": circuit.encoder.feature,
            "threshold": circuit.encoder.threshold,
        }
        plan = _pack(class_program(circuit), "plan", arrays)
        data = archive_bytes("plan", {**manifest, "plan": plan}, arrays)
        return Artifact(name, {f"{name}.npz": data}, manifest)


def _pack(program: Program, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Put a program's arrays under `prefix`; return the rest of it as JSON."""
    ops: list[list[Any]] = []
    for index, op in enumerate(program.ops):
        if op.kind == "lut":
            ops.append(["lut", op.k, formula(op.table, op.k)])
        elif op.body is not None:
            ops.append(["tile", _pack(op.body, f"{prefix}.{index}", arrays)])
        else:
            ops.append([op.kind])
    for number, part in enumerate(program.parts):
        arrays[f"{prefix}.part{number}"] = part
    arrays[f"{prefix}.inputs"] = np.asarray(program.input_slot, np.uint32)
    arrays[f"{prefix}.outputs"] = np.asarray(program.output_slot, np.uint32)
    return {
        "ops": ops,
        "parts": len(program.parts),
        "slots": program.n_slots,
        "false": program.false_slot,
        "true": program.true_slot,
    }
