"""A module as Yosys read it: a netlist of its cells, once its registers are checked and left out.

A module is a pipeline if all its registers have one clock and one enable, and every path from an
input to an output passes as many of them. Then it answers what the netlist without registers does,
so many clocks later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ...compiler import Builder, Netlist
from ...compiler.netlist import FALSE, FIRST_INPUT, TRUE
from ...compiler.proof.counters import Sum
from ...runtime.errors import NetlistError
from .cells import PRIMITIVES
from .chained import chains, counted, split_lut, split_positions
from .registers import Clocking, Registers
from .text import CONTROL
from .thresholds import above

_TABLES = {"$and": 0x8, "$or": 0xE, "$xor": 0x6, "$xnor": 0x9, "$not": 0x1, "$mux": 0xCA}
_PINS = {"$not": "A", "$mux": "ABS"}  # of others: A and B
_FORMULA_INPUTS, _FORMULA_CELLS = 3, 16  # of what is written as one formula
_MAJORITY = 0xE8
_CONSTANTS = {"0": FALSE, "1": TRUE}


class Part(NamedTuple):
    """What drives some bits: a "lut" of a table, "add" or "greater" of two words, or a "count".

    reads: bits; of two words as wide as each other, one behind the other; of a count those that
    have a weight in `sum`, in order.
    """

    kind: str
    reads: tuple[Any, ...]
    drives: tuple[Any, ...]
    table: int = 0
    sum: Sum | None = None


def read_module(module: dict[str, Any], clocking: Clocking) -> Netlist:
    """The netlist of a combinational or pipelined module, its data ports as inputs and outputs.

    module: as `runtime.yosys.elaborate` answers.

    Raises:
        NetlistError: registers are not as `clocking` says, a cell is of a kind that no emitted text
            has, or a bit has no driver.
    """
    reader = _Reader(module, clocking)
    return reader.netlist()


class _Reader:
    def __init__(self, module: dict[str, Any], clocking: Clocking) -> None:
        self.ports = module["ports"]
        self.registers = Registers(module, clocking)
        parts = [part for cell in module["cells"].items() for part in _parts(*cell)]
        parts += [Part("lut", *reset) for reset in self.registers.resets]
        parts += [
            Part("count", (*sum.weight, *["0"] * (not sum.weight)), drives, sum=sum)
            for drives, sum in chains(module["cells"])
        ]
        driver = {bit: part for part in parts for bit in part.drives}
        named = {
            bit
            for net in module["netnames"].values()
            for bit in net["bits"]
            if not net["hide_name"]
        }
        self.driver = {
            bit: _one_lut(driver, named, part) if bit in named else part
            for bit, part in driver.items()
        }

    def netlist(self) -> Netlist:
        inputs, outputs = self._bits("input"), self._bits("output")
        level = dict.fromkeys((*inputs, *_CONSTANTS), 0)
        self.registers.begin(inputs)
        levels: dict[int, list[Part]] = defaultdict(list)
        for part in self._ordered(level, outputs):
            levels[level[part.drives[0]]].append(part)
        self.registers.end(outputs)
        builder = Builder(len(inputs))
        nets = {**_CONSTANTS, **{bit: FIRST_INPUT + i for i, bit in enumerate(inputs)}}
        for _, parts in sorted(levels.items()):
            self._add(builder, nets, parts)
        return builder.build([nets[self.registers.source(bit)] for bit in outputs])

    def _bits(self, direction: str) -> list[Any]:
        """The bits of the ports that carry data, in order."""
        return [
            bit
            for name, port in self.ports.items()
            if port["direction"] == direction and name not in CONTROL
            for bit in port["bits"]
        ]

    def _ordered(self, level: dict[Any, int], outputs: Iterable[Any]) -> Iterable[Part]:
        """What the outputs depend on, each part behind those that it reads; levels become known."""
        waiting = [(bit, False) for bit in outputs]
        open_parts: set[Any] = set()
        while waiting:
            bit, read = waiting.pop()
            bit = self.registers.source(bit)
            if bit in level:
                continue
            if bit not in self.driver:
                raise NetlistError(f"verilog: bit {bit} of the elaborated module has no driver")
            part = self.driver[bit]
            if not read:
                if part.drives[0] in open_parts:
                    raise NetlistError("verilog: the logic between registers has a cycle")
                open_parts.add(part.drives[0])
                waiting.append((bit, True))
                waiting += [(each, False) for each in part.reads]
                continue
            found = 1 + max(level[self.registers.source(each)] for each in part.reads)
            level.update(dict.fromkeys(part.drives, found))
            self.registers.passed(part.reads, part.drives)
            yield part

    def _add(self, builder: Builder, nets: dict[Any, int], parts: list[Part]) -> None:
        """Emit parts that do not read each other."""
        luts: dict[int, list[Part]] = defaultdict(list)
        for part in parts:
            if part.kind == "lut":
                luts[len(part.reads)].append(part)
                continue
            reads = [nets[self.registers.source(bit)] for bit in part.reads]
            if part.sum is not None:
                made = counted(builder, reads, part.sum)
                made += [FALSE] * (len(part.drives) - len(made))
            else:
                made = (_sum if part.kind == "add" else _greater)(builder, reads)
            nets.update(zip(part.drives, made, strict=False))
        for k, some in luts.items():
            reads = [[nets[self.registers.source(bit)] for bit in part.reads] for part in some]
            mask = (1 << (1 << k)) - 1
            tables = np.array([part.table & mask for part in some], np.uint64)
            driven = builder.luts(reads, tables).tolist()
            nets.update((part.drives[0], net) for part, net in zip(some, driven, strict=True))


def _parts(name: str, cell: dict[str, Any]) -> list[Part]:
    """What a cell of Yosys's is; none for registers, which are `Registers`."""
    kind, pins, facts = cell["type"], cell["connections"], cell["parameters"]
    signed = "1" in str(facts.get("A_SIGNED", "")) + str(facts.get("B_SIGNED", ""))
    if kind in _TABLES and not signed:
        return _bitwise(kind, pins)
    if kind in ("$add", "$gt") and not signed:
        wide = max(len(pins["A"]), len(pins["B"]))
        reads = (*_widened(pins["A"], wide), *_widened(pins["B"], wide))
        if kind == "$add":
            return [Part("add", reads, tuple(pins["Y"]))]
        return [Part("greater", reads, (pins["Y"][0],))]
    if kind == "$shiftx" and len(pins["A"]) == 1 << len(pins["B"]) and len(pins["Y"]) == 1:
        table = int("".join(reversed(pins["A"])), 2)
        return [Part("lut", tuple(pins["B"]), tuple(pins["Y"]), table)]
    primitive = next((one for one in PRIMITIVES.values() if one.made(kind, pins)), None)
    if primitive is not None:
        reads = tuple(pins[pin][0] for pin in primitive.pins if pin in pins)
        return [Part("lut", reads, tuple(pins[primitive.out]), int(facts[primitive.table], 2))]
    if kind == "SB_CARRY":
        reads = tuple(pins[pin][0] for pin in ("I0", "I1", "CI"))
        return [Part("lut", reads, tuple(pins["CO"]), _MAJORITY)]
    if kind == "CCU2C":
        return [Part("lut", *found) for found in split_positions(name, pins, facts)]
    if kind == "LUT6_2":
        both = split_lut(pins, int(facts["INIT"], 2))
        return [Part("lut", tuple(map(_bit, lut.reads)), (bit,), lut.table) for bit, lut in both]
    if kind in ("$scopeinfo", "CARRY4") or kind in Registers.KINDS:
        return []
    raise NetlistError(f"verilog: cell {name} is a {kind}, which no emitted text has")


