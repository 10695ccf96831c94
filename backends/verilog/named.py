"""The module <name>_named: the design behind ports that are called what its circuit calls them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ...compiler import Circuit
from ...compiler.names import Names
from ...runtime.errors import EmitError
from ..render import render
from .names import unused_name, written
from .text import Port, concat

_BIT = re.compile(r"(.+)\[(0|[1-9]\d{0,8})\]", re.DOTALL)
# Verilator has other names for words of C++ in what it writes, and warns.
_KEYWORDS = "\n/* verilator lint_off SYMRSVDWORD */\n"
Buses = dict[str, dict[int, int]]


class _Named(NamedTuple):
    """A port of the module.

    low: the index of its lowest bit; None for one bit without a range. bits: which of a port of the
    design its bits are.
    """

    name: str
    direction: str
    low: int | None
    bits: list[int]

    @property
    def width(self) -> int:
        return len(self.bits)

    @property
    def range(self) -> str:
        """The range in its declaration."""
        return "" if self.low is None else f"[{self.low + self.width - 1}:{self.low}] "

    def piece(self, first: int, last: int) -> str:
        """Some of its bits."""
        if last - first + 1 == self.width or self.low is None:
            return self.name
        return f"{self.name}[{self.low + last}:{self.low + first}]"

    def slices(self, of: str) -> str:
        """The bits as a concatenation of pieces of port `of`."""
        ends = [i for i, bit in enumerate(self.bits) if bit != self.bits[i - 1] + 1 or not i]
        return concat(
            [
                f"{of}[{self.bits[end - 1]}:{self.bits[start]}]"
                for start, end in zip(ends, [*ends[1:], self.width], strict=True)
            ]
        )


def named_module(circuit: Circuit, name: str, width: int, ports: Sequence[Port]) -> tuple[str, str]:
    """The module around module `name` with these ports, and its pins in a testbench of the same.

    Features have ports of `width` bits; where a bit is a feature, or the design takes the encoder's
    bits (width 0), bits a[0], a[1], ... are a vector if they are all there, in any order.

    Raises:
        EmitError: nothing of the ports has a name.
    """
    taken = {"core", f"{name}_named", *(port.name for port in ports)}
    called = {port.name: _called(circuit, width, port.name) for port in ports}
    if not any(called.values()):
        if not width and circuit.names and circuit.names.features:
            raise EmitError(
                'verilog: interface "named", and feature_bits 0 takes bits, while only features '
                "have names; allowed is a module that takes features; give feature_bits from 1 on, "
                "or leave it out"
            )
        raise EmitError(
            'verilog: interface "named", and neither features nor bits of the ports have names; '
            'allowed is "ports"; name features with circuit.with_names(features=[...]), or read '
            "the circuit from a file that has names"
        )
    taken -= {port for port, names in called.items() if names}
    buses = _buses(
        (port.name, called[port.name]) for port in ports if len(called[port.name]) == port.width
    )
    outer: list[_Named] = []
    pins: list[tuple[str, str]] = []
    bench: list[tuple[str, str]] = []
    for port in ports:
        if not (names := called[port.name]):
            low = 0 if port.range else None
            outer.append(_Named(port.name, port.direction, low, list(range(port.width))))
            pins.append((port.name, port.name))
            bench.append((port.name, port.name))
            continue
        found = list(_ports(port, names, buses, taken))
        outer += found
        pins.append((port.name, _joined(found, port.width)))
        bench += [(each.name, each.slices(port.name)) for each in found]
    text = _KEYWORDS + render(
        "verilog/module.j2",
        module=f"{name}_named",
        comment=f"Module {name} with ports that are called what the circuit calls them.",
        keep=False,
        ports=outer,
        lines=f"  {name} core ({_pins(pins)});",
    )
    return text, _pins(bench)


def _called(circuit: Circuit, width: int, port: str) -> Sequence[str]:
    """The names of what a port of the design holds, a feature or bit each; none for no names."""
    names = circuit.names or Names()
    if port == "bits":
        return names.outputs
    if port == "bits_in":
        return names.inputs
    if port != "x":
        return ()
    feature = circuit.encoder.feature.tolist()
    if names.features or width > 1 or sorted(feature) != list(range(circuit.encoder.n_features)):
        return names.features
    return [name for _, name in sorted(zip(feature, names.inputs, strict=False))]


def _buses(ports: Iterable[tuple[str, Sequence[str]]]) -> Buses:
    """By name the vectors of which each bit is there once, all in one port; of each index the bit.

    ports: names of those that have one for each bit. A bit with the name of the vector keeps it.
    """
    found: defaultdict[str, list[tuple[str, int, int]]] = defaultdict(list)
    plain: set[str] = set()
    for port, names in ports:
        plain.update(names)
        for bit, name in enumerate(names):
            if match := _BIT.fullmatch(name):
                found[match[1]].append((port, int(match[2]), bit))
    buses = {}
    for base, bits in found.items():
        indices = sorted(index for _, index, _ in bits)
        whole = indices == list(range(indices[0], indices[0] + len(bits)))
        if whole and base not in plain and len({port for port, _, _ in bits}) == 1:
            buses[base] = {index: bit for _, index, bit in bits}
    return buses


def _ports(port: Port, names: Sequence[str], buses: Buses, taken: set[str]) -> Iterator[_Named]:
    """The ports that stand for a port of the design, in the order in which names come up."""
    each = port.width // len(names)
    done: set[str] = set()
    for i, name in enumerate(names):
        found = _BIT.fullmatch(name)
        if each == 1 and found and found[1] in buses:
            base = found[1]
            if base not in done:
                done.add(base)
                indices = sorted(buses[base])
                bits = [buses[base][index] for index in indices]
                own = written(unused_name(base, taken))
                yield _Named(own, port.direction, indices[0], bits)
            continue
        bits = list(range(each * i, each * (i + 1)))
        own = written(unused_name(name, taken))
        yield _Named(own, port.direction, 0 if each > 1 else None, bits)


def _joined(ports: Iterable[_Named], width: int) -> str:
    """The bits of a port of the design as a concatenation of pieces of these ports."""
    source: dict[int, tuple[_Named, int]] = {}
    for port in ports:
        source |= {bit: (port, index) for index, bit in enumerate(port.bits)}
    pieces: list[tuple[_Named, int, int]] = []
    for bit in range(width):
        port, index = source[bit]
        if pieces and pieces[-1][0] is port and pieces[-1][2] == index - 1:
            pieces[-1] = (*pieces[-1][:2], index)
        else:
            pieces.append((port, index, index))
    return concat([port.piece(first, last) for port, first, last in pieces])


def _pins(pins: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f".{port}({value})" for port, value in pins)
