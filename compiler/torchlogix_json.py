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

# Truth tables with the first fanin as the least significant bit of the pattern.
_GATES = {
    "AND": 0x8, "OR": 0xE, "XOR": 0x6, "NAND": 0x7, "NOR": 0x1, "XNOR": 0x9,
    "AND_NOT_B": 0x2, "AND_NOT_A": 0x4, "OR_NOT_B": 0xB, "OR_NOT_A": 0xD,
}  # fmt: skip
_CONSTANTS = {"CONST_FALSE": FALSE, "CONST_TRUE": TRUE}
_OPERANDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_CONSTANTS, ()),
    **{"WIRE": ("in0",), "NOT": ("in0",), "NOT_A": ("in0",), "NOT_B": ("in1",)},
    **dict.fromkeys(_GATES, ("in0", "in1")),
}
_GATE_KEYS = {"gate_id", "op", "in0", "in1", "node_idx"}
_MOST = 2**31 - 1
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
    """One file being read. Every check raises ValueError."""

    def __init__(self, found: Any, size: int) -> None:
        self.found = _object(
            found,
            "the file",
            {"n_inputs", "input_shape", "outputs", "gates"},
            {"output_shape", "sum_nodes"},
        )
        self.size = size
        self.builder = Builder()
        self.n_inputs = _whole(self.found["n_inputs"], "n_inputs", 1)
        self.nets: dict[int, int] = {}  # of inputs that are read, and of gates

    def circuit(self) -> Circuit:
        shape = self._shape()
        gates = [self._gate(gate, i) for i, gate in enumerate(_list(self.found["gates"], "gates"))]
        sums = self._sums()
        outputs = _list(self.found["outputs"], "outputs")
        if not outputs:
            raise ValueError(
                "it has no outputs; torchlogix leaves them out where it does not know an "
                "operation of the model, such as a last argmax"
            )
        features = self._inputs(gates, sums, outputs)
        self._build(gates)
        encoder = Encoder(shape, features, np.full(len(features), 0.5, np.float32))
        if any(name in sums for name in outputs if isinstance(name, int)):
            chosen = [self._sum_of(sums, name) for name in outputs]
            return Circuit(encoder, self.builder.build(self._counts(chosen)), self._decoder(chosen))
        nets = [self._net(name, f"output {i}") for i, name in enumerate(outputs)]
        return Circuit(encoder, self.builder.build(nets))

    def _shape(self) -> tuple[int, ...]:
        sizes = _list(self.found["input_shape"], "input_shape")
        shape = tuple(_whole(size, "input_shape", 1) for size in sizes)
        if not shape or math.prod(shape) != self.n_inputs:
            raise ValueError(f"input_shape {sizes!r:.80} for {self.n_inputs} inputs")
        return shape

    def _gate(self, found: Any, index: int) -> tuple[str, int, list[int]]:
        """Operation, number and operands of a gate."""
        if not isinstance(found, dict) or found.keys() != _GATE_KEYS:
            _object(found, f"gate {index}", _GATE_KEYS - {"node_idx"}, {"node_idx"})
        op = found["op"]
        if not isinstance(op, str) or op not in _OPERANDS:
            raise ValueError(f"gate {index}: op {op!r:.80}; allowed are {', '.join(_OPERANDS)}")
        number, operands = found["gate_id"], [found[name] for name in _OPERANDS[op]]
        if type(number) is not int or not self.n_inputs <= number <= _MOST:
            _whole(number, f"gate {index}: gate_id", self.n_inputs)
        for operand in operands:
            if type(operand) is not int or not 0 <= operand <= _MOST:
                _whole(operand, f"gate {index}: operand")
        return op, number, operands

    def _sums(self) -> dict[int, dict[str, Any]]:
        sums: dict[int, dict[str, Any]] = {}
        for index, found in enumerate(_list(self.found.get("sum_nodes", []), "sum_nodes")):
            where = f"sum {index}"
            _object(found, where, {"node_id", "input_ids"}, {"tau", "beta"})
            number = _whole(found["node_id"], f"{where}: node_id", self.n_inputs)
            for name in _list(found["input_ids"], f"{where}: input_ids"):
                _whole(name, f"{where}: input_ids")
            if number in sums:
                raise ValueError(f"{where}: a second node {number}")
            numbers = {key: _real(found.get(key, d), where) for key, d in (("tau", 1), ("beta", 0))}
            sums[number] = {**numbers, "input_ids": found["input_ids"]}
        return sums

    def _inputs(self, gates: Any, sums: Any, outputs: list[Any]) -> IntArray:
        """Make inputs of the netlist of those that are read; their feature numbers, ascending."""
        read = {name for _, _, operands in gates for name in operands}
        read.update(name for each in sums.values() for name in each["input_ids"])
        read.update(_whole(name, "outputs") for name in outputs)
        features = sorted(name for name in read if name < self.n_inputs)
        nets = self.builder.inputs(len(features)).tolist()
        self.nets.update(zip(features, nets, strict=True))
        return np.array(features, np.int32)

    def _build(self, gates: list[tuple[str, int, list[int]]]) -> None:
        """Add the gates level by level; wires and constants stand for other nets."""
        for level in self._levels(gates):
            for k in (1, 2):
                rows = [gate for gate in level if len(gate[2]) == k]
                if rows:
                    fanin = [[self.nets[name] for name in operands] for _, _, operands in rows]
                    made = self.builder.luts(fanin, [_GATES.get(op, 0x1) for op, _, _ in rows])
                    numbers = [number for _, number, _ in rows]
                    self.nets.update(zip(numbers, made.tolist(), strict=True))

    def _levels(self, gates: list[tuple[str, int, list[int]]]) -> list[list[Any]]:
        """Gates by how many others they wait for, with wires read through."""
        depth = dict.fromkeys(self.nets, 0)
        stands: dict[int, int] = {}
        levels: list[list[Any]] = []
        for index, (op, number, operands) in enumerate(gates):
            if number in depth:
                raise ValueError(f"gate {index}: a second gate {number}")
            missing = [name for name in operands if name not in depth]
            if missing:
                raise ValueError(
                    f"gate {index}: reads {missing[0]}, which is no input and no gate before it"
                )
            operands = [stands.get(name, name) for name in operands]
            depth[number] = max((depth[name] for name in operands), default=0)
            if op in _CONSTANTS:
                stands[number] = number
                self.nets[number] = _CONSTANTS[op]
            elif op == "WIRE":
                stands[number] = operands[0]
            else:
                depth[number] += 1
                levels += [[] for _ in range(depth[number] - len(levels))]
                levels[depth[number] - 1].append((op, number, operands))
        self.stands = stands
        return levels

    def _net(self, name: Any, where: str) -> int:
        name = self.stands.get(name, name)
        if name not in self.nets:
            raise ValueError(f"{where}: reads {name!r:.80}, which is no input and no gate")
        return self.nets[name]

    @staticmethod
    def _sum_of(sums: dict[int, dict[str, Any]], name: int) -> dict[str, Any]:
        if name not in sums:
            raise ValueError("outputs are sums and single bits; allowed is one of the two")
        return sums[name]

    def _counts(self, sums: list[dict[str, Any]]) -> IntArray:
        """Counts [groups, width]; constants stand for what torchlogix folded into beta."""
        least = min(each["beta"] for each in sums)
        ones = [round(each["beta"] - least) for each in sums]
        columns = max(1, *(len(s["input_ids"]) + n for s, n in zip(sums, ones, strict=True)))
        if columns * len(sums) > _FREE + self.size:
            raise ValueError(f"sums of {columns} addends, most of them in beta; allowed are fewer")
        fanin = np.full((len(sums), columns), FALSE, np.int32)
        for row, (each, n) in enumerate(zip(sums, ones, strict=True)):
            nets = [self._net(name, "sum") for name in each["input_ids"]] + [TRUE] * n
            fanin[row, : len(nets)] = nets
        return self.builder.popcount(fanin)

    @staticmethod
    def _decoder(sums: list[dict[str, Any]]) -> Decoder:
        least = min(each["beta"] for each in sums)
        rest = [each["beta"] - least for each in sums]
        if any(abs(part - round(part)) > 1e-6 for part in rest):
            raise ValueError("sums with beta that differ by fractions; allowed is one for all")
        if len({each["tau"] for each in sums}) > 1:
            raise ValueError("sums with different tau; allowed is one for all")
        return Decoder(len(sums), sums[0]["tau"], least)


def _object(found: Any, where: str, needed: set[str], more: set[str]) -> dict[str, Any]:
    if not isinstance(found, dict) or not needed <= set(found) <= needed | more:
        has = sorted(found) if isinstance(found, dict) else found
        raise ValueError(f"{where} has {has!r:.80}; needed are {', '.join(sorted(needed))}")
    return found


def _list(found: Any, where: str) -> list[Any]:
    if not isinstance(found, list):
        raise ValueError(f"{where} is {found!r:.80}; allowed is a list")
    return found


def _whole(found: Any, where: str, least: int = 0) -> int:
    if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= _MOST:
        raise ValueError(f"{where} is {found!r:.80}; allowed are integers from {least} to {_MOST}")
    return found


def _real(found: Any, where: str) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < 2**31:
        raise ValueError(f"{where}: {found!r:.80}; allowed are finite numbers for tau and beta")
    return float(found)
