"""Runs a program on numpy words: the `numpy` target, for machines without a compiler.

The program is what `backends.program` assembled; its stream of instructions is described there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .archive import archive_bytes
from .arrays import binarize, pack, unpack
from .errors import FileError

Words = NDArray[np.uint64]
_ONES = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_BATCH = 4096
NONE = 0xFFFF_FFFF


@dataclass(frozen=True)
class Plan:
    """A program as plain arrays; see `backends.program.Program`.

    ops: ("lut", k, postfix formula), ("popcount",) or ("tile", Plan), numbered from 1.
    """

    ops: tuple[tuple[Any, ...], ...]
    parts: tuple[NDArray[np.uint32], ...]
    n_slots: int
    input_slot: NDArray[np.uint32]
    output_slot: NDArray[np.uint32]
    false_slot: int
    true_slot: int


def load_plan(entry: dict[str, Any], arrays: dict[str, NDArray[Any]], prefix: str) -> Plan:
    """A plan from a manifest entry and arrays; raises KeyError, TypeError or ValueError."""
    ops: list[tuple[Any, ...]] = []
    for index, op in enumerate(entry["ops"]):
        match op:
            case ["lut", int(k), str(formula)] if 1 <= k <= 3 and set(formula) <= set("abc01~&|^"):
                ops.append(("lut", k, formula))
            case ["popcount"]:
                ops.append(("popcount",))
            case ["tile", dict(body)]:
                ops.append(("tile", load_plan(body, arrays, f"{prefix}.{index}")))
            case _:
                raise ValueError(f"unknown instruction {op!r}")
    return Plan(
        tuple(ops),
        tuple(arrays[f"{prefix}.part{i}"] for i in range(entry["parts"])),
        int(entry["slots"]),
        arrays[f"{prefix}.inputs"],
        arrays[f"{prefix}.outputs"],
        int(entry["false"]),
        int(entry["true"]),
    )


def run_plan(plan: Plan, inputs: Words, parts: int) -> Words:
    """Evaluate packed samples, uint64 [n_inputs, words], through the first `parts` of the code.

    Returns uint64 [outputs, words]; outputs of later parts are undefined.
    """
    values = np.zeros((plan.n_slots, inputs.shape[1]), np.uint64)
    if plan.true_slot != NONE:
        values[plan.true_slot] = _ONES
    live = plan.input_slot != NONE
    values[plan.input_slot[live]] = inputs[live]
    for code in plan.parts[:parts]:
        _run(plan, code, values)
    return values[plan.output_slot]


def _run(plan: Plan, code: NDArray[np.uint32], values: Words) -> None:
    at = 0
    while code[at]:
        op = plan.ops[code[at] - 1]
        n = int(code[at + 1])
        if op[0] == "lut":
            at = _luts(op, code, at + 2, n, values)
        elif op[0] == "popcount":
            at = _popcount(code, at + 3, n, int(code[at + 2]), values)
        else:
            at = _tile(op[1], code, at + 2, n, values)


def _rows(code: NDArray[np.uint32], at: int, n: int, columns: int) -> NDArray[np.uint32]:
    return code[at : at + n * columns].reshape(n, columns)


def _luts(op: tuple[Any, ...], code: NDArray[np.uint32], at: int, n: int, values: Words) -> int:
    _, k, formula = op
    rows = _rows(code, at, n, 1 + k)
    stack: list[Any] = []
    for symbol in formula:
        if symbol in "abc":
            stack.append(values[rows[:, 1 + "abc".index(symbol)]])
        elif symbol in "01":
            stack.append(_ONES if symbol == "1" else np.uint64(0))
        elif symbol == "~":
            stack.append(~stack.pop())
        else:
            right, left = stack.pop(), stack.pop()
            stack.append({"&": np.bitwise_and, "|": np.bitwise_or, "^": np.bitwise_xor}[symbol](left, right))
    values[rows[:, 0]] = stack.pop()
    return at + rows.size


def _popcount(code: NDArray[np.uint32], at: int, groups: int, m: int, values: Words) -> int:
    width = m.bit_length()
    rows = _rows(code, at, groups, width + m)
    count = [np.zeros((groups, values.shape[1]), np.uint64) for _ in range(width)]
    for column in rows[:, width:].T:
        carry = values[column]
        for bit in range(width):
            count[bit], carry = count[bit] ^ carry, count[bit] & carry
            if not carry.any():
                break
    for bit in range(width):
        values[rows[:, bit]] = count[bit]
    return at + rows.size


def _tile(body: Plan, code: NDArray[np.uint32], at: int, places: int, values: Words) -> int:
    outputs, inputs = len(body.output_slot), len(body.input_slot)
    rows = _rows(code, at, places, outputs + inputs)
    words = values.shape[1]
    given = values[rows[:, outputs:].T].reshape(inputs, places * words)
    found = run_plan(body, given, len(body.parts)).reshape(outputs, places, words)
    for j in range(outputs):
        values[rows[:, j]] = found[j]
    return at + rows.size


class InterpreterEngine:
    """Answers from a plan; see `runtime.compiled.Engine`."""

    def __init__(self, manifest: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        """Raises FileError if the manifest and arrays do not make a plan."""
        self.manifest = manifest
        self.arrays = arrays
        try:
            self._plan = load_plan(manifest["plan"], arrays, "plan")
            self._feature, self._threshold = arrays["feature"], arrays["threshold"]
            _check(self._plan, len(self._feature))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise FileError(f"damaged numpy plan: {error}; compile it again") from None

    isa = "numpy"

    def fill(self, rows: NDArray[Any], what: str, out: NDArray[Any]) -> None:
        """Write the answers for `rows` [n, features] into `out`."""
        for start in range(0, len(rows), _BATCH):
            block = slice(start, start + _BATCH)
            out[block] = self._answer(rows[block], what)

    def _answer(self, rows: NDArray[Any], what: str) -> NDArray[Any]:
        inputs = pack(binarize(rows, self._feature, self._threshold))
        planes = run_plan(self._plan, inputs, 2 if what == "classes" else 1)
        bits = unpack(planes, len(rows))
        split = self.manifest["output_bits"]
        if what == "bits":
            return bits[:, :split]
        if what == "classes":
            return _numbers(bits[:, split:])
        decoder = self.manifest["decoder"]
        counts = _numbers(bits[:, :split].reshape(len(rows), decoder["groups"], -1))
        if what == "counts":
            return counts
        beta, tau = np.float32(decoder["beta"]), np.float32(decoder["tau"])
        return (counts.astype(np.float32) + beta) / tau

    def data(self) -> bytes:
        """The plan as the file that `load` reads."""
        return archive_bytes("plan", self.manifest, self.arrays)


def _numbers(bits: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Unsigned numbers from their bits, least significant first, along the last axis."""
    return (bits * (1 << np.arange(bits.shape[-1]))).sum(axis=-1)


