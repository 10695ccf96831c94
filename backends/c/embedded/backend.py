"""The embedded profile: one C99 file and a header that need no library and little memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....compiler import Circuit
from ....compiler.passes.lower import lower_argmax
from ....compiler.passes.lutmap import LutMap
from ....compiler.passes.sweep import sweep
from ....runtime.errors import EmitError
from ....runtime.version import VERSION
from ...artifact import Artifact, answer_comment, check_name, describe, shape_comment
from ...features import fraction_notes, integer_bits
from ...formulas import Dialect, expression
from ...render import render
from ..data import c_float
from .code import Code, Op, assemble
from .rows import plan_rows

_INSTEAD = "or choose feature_bits=0, which takes the encoder's bits, packed, instead of features"
_DIALECT = Dialect("0u", "ONE")


@dataclass(frozen=True)
class Embedded:
    """C99 for microcontrollers: gates as tables that an interpreter of a few kilobytes reads.

    Evaluates one sample at a time, with a byte for each value that is alive, or 32 samples at
    once, with a word for each.

    feature_bits: 8 where features are bytes, whatever the thresholds look like; 0 leaves out the
    functions that threshold bytes, so that packed bits are all it takes; None: bytes, and an error
    where the thresholds say that features are none.
    """

    feature_bits: int | None = None

    def prepare(self, circuit: Circuit) -> Circuit:
        """LUTs of at most two inputs and no argmax, as the code asks."""
        return circuit.with_netlist(sweep(LutMap(2)(lower_argmax(circuit.netlist))))

    def emit(self, circuit: Circuit, name: str) -> Artifact:
        """The network of a prepared circuit as `name.c` and `name.h`.

        The manifest's `table_bytes` are constant data, `workspace_bytes` and `workspace_bytes_32`
        the workspace for one sample and for 32.

        Raises:
            EmitError: `name` cannot name C functions, or features are no bytes.
        """
        check_name(name)
        takes_bytes = self._takes_bytes(circuit)
        code = assemble(circuit.netlist)
        values = _values(circuit, name, code, takes_bytes)
        manifest = {
            **describe(circuit, name, "c"),
            "profile": "embedded",
            "gatewright": VERSION,
            "table_bytes": values["table_bytes"],
            "workspace_bytes": values["slots"],
            "workspace_bytes_32": 4 * values["slots"],
        }
        values |= {key: manifest[key] for key in ("gates", "levels", "input_bits")}
        return Artifact(
            name,
            {
                f"{name}.c": render("c/embedded.c.j2", **values).encode(),
                f"{name}.h": render("c/embedded.h.j2", **values).encode(),
            },
            manifest,
        )

    def _takes_bytes(self, circuit: Circuit) -> bool:
        if self.feature_bits not in (None, 0, 8):
            raise EmitError(
                f"embedded: feature_bits {self.feature_bits!r}; allowed are 8 (bytes), 0 (packed "
                "bits only) and None"
            )
        if self.feature_bits is None and integer_bits(circuit.encoder, "embedded", _INSTEAD) > 8:
            raise EmitError(
                f"embedded: a threshold of {circuit.encoder.threshold.max():g}; features are "
                "bytes, which end at 255; name them so if that is right (feature_bits=8), "
                f"{_INSTEAD}"
            )
        return self.feature_bits != 0


def _values(circuit: Circuit, name: str, code: Code, takes_bytes: bool) -> dict[str, Any]:
    tables = _Tables()
    stream = tables.add("code", code.stream)
    rows = plan_rows(circuit.encoder, code.inputs)
    tables.add_macro("BODY_START", np.array(code.bodies, np.int64))
    tables.add_macro("OUTPUT", code.outputs.astype(np.int64))
    if takes_bytes:
        tables.add_macro("RUN_FIRST", rows.first)
        tables.add_macro("RUN_STEP", rows.step)
    tables.add_macro("RUN_BIT", rows.bit)
    tables.add_macro("RUN_COUNT", rows.count)
    if takes_bytes:
        tables.add_macro("LEVEL", rows.level.astype(np.int64))
    decoder = circuit.decoder
    groups = decoder.groups if decoder else 0
    kinds = {op.kind for op in code.ops}
    ops = [(number, op) for number, op in enumerate(code.ops, 1)]
    shared = {
        "cases": [(number, op.kind, op.k) for number, op in ops],
        "tiles": bool(kinds & {"tile", "places"}),
    }
    return {
        "interpreter": lambda word, suffix: render(
            "c/embedded_run.c.j2", word=word, suffix=suffix, **shared
        ),
        "name": name,
        "upper": name.upper(),
        "version": VERSION,
        "features": circuit.encoder.n_features,
        "takes_bytes": takes_bytes,
        "takes": _takes(circuit, takes_bytes),
        "packed": "" if takes_bytes else "_packed",
        "stride": f"{name.upper()}_FEATURES"
        if takes_bytes
        else f"({name.upper()}_INPUT_BITS + 7) / 8",
        "feature_notes": fraction_notes(circuit.encoder) if takes_bytes else [],
        "answer_comment": answer_comment(circuit),
        "outputs": len(code.outputs),
        "groups": groups,
        "tau": c_float(decoder.tau) if decoder else "",
        "beta": c_float(decoder.beta) if decoder else "",
        "count_width": circuit.count_width,
        "class_width": max(1, (groups - 1).bit_length()),
        "code_type": stream,
        "data": tables.text,
        "table_bytes": tables.bytes,
        "slots": max(1, code.slots),
        "lanes": len(code.inputs),
        "runs": len(rows.first),
        "never": rows.never.tolist(),
        "counts": "count" in kinds,
        "gates_text": [(number, _gate(op)) for number, op in ops if op.kind == "lut"],
    }


def _takes(circuit: Circuit, takes_bytes: bool) -> str:
    if takes_bytes:
        return f"{circuit.encoder.n_features} features a sample{shape_comment(circuit)}, bytes"
    return f"{len(circuit.encoder.feature)} bits a sample, those of the encoder, packed"


def _gate(op: Op) -> str:
    """A gate's formula over `a` and `b`, false in bits of no sample if its inputs are."""
    names = ["(a)", "(b)"][: op.k]
    text = expression(op.table, names, _DIALECT) if names else ("0u", "ONE")[op.table]
    return f"({text}) & ONE" if op.table & 1 and names else text


