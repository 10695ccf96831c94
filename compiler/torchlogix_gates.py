"""The gates of a torchlogix circuit as columns, and the checks of what its JSON holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Truth tables with the first fanin as the least significant bit of the pattern, by torchlogix's
# names. The first three are no gates.
_INVERTERS = ("NOT", "NOT_A", "NOT_B")
_OPS = {
    "CONST_FALSE": 0, "CONST_TRUE": 0, "WIRE": 0, **dict.fromkeys(_INVERTERS, 0x1),
    "AND": 0x8, "OR": 0xE, "XOR": 0x6, "NAND": 0x7, "NOR": 0x1, "XNOR": 0x9,
    "AND_NOT_B": 0x2, "AND_NOT_A": 0x4, "OR_NOT_B": 0xB, "OR_NOT_A": 0xD,
}  # fmt: skip
CODES = {name: code for code, name in enumerate(_OPS)}
TABLES = np.array(list(_OPS.values()))
_GATE_KEYS = {"gate_id", "op", "in0", "in1", "node_idx"}
_MOST = 2**31 - 1
Int64s = NDArray[np.int64]


class Gates:
    """The gates as columns.

    op: codes. operands: what the two inputs name, both the same where there is one input, -1 where
        there is none. own: 0, 1, 2, ... order, sorted: the gates by their number, and the numbers.
    single, makes, reads: which have one input; which are gates, no wires or constants; which read.
    """

    def __init__(self, found: list[Any], n_inputs: int) -> None:
        for index, gate in enumerate(found):
            if not isinstance(gate, dict) or gate.keys() != _GATE_KEYS:
                check_object(gate, f"gate {index}", _GATE_KEYS - {"node_idx"}, {"node_idx"})
            if not isinstance(gate["op"], str) or gate["op"] not in CODES:
                op = gate["op"]
                raise ValueError(f"gate {index}: op {op!r:.80}; allowed are {', '.join(CODES)}")
        self.own = np.arange(len(found))
        self.op = np.array([CODES[gate["op"]] for gate in found], np.int8)
        self.single = np.isin(self.op, [CODES[op] for op in ("WIRE", *_INVERTERS)])
        self.makes = self.op >= CODES["NOT"]
        self.reads = self.op >= CODES["WIRE"]
        names = whole_numbers([gate["gate_id"] for gate in found], "gate {}: gate_id", n_inputs)
        self.order = np.argsort(names, kind="stable")
        self.sorted = names[self.order]
        again = np.flatnonzero(np.diff(self.sorted) == 0)
        if len(again):
            gate = int(self.order[again[0] + 1])
            raise ValueError(f"gate {gate}: a second gate {int(names[gate])}")
        in0, in1 = (
            whole_numbers([g[k] for g in found], f"gate {{}}: {k}", -1) for k in ("in0", "in1")
        )
        in0 = np.where(self.op == CODES["NOT_B"], in1, in0)
        both = (in0, np.where(self.single, in0, in1))
        self.operands = [np.where(self.reads, read, -1) for read in both]

    def levels(self, first: int, a: Int64s, b: Int64s) -> tuple[Int64s, Int64s]:
        """How many gates each gate waits for, itself included, and what each position stands for.

        Positions begin with `first` inputs; `a` and `b` are those that gates read.
        """
        depth = [0] * (first + len(self.own))
        stands = list(range(first + len(self.own)))
        wire = CODES["WIRE"]
        columns = zip(self.op.tolist(), a.tolist(), b.tolist(), strict=True)
        for position, (op, left, right) in enumerate(columns, first):
            if op == wire:
                stands[position] = stands[left]
                depth[position] = depth[left]
            elif op > wire:
                depth[position] = max(depth[left], depth[right]) + 1
        return np.array(depth[first:], np.int64), np.array(stands, np.int64)


def whole_numbers(found: Any, where: str, least: int = 0) -> Int64s:
    """A list of integers as int64 [n]; a pair of braces in `where` stands for a number's place."""
    for index, value in enumerate(check_list(found, where)):
        if type(value) is not int or not least <= value <= _MOST:
            whole(value, where.format(index), least)
    return np.array(found, np.int64)


def check_object(found: Any, where: str, needed: set[str], more: set[str]) -> dict[str, Any]:
    """`found`, an object with the keys needed and perhaps some more; ValueError if it is not."""
    if not isinstance(found, dict) or not needed <= set(found) <= needed | more:
        has = sorted(found) if isinstance(found, dict) else found
        raise ValueError(f"{where} has {has!r:.80}; needed are {', '.join(sorted(needed))}")
    return found


def check_list(found: Any, where: str) -> list[Any]:
    """`found`, a list; ValueError if it is not."""
    if not isinstance(found, list):
        raise ValueError(f"{where} is {found!r:.80}; allowed is a list")
    return found


def whole(found: Any, where: str, least: int = 0) -> int:
    """`found`, an integer from `least` that fits a net number; ValueError if it is not."""
    if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= _MOST:
        raise ValueError(f"{where} is {found!r:.80}; allowed are integers from {least} to {_MOST}")
    return found
