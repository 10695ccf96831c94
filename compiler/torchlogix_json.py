"""torchlogix's circuits, as its `Circuit.write_json` writes them: read and checked."""

from __future__ import annotations

import json
import math
import os
from typing import Any

import numpy as np

from ..runtime.archive import read_file
from ..runtime.errors import FileError, NetlistError
from .builder import FALSE, TRUE, Builder
from .circuit import Circuit, Decoder, Encoder
from .netlist import IntArray
from .torchlogix_gates import (
    CODES,
    TABLES,
    Gates,
    Int64s,
    check_list,
    check_object,
    whole,
    whole_numbers,
)

_FREE = 1 << 20  # addends that padding and constants may come to however small the file is


def read_torchlogix(path: str | os.PathLike[str]) -> Circuit:
    """Read and verify a circuit that torchlogix wrote.

    Inputs are Boolean, `input_shape` that of one sample. Sums become counts. They must share `tau`,
    and `beta` up to whole numbers, since torchlogix folds constant addends into it. Constants and
    wires cost no gate.

    Raises:
        FileError: not such a file, damaged, or the circuit in it is invalid.
    """
    data = read_file(path)
    try:
        return _Reader(json.loads(data), len(data)).circuit()
    except RecursionError:
        raise FileError(f"{path}: nested too deeply; it is no torchlogix circuit") from None
    except (ValueError, NetlistError) as error:
        raise FileError(
            f"{path}: no torchlogix circuit, or damaged: {error}; "
            "write it with torchlogix's Circuit.write_json"
        ) from None