class _Tables:
    """Constant arrays as C text, each in the narrowest type."""

    def __init__(self) -> None:
        self.text = ""
        self.bytes = 0
        self._kept: dict[str, NDArray[np.int64]] = {}

    def add(self, name: str, array: NDArray[Any]) -> str:
        """Define `array` as `name`; returns its type."""
        most = int(array.max(initial=0))
        bits = next(bits for bits in (8, 16, 32) if most < 1 << bits)
        numbers = [str(number) for number in array.tolist()]
        lines = [", ".join(numbers[i : i + 16]) for i in range(0, len(numbers), 16)]
        body = ",\n  ".join(lines)
        self.text += f"static const uint{bits}_t {name}[{len(numbers)}] = {{\n  {body}}};\n"
        self.bytes += len(numbers) * bits // 8
        return f"uint{bits}_t"

    def add_macro(self, name: str, values: NDArray[np.int64]) -> None:
        """Define `name(i)` as element i: by a formula if it grows evenly, else from a table."""
        if not len(values):
            return
        same = [old for old, kept in self._kept.items() if np.array_equal(kept, values)]
        steps = np.diff(values)
        if same:
            text = f"{same[0]}(i)"
        elif (steps == steps[:1]).all() and (steps >= 0).all():
            step = f" + {steps[0]} * (i)" if steps.any() else ""
            text = f"({values[0]}{step})"
        else:
            self.add(name.lower(), values)
            text = f"{name.lower()}[i]"
            self._kept[name] = values
        self.text += f"#define {name}(i) {text}\n"
