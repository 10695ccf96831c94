"""The CUDA backend: kernels as text, the network as data beside the code that launches them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiler import Argmax, Circuit, Encoder, Netlist, Popcount
from ...compiler.passes.lutmap import LutMap
from ...compiler.passes.unroll import unroll_where
from ...runtime.errors import EmitError
from ...runtime.library import ABI_VERSION
from ...runtime.version import VERSION
from ..artifact import Artifact, answer_comment, check_name, describe, shape_comment
from ..c.data import c_float, c_string
from ..program import NONE
from ..render import render
from .bodies import large_bodies, only_luts, with_pools
from .code import CARRY, SUM, body_tables, body_text, table_rows
from .counts import split_counts
from .forest import plan_forest
from .steps import LOCAL_THREADS, Forests, Steps, plan_steps
from .windows import Windows, plan_windows

RESIDENT_THREADS = 512
_OLDEST = 75


@dataclass(frozen=True)
class Cuda:
    """CUDA kernels and a C library that runs them, on any device from compute capability 7.5 on.

    architectures: of the devices to compile for, such as ("sm_80", "sm_90"); by default those of
    the devices here, and where there are none all from sm_75 to sm_90, newer ones by way of PTX.
    emulate: compile the kernels as loops, which run on the CPU and need a C compiler only.
    straight_body: LUTs of a tile body, at most, that becomes straight-line code; larger ones become
    data. straight_total: the same for all bodies together. locals: values, at most, that a thread
    keeps when it evaluates a body from data, in shared memory.
    """

    architectures: tuple[str, ...] | None = None
    emulate: bool = False
    straight_body: int = 256
    straight_total: int = 4000
    locals: int = 24

    def __post_init__(self) -> None:
        if self.architectures is None:
            return
        named = self.architectures
        named = (named,) if isinstance(named, str) else tuple(named)
        numbers = [re.fullmatch(r"sm_(\d{2,3})", str(name)) for name in named]
        if not named or not all(match and int(match[1]) >= _OLDEST for match in numbers):
            raise EmitError(
                f"architectures {named}; allowed are names from sm_{_OLDEST} on, such as "
                '("sm_80", "sm_90"), and None for those of the devices here'
            )
        if self.emulate:
            raise EmitError("architectures: loops on the CPU have none; leave out one of the two")
        ascending = sorted({int(match[1]) for match in numbers if match})
        object.__setattr__(self, "architectures", tuple(f"sm_{n}" for n in ascending))

    def prepare(self, circuit: Circuit) -> Circuit:
        """LUTs of at most three inputs, convolutions fused with pooling; tiles whose bodies hold
        other cells are unrolled."""
        netlist = unroll_where(circuit.netlist, lambda tile: not only_luts(tile.body))
        netlist = LutMap(3)(with_pools(netlist, self.straight_body))
        large = large_bodies(netlist, self.straight_body, self.straight_total)
        shared = {id(body) for body in large if plan_forest(body, self.locals) is None}
        if shared:
            netlist = unroll_where(netlist, lambda tile: id(tile.body) in shared)
        return circuit.with_netlist(netlist)

    def emit(self, circuit: Circuit, name: str) -> Artifact:
        """The library of a prepared circuit as `name.cu`, `name.c`, `name.h` and `name.bin`.

        Raises:
            EmitError: `name` cannot name C functions, or too many values live at once.
        """
        check_name(name)
        netlist, main_cells = _with_class(circuit)
        windows = plan_windows(circuit.encoder, netlist)
        steps = plan_steps(netlist, main_cells, self._forests(netlist), windows.order)
        manifest = {**describe(circuit, name, "cuda"), "abi": ABI_VERSION, "gatewright": VERSION}
        if self.architectures is not None:
            manifest["architectures"] = list(self.architectures)
        data, places = _data(circuit.encoder, windows, steps)
        values = _values(circuit, netlist, name, steps, manifest) | places
        values |= {"table_bytes": data.nbytes, "windows": len(windows.feature)}
        texts = {
            f"{name}.cu": render("cuda/kernels.cu.j2", **values),
            f"{name}.c": render("cuda/host.c.j2", **values),
            f"{name}.h": render("c/library.h.j2", **values),
        }
        files = {file: text.encode() for file, text in texts.items()}
        return Artifact(name, {**files, f"{name}.bin": data.tobytes()}, manifest)

    def plan(self, circuit: Circuit) -> Steps:
        """The steps of a prepared circuit, as `emit` writes them."""
        netlist, main_cells = _with_class(circuit)
        order = plan_windows(circuit.encoder, netlist).order
        return plan_steps(netlist, main_cells, self._forests(netlist), order)

    def _forests(self, netlist: Netlist) -> Forests:
        large = large_bodies(netlist, self.straight_body, self.straight_total)
        planned = [(body, plan_forest(body, self.locals)) for body in large]
        return [(body, forest) for body, forest in planned if forest is not None]


def _with_class(circuit: Circuit) -> tuple[Netlist, int]:
    """The netlist as kernels run it, the bits of the class behind its outputs, and where its own
    cells end."""
    netlist = circuit.netlist
    own = len(netlist.cells)
    if circuit.decoder is not None:
        head = circuit.class_netlist()
        outputs = np.concatenate([netlist.outputs, head.outputs])
        netlist = Netlist(netlist.n_inputs, head.cells, outputs)
    split, begins = split_counts(netlist)
    return split, begins[own]


def _values(
    circuit: Circuit, netlist: Netlist, name: str, steps: Steps, manifest: dict[str, Any]
) -> dict[str, Any]:
    popcounts = [cell.width for cell in netlist.cells if isinstance(cell, Popcount)]
    argmaxes = [cell for cell in netlist.cells if isinstance(cell, Argmax)]
    decoder, outputs = circuit.decoder, len(circuit.netlist.outputs)
    class_width = len(steps.output_slot) - outputs
    straight = body_tables(steps.bodies) | ({SUM, CARRY} if popcounts else set())
    return {
        "name": name,
        "upper": name.upper(),
        "version": VERSION,
        "manifest": c_string(json.dumps(manifest, sort_keys=True)),
        "gates": manifest["gates"],
        "levels": manifest["levels"],
        "features": circuit.encoder.n_features,
        "inputs": circuit.netlist.n_inputs,
        "shape_comment": shape_comment(circuit),
        "answer_comment": answer_comment(circuit),
        "example_answer": "GATEWRIGHT_CLASSES" if decoder else "GATEWRIGHT_BITS",
        "workspace_bytes": 64,
        "abi": ABI_VERSION,
        "outputs": outputs,
        "groups": decoder.groups if decoder else 0,
        "count_width": circuit.count_width,
        "class_width": class_width,
        "tau": c_float(decoder.tau) if decoder else "",
        "beta": c_float(decoder.beta) if decoder else "",
        "main_steps": steps.main,
        "all_steps": len(steps.steps),
        "slots": max(1, steps.n_slots),
        "locals": steps.locals,
        "resident_block": LOCAL_THREADS if steps.locals else RESIDENT_THREADS,
        "false_slot": steps.slot[0],
        "true_slot": steps.slot[1],
        "narrow": steps.narrow,
        "tables": steps.tables,
        "cpu_tables": table_rows({*steps.tables, *straight}),
        "gpu_tables": sorted(straight),
        "uses_count": bool(popcounts),
        "widest": max([3, *popcounts]),
        "uses_choose": bool(argmaxes),
        "most_bits": max((cell.fanin.shape[1] for cell in argmaxes), default=0),
        "most_index": max((cell.width for cell in argmaxes), default=0),
        "bodies": [body_text(body) for body in steps.bodies],
        "body_sizes": [body.n_inputs + len(body.outputs) for body in steps.bodies],
    }


def _data(
    encoder: Encoder, windows: Windows, steps: Steps
) -> tuple[NDArray[np.uint32], dict[str, int]]:
    """Every table of the library in one array, as little-endian words, and where each begins."""
    tables = {
        "numbers_at": steps.data,
        "steps_at": steps.steps,
        "window_at": windows.records(encoder),
        "window_slot_at": windows.slots(steps.input_slot),
        "input_slot_at": np.pad(steps.input_slot, (0, 8), constant_values=NONE),
        "output_slot_at": steps.output_slot,
    }
    places: dict[str, int] = {}
    words: list[NDArray[np.uint32]] = []
    at = 0
    for key, table in tables.items():
        places[key] = at
        flat = np.asarray(table).astype("<u4").ravel()
        words.append(np.pad(flat, (0, -len(flat) % 4)))
        at += len(words[-1])
    return np.concatenate(words), places
