"""What the templates are told, and every table of a library in one array."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...compiler import Circuit, Netlist
from ...runtime.library import ABI_VERSION
from ...runtime.version import VERSION
from ..artifact import answer_comment, shape_comment
from ..c.data import c_float, c_string
from ..slots import NONE
from .code import CARRY, COMPARE, SUM, body_tables, body_text, table_rows
from .steps import CHOOSE, COUNT, LOCAL_THREADS, Steps
from .straight import Straight
from .windows import Windows, plan_windows

RESIDENT_THREADS = 512


def with_class(circuit: Circuit) -> Netlist:
    """The netlist as kernels run it, the bits of the class behind its outputs."""
    if circuit.decoder is None:
        return circuit.netlist
    head = circuit.class_netlist()
    outputs = np.concatenate([circuit.netlist.outputs, head.outputs])
    return Netlist(head.n_inputs, head.cells, outputs)


def template_values(
    circuit: Circuit,
    name: str,
    steps: Steps,
    straight: Straight | None,
    manifest: dict[str, Any],
) -> tuple[dict[str, Any], NDArray[np.uint32]]:
    """The values, and the library's tables as little-endian words."""
    decoder, outputs = circuit.decoder, len(circuit.netlist.outputs)
    windows = plan_windows(circuit.encoder, with_class(circuit))
    data = _Data()
    values = {
        "name": name,
        "upper": name.upper(),
        "version": VERSION,
        "manifest": c_string(json.dumps(manifest, sort_keys=True)),
        "gates": manifest["gates"],
        "levels": manifest["levels"],
        "features": circuit.encoder.n_features,
        "inputs": circuit.netlist.n_inputs,
        "window_items": len(windows.begin) - 1,
        "shape_comment": shape_comment(circuit),
        "answer_comment": answer_comment(circuit),
        "example_answer": "GATEWRIGHT_CLASSES" if decoder else "GATEWRIGHT_BITS",
        "workspace_bytes": 64,
        "abi": ABI_VERSION,
        "outputs": outputs,
        "groups": decoder.groups if decoder else 0,
        "count_width": circuit.count_width,
        "class_width": len(steps.output_slot) - outputs,
        "tau": c_float(decoder.tau) if decoder else "",
        "beta": c_float(decoder.beta) if decoder else "",
        "resident_block": LOCAL_THREADS if steps.locals else RESIDENT_THREADS,
        "window_at": data.place(windows.records(circuit.encoder)),
        "window_begin_at": data.place(windows.begin),
        "tables_of": {**_program(steps, windows, data), "slots": max(1, steps.n_slots)},
        "straight": None,
        **_functions(steps, straight),
    }
    if straight:
        program = _program(straight.steps, windows, data)
        values["straight"] = {**program, "slots": straight.slots, "whole": straight.whole}
    return values | {"table_bytes": data.array.nbytes}, data.array


class _Data:
    """Tables behind one another, each from a multiple of four words on."""

    def __init__(self) -> None:
        self._words: list[NDArray[np.uint32]] = []
        self._at = 0

    def place(self, table: ArrayLike) -> int:
        """Add a table; returns where it begins."""
        flat = np.asarray(table).astype("<u4").ravel()
        self._words.append(np.pad(flat, (0, -len(flat) % 4)))
        self._at += len(self._words[-1])
        return self._at - len(self._words[-1])

    @property
    def array(self) -> NDArray[np.uint32]:
        return np.concatenate(self._words)


def _program(steps: Steps, windows: Windows, data: _Data) -> dict[str, int]:
    """Where the tables of one program lie, and what else differs between two of them."""
    return {
        "main_steps": steps.main,
        "all_steps": len(steps.steps),
        "false_slot": int(steps.slot[0]),
        "true_slot": int(steps.slot[1]),
        "numbers_at": data.place(steps.data),
        "steps_at": data.place(steps.steps),
        "window_slot_at": data.place(windows.slots(steps.input_slot)),
        "input_slot_at": data.place(np.pad(steps.input_slot, (0, 32), constant_values=NONE)),
        "output_slot_at": data.place(steps.output_slot),
    }


def _functions(steps: Steps, straight: Straight | None) -> dict[str, Any]:
    """What code is made for, in either program."""
    programs = [steps, straight.steps] if straight else [steps]
    last = programs[-1]  # its tables and bodies begin with those of the other
    kernels = straight.kernels if straight else ()
    of_kernels = {table for kernel in kernels for table in kernel.tables}
    counts = list(_heads(programs, COUNT))
    choices = list(_heads(programs, CHOOSE))
    inlined = body_tables(last.bodies) | {COMPARE} | ({SUM, CARRY} if counts else set())
    return {
        "locals": steps.locals,
        "narrow": last.narrow,
        "tables": last.tables,
        "cpu_tables": table_rows({*last.tables, *inlined, *of_kernels}),
        "gpu_tables": sorted(inlined),
        "uses_count": bool(counts),
        "widest": max((max(3, width) for width, weights, *_ in counts if weights > 1), default=0),
        "uses_choose": bool(choices),
        "most_bits": max((bits for _, bits, *_ in choices), default=0),
        "most_index": max((known + new for _, _, known, new in choices), default=0),
        "bodies": [body_text(body) for body in last.bodies],
        "body_sizes": [body.n_inputs + len(body.outputs) for body in last.bodies],
        "kernels": [
            {
                "alone": kernel.alone,
                "words": kernel.words,
                "size": len(kernel.listed[0]),
                "registers": max(1, kernel.allocation.registers),
                "text": text,
            }
            for kernel, text in (straight.texts() if straight else ())
        ],
    }


def _heads(programs: Iterable[Steps], wanted: int) -> Iterable[list[int]]:
    """The first numbers of each step of a kind."""
    for steps in programs:
        for kind, first, _, _ in steps.steps.tolist():
            if kind == wanted:
                yield steps.data[first : first + 4].tolist()