class _Reader:
    """One file being read. Every check raises ValueError.

    Whatever can be read has a position: first the inputs that are read, then the gates, in order.
    """

    def __init__(self, found: Any, size: int) -> None:
        self.found = check_object(
            found,
            "the file",
            {"n_inputs", "input_shape", "outputs", "gates"},
            {"output_shape", "sum_nodes"},
        )
        self.size = size
        self.builder = Builder()
        self.n_inputs = whole(self.found["n_inputs"], "n_inputs", 1)
        self.gates = Gates(check_list(self.found["gates"], "gates"), self.n_inputs)

    def circuit(self) -> Circuit:
        shape = self._shape()
        sums = self._sums()
        outputs = whole_numbers(self.found["outputs"], "outputs")
        if not len(outputs):
            raise ValueError(
                "it has no outputs; torchlogix leaves them out where it does not know an "
                "operation of the model, such as a last argmax"
            )
        read = [outputs, *self.gates.operands, *(each["input_ids"] for each in sums.values())]
        names = np.unique(np.concatenate(read))
        self.features = names[(names >= 0) & (names < self.n_inputs)].astype(np.int32)
        self._build()
        threshold = np.full(len(self.features), 0.5, np.float32)
        encoder = Encoder(shape, self.features, threshold)
        chosen = [sums[name] for name in outputs.tolist() if name in sums]
        if not chosen:
            return Circuit(encoder, self.builder.build(self._read(outputs, "outputs")))
        if len(chosen) < len(outputs):
            raise ValueError("outputs are sums and single bits; allowed is one of the two")
        return Circuit(encoder, self.builder.build(self._counts(chosen)), _decoder(chosen))

    def _shape(self) -> tuple[int, ...]:
        sizes = check_list(self.found["input_shape"], "input_shape")
        shape = tuple(whole(size, "input_shape", 1) for size in sizes)
        if not shape or math.prod(shape) != self.n_inputs:
            raise ValueError(f"input_shape {sizes!r:.80} for {self.n_inputs} inputs")
        return shape

    def _sums(self) -> dict[int, dict[str, Any]]:
        sums: dict[int, dict[str, Any]] = {}
        for index, found in enumerate(check_list(self.found.get("sum_nodes", []), "sum_nodes")):
            where = f"sum {index}"
            check_object(found, where, {"node_id", "input_ids"}, {"tau", "beta"})
            number = whole(found["node_id"], f"{where}: node_id", self.n_inputs)
            if number in sums:
                raise ValueError(f"{where}: a second node {number}")
            numbers = {key: _real(found.get(key, d), where) for key, d in (("tau", 1), ("beta", 0))}
            names = whole_numbers(found["input_ids"], f"{where}: input_ids")
            sums[number] = {**numbers, "input_ids": names}
        return sums

    def _positions(self, names: Int64s) -> Int64s:
        """Positions of inputs and gates, -1 where there is no such."""
        gates, inputs = self.gates, len(self.features)
        found = np.full(len(names), -1, np.int64)
        for known, at in ((self.features, np.arange(inputs)), (gates.sorted, gates.order + inputs)):
            if len(known):
                place = np.searchsorted(known, names).clip(max=len(known) - 1)
                found = np.where(known[place] == names, at[place], found)
        return found

    def _build(self) -> None:
        """Add the gates level by level; wires and constants stand for other nets."""
        gates, first = self.gates, len(self.features)
        a, b = (self._positions(names) for names in gates.operands)
        late = gates.reads & ((np.minimum(a, b) < 0) | (np.maximum(a, b) >= first + gates.own))
        if late.any():
            gate = int(np.flatnonzero(late)[0])
            names = [int(each[gate]) for each in gates.operands]
            wrong = names[0] if not 0 <= a[gate] < first + gate else names[1]
            raise ValueError(f"gate {gate}: reads {wrong}, which is no input and no gate before it")
        depth, stands = gates.levels(first, a, b)
        self.nets = np.zeros(first + len(gates.own), np.int32)
        self.nets[:first] = self.builder.inputs(first)
        self.nets[first:] = np.where(gates.op == CODES["CONST_TRUE"], TRUE, FALSE)
        a, b = stands[a], stands[b]
        made = np.flatnonzero(gates.makes)
        made = made[np.argsort(2 * depth[made] + gates.single[made], kind="stable")]
        key = 2 * depth[made] + gates.single[made]
        for some in np.split(made, np.flatnonzero(np.diff(key)) + 1) if len(made) else ():
            fanin = [a[some]] if gates.single[some[0]] else [a[some], b[some]]
            found = self.builder.luts(self.nets[np.stack(fanin, axis=1)], TABLES[gates.op[some]])
            self.nets[first + some] = found
        self.stands = stands

    def _read(self, names: Int64s, where: str) -> IntArray:
        """The nets of inputs and gates."""
        at = self._positions(names)
        if len(at) and at.min() < 0:
            wrong = int(names[at < 0][0])
            raise ValueError(f"{where}: reads {wrong}, which is no input and no gate")
        return self.nets[self.stands[at]]

    def _counts(self, sums: list[dict[str, Any]]) -> IntArray:
        """Counts [groups, width]; constants stand for what torchlogix folded into beta."""
        least = min(each["beta"] for each in sums)
        ones = [round(each["beta"] - least) for each in sums]
        columns = max(1, *(len(s["input_ids"]) + n for s, n in zip(sums, ones, strict=True)))
        if columns * len(sums) > _FREE + self.size:
            raise ValueError(f"sums of {columns} addends, most of them in beta; allowed are fewer")
        fanin = np.full((len(sums), columns), FALSE, np.int32)
        for row, each, n in zip(fanin, sums, ones, strict=True):
            count = len(each["input_ids"])
            row[:count] = self._read(each["input_ids"], "a sum")
            row[count : count + n] = TRUE
        return self.builder.popcount(fanin)


def _decoder(sums: list[dict[str, Any]]) -> Decoder:
    least = min(each["beta"] for each in sums)
    rest = [each["beta"] - least for each in sums]
    if any(abs(part - round(part)) > 1e-6 for part in rest):
        raise ValueError("sums with beta that differ by fractions; allowed is one for all")
    if len({each["tau"] for each in sums}) > 1:
        raise ValueError("sums with different tau; allowed is one for all")
    return Decoder(len(sums), sums[0]["tau"], least)


def _real(found: Any, where: str) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < 2**31:
        raise ValueError(f"{where}: {found!r:.80}; allowed are finite numbers for tau and beta")
    return float(found)
