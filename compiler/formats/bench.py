"""BENCH files: one gate a line.

Brglez and Fujiwara, "A Neutral Netlist of 10 Combinational Benchmark Circuits" (1985); LUTs and
constants as ABC and mockturtle write them.
"""

from __future__ import annotations

import os
import re

from ..circuit import Circuit
from .definitions import BUFFER, INVERTER, Definitions
from .lines import statements
from .reading import Source, short
from .wide import AND, MAX_TABLE, OR, XOR, drive_gate, drive_table

_NAME = r"([^\s(),=#]+)"
_PORT = re.compile(rf"(input|output)\s*\(\s*{_NAME}\s*\)", re.IGNORECASE)
_GATE = re.compile(rf"{_NAME}\s*=\s*(\w+)(?:\s+(?:0[xX])?([0-9a-fA-F]+))?\s*(?:\(([^()=]*)\))?")
# Kind, and whether the output is inverted.
_GATES = {
    "and": (AND, False), "nand": (AND, True), "or": (OR, False), "nor": (OR, True),
    "xor": (XOR, False), "xnor": (XOR, True),
}  # fmt: skip
_SINGLE = {"not": INVERTER, "inv": INVERTER, "buf": BUFFER, "buff": BUFFER}
_CONSTANTS = {"gnd": 0, "vdd": 1}
_KINDS = "INPUT, OUTPUT, AND, NAND, OR, NOR, XOR, XNOR, NOT, BUFF, LUT, gnd and vdd"


def read_bench(path: str | os.PathLike[str]) -> Circuit:
    """Read a combinational circuit; inputs are Boolean.

    A gate of up to six inputs is one LUT, a wider one several; buffers, inverters and constants go
    into what reads them.

    Raises:
        FileError: no such file, flip-flops, or it is damaged; the message gives the line.
    """
    source = Source.read(path)
    nets = Definitions(source)
    for line, text in statements(source):
        nets.line = line
        if (gate := _GATE.fullmatch(text)) is not None:
            _gate(nets, *gate.groups())
        elif (port := _PORT.fullmatch(text)) is not None:
            if port[1].lower() == "input":
                nets.input(nets.number[port[2]])
            else:
                nets.outputs.append(nets.number[port[2]])
        else:
            raise source.error(line, short(text), f"one gate or port a line: {_KINDS}")
    _drive_constants(nets)
    return nets.circuit()


def _gate(nets: Definitions, name: str, kind: str, table: str | None, operands: str | None) -> None:
    net, kind = nets.number[name], kind.lower()
    reads = [word.strip() for word in operands.split(",")] if operands and operands.strip() else []
    if any(not word or " " in word for word in reads):
        raise _wrong(nets, f"operands {short(operands or '')}", "names between commas")
    fanin = list(map(nets.number.__getitem__, reads))
    if (table is None) != (kind != "lut"):
        raise _wrong(nets, f"{short(kind)} {table or ''}", "a table, as in LUT 0x8, and only there")
    if table is not None:
        _lut(nets, net, table, fanin)
    elif kind in _GATES and fanin:
        drive_gate(nets, net, _GATES[kind][0], fanin, _GATES[kind][1])
    elif kind in _SINGLE and len(fanin) == 1:
        nets.drive(net, fanin, _SINGLE[kind])
    elif kind in _CONSTANTS and not fanin:
        nets.drive(net, (), _CONSTANTS[kind])
    elif kind.startswith("dff"):
        raise _wrong(
            nets,
            "a flip-flop; this is no combinational circuit",
            _KINDS,
            "cut it into an input and an output, for example with ABC's `comb`",
        )
    else:
        raise _wrong(nets, f"{short(kind)} of {len(fanin)} nets", _KINDS)


def _lut(nets: Definitions, net: int, table: str, fanin: list[int]) -> None:
    digits = max(1, (1 << len(fanin)) // 4)
    if len(fanin) > MAX_TABLE or len(table) > digits or int(table, 16) >> (1 << len(fanin)):
        raise _wrong(
            nets,
            f"a table of {len(table)} digits for {len(fanin)} nets",
            f"at most {MAX_TABLE} nets, and a digit for four patterns of them",
        )
    drive_table(nets, net, fanin, int(table, 16))


def _drive_constants(nets: Definitions) -> None:
    """Let gnd and vdd be constants where they are read and nothing defines them."""
    driven = set(nets.nets)
    for name, value in _CONSTANTS.items():
        for spelled in (name, name.upper()):
            if spelled in nets.number and nets.number[spelled] not in driven:
                nets.drive(nets.number[spelled], (), value)


def _wrong(nets: Definitions, found: str, allowed: str, cure: str = "") -> Exception:
    return nets.source.error(nets.line, found, allowed, cure)
