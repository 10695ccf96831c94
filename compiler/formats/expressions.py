"""Verilog's Boolean expressions as truth tables."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..netlist import MAX_FANIN
from ..tables import WHERE_TRUE, full
from .definitions import Definitions
from .reading import short

# Precedence, and for operators of two operands the table, first operand least significant.
_BINARY = {
    "&": (7, 0x8), "^": (6, 0x6), "~^": (6, 0x9), "^~": (6, 0x9), "|": (5, 0xE),
    "&&": (4, 0x8), "||": (3, 0xE),
}  # fmt: skip
_NOT, _CHOICE = 9, 1
_CONSTANT = re.compile(r"(\d+)\s*'\s*[sS]?([bBdDhHoO])\s*([0-9a-fA-F_]+)")
_BASES = {"b": 2, "o": 8, "d": 10, "h": 16}
_FREE_BITS = 4096  # of one constant
WORDS = "names, bits of vectors, constants with a width, ~ & | ^ ?: and parentheses"


class Function(NamedTuple):
    """A table of at most six different nets."""

    fanin: tuple[int, ...]
    table: int


class BadExpression(Exception):
    """What is wrong with an expression."""


Value = list[Function]  # least significant bit first


def combine(nets: Definitions, operands: list[Function], table: int) -> Function:
    """A table of functions; those that read too many nets together become nets of their own."""
    while True:
        fanin = tuple(dict.fromkeys(net for each in operands for net in each.fanin))
        if len(fanin) <= MAX_FANIN:
            break
        widest = max(range(len(operands)), key=lambda i: len(operands[i].fanin))
        made = nets.drive(nets.inner(), *operands[widest])
        operands = [*operands[:widest], Function((made,), 0b10), *operands[widest + 1 :]]
    ones = int(full(len(fanin)))
    columns = [_spread(each, fanin) for each in operands]
    found = 0
    for pattern in range(1 << len(columns)):
        if table >> pattern & 1:
            product = ones
            for i, column in enumerate(columns):
                product &= column if pattern >> i & 1 else column ^ ones
            found |= product
    return Function(fanin, found)


def _spread(function: Function, fanin: tuple[int, ...]) -> int:
    """The table of a function over more nets."""
    ones = int(full(len(fanin)))
    columns = [int(WHERE_TRUE[fanin.index(net)]) & ones for net in function.fanin]
    found = 0
    for pattern in range(1 << len(columns)):
        if function.table >> pattern & 1:
            product = ones
            for i, column in enumerate(columns):
                product &= column if pattern >> i & 1 else column ^ ones
            found |= product
    return found


def constant(token: str) -> Value:
    """A constant with a width, such as 4'b0101."""
    found = _CONSTANT.fullmatch(token)
    if found is None or len(token) > _FREE_BITS or len(found[1]) > 4:
        raise BadExpression(f"constant {short(token)}")
    width, digits = int(found[1]), found[3].replace("_", "")
    try:
        value = int(digits, _BASES[found[2].lower()])
    except ValueError:
        raise BadExpression(f"constant {short(token)}") from None
    if not 1 <= width <= _FREE_BITS:
        raise BadExpression(f"constant of {width} bits")
    return [Function((), value >> bit & 1) for bit in range(width)]


class Evaluator:
    """Evaluates tokens from left to right with two stacks, however deep parentheses nest."""

    def __init__(self, nets: Definitions) -> None:
        self.nets = nets
        self.values: list[Value] = []
        self.operators: list[str] = []
        self.operand = True  # whether one comes next, rather than an operator

    def value(self, value: Value) -> None:
        """An operand that the caller has read."""
        if not self.operand:
            raise BadExpression("two values side by side")
        self.values.append(value)
        self.operand = False

    def token(self, token: str) -> None:
        """An operator or parenthesis."""
        if self.operand:
            if token not in ("~", "!", "("):
                raise BadExpression(f"{short(token)} where a value is needed")
            self.operators.append("~" if token == "!" else token)
        elif token in _BINARY:
            self._reduce(_BINARY[token][0])
            self.operators.append(token)
            self.operand = True
        elif token == "?":
            self._reduce(_CHOICE + 1)  # binds to the right
            self.operators.append(token)
            self.operand = True
        elif token == ":":
            self._reduce(_CHOICE + 1)
            self._reduce_choices()
            if not self.operators or self.operators[-1] != "?":
                raise BadExpression("':' without '?'")
            self.operators[-1] = ":"
            self.operand = True
        elif token == ")":
            self._reduce(0)
            if not self.operators or self.operators.pop() != "(":
                raise BadExpression("a parenthesis without its other")
        else:
            raise BadExpression(short(token))

    def result(self) -> Value:
        """The value of all tokens."""
        if self.operand:
            raise BadExpression("the expression ends where a value is needed")
        self._reduce(0)
        if self.operators:
            raise BadExpression("a parenthesis or '?' without its other")
        return self.values.pop()

    def _reduce(self, least: int) -> None:
        """Apply what binds as strongly as `least` or more."""
        while self.operators and self.operators[-1] not in ("(", "?"):
            if self._strength(self.operators[-1]) < least:
                return
            self._apply(self.operators.pop())

    def _reduce_choices(self) -> None:
        """Apply the complete choices behind the last open one."""
        while self.operators and self.operators[-1] == ":":
            self._apply(self.operators.pop())

    @staticmethod
    def _strength(operator: str) -> int:
        if operator == "~":
            return _NOT
        return _CHOICE if operator == ":" else _BINARY[operator][0]

    def _apply(self, operator: str) -> None:
        if operator == "~":
            operands, table = [self.values.pop()], 0b01
        elif operator == ":":
            operands, table = self.values[-3:], 0xD8  # select, then the value if it is true
            del self.values[-3:]
            operands[0] = operands[0] * len(operands[1]) if len(operands[0]) == 1 else []
        else:
            operands, table = self.values[-2:], _BINARY[operator][1]
            del self.values[-2:]
        if len({len(value) for value in operands}) > 1:
            widths = ", ".join(str(len(value)) for value in operands)
            raise BadExpression(f"{operator} of {widths} bits; one width for all is needed")
        rows = [list(bits) for bits in zip(*operands, strict=True)]
        self.values.append([combine(self.nets, row, table) for row in rows])
