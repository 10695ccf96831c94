"""Carry chains of an elaborated module.

Those of CARRY4 become what they count: each is proved to add up bits. A position of a chain adds 0,
1 or 2 (see `carries`). Of each few neighbours the tables say over all patterns of what they read
whether together they add up these bits, with which weights. CCU2C become tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ...compiler import Builder
from ...compiler.netlist import TRUE
from ...compiler.proof.counters import Lut, Sum, linear, values_of
from ...runtime.errors import NetlistError

_MOST_READ = 12  # bits that positions read together
_CONSTANTS = {"0": 0, "1": 1}


class Counted(NamedTuple):
    """The bits of a sum, the lightest first, and that sum of bits."""

    drives: tuple[Any, ...]
    sum: Sum


def chains(cells: dict[str, dict[str, Any]]) -> Iterator[Counted]:
    """What the CARRY4 of a module count, each chain of them as one.

    cells: as Yosys's JSON has them.

    Raises:
        NetlistError: a chain adds up no bits.
    """
    slices = {name: cell["connections"] for name, cell in cells.items() if cell["type"] == "CARRY4"}
    above = {tuple(pins["CI"]): name for name, pins in slices.items()}
    luts = _luts(cells)
    for name, pins in slices.items():
        if pins["CI"] == ["0"]:
            yield _chain(name, slices, above, luts)


def counted(builder: Builder, reads: list[int], total: Sum) -> list[int]:
    """Emit the digits of a sum of bits, which `reads` are."""
    offset, addends = total.offset, []
    for net, times in zip(reads, total.weight.values(), strict=False):
        if times < 0:
            (net,) = builder.luts([[net]], 1).tolist()
            offset += times
        addends += [(i, net) for i in range(abs(times).bit_length()) if abs(times) >> i & 1]
    addends += [(i, TRUE) for i in range(offset.bit_length()) if offset >> i & 1]
    if not addends:
        return []
    shifts, nets = zip(*sorted(addends), strict=True)
    return builder.popcount([nets], shifts)[0].tolist()


def split_lut(pins: dict[str, list[Any]], table: int) -> Iterator[tuple[Any, Lut]]:
    """What the outputs of a LUT6_2 are: O6 of six inputs, O5 of the first five."""
    reads = tuple(_net(pins[f"I{i}"][0]) for i in range(6))
    for pin, k in (("O6", 6), ("O5", 5)):
        for bit in pins.get(pin, []):
            yield bit, Lut(reads[:k], table & ((1 << (1 << k)) - 1))


def split_positions(
    name: str, pins: dict[str, list[Any]], facts: dict[str, Any]
) -> Iterator[tuple[tuple[Any, ...], tuple[Any], int]]:
    """What a CCU2C reads, drives and answers: sums and carries of its two positions.

    The LUT of a position says whether the carry from below goes on; if not, what it says with C and
    D at 0 does.

    Raises:
        NetlistError: a position does not read the carry.
    """
    if any(facts[f"INJECT1_{half}"] != "NO" for half in "01"):
        raise NetlistError(f"verilog: CCU2C {name} injects a carry; allowed are those that do not")
    middle = f"{name}.carry"
    halves = (("0", pins["CIN"][0], [middle]), ("1", middle, pins.get("COUT", [])))
    for half, below, carry in halves:
        reads = (*(pins[f"{pin}{half}"][0] for pin in "ABCD"), below)
        table = int(facts[f"INIT{half}"], 2)
        entries = [(entry >> 4, table >> (entry & 15) & 1) for entry in range(32)]
        total = sum((was ^ on) << i for i, (was, on) in enumerate(entries))
        after = sum(
            (was if on else table >> (i & 3) & 1) << i for i, (was, on) in enumerate(entries)
        )
        yield from ((reads, (bit,), total) for bit in pins.get(f"S{half}", []))
        yield from ((reads, (bit,), after) for bit in carry)


def _net(bit: Any) -> int:
    return _CONSTANTS[bit] if bit in _CONSTANTS else bit


def _luts(cells: dict[str, dict[str, Any]]) -> dict[Any, Lut]:
    """What drives bits, where that is a LUT of two outputs."""
    return {
        bit: lut
        for cell in cells.values()
        if cell["type"] == "LUT6_2"
        for bit, lut in split_lut(cell["connections"], int(cell["parameters"]["INIT"], 2))
    }


def _chain(
    name: str, slices: dict[str, dict], above: dict[tuple, str], luts: dict[Any, Lut]
) -> Counted:
    first = slices[name]["CYINIT"][0]
    offset, weight = _CONSTANTS.get(first, 0), {} if first in _CONSTANTS else {first: 1}
    names = [name]
    while more := above.get((slices[names[-1]]["CO"][-1],)):
        names.append(more)
        if slices[more]["CYINIT"] != ["0"]:
            raise NetlistError(f"verilog: CARRY4 {more} takes two carries; allowed is one")
    positions = [
        (_lut(at, one, luts), _lut(at, two, luts))
        for at in names
        for one, two in zip(slices[at]["S"], slices[at]["DI"], strict=True)
    ]
    drives = [bit for at in names for bit in slices[at]["O"]]
    drives.append(slices[names[-1]]["CO"][-1])
    for start, found in _segments(positions, name):
        offset += found.offset << start
        for net, times in found.weight.items():
            weight[net] = weight.get(net, 0) + (times << start)
    return Counted(tuple(drives), Sum(offset, weight))


def _lut(name: str, bit: Any, luts: dict[Any, Lut]) -> Lut:
    if bit in _CONSTANTS:
        return Lut((_CONSTANTS[bit],), 0b10)
    if bit not in luts:
        raise NetlistError(f"verilog: CARRY4 {name} reads bit {bit}; allowed are LUT6_2 before it")
    return luts[bit]


def _segments(positions: list[tuple[Lut, Lut]], name: str) -> Iterator[tuple[int, Sum]]:
    """What positions add up, as few as add up bits: the first of them, and the sum."""
    start = 0
    for end in range(1, len(positions) + 1):
        found = _added(positions[start:end])
        if found is not None:
            yield start, found
            start = end
    if start < len(positions):
        raise NetlistError(f"verilog: the carry chain from {name} on adds up no bits")


def _added(positions: list[tuple[Lut, Lut]]) -> Sum | None:
    """The sum of bits that positions add up together, if there is one."""
    reads = sorted({net for luts in positions for lut in luts for net in lut.reads} - {0, 1})
    if len(reads) > _MOST_READ:
        return None
    values = np.zeros(1 << len(reads), np.int64)
    for i, luts in enumerate(positions):
        one, two = (values_of(lut, reads) for lut in luts)
        values += (one + 2 * (1 - one) * two) << i
    return linear(values, reads, None)
