"""What the nets of a netlist are called in a file that names them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..names import Names, bit_names
from ..netlist import FIRST_INPUT, Netlist


@dataclass(frozen=True)
class Naming:
    """Names for one file.

    inputs, outputs: of the file's interface. nets: of every net; nets 0 and 1, the constants, are
    called like others. copies: outputs that need a buffer, (name, net), since their net has another
    name.
    """

    inputs: list[str]
    outputs: list[str]
    nets: list[str]
    copies: list[tuple[str, int]]


def named(netlist: Netlist, names: Names | None, legal: str) -> Naming:
    """Names for all nets of a netlist without tiles, popcounts and argmaxes.

    Those of `names` stay if all fit the pattern `legal` and differ; else inputs are x0, x1, ... and
    outputs y0, y1, ... Gates that are outputs are called so, others n and their number.
    """
    size = netlist.n_inputs, len(netlist.outputs)
    inputs, outputs = bit_names(names, *size)
    if not _usable(netlist, inputs, outputs, legal):
        inputs, outputs = bit_names(None, *size)
    prefix = "n"
    while any(name.startswith(prefix) for name in (*inputs, *outputs)):
        prefix += "_"
    nets = [f"{prefix}{net}" for net in range(netlist.n_nets)]
    nets[FIRST_INPUT : FIRST_INPUT + len(inputs)] = inputs
    copies = []
    called: set[int] = set()
    for name, net in zip(outputs, netlist.outputs.tolist(), strict=True):
        if nets[net] == name:
            continue
        if net < FIRST_INPUT + len(inputs) or net in called:
            copies.append((name, net))
        else:
            nets[net] = name
            called.add(net)
    return Naming(list(inputs), list(outputs), nets, copies)


def _usable(
    netlist: Netlist, inputs: tuple[str, ...], outputs: tuple[str, ...], legal: str
) -> bool:
    """Whether all names are legal and differ; an output may be called like the input that it is."""
    found = dict(zip(inputs, range(FIRST_INPUT, netlist.n_nets), strict=False))
    if len(found) < len(inputs):
        return False
    own = [
        name
        for name, net in zip(outputs, netlist.outputs.tolist(), strict=True)
        if found.get(name) != net
    ]
    if len(set(own)) < len(own) or not found.keys().isdisjoint(own):
        return False
    pattern = re.compile(legal)
    return all(map(pattern.fullmatch, (*inputs, *outputs)))
