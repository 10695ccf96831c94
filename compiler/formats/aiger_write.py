"""Writing AIGER files: a netlist as AND gates, each once."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...runtime.archive import write_file
from ...runtime.version import VERSION
from ..circuit import Circuit
from ..literals import Literals
from ..names import Names, bit_names
from ..netlist import Netlist
from ..passes.strash import strash
from ..subject import Subject
from ..subject_split import split
from .flat import flat
from .numbers import encode_groups

Ands = NDArray[np.int64]


def write_aiger(circuit: Circuit, path: str | os.PathLike[str]) -> None:
    """Write a circuit's netlist: `.aag` in ASCII, any other suffix in binary.

    Popcounts and argmaxes are lowered, tiles unrolled, and an XOR is three AND gates. Names become
    symbols, x0, ... and y0, ... where there are none. Encoder and decoder are not in the file.

    Raises:
        FileError: the file cannot be written.
    """
    netlist = circuit.netlist
    gates, outputs = and_gates(netlist)
    ascii = Path(path).suffix == ".aag"
    numbers = (netlist.n_inputs + len(gates), netlist.n_inputs, 0, len(outputs), len(gates))
    head = f"{'aag' if ascii else 'aig'} {' '.join(map(str, numbers))}\n"
    body = [head.encode()]
    if ascii:
        body.append(_lines(2 * np.arange(1, netlist.n_inputs + 1)))
    body.append(_lines(outputs))
    first = 2 * (1 + netlist.n_inputs)
    own = first + 2 * np.arange(len(gates))
    if ascii:
        rows = zip(own.tolist(), *gates.T.tolist(), strict=True)
        body.append("".join(f"{gate} {a} {b}\n" for gate, a, b in rows).encode())
    else:
        deltas = np.stack([own - gates[:, 0], gates[:, 0] - gates[:, 1]], axis=1)
        body.append(encode_groups(deltas.reshape(-1)))
    body += [
        _symbols(circuit.names, netlist.n_inputs, len(outputs)),
        f"c\nGatewright {VERSION}\n".encode(),
    ]
    write_file(path, b"".join(body))


def and_gates(netlist: Netlist) -> tuple[Ands, Ands]:
    """The netlist as AND gates that are all different: what each reads [n, 2], and outputs [m].

    Literals are AIGER's: 0 and 1 the constants, then the inputs from 2 on, then the gates in an
    order in which each reads earlier ones, the larger literal first.
    """
    subject, _ = split(strash(flat(netlist)))
    literal, gates = _hashed(subject)
    outputs = np.array(literal, np.int64)[subject.outputs >> 1] ^ (subject.outputs & 1)
    return np.array(gates, np.int64).reshape(-1, 2), outputs


def _hashed(subject: Subject) -> tuple[list[int], list[int]]:
    """The literal of each node of a subject graph, and what each AND gate reads, flat."""
    known: dict[tuple[int, int], int] = {}
    gates: list[int] = []
    free = 2 * subject.first_gate

    def add(a: int, b: int) -> int:
        if a < b:
            a, b = b, a
        if b < 2 or a ^ b < 2:  # a constant, or twice the same variable
            return (0, a)[b] if b < 2 else (0, a)[a == b]
        found = known.setdefault((a, b), free + len(gates))
        if found == free + len(gates):
            gates.extend((a, b))
        return found

    literal = list(range(0, free, 2))
    rows = zip(*subject.fanin.T.tolist(), subject.xor.tolist(), strict=True)
    for left, right, xor in rows:
        a, b = literal[left >> 1] ^ left & 1, literal[right >> 1] ^ right & 1
        both = add(a, b)
        literal.append(add(both ^ 1, add(a ^ 1, b ^ 1) ^ 1) if xor else both)
    return literal, gates


def _lines(literals: Ands | Literals) -> bytes:
    return "".join(f"{literal}\n" for literal in literals.tolist()).encode()


def _symbols(names: Names | None, n_inputs: int, n_outputs: int) -> bytes:
    """The symbol table; a name that would end its line gives way to a number."""
    inputs, outputs = bit_names(names, n_inputs, n_outputs)
    rows = [f"i{i} {_line(name, f'x{i}')}\n" for i, name in enumerate(inputs)]
    rows += [f"o{i} {_line(name, f'y{i}')}\n" for i, name in enumerate(outputs)]
    return "".join(rows).encode()


def _line(name: str, instead: str) -> str:
    return name if name.splitlines() == [name] else instead
