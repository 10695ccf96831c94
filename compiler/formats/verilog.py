"""Structural Verilog: modules of assignments, primitive gates, and modules of the same file.

IEEE Std 1364-2005, the part of it that describes a netlist of bits, as ABC and Yosys write it after
mapping to gates, and as our own Verilog without registers is.
"""

from __future__ import annotations

import os

from ..circuit import Circuit
from ..netlist import MAX_FANIN
from .definitions import BUFFER, INVERTER, Definitions
from .expressions import WORDS, BadExpression, Evaluator, Function, Value, constant
from .hierarchy import Module, Part, flattened
from .reading import Source, short
from .verilog_forms import OPERATORS, Forms
from .verilog_nets import Nets, Room, Tokens, is_constant, is_name, split_at_commas
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
    integer logic parameter real reg specify task time
    """.split()
)
_ALLOWED = (
    "input, output, wire, assign, the gates and, nand, or, nor, xor, xnor, not, buf, and modules"
)
_FLATTEN = "map it to gates first, for example with Yosys's `synth -flatten; abc -g gates`"


def read_verilog(path: str | os.PathLike[str]) -> Circuit:
    """Read the combinational module that is in no other; the bits of its ports are the inputs and
    outputs.

    Modules of the same file that it holds are flattened.
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
        self.room = Room(source)
        self.modules: dict[str, Module] = {}
        self.forms = Forms()
        self.open = False
        self._begin("", 0)

    def _begin(self, name: str, line: int) -> None:
        self.definitions = Definitions(self.source)
        self.definitions.line = line
        self.nets = Nets(self.definitions, self.room)
        self.constants: dict[str, int] = {}
        self.module = Module(name, line, self.definitions)

    def circuit(self) -> Circuit:
        for line, text in verilog_statements(self.source):
            self.definitions.line = line
            try:
                self._statement(TOKEN.findall(text))
            except BadExpression as error:
                raise self.source.error(line, str(error), WORDS) from None
        if self.open or not self.modules:
            raise self.source.error(None, "no whole module", "one, up to endmodule")
        return flattened(self._top(), self.modules, "an instance of").circuit()

    def _top(self) -> Module:
        """The module that is in no other."""
        held = {part.name for module in self.modules.values() for part in module.parts}
        free = [module for name, module in self.modules.items() if name not in held]
        if len(free) > 1:
            names = " and ".join(short(module.name) for module in free[:2])
            raise self.source.error(
                free[1].line, f"{names}, and none is in another", "one module, and what it holds"
            )
        return free[0] if free else next(iter(self.modules.values()))

    def _statement(self, tokens: Tokens) -> None:
        if tokens[:1] == ["endmodule"] and self.open:
            self.open = False
            self.module.ports = self.nets.connect_ports()
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
        elif word == "localparam":
            self._localparam(tokens)
        elif word in _BEHAVIOUR or not is_name(word):
            raise self._error(f"{short(' '.join(tokens[:4]))}", _ALLOWED, _FLATTEN)
        else:
            self._instance(tokens)

    def _module(self, tokens: Tokens) -> None:
        if tokens[0] != "module":
            raise self._error(short(" ".join(tokens[:4])), "modules", _FLATTEN)
        rest = tokens[2:]
        if len(tokens) < 2 or (rest and (rest[0] != "(" or rest[-1] != ")")):
            raise self._error(short(" ".join(tokens[:6])), "module name (ports);")
        name = self.nets.plain(tokens[1])
        if name in self.modules:
            raise self._error(f"a second module {short(name)}", "one of each name")
        self._begin(name, self.definitions.line)
        self.modules[name] = self.module
        self.open = True
        self.nets.ports(split_at_commas(rest[1:-1]))

    def _localparam(self, tokens: Tokens) -> None:
        """`localparam [msb:lsb] name = constant`, which is a table by the index of its bits."""
        *shape, name, equals, value = tokens if len(tokens) > 3 else ["", "", "", ""]
        if equals != "=" or not is_constant(value) or shape[1:2] not in ([], ["["]):
            raise self._error(short(" ".join(tokens[:8])), "localparam [msb:0] name = constant")
        bits = constant(value)
        if shape[1:] and shape[1:] != ["[", str(len(bits) - 1), ":", "0", "]"]:
            raise self._error(short(" ".join(tokens[:8])), f"[{len(bits) - 1}:0]")
        self.constants[name] = sum(bit.table << i for i, bit in enumerate(bits))

    def _looked_up(self, tokens: Tokens) -> tuple[list[int], int] | None:
        """A constant and nets that number its bits, `name[nets]`; None for what is no such."""
        if len(tokens) < 4 or tokens[0] not in self.constants:
            return None
        nets = self._nets(self._value(tokens[2:-1]))
        table = self.constants[tokens[0]]
        fits = len(nets) <= MAX_FANIN and not table >> (1 << len(nets))
        if [tokens[1], tokens[-1]] != ["[", "]"] or not fits:
            raise self._error(short(" ".join(tokens[:6])), f"constant[at most {MAX_FANIN} nets]")
        return nets, table

    def _instance(self, tokens: Tokens) -> None:
        """`module name (.port(nets), ...)`."""
        wrong = len(tokens) < 4 or tokens[2] != "(" or tokens[-1] != ")" or not is_name(tokens[1])
        pins: dict[str, list[int]] = {}
        for part in split_at_commas([] if wrong else tokens[3:-1]):
            wrong = wrong or len(part) < 4 or part[0] != "." or [part[2], part[-1]] != ["(", ")"]
            if wrong or (port := self.nets.plain(part[1])) in pins:
                wrong = True
                break
            if part[3:-1]:
                pins[port] = self._nets(self._value(part[3:-1]))
        if wrong:
            raise self._error(
                f"an instance of {short(' '.join(tokens[:4]))}",
                "module name (.port(nets), ...), each port once",
                _FLATTEN,
            )
        self.module.parts.append(Part(self.definitions.line, self.nets.plain(tokens[0]), pins))

    def _assign(self, tokens: Tokens) -> None:
        """`target = expression`."""
        if "=" not in tokens:
            raise self._error(short(" ".join(tokens[:6])), "net = expression")
        at = tokens.index("=")
        target, expression = tokens[:at], tokens[at + 1 :]
        if len(target) == 1 and (net := self.nets.scalar(target[0])) is not None:
            found = self._looked_up(expression) or self.forms.find(expression, self.nets)
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
            elif token in OPERATORS:
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
        """The net of one pin."""
        value = self._value(tokens)
        if len(value) != 1:
            raise BadExpression(f"a pin of {len(value)} bits")
        return self._nets(value)[0]

    def _nets(self, value: Value) -> list[int]:
        """The net of each bit; an expression becomes a net of its own."""
        return [
            bit.fanin[0]
            if bit.table == BUFFER and len(bit.fanin) == 1
            else self.definitions.drive(self.definitions.inner(), *bit)
            for bit in value
        ]

    def _error(self, found: str, allowed: str, cure: str = "") -> Exception:
        return self.source.error(self.definitions.line, found, allowed, cure)
