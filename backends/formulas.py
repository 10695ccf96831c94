"""Truth table to text: the one table behind every dialect.

A table of up to three inputs has a shortest formula in `& | ^ ~`; all 256 are found once, size by
size. A formula is postfix over `a b c` (inputs 0, 1, 2), the constants `0` and `1`, and operators,
so C, numpy and Verilog share it. Wider tables become multiplexers by Shannon's expansion.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from ..compiler.tables import as_tables, extend

INPUTS = "abc"


class Dialect(NamedTuple):
    """How a language writes the constants and, where it has one, a multiplexer."""

    zero: str
    one: str
    mux: str = ""  # with {select}, {high} and {low}


def formula(table: int, k: int) -> str:
    """A shortest postfix formula of a k-input table, k <= 3."""
    return _shortest()[int(extend(as_tables(table), k, 3)) & 0xFF]


@lru_cache(maxsize=1)
def _shortest() -> dict[int, str]:
    """Formulas of all three-input functions: fewest operators, then fewest operands."""
    found = {0x00: "0", 0xFF: "1", 0xAA: "a", 0xCC: "b", 0xF0: "c"}
    by_size = [dict(found)]
    while len(found) < 256:
        made: dict[int, str] = {}

        def offer(table: int, text: str, made: dict[int, str] = made) -> None:
            if table not in found and len(text) < len(made.get(table, text + "~")):
                made[table] = text

        for table, text in by_size[-1].items():
            offer(table ^ 0xFF, text + "~")
        for size in range((len(by_size) + 1) // 2):
            for left, x in by_size[size].items():
                for right, y in by_size[len(by_size) - 1 - size].items():
                    offer(left & right, f"{x}{y}&")
                    offer(left | right, f"{x}{y}|")
                    offer(left ^ right, f"{x}{y}^")
        by_size.append(made)
        found.update(made)
    return found


def infix(postfix: str, names: Sequence[str], dialect: Dialect) -> str:
    """A postfix formula as text, with `names` for the inputs."""
    stack: list[str] = []
    for symbol in postfix:
        if symbol in INPUTS:
            stack.append(names[INPUTS.index(symbol)])
        elif symbol in "01":
            stack.append(dialect.one if symbol == "1" else dialect.zero)
        elif symbol == "~":
            stack.append(f"~{stack.pop()}")
        else:
            right, left = stack.pop(), stack.pop()
            stack.append(f"({left} {symbol} {right})")
    (text,) = stack
    return text[1:-1] if text.startswith("(") else text


def expression(table: int, names: Sequence[str], dialect: Dialect) -> str:
    """A table of `len(names)` inputs as text; beyond three inputs the dialect needs a `mux`."""
    k = len(names)
    if k <= 3:
        return infix(formula(table, k), names, dialect)
    half = 1 << (k - 1)
    low, high = table & ((1 << half) - 1), table >> half
    texts = [expression(part, names[:-1], dialect) for part in (low, high)]
    if low == high:
        return texts[0]
    low_text, high_text = (f"({text})" if " " in text else text for text in texts)
    return dialect.mux.format(select=names[-1], high=high_text, low=low_text)