def _check(plan: Plan, n_inputs: int) -> None:
    """Every slot in range, every row whole, so that a damaged file cannot answer wrongly unseen."""
    if len(plan.input_slot) != n_inputs:
        raise ValueError(f"{len(plan.input_slot)} input slots for {n_inputs} inputs")
    used = plan.input_slot[plan.input_slot != NONE]
    for slots in (used, plan.output_slot):
        _check_slots(slots, plan)
    for code in plan.parts:
        at = 0
        while code[at]:
            op = plan.ops[int(code[at]) - 1]
            n = int(code[at + 1])
            at += 2
            if op[0] == "lut":
                columns = 1 + op[1]
            elif op[0] == "popcount":
                m = int(code[at])
                columns = m + m.bit_length()
                at += 1
            else:
                _check(op[1], len(op[1].input_slot))
                columns = len(op[1].output_slot) + len(op[1].input_slot)
            if at + n * columns >= len(code):
                raise ValueError("code ends inside an instruction")
            _check_slots(code[at : at + n * columns], plan)
            at += n * columns


def _check_slots(slots: NDArray[Any], plan: Plan) -> None:
    if slots.size and int(slots.max()) >= plan.n_slots:
        raise ValueError(f"slot {int(slots.max())} of {plan.n_slots}")
