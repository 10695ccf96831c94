"""Functions split into LUTs of k inputs: what `kernels/splitting.h` does, with the same result.

A set of inputs, the **bound set**, is replaced by one LUT that reads it where the function takes
only two forms under all its patterns (Ashenhurst, "The Decomposition of Switching Functions",
1957); one more input may be read by the LUT and by what is left.

Tables are integers of 64 bits; those of fewer than six inputs are repeated.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from .tables import WHERE_TRUE

ONES = (1 << 64) - 1
IS_TRUE = [int(mask) for mask in WHERE_TRUE]  # by input
MOST_PARTS = 5


class Part(NamedTuple):
    """A LUT. inputs: those of the function are numbered first, then come the parts before."""

    inputs: tuple[int, ...]
    table: int


@lru_cache(maxsize=1 << 16)
def split_function(table: int, n: int, k: int) -> tuple[Part, ...]:
    """LUTs of at most `k` inputs, the last of which answers; none if that fails."""
    parts: list[Part] = []
    rest = Part(tuple(range(n)), table)
    while len(rest.inputs) > k:
        bound = _bind_most(rest, k, n + len(parts)) if len(parts) < MOST_PARTS - 1 else None
        if bound is None:
            return ()
        parts.append(bound[0])
        rest = bound[1]
    return (*parts, rest)


def _bind_most(rest: Part, k: int, made: int) -> tuple[Part, Part] | None:
    """A LUT that takes as many inputs away as can be, and what is left."""
    n = len(rest.inputs)
    for fewer in range(k - 1, 0, -1):
        sets = sorted(combinations(range(n), fewer + 1), key=lambda s: sum(1 << i for i in s))
        for shared in (None, *(range(n) if fewer + 2 <= k else ())):
            for bound in sets:
                if shared not in bound and (found := _bind(rest, bound, shared, made)):
                    return found
    return None


def _bind(
    rest: Part, bound: tuple[int, ...], shared: int | None, made: int
) -> tuple[Part, Part] | None:
    """Replace the bound inputs by one LUT, signal `made`, if that can be."""
    read = (*bound,) if shared is None else (*bound, shared)
    free = [i for i in range(len(rest.inputs)) if i not in read]
    table = _ordered(rest.table, (*free, *read))
    width, own = len(free), len(bound)
    forms, which = [], 0
    for s in range(1 if shared is None else 2):
        found = _two_forms(table >> (s << (width + own)), width, 1 << own)
        if found is None:
            return None
        forms.append(found[:2])
        which |= found[2] << (s << own)
    lut = Part(tuple(rest.inputs[i] for i in read), repeat(which, len(read)))
    columns = [form[high] for high in range(2) for form in forms]
    left = sum(column << (i << width) for i, column in enumerate(columns))
    kept = (*free,) if shared is None else (*free, shared)
    inputs = (*(rest.inputs[i] for i in kept), made)
    return lut, Part(inputs, repeat(left, len(inputs)))


def _ordered(table: int, order: tuple[int, ...]) -> int:
    """The table with input order[i] in place i."""
    now = list(range(len(order)))
    for place, wanted in enumerate(order):
        at = now.index(wanted)
        table = swap(table, place, at)
        now[place], now[at] = now[at], now[place]
    return table


def _two_forms(table: int, width: int, count: int) -> tuple[int, int, int] | None:
    """The forms that `count` columns take, if two at most, and which columns have the second."""
    mask = (1 << (1 << width)) - 1
    first = second = table & mask
    which = 0
    for i in range(1, count):
        column = table >> (i << width) & mask
        if column != first:
            if which and column != second:
                return None
            second = column
            which |= 1 << i
    return first, second, which


def repeat(table: int, n: int) -> int:
    """A table of `n` inputs repeated over 64 bits."""
    table &= (1 << (1 << n)) - 1
    for i in range(n, 6):
        table |= table << (1 << i)
    return table


def swap(table: int, i: int, j: int) -> int:
    """The table with inputs i <= j exchanged."""
    if i == j:
        return table
    distance = (1 << j) - (1 << i)
    moved = (table >> distance ^ table) & IS_TRUE[i] & ~IS_TRUE[j]
    return table ^ moved ^ (moved << distance)
