"""Structural Verilog: one module of assignments and primitive gates.

IEEE Std 1364-2005, the part of it that describes a netlist of bits, as ABC and Yosys write it after
mapping to gates, and as the logic module of our own Verilog is.
"""

from __future__ import annotations

import os

from ..circuit import Circuit
from ..netlist import MAX_FANIN
from .definitions import BUFFER, INVERTER, Definitions
from .expressions import WORDS, BadExpression, Evaluator, Function, Value, constant
from .reading import Source, short
from .verilog_nets import Nets, Tokens, is_constant, is_name, split_at_commas
from .verilog_text import TOKEN, verilog_statements
from .wide import AND, OR, XOR, drive_gate

_GATES = {
    "and": (AND, False), "nand": (AND, True), "or": (OR, False), "nor": (OR, True),
    "xor": (XOR, False), "xnor": (XOR, True),
}  # fmt: skip
_SINGLE = {"not": INVERTER, "buf": BUFFER}
_BEHAVIOUR = frozenset(
    """
    always always_comb always_ff always_latch defparam event function generate genvar initial inout
    integer localparam logic parameter real reg specify task time
    """.split()
)
_OPERATORS = frozenset(["~", "!", "&", "|", "^", "~^", "^~", "&&", "||", "?", ":", "(", ")"])
_ALLOWED = "input, output, wire, assign and the gates and, nand, or, nor, xor, xnor, not, buf"
_FLATTEN = "map it to gates first, for example with Yosys's `synth -flatten; abc -g gates`"


