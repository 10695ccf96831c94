"""Counters, and which of them the bits of a column may go into.

A **counter** takes some bits of one weight and of the next two weights, and answers the digits of
their sum. One of LUTs takes at most six in all, and each digit is a LUT. A constant of the lowest
weight costs it nothing. A full adder is the counter of three bits of one weight; six bits of one
weight, or five and one of twice that weight, are best: each LUT removes a bit. On carry chains a
LUT removes up to two (`carries`). What a counter takes beyond a LUT for each bit that it removes is
its **waste**, so that the LUTs of a sum are the bits that go, and the waste.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import carries

REACH = 3  # columns that a counter reads
MADE = 5  # columns in which it answers
LUT = 8  # parts of a LUT, in which waste is counted
_SLICE = 1  # what a chain takes besides its LUTs, in these parts
_INPUTS = 6  # of a LUT
_MANY = 24  # bits of a column from which on only as many as can be are counted at once
_MOST_WASTE = 3 * LUT
_MOST_CARRY_WASTE = _SLICE

Ints = NDArray[np.int64]


class Counter(NamedTuple):
    """Adds up bits of one weight and of the next weights, and `plus`; carry: on a carry chain."""

    taken: tuple[int, ...]
    plus: int
    carry: bool = False

    @property
    def width(self) -> int:
        """Bits of the sum."""
        return (sum(n << i for i, n in enumerate(self.taken)) + self.plus).bit_length()

    def waste(self, room: int) -> int:
        """Its waste where there are so many columns: what would lie beyond is never true."""
        width = min(self.width, room)
        price = LUT * width
        if self.carry:
            luts = carries.luts(self.taken, self.plus, width)
            assert luts is not None, self
            price = LUT * luts + _SLICE
        return price - LUT * (sum(self.taken) - width)


Option = tuple[tuple[Counter, int], ...]  # counters, and how many of each
Key = tuple[int, ...]  # see `options`


@lru_cache(maxsize=1 << 14)
def moves(key: Key) -> Ints:
    """What each option of `options` does, int64 [options, 16]: bits taken of columns from this one
    on, bits made for the next level and for the one after it, constants taken, waste, and whether
    there are counters.
    """
    return np.array([_move(option, key[-2], key[-1]) for option in options(key)], np.int64)


def _move(option: Option, room: int, carry: int) -> list[int]:
    taken, made = [0] * REACH, [[0] * MADE, [0] * MADE]
    plus = waste = 0
    for counter, times in option:
        for i, n in enumerate(counter.taken):
            taken[i] += n * times
        for i in range(min(counter.width, room)):
            made[counter.carry and carry > 1][i] += times
        plus += counter.plus * times
        waste += counter.waste(room) * times
    return [*taken, *made[0], *made[1], plus, waste, int(bool(option))]


@lru_cache(maxsize=1 << 14)
def options(key: Key) -> list[Option]:
    """The counters that a column may use, and how many of each.

    key: its bits, those of the next two columns, its constants, columns from it on, and the levels
    that a counter on a carry chain takes, 0 for none of these.
    """
    bits, beside, above, plus, room, carry = key
    found: dict[Option, None] = {}
    full = bits // _INPUTS
    if not carry or bits < _MANY:
        for sixes in (full, max(full - (bits < _MANY), 0)):
            constants = min(plus, sixes)
            with_one, without = Counter((_INPUTS,), 1), Counter((_INPUTS,), 0)
            pairs = [(with_one, constants), (without, sixes - constants)]
            uses = tuple(pair for pair in pairs if pair[1])
            rest = (bits - _INPUTS * sixes, beside, above) if bits < _MANY else (0, 0, 0)
            _extend(found, uses, rest, plus - constants, room, bool(carry))
    if carry:
        full = bits // carries.MOST
        for sevens in {full, max(full - (bits < _MANY), 0)}:
            wide = min(sevens, above // (carries.MOST - 1)) if room > REACH else 0
            for both in {0, wide}:
                pairs = [
                    (Counter((carries.MOST, 0, carries.MOST - 1), 0, True), both),
                    (Counter((carries.MOST,), 0, True), sevens - both),
                ]
                uses = tuple(pair for pair in pairs if pair[1])
                left = bits - carries.MOST * sevens if bits < _MANY else 0
                rest = (left, beside, above - (carries.MOST - 1) * both)
                _extend(found, uses, rest, plus, room, True)
    return list(found)


def _extend(
    found: dict[Option, None],
    uses: Option,
    rest: tuple[int, int, int],
    plus: int,
    room: int,
    carry: bool,
) -> None:
    """Add an option, and those with one counter more of the bits that are left."""
    found[uses] = None
    for counter in _counters(*rest, plus):
        if counter.waste(room) <= _MOST_WASTE:
            found[(*uses, (counter, 1))] = None
    for counter in _carry_counters(*rest, plus) if carry else ():
        if counter.waste(room) <= _MOST_CARRY_WASTE:
            found[(*uses, (counter, 1))] = None


def _counters(low: int, beside: int, above: int, plus: int) -> list[Counter]:
    """Counters of LUTs of at most so many bits that change anything."""
    found = [
        Counter((a, b, c)[: 3 if c else 2 if b else 1], p)
        for p in range(plus + 1)
        for a in range(max(1, 2 - p), min(low, _INPUTS) + 1)
        for b in range(min(beside, _INPUTS - a) + 1)
        for c in range(min(above, _INPUTS - a - b) + 1 if b else 1)
    ]
    return [counter for counter in found if counter.width <= REACH + 1]


@lru_cache(maxsize=1 << 12)
def _carry_counters(low: int, beside: int, above: int, plus: int) -> list[Counter]:
    """Counters of at most so many bits on a carry chain."""
    most = carries.MOST
    found = [
        Counter((a, b, c)[: 3 if c else 2 if b else 1], p, True)
        for p in range(plus + 1)
        for a in range(2, min(low, most) + 1)
        for b in range(min(beside, most) + 1)
        for c in range(min(above, most) + 1)
    ]
    return [
        counter
        for counter in found
        if counter.width <= MADE
        and carries.luts(counter.taken, counter.plus, counter.width) is not None
    ]
