"""Writing BENCH files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from itertools import count

from ...runtime.archive import write_file
from ..circuit import Circuit
from ..netlist import FALSE, TRUE, Luts, Netlist
from ..tables import full
from .flat import constants_read, flat
from .naming import named
from .wide import AND, OR, XOR, gate_table

_LEGAL = r"[^\s(),=#]+"


def write_bench(circuit: Circuit, path: str | os.PathLike[str]) -> None:
    """Write a circuit's netlist; what is no AND, OR, XOR or their inverse is written as `LUT`.

    Popcounts and argmaxes are lowered and tiles unrolled. Encoder and decoder are not in the file.

    Raises:
        FileError: the file cannot be written.
    """
    write_file(path, "".join(_lines(circuit, flat(circuit.netlist))).encode())


def _lines(circuit: Circuit, netlist: Netlist) -> Iterator[str]:
    naming = named(netlist, circuit.names, _LEGAL)
    nets = naming.nets
    yield f"# {len(naming.inputs)} inputs, {len(naming.outputs)} outputs\n"
    for name in naming.inputs:
        yield f"INPUT({name})\n"
    for name in naming.outputs:
        yield f"OUTPUT({name})\n"
    false, true = constants_read(netlist, naming.copies)
    if false:
        yield f"{nets[FALSE]} = gnd\n"
    if true:
        yield f"{nets[TRUE]} = vdd\n"
    for first, cell in netlist.placed():
        assert isinstance(cell, Luts)
        rows = zip(count(first), cell.fanin.tolist(), cell.table.tolist(), strict=False)
        constants = {0: "gnd", int(full(cell.k)): "vdd"}
        for net, fanin, table in rows:
            if table in constants:
                yield f"{nets[net]} = {constants[table]}\n"
                continue
            reads = ", ".join([nets[read] for read in fanin])
            yield f"{nets[net]} = {_gate(table, cell.k)}({reads})\n"
    for name, net in naming.copies:
        yield f"{name} = BUFF({nets[net]})\n"


@cache
def _gate(table: int, k: int) -> str:
    """What a k-input table is called."""
    if k == 1 and table in (0b01, 0b10):
        return "NOT" if table == 0b01 else "BUFF"
    if k > 1:
        kinds = [(AND, "AND", "NAND"), (OR, "OR", "NOR"), (XOR, "XOR", "XNOR")]
        for kind, name, inverse in kinds[: 3 if k == 2 else 2]:  # ABC's XOR has two inputs
            if table == gate_table(kind, k):
                return name
            if table == gate_table(kind, k) ^ int(full(k)):
                return inverse
    return f"LUT 0x{table:0{max(1, (1 << k) // 4)}x} "