def read_verilog(path: str | os.PathLike[str]) -> Circuit:
    """Read one combinational module; the bits of its ports are the inputs and outputs.

    Bits of a vector come least significant first and are called `name[i]`. An assignment of up to
    six nets is one LUT, a longer one several; buffers, inverters and constants go into what reads
    them.

    Raises:
        FileError: no such file, what is no netlist, or it is damaged; the message gives the line
            of the statement.
    """
    return _Reader(Source.read(path)).circuit()


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.definitions = Definitions(source)
        self.nets = Nets(self.definitions)
        self.tables: dict[str, int] = {}  # of expressions, names replaced by numbers
        self.open = self.closed = False

    def circuit(self) -> Circuit:
        for line, text in verilog_statements(self.source):
            self.definitions.line = line
            try:
                self._statement(TOKEN.findall(text))
            except BadExpression as error:
                raise self.source.error(line, str(error), WORDS) from None
        if not self.closed:
            raise self.source.error(None, "no whole module", "one, up to endmodule")
        return self.definitions.circuit()

    def _statement(self, tokens: Tokens) -> None:
        if tokens[:1] == ["endmodule"] and self.open:
            self.open, self.closed = False, True
            self.nets.connect_ports()
            tokens = tokens[1:]
        if not tokens:
            return
        word = tokens[0]
        if not self.open:
            self._module(tokens)
        elif word == "assign":
            for part in split_at_commas(tokens[1:]):
                self._assign(part)
        elif word in ("wire", "tri", "input", "output"):
            for part in self.nets.declare(tokens):
                self._assign(part)
        elif word in _GATES or word in _SINGLE:
            for part in split_at_commas(tokens[1:]):
                self._gate(word, part)
        elif word in _BEHAVIOUR or not is_name(word):
            raise self._error(f"{short(' '.join(tokens[:4]))}", _ALLOWED, _FLATTEN)
        else:
            raise self._error(f"an instance of {short(word)}", _ALLOWED, _FLATTEN)

    def _module(self, tokens: Tokens) -> None:
        if tokens[0] != "module" or self.closed:
            found = "a second module" if tokens[0] == "module" else short(" ".join(tokens[:4]))
            raise self._error(found, "one module", _FLATTEN)
        rest = tokens[2:]
        if len(tokens) < 2 or (rest and (rest[0] != "(" or rest[-1] != ")")):
            raise self._error(short(" ".join(tokens[:6])), "module name (ports);")
        self.open = True
        self.nets.ports(split_at_commas(rest[1:-1]))

    def _assign(self, tokens: Tokens) -> None:
        """`target = expression`."""
        if "=" not in tokens:
            raise self._error(short(" ".join(tokens[:6])), "net = expression")
        at = tokens.index("=")
        target, expression = tokens[:at], tokens[at + 1 :]
        if len(target) == 1 and (net := self.nets.scalar(target[0])) is not None:
            found = self._small(expression)
            if found is not None:
                self.definitions.drive(net, *found)
                return
            nets = [net]
        else:
            nets = self._targets(target)
        value = self._value(expression)
        if len(value) != len(nets):
            raise self._error(f"{len(nets)} bits = {len(value)} bits", "one width on both sides")
        for net, function in zip(nets, value, strict=True):
            self.definitions.drive(net, *function)

    def _targets(self, tokens: Tokens) -> list[int]:
        """The nets that a target names, least significant first."""
        nets = []
        for function in self._value(tokens):
            if function.table != BUFFER or len(function.fanin) != 1:
                raise self._error(short(" ".join(tokens[:6])), "nets on the left")
            nets.append(function.fanin[0])
        return nets

    def _small(self, tokens: Tokens) -> tuple[list[int], int] | None:
        """An expression of at most six bits, by the table of others of its form; None if larger."""
        place: dict[str, int] = {}
        form: list[str] = []
        fanin: list[int] = []
        for token in tokens:
            if token in _OPERATORS or is_constant(token):
                form.append(token)
                continue
            if token not in place:
                net = self.nets.scalar(token)
                if net is None or len(fanin) == MAX_FANIN:
                    return None
                place[token] = len(fanin)
                fanin.append(net)
            form.append(f"@{place[token]}")
        key = " ".join(form)
        table = self.tables.get(key)
        if table is None:
            table = self.tables[key] = self._table(form, len(fanin))
        return fanin, table

    def _table(self, form: list[str], k: int) -> int:
        evaluator = Evaluator(self.definitions)
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

    def _value(self, tokens: Tokens) -> Value:
        """The bits of an expression; concatenations are opened up with a stack."""
        levels: list[tuple[Evaluator, list[Value]]] = [(Evaluator(self.definitions), [])]
        at = 0
        while at < len(tokens):
            token = tokens[at]
            evaluator, parts = levels[-1]
            if token == "{":
                levels.append((Evaluator(self.definitions), []))
            elif token in (",", "}"):
                if len(levels) == 1:
                    raise BadExpression(f"{short(token)} outside of braces")
                parts.append(evaluator.result())
                levels.pop()
                if token == ",":
                    levels.append((Evaluator(self.definitions), parts))
                else:
                    levels[-1][0].value([bit for part in reversed(parts) for bit in part])
            elif token in _OPERATORS:
                evaluator.token(token)
            elif is_constant(token):
                evaluator.value(constant(token))
            else:
                nets, at = self.nets.bits(tokens, at)
                evaluator.value([Function((net,), BUFFER) for net in nets])
            at += 1
        if len(levels) > 1:
            raise BadExpression("a brace without its other")
        return levels[0][0].result()

    def _gate(self, kind: str, tokens: Tokens) -> None:
        """`name (outputs, inputs)`, the name may be missing."""
        pins = tokens[tokens.index("(") :] if "(" in tokens[:2] else tokens
        if len(pins) < 2 or pins[0] != "(" or pins[-1] != ")":
            raise self._error(f"{kind} {short(' '.join(tokens[:4]))}", f"{kind} name (pins)")
        nets = [self._pin(part) for part in split_at_commas(pins[1:-1])]
        if len(nets) < 2:
            raise self._error(f"{kind} of {len(nets)} pins", "an output and inputs")
        if kind in _SINGLE:
            for net in nets[:-1]:
                self.definitions.drive(net, nets[-1:], _SINGLE[kind])
        else:
            operation, inverted = _GATES[kind]
            drive_gate(self.definitions, nets[0], operation, nets[1:], inverted)

    def _pin(self, tokens: Tokens) -> int:
        """The net of one pin; an expression becomes a net of its own."""
        value = self._value(tokens)
        if len(value) != 1:
            raise BadExpression(f"a pin of {len(value)} bits")
        if value[0].table == BUFFER and len(value[0].fanin) == 1:
            return value[0].fanin[0]
        return self.definitions.drive(self.definitions.inner(), *value[0])

    def _error(self, found: str, allowed: str, cure: str = "") -> Exception:
        return self.source.error(self.definitions.line, found, allowed, cure)
