"""Which counters add up columns of bits, in few levels and few LUTs: a beam search.

A **counter** takes some bits of one weight and of the next two weights, at most six in all, and
answers the digits of their sum, each a LUT. A constant of the lowest weight costs it nothing. A
full adder is the counter of three bits of one weight; six bits of one weight, or five and one of
twice that weight, are best: each LUT removes a bit. What a counter takes beyond a LUT for each bit
that it removes is its **waste**, so that the LUTs of a sum are the bits that go, and the waste.

The search goes level by level, since counters of one level read what is there before it, and in a
level column by column. A state says how many bits and constants each column holds. The states that
are kept have little waste and low columns.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_INPUTS = 6  # of a LUT
_REACH = 3  # columns that a counter reads; it answers in one more at most
_MANY = 24  # bits of a column from which on only sixes are counted
_MOST_WASTE = 3
_BEAM = 100  # states kept for each price
_HIGHEST = 1 << 12
_BEYOND = 2  # levels after those of the fastest sum
_WORTH = 32  # a level is worth so many bits to be added up in LUTs

Ints = NDArray[np.int64]
Heights = tuple[int, ...]  # bits of each column


class Counter(NamedTuple):
    """Adds up bits of one weight and of the next weights, and `plus`."""

    taken: tuple[int, ...]
    plus: int

    @property
    def width(self) -> int:
        """Bits of the sum."""
        return (sum(n << i for i, n in enumerate(self.taken)) + self.plus).bit_length()


class Use(NamedTuple):
    """So many counters whose lowest weight is that of a column."""

    column: int
    counter: Counter
    times: int


def plan(arrivals: list[Heights], plus: Heights) -> list[list[Use]]:
    """The counters of each level, after which no column has more than one bit or constant.

    arrivals: bits that are there before each level, of each column up to that of the sum's highest
    digit. plus: constants of each column, 0 or 1.
    """
    worth = sum(map(sum, arrivals)) / _WORTH
    search = _Search(plus)
    ends: list[tuple[float, int, int, int]] = []  # price, levels, steps and row
    for level in count():
        if level < len(arrivals):
            search.arrive(arrivals[level])
        last = level >= len(arrivals) - 1
        if last:
            waste = search.states.waste
            ends += [
                (waste[row] + worth * level, level, len(search.steps), row)
                for row in search.finished()
            ]
        if ends and level >= ends[0][1] + _BEYOND:
            break
        search.level(level, idle=not last)
        if not len(search.states.waste):
            break
    _, depth, steps, row = min(ends)
    return search.traced(depth, steps, row)


class _States(NamedTuple):
    """States within a level, a row each.

    bits, rest: of each column, what it holds, and what it will hold at the next level. plus:
    constants. busy: 1 where the level has counters, else 0. waste: so far.
    """

    bits: Ints
    rest: Ints
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

    def __init__(self, plus: Heights) -> None:
        self.columns = len(plus)
        none = np.zeros((1, self.columns + _REACH), np.int64)
        constants = none.copy()
        constants[0, : self.columns] = plus
        self.states = _States(none, none, constants, none[:, 0], none[:, 0])
        self.steps: list[_Step] = []

    def arrive(self, more: Heights) -> None:
        """Add bits to columns."""
        bits = self.states.bits.copy()
        bits[:, : self.columns] += np.array(more, np.int64)
        self.states = self.states._replace(bits=bits)

    def finished(self) -> list[int]:
        """The rows of states with at most one bit or constant in each column."""
        return np.flatnonzero((self.states.bits + self.states.plus).max(axis=1) <= 1).tolist()

    def level(self, level: int, idle: bool) -> None:
        """Use counters of one level; `idle`: a level may also use none."""
        for column in range(self.columns):
            self._column(level, column)
        states = self.states
        kept = np.flatnonzero(states.busy | int(idle))
        self.steps.append(_Step(level, 0, kept, np.zeros_like(kept), [(0,) * 5] * len(states.busy)))
        states = states.at(kept)
        none = np.zeros_like(states.rest)
        self.states = states._replace(bits=states.rest, rest=none, busy=none[:, 0])

    def _column(self, level: int, column: int) -> None:
        states = self.states
        read = states.bits[:, column : column + _REACH]
        room = np.full(len(read), min(self.columns - column, _REACH + 1))
        key = np.column_stack([read, states.plus[:, column], room])
        key[:, 1:_REACH] = np.minimum(key[:, 1:_REACH], _INPUTS)
        keys = list(map(tuple, key.tolist()))
        moves = [_moves(key) for key in keys]
        sizes = np.array([len(some) for some in moves])
        parent = np.repeat(np.arange(len(keys)), sizes)
        option = np.arange(len(parent)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        after = _moved(states.at(parent), column, np.concatenate(moves))
        kept = _best(after)
        self.steps.append(_Step(level, column, parent[kept], option[kept], keys))
        self.states = after.at(kept)

    def traced(self, depth: int, steps: int, row: int) -> list[list[Use]]:
        """The counters that led to a row of the states after so many steps."""
        levels: list[list[Use]] = [[] for _ in range(depth)]
        for step in reversed(self.steps[:steps]):
            parent = int(step.parent[row])
            option = _options(step.keys[parent])[int(step.option[row])]
            levels[step.level] += [Use(step.column, counter, times) for counter, times in option]
            row = parent
        return levels


def _moved(states: _States, column: int, moves: Ints) -> _States:
    """What becomes of states by rows of `_moves`; bits that are not read stay. Changes them."""
    read = states.bits[:, column : column + _REACH]
    read -= moves[:, :_REACH]
    states.rest[:, column : column + _REACH + 1] += moves[:, _REACH : 2 * _REACH + 1]
    states.rest[:, column] += read[:, 0]
    read[:, 0] = 0
    states.plus[:, column] -= moves[:, -3]
    return states._replace(busy=states.busy | moves[:, -1], waste=states.waste + moves[:, -2])


def _best(states: _States) -> Ints:
    """The rows to keep: of equal states the first of least waste; all idle ones, and the best."""
    whole = np.column_stack([states.bits, states.rest, states.plus, states.busy])
    code = whole @ _factors(whole.shape[1])
    order = np.lexsort((states.waste, code))
    new = np.diff(code[order], prepend=~code[order[0]]) != 0
    rows = np.sort(order[new])
    busy = rows[states.busy[rows] > 0]
    if len(busy) <= _BEAM:
        return rows
    some = states.at(busy)
    double = some.bits + 2 * (some.plus + some.rest)
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
        (waste, np.array([round(100 * high**power) for high in halves]))
        for waste, power in ((50, 0.5), (30, 1.0))
    ]


@lru_cache(maxsize=1 << 14)
def _moves(key: tuple[int, ...]) -> Ints:
    """What each option of `_options` does, int64 [options, 10]: bits taken and made of columns from
    this one on, constants taken, waste, and whether there are counters.
    """
    return np.array([_move(option, key[-1]) for option in _options(key)], np.int64)


def _move(option: tuple[tuple[Counter, int], ...], room: int) -> list[int]:
    taken, made = [0] * _REACH, [0] * (_REACH + 1)
    plus = waste = 0
    for counter, times in option:
        width = min(counter.width, room)  # what would lie beyond the sum is never true
        for i, n in enumerate(counter.taken):
            taken[i] += n * times
        for i in range(width):
            made[i] += times
        plus += counter.plus * times
        waste += (2 * width - sum(counter.taken)) * times
    return [*taken, *made, plus, waste, int(bool(option))]


@lru_cache(maxsize=1 << 14)
def _options(key: tuple[int, ...]) -> list[tuple[tuple[Counter, int], ...]]:
    """The counters that a column may use, and how many of each.

    key: its bits, those of the next two columns, its constants, and columns from it on.
    """
    bits, beside, above, plus, room = key
    full = bits // _INPUTS
    found: dict[tuple[tuple[Counter, int], ...], None] = {}
    for sixes in (full, max(full - (bits < _MANY), 0)):
        constants = min(plus, sixes)
        with_one, without = Counter((_INPUTS,), 1), Counter((_INPUTS,), 0)
        pairs = [(with_one, constants), (without, sixes - constants)]
        uses = tuple(pair for pair in pairs if pair[1])
        found[uses] = None
        if bits < _MANY:
            rest = bits - _INPUTS * sixes
            for counter in _counters(rest, plus - constants, beside, above):
                if 2 * min(counter.width, room) - sum(counter.taken) <= _MOST_WASTE:
                    found[(*uses, (counter, 1))] = None
    return list(found)


def _counters(low: int, plus: int, beside: int, above: int) -> list[Counter]:
    """Counters of at most so many bits that change anything."""
    found = [
        Counter((a, b, c)[: 3 if c else 2 if b else 1], p)
        for p in range(plus + 1)
        for a in range(max(1, 2 - p), min(low, _INPUTS) + 1)
        for b in range(min(beside, _INPUTS - a) + 1)
        for c in range(min(above, _INPUTS - a - b) + 1 if b else 1)
    ]
    return [counter for counter in found if counter.width <= _REACH + 1]
