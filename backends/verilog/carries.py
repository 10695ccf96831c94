"""Counters on carry chains, of slices that have four LUTs and the carries behind them (CARRY4).

Position i of a chain adds a number v of 0, 1 or 2 to the carry of the position before it: its LUT
of two outputs says `v == 1` (O6), and where that is not so, `v == 2` (O5). So v may be

* any function of five bits that is at most 2, or
* one more bit, at I5, and a Boolean function f of five: x + f has O5 = f, and O6 = f ^ x.

Hence up to two bits of one weight take a position. More take two: five of them are read at both,
for the digits of their number, 0 to 5, and a sixth one goes in at I5 of the first. A bit of twice
the weight may be at I5 of the second if only three are read at both. One bit more goes in as the
carry of the first position. So seven bits of one weight take two LUTs, and with six of four times
the weight a slice: each LUT removes two bits (compare M. Kumm and P. Zipf, "Pipelined Compressor
Tree Optimization using Integer Linear Programming", 2014, and T. Preusser, "Generic and Universal
Parallel Matrix Summation with a Flexible Compression Goal for Xilinx FPGAs", 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...compiler import Builder, Netlist
from ...compiler.netlist import FIRST_INPUT, TRUE

SLICE = 4  # positions of a CARRY4
MOST = 7  # bits of one weight that a counter reads
_PAIR = 6  # bits of one weight that two positions add
_PAIR_BESIDE = 4  # of them if there is one of twice the weight
_SHARED = 5  # inputs of a LUT that has two outputs

Heights = tuple[int, ...]  # of each column


class Chain(NamedTuple):
    """A counter: bits of weight 1, 2, 4 and so on, and `plus`, to `digits` digits.

    inverted: how many of each weight are read inverted, the first ones.
    """

    taken: Heights
    plus: int
    digits: int
    inverted: Heights

    @property
    def inputs(self) -> int:
        return sum(self.taken)

    @property
    def name(self) -> str:
        """What its module is called."""
        parts = "_".join(map(str, self.taken))
        plus = f"_plus{self.plus}" if self.plus else ""
        inverted = "_not" + "_".join(map(str, self.inverted)) if any(self.inverted) else ""
        return f"carry{parts}{plus}{inverted}"


class Position(NamedTuple):
    """A LUT of a chain: inputs of the counter at I0 to I4 and at I5, and its INIT.

    last: None where I5 is true. Without any inputs it is a constant, O6 alone.
    """

    reads: tuple[int, ...]
    last: int | None
    table: int


class Layout(NamedTuple):
    """The positions of a chain, and what goes in as the first carry: an input, -1 for true, or
    None for false.
    """

    positions: list[Position]
    first: int | None


@lru_cache(maxsize=1 << 16)
def spans(heights: Heights) -> tuple[bool, tuple[int, ...]] | None:
    """How columns of so many bits and constants are added: whether one goes in as the first carry,
    and the positions, one or two, of each segment. None if no chain adds them.
    """
    found = []
    for carry in (False, True):
        if heights[0] >= carry:
            widths = _widths((heights[0] - carry, *heights[1:]))
            if widths is not None:
                found.append((sum(widths), carry, widths))
    if not found:
        return None
    _, carry, widths = min(found)
    return carry, widths


def _widths(heights: Heights) -> tuple[int, ...] | None:
    widths, column = [], 0
    while column < len(heights):
        beside = heights[column + 1] if column + 1 < len(heights) else 0
        if heights[column] <= 2:
            widths.append(1)
        elif heights[column] <= (_PAIR_BESIDE if beside else _PAIR) and beside <= 1:
            widths.append(2)
        else:
            return None
        column += widths[-1]
    return tuple(widths)


@lru_cache(maxsize=1 << 16)
def luts(taken: Heights, plus: int, digits: int) -> int | None:
    """The LUTs of a counter; None if no chain is one."""
    found = spans(tuple(n + (plus >> i & 1) for i, n in enumerate(taken)))
    if found is None or plus >> len(taken):
        return None
    return min(sum(found[1]), digits)


def positions(chain: Chain) -> int:
    """The positions of a chain that add something."""
    found = luts(chain.taken, chain.plus, chain.digits)
    assert found is not None, chain
    return found


def levels(chain: Chain) -> list[int]:
    """The levels of each digit after its inputs: a LUT, and each CARRY4 on the way.

    The last digit is the carry of the last position, if that is not dropped.
    """
    last = positions(chain) - 1
    return [2 + min(i, last) // SLICE for i in range(chain.digits)]


@lru_cache(maxsize=1024)
def body_of(chain: Chain) -> Netlist:
    """The counter as a netlist: what it answers, not how."""
    builder = Builder(chain.inputs)
    nets, first = [], FIRST_INPUT
    for n, inverted in zip(chain.taken, chain.inverted, strict=True):
        some = list(range(first, first + n))
        if inverted:
            some[:inverted] = builder.luts([[net] for net in some[:inverted]], 1).tolist()
        nets.append(some)
        first += n
    for column, some in enumerate(nets):
        some += [TRUE] * (chain.plus >> column & 1)
    shifts = np.repeat(np.arange(len(nets)), [len(some) for some in nets])
    found = builder.popcount([[net for some in nets for net in some]], shifts.astype(np.uint8))
    return builder.build(found[0, : chain.digits])


@lru_cache(maxsize=1024)
def layout(chain: Chain) -> Layout:
    """Which LUTs add up what a chain does."""
    inputs, start = [], 0
    for n in chain.taken:
        inputs.append(list(range(start, start + n)))
        start += n
    inverted = {
        number for column, n in zip(inputs, chain.inverted, strict=True) for number in column[:n]
    }
    plus = [chain.plus >> column & 1 for column in range(len(inputs))]
    found = spans(tuple(len(some) + one for some, one in zip(inputs, plus, strict=True)))
    assert found is not None, chain
    carry, widths = found
    first = None
    if carry:
        first = -1 if plus[0] else inputs[0].pop()
        plus[0] = 0
    inputs.append([])
    plus.append(0)
    added: list[Position] = []
    for width in widths:
        column, low = len(added), inputs[len(added)]
        reads, last = (low[:-1], low[-1]) if len(low) > 1 else (low, None)
        if width == 1:
            added.append(_position(reads, last, inverted, plus[column], 0))
        else:
            more = plus[column] + 2 * plus[column + 1]
            beside = next(iter(inputs[column + 1]), None)
            added.append(_position(reads, last, inverted, more, 0))
            added.append(_position(reads, beside, inverted, more, 1))
    return Layout(added[: chain.digits], first)


def _position(
    reads: Sequence[int], last: int | None, inverted: set[int], plus: int, digit: int
) -> Position:
    """The LUT that adds to `last` the number of inputs that it reads and `plus`: one digit of
    that number, or, where there is no `last`, all of it from that digit on.
    """
    pattern = np.arange(1 << _SHARED)
    bits = [(pattern >> i & 1) ^ (number in inverted) for i, number in enumerate(reads)]
    value = sum(bits, np.full_like(pattern, plus)) >> digit
    if last is None:
        low, high = value == 2, value == 1
    else:
        low, high = value & 1 == 1, value & 1 == 0
    entries = np.concatenate([low, high])
    return Position(tuple(reads), last, sum(1 << int(j) for j in np.flatnonzero(entries)))
