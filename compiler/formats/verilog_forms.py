"""Tables of small expressions, each form of which is evaluated once."""

from __future__ import annotations

from ..netlist import MAX_FANIN
from .definitions import BUFFER
from .expressions import BadExpression, Evaluator, Function, constant
from .verilog_nets import Nets, Tokens, is_constant

OPERATORS = frozenset(["~", "!", "&", "|", "^", "~^", "^~", "&&", "||", "?", ":", "(", ")"])


class Forms:
    """The tables of expressions by what they are with names replaced by numbers."""

    def __init__(self) -> None:
        self._tables: dict[str, int] = {}

    def find(self, tokens: Tokens, nets: Nets) -> tuple[list[int], int] | None:
        """What an expression of at most six bits reads, and its table; None if it is larger."""
        place: dict[str, int] = {}
        form: list[str] = []
        fanin: list[int] = []
        for token in tokens:
            if token in OPERATORS or is_constant(token):
                form.append(token)
                continue
            if token not in place:
                net = nets.scalar(token)
                if net is None or len(fanin) == MAX_FANIN:
                    return None
                place[token] = len(fanin)
                fanin.append(net)
            form.append(f"@{place[token]}")
        key = " ".join(form)
        table = self._tables.get(key)
        if table is None:
            table = self._tables[key] = _table(form, len(fanin), nets)
        return fanin, table


def _table(form: list[str], k: int, nets: Nets) -> int:
    evaluator = Evaluator(nets.definitions)
    for token in form:
        if token[0] == "@":
            evaluator.value([Function((int(token[1:]),), BUFFER)])
        elif "'" in token:
            evaluator.value(constant(token))
        else:
            evaluator.token(token)
    value = evaluator.result()
    if len(value) != 1:
        raise BadExpression(f"{len(value)} bits where one is needed")
    found, order = value[0], value[0].fanin
    table = 0
    for pattern in range(1 << k):
        own = sum((pattern >> net & 1) << i for i, net in enumerate(order))
        table |= (found.table >> own & 1) << pattern
    return table
