"""Writing BLIF files: one cover a LUT."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count

from ...runtime.archive import write_file
from ..circuit import Circuit
from ..netlist import FALSE, TRUE, Luts, Netlist
from ..tables import full
from .covers import cover
from .flat import constants_read, flat
from .naming import named

_LEGAL = r"[^\s#=\\.][^\s#=\\]*"
_PER_LINE = 12


def write_blif(circuit: Circuit, path: str | os.PathLike[str]) -> None:
    """Write a circuit's netlist as one model, a `.names` for each LUT.

    Popcounts and argmaxes are lowered and tiles unrolled. Encoder and decoder are not in the file.

    Raises:
        FileError: the file cannot be written.
    """
    netlist = flat(circuit.netlist)
    write_file(path, "".join(_lines(circuit, netlist)).encode())


def _lines(circuit: Circuit, netlist: Netlist) -> Iterator[str]:
    naming = named(netlist, circuit.names, _LEGAL)
    nets = naming.nets
    yield ".model circuit\n"
    yield from _list(".inputs", naming.inputs)
    yield from _list(".outputs", naming.outputs)
    false, true = constants_read(netlist, naming.copies)
    if false:
        yield f".names {nets[FALSE]}\n"
    if true:
        yield f".names {nets[TRUE]}\n1\n"
    for first, cell in netlist.placed():
        assert isinstance(cell, Luts)
        rows = zip(count(first), cell.fanin.tolist(), cell.table.tolist(), strict=False)
        constants = {0: "", int(full(cell.k)): "1\n"}  # without inputs, as ABC wants them
        for net, fanin, table in rows:
            if table in constants:
                yield f".names {nets[net]}\n{constants[table]}"
                continue
            cubes = "".join([f"{cube} 1\n" for cube in cover(table, cell.k)])
            yield f".names {' '.join([nets[read] for read in fanin])} {nets[net]}\n{cubes}"
    for name, net in naming.copies:
        yield f".names {nets[net]} {name}\n1 1\n"
    yield ".end\n"


def _list(directive: str, names: list[str]) -> Iterator[str]:
    if names:
        rows = [
            " ".join(names[start : start + _PER_LINE]) for start in range(0, len(names), _PER_LINE)
        ]
        yield f"{directive} " + " \\\n ".join(rows) + "\n"
