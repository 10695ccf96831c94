"""A program as plain arrays, read from a file and checked before it runs.

The program is what `backends.program` assembled; its stream of instructions is described there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NONE = 0xFFFF_FFFF
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Plan:
    """See `backends.program.Program`.

    ops: ("lut", k, postfix formula), ("popcount",), ("weighted",) or ("tile", Plan), numbered
        from 1.
    """

    ops: tuple[tuple[Any, ...], ...]
    parts: tuple[NDArray[np.uint32], ...]
    n_slots: int
    input_slot: NDArray[np.uint32]
    output_slot: NDArray[np.uint32]
    false_slot: int
    true_slot: int


@dataclass(frozen=True)
class Encoding:
    """Input bit `i` is `x[feature[i]] > threshold[i]`."""

    feature: NDArray[np.integer[Any]]
    threshold: NDArray[np.float32]


def load_plan(manifest: dict[str, Any], arrays: Arrays) -> tuple[Encoding, Plan]:
    """The encoder and program of a compiled file, checked in every part.

    Raises:
        KeyError, TypeError, ValueError, ArithmeticError, RecursionError: something is missing, of
            another type, or contradicts the rest.
    """
    encoding = _encoding(manifest, arrays)
    plan = _plan(manifest["plan"], arrays, "plan")
    _check(plan, len(encoding.feature))
    decoder, bits = manifest["decoder"], manifest["output_bits"]
    if manifest["input_bits"] != len(encoding.feature):
        raise ValueError(f"{manifest['input_bits']!r} input bits of {len(encoding.feature)}")
    if not isinstance(manifest["name"], str):
        raise TypeError(f"name {manifest['name']!r}")
    if not all(isinstance(manifest[key], int) for key in ("output_bits", "gates", "levels")):
        raise TypeError("output_bits, gates or levels")
    if decoder is None:
        wrong = bits != len(plan.output_slot)
    else:
        groups = decoder["groups"]
        if not isinstance(groups, int):
            raise TypeError(f"{groups} groups")
        if not (math.isfinite(decoder["beta"]) and 0 < decoder["tau"] < math.inf):
            raise ValueError(f"tau {decoder['tau']}, beta {decoder['beta']}")
        wrong = groups < 1 or bits % groups or not groups <= bits < len(plan.output_slot)
        wrong = wrong or len(plan.parts) != 2
    if wrong:
        raise ValueError(f"{bits} output bits, {len(plan.output_slot)} outputs, decoder {decoder}")
    return encoding, plan


def _encoding(manifest: dict[str, Any], arrays: Arrays) -> Encoding:
    feature, threshold = arrays["feature"], arrays["threshold"]
    shape = manifest["shape"]
    if not all(isinstance(size, int) and size >= 0 for size in shape):
        raise ValueError(f"shape {shape}")
    features = math.prod(shape)
    if feature.dtype.kind != "i" or threshold.dtype != np.float32:
        raise ValueError("feature or threshold of another dtype")
    if feature.ndim != 1 or feature.shape != threshold.shape:
        raise ValueError("feature and threshold of other shapes")
    if feature.size and not (feature.min() >= 0 and feature.max() < features):
        raise ValueError(f"feature {feature.max()} of {features}")
    return Encoding(feature, threshold)


def _plan(entry: dict[str, Any], arrays: Arrays, prefix: str) -> Plan:
    ops: list[tuple[Any, ...]] = []
    for index, op in enumerate(entry["ops"]):
        match op:
            case ["lut", int(k), str(formula)] if 1 <= k <= 3:
                _check_formula(formula, k)
                ops.append(("lut", k, formula))
            case ["popcount"]:
                ops.append(("popcount",))
            case ["weighted"]:
                ops.append(("weighted",))
            case ["tile", dict(body)]:
                ops.append(("tile", _plan(body, arrays, f"{prefix}.{index}")))
            case _:
                raise ValueError(f"unknown instruction {op!r}")
    return Plan(
        tuple(ops),
        tuple(_slots(arrays[f"{prefix}.part{i}"]) for i in range(int(entry["parts"]))),
        int(entry["slots"]),
        _slots(arrays[f"{prefix}.inputs"]),
        _slots(arrays[f"{prefix}.outputs"]),
        int(entry["false"]),
        int(entry["true"]),
    )


def _slots(array: NDArray[Any]) -> NDArray[np.uint32]:
    if array.dtype != np.uint32 or array.ndim != 1:
        raise ValueError(f"slots of dtype {array.dtype}, shape {array.shape}")
    return array


def _check_formula(formula: str, k: int) -> None:
    depth = 0
    for symbol in formula:
        if symbol in "abc"[:k] + "01":
            depth += 1
        elif symbol in "&|^~":
            depth -= symbol != "~"
        else:
            depth = -1
        if depth < 1:
            break
    if depth != 1:
        raise ValueError(f"formula {formula!r} of {k} inputs")


def _check(plan: Plan, n_inputs: int) -> None:
    """Every slot in range and every row whole, so that a damaged file cannot answer unseen."""
    if len(plan.input_slot) != n_inputs:
        raise ValueError(f"{len(plan.input_slot)} input slots for {n_inputs} inputs")
    if not 0 <= plan.n_slots <= 2 + n_inputs + sum(map(len, plan.parts)):
        raise ValueError(f"{plan.n_slots} slots, more than the code can write")
    _check_slots(plan.input_slot[plan.input_slot != NONE], plan)
    _check_slots(plan.output_slot, plan)
    constants = [slot for slot in (plan.false_slot, plan.true_slot) if slot != NONE]
    _check_slots(np.array(constants, np.int64), plan)
    for op in plan.ops:
        if op[0] == "tile":
            _check(op[1], len(op[1].input_slot))
    for code in plan.parts:
        _check_code(plan, code)


def _check_code(plan: Plan, code: NDArray[np.uint32]) -> None:
    at = 0
    while at < len(code) and code[at]:
        header = code[at : at + 3].tolist()
        if len(header) < 3 or header[0] > len(plan.ops):
            raise ValueError(f"instruction {header} of {len(plan.ops)} kinds")
        columns, at = _row_size(plan.ops[header[0] - 1], code, at)
        if header[1] * columns < 1:
            raise ValueError(f"instruction {header} without a row")
        _check_slots(code[at : at + header[1] * columns], plan)
        at += header[1] * columns
    if at != len(code) - 1:
        raise ValueError("code ends inside an instruction")


def _row_size(op: tuple[Any, ...], code: NDArray[np.uint32], at: int) -> tuple[int, int]:
    """Numbers in a row of an instruction, and where its rows begin."""
    header = code[at : at + 3].tolist()
    if op[0] == "lut":
        return 1 + op[1], at + 2
    if op[0] == "popcount":
        return header[2] + count_width(header[2:]), at + 3
    if op[0] == "weighted":
        planes = code[at + 3 : at + 3 + header[2]].tolist()
        if len(planes) < header[2] or not 0 < len(planes) < 32:
            raise ValueError(f"instruction {header} of weights {planes!r:.80}")
        return sum(planes) + count_width(planes), at + 3 + len(planes)
    return len(op[1].output_slot) + len(op[1].input_slot), at + 2


def count_width(planes: list[int]) -> int:
    """Bits of the largest sum where so many addends count 1, 2, 4 and so on."""
    return sum(count << shift for shift, count in enumerate(planes)).bit_length()


def _check_slots(slots: NDArray[Any], plan: Plan) -> None:
    if slots.size and not (int(slots.min()) >= 0 and int(slots.max()) < plan.n_slots):
        raise ValueError(f"slot {int(slots.max())} of {plan.n_slots}")
