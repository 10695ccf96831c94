"""Popcounts and argmaxes written as operators: rows of adders, rounds of comparators.

Every value is a net of its own, and wide inputs are cut into words first: an event-driven simulator
passes a whole vector to each of its readers whenever one bit of it changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from .text import ZERO, Port, Value, clocked, clocks, module_text, plural, register, unused

_WORD = 32


class _Rows:
    """Lines row by row, with registers on all values that are live after a row that is cut."""

    def __init__(self, cuts: Iterable[int] = ()) -> None:
        self._cuts = frozenset(cuts)
        self.lines: list[str] = []
        self.live = [0]  # bits after each row
        self.updates: list[str] = []

    def wire(self, name: str, width: int, text: str) -> Value:
        self.lines.append(f"  wire [{width - 1}:0] {name} = {text};")
        return Value(name, width)

    def end(self, values: list[Value]) -> list[Value]:
        """End a row: the values as the next row reads them."""
        self.live.append(sum(value.width for value in values))
        row = len(self.live) - 1
        if row not in self._cuts:
            return values
        held = [Value(f"q{row}_{i}", value.width) for i, value in enumerate(values)]
        for value, new in zip(values, held, strict=True):
            self.lines.append(register(new))
            self.updates.append(f"{new.text} <= {value.text};")
        return held

    def module(
        self, name: str, comment: str, ports: list[Port], last: list[str], enable: bool
    ) -> str:
        lines = [*self.lines, *last, *clocked(self.updates, enable)]
        return module_text(name, comment, [*clocks(bool(self.updates), enable), *ports], lines)


@lru_cache(maxsize=256)
def popcount_live(planes: tuple[int, ...]) -> NDArray[np.int64]:
    """Bits that are live after each row of a popcount, int64 [rows + 1]; entry 0 is not used."""
    rows = _Rows()
    _add_up(rows, _bits([f"in[{i}]" for i in range(sum(planes))]), planes)
    return _profile(rows)


@lru_cache(maxsize=256)
def argmax_live(candidates: int, bits: int) -> NDArray[np.int64]:
    """Bits that are live after each round of an argmax, int64 [rounds + 1]."""
    rows = _Rows()
    _winner(rows, [Value("", bits)] * candidates)
    return _profile(rows)


def _profile(rows: _Rows) -> NDArray[np.int64]:
    return np.array(rows.live if len(rows.live) > 1 else [0, rows.live[-1]], np.int64)


def popcount_module(
    module: str, planes: tuple[int, ...], cuts: tuple[int, ...] = (), enable: bool = False
) -> str:
    """The module that adds up the bits of `in`: the first `planes[0]` count one, the next
    `planes[1]` two, and so on.
    """
    addends = sum(planes)
    rows = _Rows(cuts)
    names = _input_bits(rows, addends)
    total = _add_up(rows, _bits(names), planes)
    weights = [f"{n} of weight {1 << s}" for s, n in enumerate(planes) if n]
    comment = f"The sum of {plural(addends, 'input')}: {', '.join(weights)}."
    ports = [Port("in", "input", addends), Port("count", "output", total.width)]
    return rows.module(module, comment, ports, [f"  assign count = {total.text};"], enable)


def _bits(names: list[str]) -> list[Value]:
    return [Value(name, 1) for name in names]


def _add_up(rows: _Rows, bits: list[Value], planes: tuple[int, ...]) -> Value:
    """The sum: a tree of adders for each weight, and these added up from the heaviest."""
    ends = list(accumulate(planes))
    sums = [bits[end - n : end] for end, n in zip(ends, planes, strict=True)]
    level = 0
    while any(len(some) > 1 for some in sums):
        level += 1
        most = planes  # no sum exceeds all the bits of its weight
        for shift, some in enumerate(sums):
            prefix = f"s{shift}_{level}_" if len(planes) > 1 else f"s{level}_"
            sums[shift] = _pairs(rows, some, prefix, most[shift].bit_length())
        sums = _regrouped(rows.end([v for some in sums for v in some]), sums)
    return _weighted(rows, sums, planes)


def _pairs(rows: _Rows, sums: list[Value], prefix: str, widest: int) -> list[Value]:
    if len(sums) < 2:
        return sums
    wide = min(max(value.width for value in sums) + 1, widest)
    return [
        rows.wire(
            f"{prefix}{i // 2}",
            wide,
            " + ".join(_extended(addend, wide) for addend in sums[i : i + 2]),
        )
        for i in range(0, len(sums), 2)
    ]


def _regrouped(values: list[Value], like: list[list[Value]]) -> list[list[Value]]:
    found = iter(values)
    return [[next(found) for _ in some] for some in like]


def _weighted(rows: _Rows, sums: list[list[Value]], planes: tuple[int, ...]) -> Value:
    """Sums of each weight, from the heaviest on doubled and added to the next one."""
    largest = planes[-1]
    while len(sums) > 1:
        *rest, beside, heaviest = sums
        largest = 2 * largest + planes[len(sums) - 2]
        wide = largest.bit_length()
        doubled = Value(f"{{{heaviest[0].text}, {ZERO}}}", heaviest[0].width + 1)
        parts = [_extended(value, wide) for value in [doubled, *beside]]
        total = rows.wire(f"t{len(sums) - 2}", wide, " + ".join(parts))
        sums = [*rest, [total]]
        sums = _regrouped(rows.end([v for some in sums for v in some]), sums)
    return sums[0][0]


def _extended(value: Value, wide: int) -> str:
    """A number as one of `wide` bits."""
    narrow = value.width
    return value.text if wide == narrow else f"{{{wide - narrow}'b0, {value.text}}}"


def _input_bits(rows: _Rows, n: int) -> list[str]:
    """The name of each bit of port `in`, which is cut into words if it is wide."""
    if n <= _WORD:
        return [f"in[{i}]" for i in range(n)]
    for i in range(0, n, _WORD):
        wide = min(_WORD, n - i)
        rows.wire(f"w{i // _WORD}", wide, f"in[{i} +: {wide}]")
    return [f"w{i // _WORD}[{i % _WORD}]" for i in range(n)]


def argmax_module(
    module: str, shape: tuple[int, int], cuts: tuple[int, ...] = (), enable: bool = False
) -> str:
    """The module that finds the largest of the numbers [candidates, bits] in `in`: a tournament,
    the left wins ties.

    In round `r` the winner's index gains bit `r - 1`: whether it came from the right.
    """
    candidates, bits = shape
    width = max(1, (candidates - 1).bit_length())
    rows = _Rows(cuts)
    index = _winner(rows, [Value(f"in[{bits * i} +: {bits}]", bits) for i in range(candidates)])
    last = [f"  assign index = {index.text};"]
    last += unused(["in"] if candidates == 1 else [])
    comment = f"The index of the largest of {candidates} numbers of {plural(bits, 'bit')}; "
    ports = [Port("in", "input", candidates * bits), Port("index", "output", width)]
    return rows.module(module, comment + "of equal ones the lowest.", ports, last, enable)


def _winner(rows: _Rows, values: list[Value]) -> Value:
    """The index of the largest value."""
    indices: list[Value] = [Value("", 0)] * len(values)
    level = 0
    while len(values) > 1:
        level += 1
        rows.lines.append(f"  // round {level}")
        matches = [
            _match(rows, f"{level}_{i // 2}", values[i : i + 2], indices[i : i + 2], len(values))
            for i in range(0, len(values), 2)
        ]
        values = [value for value, _ in matches if value.width]
        held = rows.end([*values, *(index for _, index in matches)])
        values, indices = held[: len(values)], held[len(values) :]
    return indices[0] if indices[0].width else Value(ZERO, 1)


def _match(
    rows: _Rows, at: str, values: list[Value], indices: list[Value], left: int
) -> tuple[Value, Value]:
    """One match: the value that won, none in the last match, and its index; alone, left wins."""
    narrow = indices[0].width
    if len(values) == 1:
        rest = f"{{{ZERO}, {indices[0].text}}}" if narrow else ZERO
        return values[0], rows.wire(f"i{at}", narrow + 1, rest)
    low, high = values[0].text, values[1].text
    right = rows.wire(f"r{at}", 1, f"{high} > {low}").text
    rest = f"{{{right}, {right} ? {indices[1].text} : {indices[0].text}}}" if narrow else right
    index = rows.wire(f"i{at}", narrow + 1, rest)
    if left == 2:
        return Value("", 0), index
    return rows.wire(f"v{at}", values[0].width, f"{right} ? {high} : {low}"), index
