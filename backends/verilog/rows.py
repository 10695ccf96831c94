"""Rows of adders on the carry chains of devices whose LUTs have four inputs.

A **row** adds two words and a bit of their lowest weight: a position, one logic cell, for each
weight, where full adders of LUTs take two. What goes in as the first carry takes a cell, and so
does the last carry, to be an answer. Where a row stands on another one, these are one cell, which
answers the carry from below and hands up the bit of the next row. So several rows are a chain, in
which a row of n positions takes n + 1 cells and removes n bits (compare E. Swartzlander, "Parallel
Counters", 1973).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ...compiler import Builder, Netlist
from ...compiler.netlist import FIRST_INPUT
from ...compiler.passes.lower import CARRY2, CARRY3, SUM2, SUM3


class Row(NamedTuple):
    """Bits added at each position, 1 or 2; of 3 at the first one, one goes in as its carry.

    digits: that it answers; without the last carry as many as there are positions.
    """

    taken: tuple[int, ...]
    digits: int

    @property
    def carried(self) -> bool:
        """Whether a bit goes in as the first carry."""
        return self.taken[0] > 2

    @property
    def whole(self) -> bool:
        """Whether its last carry is a digit."""
        return self.digits > len(self.taken)


class RowChain(NamedTuple):
    """Rows that stand on each other; the inputs of the first one come first, by weight."""

    rows: tuple[Row, ...]

    @property
    def inputs(self) -> int:
        return sum(sum(row.taken) for row in self.rows)

    @property
    def digits(self) -> int:
        return sum(row.digits for row in self.rows)

    @property
    def name(self) -> str:
        """What its module is called."""
        parts = ("".join(map(str, row.taken)) for row in self.rows)
        return "rows" + "_".join(parts) + ("" if self.rows[-1].whole else "_top")


class Position(NamedTuple):
    """A logic cell of a chain.

    adds: one or two inputs, added to the carry from below. takes: the input that is the carry from
    here on instead, or None. digit: what it answers, if anything: the sum, or the carry from below.
    """

    adds: tuple[int, ...]
    takes: int | None
    digit: int | None


@lru_cache(maxsize=1024)
def positions(chain: RowChain) -> list[Position]:
    """The cells of a chain, from below."""
    found: list[Position] = []
    first = digit = 0
    last = None  # the digit that is the carry of the row below
    for row in chain.rows:
        bits = list(range(first, first + sum(row.taken)))
        first += len(bits)
        takes = bits.pop(0) if row.carried else None
        if row.carried or last is not None:
            found.append(Position((), takes, last))
        for i, n in enumerate(row.taken):
            n = min(n, 2)
            found.append(Position(tuple(bits[:n]), None, digit + i))
            del bits[:n]
        last = digit + len(row.taken) if row.whole else None
        digit += row.digits
    if last is not None:
        found.append(Position((), None, last))
    return found


class Paired(NamedTuple):
    """A chain whose cells go in pairs: these, the input that is its carry at the bottom, and the
    digit that its carry at the top is; None where there is none.
    """

    cells: list[Position]
    bottom: int | None
    top: int | None


def paired(chain: RowChain) -> Paired:
    """Cells in pairs, which are entered and left by their carries."""
    cells, bottom, top = list(positions(chain)), None, None
    if not cells[0].adds:
        bottom = cells.pop(0).takes
    if len(cells) % 2 and not cells[-1].adds:
        top = cells.pop().digit
    if len(cells) % 2:
        cells.append(Position((), None, None))
    return Paired(cells, bottom, top)


@lru_cache(maxsize=1024)
def rows_netlist(chain: RowChain) -> Netlist:
    """The chain as a netlist of full adders and half adders."""
    builder = Builder(chain.inputs)
    carry, answers = None, {}
    for adds, takes, digit in positions(chain):
        nets = [FIRST_INPUT + number for number in adds]
        if not adds:
            if digit is not None:
                answers[digit] = carry
            carry = None if takes is None else FIRST_INPUT + takes
            continue
        nets += [] if carry is None else [carry]
        if len(nets) == 1:
            answers[digit], carry = nets[0], None
            continue
        tables = [SUM3, CARRY3] if len(nets) == 3 else [SUM2, CARRY2]
        answers[digit], carry = builder.luts([nets, nets], tables).tolist()
    return builder.build([answers[digit] for digit in range(chain.digits)])
