"""The C backend: one C99 file and a header, with a path for every instruction set."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiler import Circuit
from ...compiler.optimize import optimize
from ...compiler.passes.unroll import UnrollSmall
from ...runtime.arguments import is_integer
from ...runtime.errors import EmitError
from ...runtime.library import ABI_VERSION
from ...runtime.version import VERSION
from ..artifact import Artifact, answer_comment, check_name, describe, shape_comment
from ..options import INTERNAL
from ..program import legal
from ..render import render
from ..slots import NONE
from .cost import Cost, Work, predict, straight_line_limit, work
from .data import c_array, c_float, c_string
from .head import class_width, without_classes
from .isa import ISAS, Isa, isas_of
from .packing import LANES, PANEL, Packing, plan_packing
from .sets import ProgramSet, program_sets
from .text import LibraryText

# Nanoseconds. Sizes that are no constants cost a block of samples 150 to 450 (Zen 5).
_LONG = 20_000


@dataclass(frozen=True)
class Measured:
    """Times on the machine at hand. costs: by path. tuned: of candidates, ns a sample."""

    costs: Mapping[str, Cost]
    tuned: Mapping[str, float]


@dataclass(frozen=True)
class C:
    """Portable C99 with vector paths that the library chooses among when it runs.

    isas: paths to include, best first; the last must be "portable". All that `triple` may have by
    default. straight_line: up to so many LUTs become straight-line code, on each path so many as is
    known to pay if None, or by path's name; larger networks become tables that a small interpreter
    streams through, which compiles at once. triple: the machine to compile for, such as
    "aarch64-linux-gnu"; by default this one, and any for text. unroll: tiles of up to so many
    gates, all places counted, become plain gates. measured: what `tune` found.
    """

    isas: tuple[str, ...] | None = None
    straight_line: int | Mapping[str, int] | None = None
    triple: str | None = None
    unroll: int = 0
    measured: Measured | None = field(default=None, metadata=INTERNAL)

    def __post_init__(self) -> None:
        if self.triple is not None and not (
            isinstance(self.triple, str) and re.fullmatch(r"\w+(-[\w.]+){1,2}", self.triple)
        ):
            raise EmitError(
                f"triple {self.triple!r}; allowed are processor-system-library, such as "
                "aarch64-linux-gnu"
            )
        line = self.straight_line
        limits = line.values() if isinstance(line, Mapping) else () if line is None else (line,)
        if not all(is_integer(limit, 0) for limit in limits):
            raise EmitError(
                f"straight_line {line!r}; allowed are a number of LUTs, from 0 on, or one for "
                "each path by name"
            )
        if not is_integer(self.unroll, 0):
            raise EmitError(f"unroll {self.unroll!r}; allowed are integers from 0 on")
        if self.isas is None:
            return
        if not isinstance(self.isas, Iterable):
            raise EmitError(f"isas {self.isas!r}; allowed are names of paths, best first")
        isas = tuple(self.isas)
        object.__setattr__(self, "isas", isas)
        wrong = [isa for isa in isas if isa not in ISAS or isas.count(isa) > 1]
        if wrong or isas[-1:] != ("portable",):
            raise EmitError(
                f"isas {isas}; allowed are {', '.join(ISAS)}, each once, best first and "
                "portable last"
            )

    @property
    def paths(self) -> list[Isa]:
        """The instruction sets in the library, best first."""
        return isas_of(self.triple) if self.isas is None else [ISAS[isa] for isa in self.isas]

    def prepare(self, circuit: Circuit) -> Circuit:
        """LUTs of at most three inputs and no argmax, as the program format asks."""
        if self.unroll:
            unrolled = UnrollSmall(self.unroll)(circuit.netlist)
            circuit = optimize(circuit.with_netlist(unrolled), 1)
        return legal(circuit)

    def emit(self, circuit: Circuit, name: str) -> Artifact:
        """The library of a prepared circuit as `name.c` and `name.h`.

        Raises:
            EmitError: `name` cannot name C functions.
        """
        text, manifest = self._text(circuit, name)
        return Artifact(name, {f"{name}.c": text.whole(), **_header(text)}, manifest)

    def sources(self, circuit: Circuit, name: str) -> tuple[Artifact, dict[str, bytes]]:
        """The same library in several sources that are linked: its own, and what circuits share.

        Raises:
            EmitError: as for `emit`.
        """
        text, manifest = self._text(circuit, name)
        own, shared = text.apart()
        return Artifact(name, {**own, **_header(text)}, manifest), shared

    def _text(self, circuit: Circuit, name: str) -> tuple[LibraryText, dict[str, Any]]:
        """What the templates need to know, and the manifest."""
        check_name(name)
        sets = self._sets(circuit)
        packing = plan_packing(circuit.encoder, sets[0].programs.programs[0].input_slot)
        costs = self._costs(sets, packing)
        manifest = {
            **describe(circuit, name, "c"),
            "abi": ABI_VERSION,
            "gatewright": VERSION,
            "isas": [isa.name for isa in self.paths],
            "times": {
                isa.name: {
                    "block_ns": round(cost.block),
                    "row_ns": round(cost.row, 2),
                    "sample_ns": round(cost.sample(isa), 2),
                }
                for isa, cost in zip(self.paths, costs, strict=True)
            },
            **({"tuned": dict(self.measured.tuned)} if self.measured else {}),
        }
        distinct = list({id(found): found for found in sets}.values())
        narrow = all(found.programs.narrow for found in distinct)
        slots = max(found.slots for found in distinct)
        windows, tables = _packing_arrays(packing, sets[0].programs.programs[0].input_slot, slots)
        tables += [array for found in distinct for array in found.arrays(narrow)]
        values = self._values(circuit, name, manifest, packing, costs, slots)
        literal = costs[0].of_block(self.paths[0]) < _LONG
        text = LibraryText(values, self.paths, sets, narrow, windows, tables, literal)
        return text, manifest

    def work(self, circuit: Circuit) -> dict[str, Work]:
        """What a block of the circuit, not yet prepared, asks of each path."""
        sets = self._sets(self.prepare(circuit))
        packing = plan_packing(circuit.encoder, sets[0].programs.programs[0].input_slot)
        return {isa.name: work(found, packing) for isa, found in zip(self.paths, sets, strict=True)}

    def _limit(self, circuit: Circuit, isa: Isa) -> int:
        if isinstance(self.straight_line, int):
            return self.straight_line
        given = (self.straight_line or {}).get(isa.name)
        return straight_line_limit(circuit, isa) if given is None else given

    def _sets(self, circuit: Circuit) -> list[ProgramSet]:
        limits = [self._limit(circuit, isa) for isa in self.paths]
        return program_sets(without_classes(circuit), limits)

    def _costs(self, sets: list[ProgramSet], packing: Packing) -> list[Cost]:
        """Of each path: as measured, else as predicted."""
        known = self.measured.costs if self.measured else {}
        return [
            known.get(isa.name) or predict(isa, work(found, packing))
            for isa, found in zip(self.paths, sets, strict=True)
        ]

    def _values(
        self,
        circuit: Circuit,
        name: str,
        manifest: dict[str, Any],
        packing: Packing,
        costs: list[Cost],
        slots: int,
    ) -> dict[str, Any]:
        groups = circuit.decoder.groups if circuit.decoder else 0
        blocks = len(packing.slot)
        return {
            "name": name,
            "upper": name.upper(),
            "version": VERSION,
            "abi": ABI_VERSION,
            "shape_comment": shape_comment(circuit),
            "answer_comment": answer_comment(circuit),
            "example_answer": "GATEWRIGHT_CLASSES" if groups else "GATEWRIGHT_BITS",
            "gates": manifest["gates"],
            "levels": manifest["levels"],
            "features": circuit.encoder.n_features,
            "inputs": circuit.netlist.n_inputs,
            "outputs": len(circuit.netlist.outputs),
            "groups": groups,
            "tau": c_float(circuit.decoder.tau) if circuit.decoder else "",
            "beta": c_float(circuit.decoder.beta) if circuit.decoder else "",
            "count_width": circuit.count_width,
            "class_width": class_width(circuit),
            "blocks": blocks,
            "windows": len(packing.first),
            "panel": _panel(blocks),
            "never": bool((packing.possible[packing.slot != NONE] == 0).any()),
            "slots": slots,
            "workspace_bytes": max(
                _workspace_bytes(slots, blocks, isa.words) for isa in self.paths
            ),
            "manifest": c_string(json.dumps(manifest, sort_keys=True)),
            "costs": [
                {"block": round(1000 * cost.block), "row": round(1000 * cost.row)} for cost in costs
            ],
        }


def _header(text: LibraryText) -> dict[str, bytes]:
    return {f"{text.values['name']}.h": render("c/library.h.j2", **text.values).encode()}


def _packing_arrays(
    packing: Packing, input_slot: NDArray[np.uint32], spare: int
) -> tuple[list[str], list[str]]:
    """Where rows are read, and the other tables of packing; none if nothing is read.

    Planes that nobody reads go to the slot `spare`.
    """
    if not len(packing.slot):
        return [], []
    inputs = np.full(-(-len(input_slot) // LANES) * LANES, NONE, np.uint32)
    inputs[: len(input_slot)] = input_slot
    windows = [c_array("window_first", packing.first), c_array("window_blocks", packing.blocks)]
    return windows, [
        c_array("threshold_u8", packing.level),
        c_array("possible_u8", packing.possible),
        c_array("threshold_f32", packing.threshold),
        c_array("lane_slot", np.minimum(packing.slot, spare).astype(np.uint32)),
        c_array("input_slot", np.minimum(inputs, spare).astype(np.uint32)),
    ]


def _workspace_bytes(slots: int, blocks: int, words: int) -> int:
    """Slots, then while packing one for planes that nobody reads, and the bytes of a panel."""
    return 8 * words * (slots + 1) + _panel(blocks) * (512 * words + 64)


def _panel(blocks: int) -> int:
    """Blocks that are packed together; packed rows need room for four."""
    return min(max(blocks, 4), PANEL) if blocks else 0
