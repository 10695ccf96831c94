"""Runs a program on numpy words: the `numpy` target, for machines without a compiler."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .archive import archive_bytes
from .arrays import unpack
from .batch import Batch
from .errors import FileError
from .plan import NONE, Plan, count_width, load_plan

Words = NDArray[np.uint64]
_ONES = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_BATCH = 4096
_BINARY = {"&": np.bitwise_and, "|": np.bitwise_or, "^": np.bitwise_xor}


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
            at = _popcount(code[at + 2 : at + 3].tolist(), code, at + 3, n, values)
        elif op[0] == "weighted":
            rows = at + 3 + int(code[at + 2])
            at = _popcount(code[at + 3 : rows].tolist(), code, rows, n, values)
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
            stack.append(_BINARY[symbol](left, right))
    values[rows[:, 0]] = stack.pop()
    return at + rows.size


def _popcount(
    planes: list[int], code: NDArray[np.uint32], at: int, groups: int, values: Words
) -> int:
    width = count_width(planes)
    rows = _rows(code, at, groups, width + sum(planes))
    count = [np.zeros((groups, values.shape[1]), np.uint64) for _ in range(width)]
    shifts = np.repeat(np.arange(len(planes)), planes)
    for column, shift in zip(rows[:, width:].T, shifts.tolist(), strict=True):
        carry = values[column]
        for bit in range(shift, width):
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
            self._encoding, self._plan = load_plan(manifest, arrays)
        except (
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            ArithmeticError,
            RecursionError,
        ) as error:
            raise FileError(f"damaged numpy plan: {error}; compile it again") from None

    isa = "numpy"

    def fill(self, batch: Batch, what: str, out: NDArray[Any]) -> None:
        """Write the answers for a batch into `out`."""
        for start in range(0, batch.n, _BATCH):
            stop = start + _BATCH
            out[start:stop] = self._answer(batch.part(start, stop), what)

    def _answer(self, batch: Batch, what: str) -> NDArray[Any]:
        inputs = batch.planes(self._encoding.feature, self._encoding.threshold)
        planes = run_plan(self._plan, inputs, 2 if what == "classes" else 1)
        bits = unpack(planes, batch.n)
        split = self.manifest["output_bits"]
        if what == "bits":
            return bits[:, :split]
        if what == "classes":
            return _numbers(bits[:, split:])
        decoder = self.manifest["decoder"]
        counts = _numbers(bits[:, :split].reshape(batch.n, decoder["groups"], -1))
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