def _bit(net: int) -> Any:
    """A bit as Yosys writes it."""
    return str(net) if net in (FALSE, TRUE) else net


def _bitwise(kind: str, pins: dict[str, list[Any]]) -> list[Part]:
    wide = len(pins["Y"])
    words = [
        pins[pin] * wide if pin == "S" else _widened(pins[pin], wide)
        for pin in _PINS.get(kind, "AB")
    ]
    rows = zip(*words, strict=True)
    pairs = zip(rows, pins["Y"], strict=True)
    return [Part("lut", reads, (bit,), _TABLES[kind]) for reads, bit in pairs]


def _widened(word: list[Any], wide: int) -> list[Any]:
    return (word + ["0"] * wide)[:wide]


def _one_lut(driver: dict[Any, Part], named: set[Any], part: Part) -> Part:
    """What drives a named net, as one LUT of all that has no name before it, if that is small."""
    if part.kind != "lut" or not any(bit in driver and bit not in named for bit in part.reads):
        return part
    leaves: dict[Any, int] = {}
    inside: list[Part] = []  # each before those that it reads
    waiting = [part]
    while waiting:
        inside.append(waiting.pop())
        for bit in inside[-1].reads:
            before = driver.get(bit)
            if before is not None and bit not in named and before.kind == "lut":
                waiting.append(before)
            elif bit not in _CONSTANTS:
                leaves.setdefault(bit, len(leaves))
        if len(leaves) > _FORMULA_INPUTS or len(inside) > _FORMULA_CELLS:
            return part
    patterns = range(1 << len(leaves))
    values = {bit: sum(1 << p for p in patterns if p >> i & 1) for bit, i in leaves.items()}
    values |= {"0": 0, "1": (1 << len(patterns)) - 1}
    for one in reversed(inside):
        words = [values[bit] for bit in one.reads]
        entries = (sum((word >> p & 1) << i for i, word in enumerate(words)) for p in patterns)
        values[one.drives[0]] = sum(
            1 << p for p, entry in enumerate(entries) if one.table >> entry & 1
        )
    return Part(
        "lut", tuple(leaves) or ("0",), part.drives, values[part.drives[0]] * (1 if leaves else 3)
    )


def _sum(builder: Builder, reads: list[int]) -> list[int]:
    """The digits of the sum of two words; all zeros above."""
    wide = len(reads) // 2
    addends = sorted(
        (shift, net) for half in (reads[:wide], reads[wide:]) for shift, net in enumerate(half)
    )
    found = builder.popcount([[net for _, net in addends]], [shift for shift, _ in addends])
    return [*found[0].tolist(), FALSE]


def _greater(builder: Builder, reads: list[int]) -> list[int]:
    """Whether the first word is greater than the second."""
    wide = len(reads) // 2
    high, low = reads[:wide], reads[wide:]
    if set(low) <= {FALSE, TRUE}:
        limit = sum((net == TRUE) << i for i, net in enumerate(low))
        return [above(builder, high, limit)]
    return builder.argmax([low, high])[:1].tolist()
