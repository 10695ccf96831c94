"""Which counters add up columns of bits, in few levels and few LUTs: a beam search.

The search goes level by level, since counters of one level read what is there before it, and in a
level column by column. A state says how many bits and constants each column holds. The states that
are kept have little waste and low columns (see `choices`). What is left may be added by one carry
chain over all columns, a **row**.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import count
from typing import NamedTuple

import numpy as np

from . import carries
from .choices import LUT, MADE, REACH, Counter, Ints, moves, options

_INPUTS = 6  # of a LUT
_BEAM = 100  # states kept for each price
_HIGHEST = 1 << 12
_BEYOND = 2  # levels after those of the fastest sum
_WORTH = 32  # a level is worth so many bits to be added up in LUTs

Heights = tuple[int, ...]  # bits of each column


class Use(NamedTuple):
    """So many counters whose lowest weight is that of a column."""

    column: int
    counter: Counter
    times: int


class _End(NamedTuple):
    """A sum that is found: what it costs, its levels, and the state before its row, if any."""

    price: float
    levels: int
    steps: int
    row: int
    last: Use | None


def plan(arrivals: list[Heights], plus: Heights, carry: int = 0) -> list[list[Use]]:
    """The counters of each level, after which no column has more than one bit or constant.

    arrivals: bits that are there before each level, of each column up to that of the sum's highest
    digit. plus: constants of each column, 0 or 1. carry: levels that a counter on a carry chain
    takes, 1 or 2; 0 for none of these.
    """
    worth = LUT * sum(map(sum, arrivals)) / _WORTH
    search = _Search(plus, carry)
    ends: list[_End] = []
    for level in count():
        if level < len(arrivals):
            search.arrive(arrivals[level])
        last = level >= len(arrivals) - 1
        if last:
            ends += search.ends(level, worth)
        if ends and level >= ends[0].levels + _BEYOND:
            break
        search.level(level, idle=not last)
        if not len(search.states.waste):
            break
    return search.traced(min(ends))


class _States(NamedTuple):
    """States within a level, a row each.

    bits, rest, late: of each column, what it holds, what it will hold more at the next level, and
    at the one after it. plus: constants. busy: 1 where the level has counters, or is waited for
    what those before it answer, else 0. waste: so far.
    """

    bits: Ints
    rest: Ints
    late: Ints
    plus: Ints
    busy: Ints
    waste: Ints

    def at(self, rows: Ints) -> _States:
        return _States(*(each[rows] for each in self))


class _Step(NamedTuple):
    """What led to the states after it: the row before, and which of the options of its key."""

    level: int
    column: int
    parent: Ints
    option: Ints
    keys: list[tuple[int, ...]]


class _Search:
    """The states so far, and the steps that led there."""

    def __init__(self, plus: Heights, carry: int) -> None:
        self.columns = len(plus)
        self.carry = carry
        none = np.zeros((1, self.columns + MADE), np.int64)
        constants = none.copy()
        constants[0, : self.columns] = plus
        self.states = _States(none, none, none, constants, none[:, 0], none[:, 0])
        self.steps: list[_Step] = []

    def arrive(self, more: Heights) -> None:
        """Add bits to columns."""
        bits = self.states.bits.copy()
        bits[:, : self.columns] += np.array(more, np.int64)
        self.states = self.states._replace(bits=bits)

    def ends(self, level: int, worth: float) -> list[_End]:
        """The states that have at most one bit or constant in each column, or need only a row."""
        states = self.states
        height = states.bits + states.plus
        ready = ~states.rest.any(axis=1)
        found = []
        for row in np.flatnonzero(ready & (height.max(axis=1) <= 1)).tolist():
            price = int(states.waste[row]) + worth * level
            found.append(_End(price, level, len(self.steps), row, None))
        if not self.carry:
            return found
        low = carries.MOST if self.carry else 0
        for row in np.flatnonzero(ready & (height.max(axis=1) <= low)).tolist():
            last = self._row(row)
            if last is not None:
                room = self.columns - last.column
                levels = level + self.carry + (room - 1) // carries.SLICE * (self.carry > 1)
                price = int(states.waste[row]) + last.counter.waste(room) + worth * levels
                found.append(_End(price, levels, len(self.steps), row, last))
        return found

    def _row(self, row: int) -> Use | None:
        """The chain that adds all that a state holds, if there is one."""
        bits, plus = self.states.bits[row].tolist(), self.states.plus[row].tolist()
        height = [a + b for a, b in zip(bits, plus, strict=True)]
        first = next((column for column, n in enumerate(height) if n > 1), None)
        if first is None:
            return None
        room = self.columns - first
        constants = sum(plus[first + i] << i for i in range(room))
        counter = Counter(tuple(bits[first : self.columns]), constants, carry=True)
        if carries.luts(counter.taken, constants, min(room, counter.width)) is None:
            return None
        return Use(first, counter, 1)

    def level(self, level: int, idle: bool) -> None:
        """Use counters of one level; `idle`: a level may also use none."""
        waits = self.states.rest.any(axis=1).astype(np.int64)
        self.states = self.states._replace(busy=waits)
        for column in range(self.columns):
            self._column(level, column)
        states = self.states
        kept = np.flatnonzero(states.busy | int(idle))
        self.steps.append(_Step(level, 0, kept, np.zeros_like(kept), [(0,) * 6] * len(states.busy)))
        states = states.at(kept)
        none = np.zeros_like(states.rest)
        self.states = states._replace(bits=states.rest, rest=states.late, late=none)

    def _column(self, level: int, column: int) -> None:
        states = self.states
        read = states.bits[:, column : column + REACH]
        room = np.full(len(read), min(self.columns - column, MADE))
        carry = np.full(len(read), self.carry)
        key = np.column_stack([read, states.plus[:, column], room, carry])
        key[:, 1:REACH] = np.minimum(key[:, 1:REACH], self._most(key[:, 0]))
        keys = list(map(tuple, key.tolist()))
        some = [moves(key) for key in keys]
        sizes = np.array([len(each) for each in some])
        parent = np.repeat(np.arange(len(keys)), sizes)
        option = np.arange(len(parent)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        after = _moved(states.at(parent), column, np.concatenate(some))
        kept = _best(after)
        self.steps.append(_Step(level, column, parent[kept], option[kept], keys))
        self.states = after.at(kept)

    def _most(self, bits: Ints) -> Ints:
        """How many bits of the next columns matter to counters of columns of so many bits."""
        if not self.carry:
            return np.full((len(bits), REACH - 1), _INPUTS)
        beside = np.full(len(bits), carries.MOST)
        return np.column_stack([beside, beside + bits // carries.MOST * carries.MOST])

    def traced(self, end: _End) -> list[list[Use]]:
        """The counters that led to an end."""
        levels: list[list[Use]] = [[] for _ in range(end.levels)]
        row = end.row
        for step in reversed(self.steps[: end.steps]):
            parent = int(step.parent[row])
            option = options(step.keys[parent])[int(step.option[row])]
            levels[step.level] += [Use(step.column, counter, times) for counter, times in option]
            row = parent
        if end.last:
            begin = 1 + max((step.level for step in self.steps[: end.steps]), default=-1)
            levels[begin].append(end.last)
        return levels


def _moved(states: _States, column: int, moves: Ints) -> _States:
    """What becomes of states by rows of `moves`; bits that are not read stay. Changes them."""
    read = states.bits[:, column : column + REACH]
    made = slice(column, column + MADE)
    read -= moves[:, :REACH]
    states.rest[:, made] += moves[:, REACH : REACH + MADE]
    states.late[:, made] += moves[:, REACH + MADE : REACH + 2 * MADE]
    states.rest[:, column] += read[:, 0]
    read[:, 0] = 0
    states.plus[:, column] -= moves[:, -3]
    return states._replace(busy=states.busy | moves[:, -1], waste=states.waste + moves[:, -2])


def _best(states: _States) -> Ints:
    """The rows to keep: of equal states the first of least waste; all idle ones, and the best."""
    whole = np.column_stack([states.bits, states.rest, states.late, states.plus, states.busy])
    code = whole @ _factors(whole.shape[1])
    order = np.lexsort((states.waste, code))
    new = np.diff(code[order], prepend=~code[order[0]]) != 0
    rows = np.sort(order[new])
    busy = rows[states.busy[rows] > 0]
    if len(busy) <= _BEAM:
        return rows
    some = states.at(busy)
    double = some.bits + 2 * (some.plus + some.rest + some.late)
    kept = [rows[states.busy[rows] == 0]]
    for waste, of_height in _prices():
        price = waste * some.waste + of_height[np.minimum(double, _HIGHEST)].sum(axis=1)
        kept.append(busy[np.argsort(price, kind="stable")[:_BEAM]])
    return np.unique(np.concatenate(kept))


@lru_cache(maxsize=64)
def _factors(n: int) -> Ints:
    """Odd numbers that make one number of a row of n."""
    mask = (1 << 64) - 1
    powers = [pow(0x9E3779B97F4A7C15, i + 1, 1 << 64) & mask for i in range(n)]
    return np.array(powers, np.uint64).view(np.int64)


@lru_cache(maxsize=1)
def _prices() -> list[tuple[int, Ints]]:
    """How bad states seem: what waste costs, and half bits of a column beyond its first one."""
    halves = [max(0, half - 2) / 2 for half in range(_HIGHEST + 1)]
    return [
        (waste, LUT * np.array([round(100 * high**power) for high in halves]))
        for waste, power in ((50, 0.5), (30, 1.0))
    ]
