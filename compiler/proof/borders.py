"""Circuits over the same inputs and counts, so that their netlists can be compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import NetlistError
from ..circuit import Circuit, Encoder
from ..netlist import FALSE, FIRST_INPUT, Netlist, renumbered

Index = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two netlists over common inputs; `inputs_a` and `inputs_b` say which each one's own are."""

    a: Netlist
    b: Netlist
    inputs_a: Index
    inputs_b: Index


def pair(a: Netlist | Circuit, b: Netlist | Circuit) -> Pair:
    """The netlists of two things that can be compared.

    Inputs of circuits that are the same comparison of the same feature become one; counts become
    equally wide.

    Raises:
        NetlistError: they cannot be compared; see `equivalent`.
    """
    for given in (a, b):
        if not isinstance(given, Netlist | Circuit):
            raise NetlistError(
                f"equivalent: {type(given).__name__}; allowed is a Netlist or a Circuit; "
                "trace a module first, or read a file"
            )
    if isinstance(a, Circuit) and isinstance(b, Circuit):
        _check_borders(a, b)
        inputs_a, inputs_b = _comparisons(a.encoder, b.encoder)
        found = Pair(_outputs(a, b), _outputs(b, a), inputs_a, inputs_b)
        n = int(max(inputs_a.max(initial=-1), inputs_b.max(initial=-1))) + 1
        found = replace(found, a=_reading(found.a, inputs_a, n), b=_reading(found.b, inputs_b, n))
    elif isinstance(a, Circuit) or isinstance(b, Circuit):
        raise NetlistError(
            f"equivalent: a {type(a).__name__} and a {type(b).__name__}; allowed are two of a "
            "kind; compare circuit.netlist"
        )
    else:
        found = Pair(a, b, np.arange(a.n_inputs), np.arange(b.n_inputs))
    left, right = ((n.n_inputs, len(n.outputs)) for n in (found.a, found.b))
    if left != right:
        raise NetlistError(
            f"equivalent: {left[0]} inputs and {left[1]} outputs against {right[0]} and "
            f"{right[1]}; allowed are equal numbers; compare netlists of one interface"
        )
    return found


def _check_borders(a: Circuit, b: Circuit) -> None:
    for what, one, other in (
        ("shapes", a.encoder.shape, b.encoder.shape),
        ("decoders", a.decoder, b.decoder),
    ):
        if one != other:
            raise NetlistError(
                f"equivalent: the circuits have different {what}, {one} and {other}; allowed are "
                "equal ones; compare a.netlist with b.netlist if only the bits matter "
                "(on the command line: --bits)"
            )


def _comparisons(a: Encoder, b: Encoder) -> tuple[Index, Index]:
    """Numbers for the inputs of two encoders, equal for equal comparisons, those of `a` first."""
    feature = np.concatenate([a.feature, b.feature])
    threshold = np.concatenate([a.threshold, b.threshold]) + np.float32(0)  # one zero, not two
    rows = np.rec.fromarrays([feature, threshold])
    _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    number = rank[inverse.reshape(-1)]
    return number[: len(a.feature)], number[len(a.feature) :]


def _reading(netlist: Netlist, inputs: Index, n: int) -> Netlist:
    """The netlist over `n` inputs, with input `inputs[i]` of those as its input i."""
    if n == netlist.n_inputs and np.array_equal(inputs, np.arange(n)):
        return netlist
    nets = np.arange(netlist.n_nets, dtype=np.int32)
    nets[FIRST_INPUT + netlist.n_inputs :] += np.int32(n - netlist.n_inputs)
    nets[FIRST_INPUT : FIRST_INPUT + netlist.n_inputs] = FIRST_INPUT + inputs
    cells = tuple(renumbered(cell, nets) for cell in netlist.cells)
    return Netlist(n, cells, nets[netlist.outputs])


def _outputs(circuit: Circuit, other: Circuit) -> Netlist:
    """The netlist with counts as wide as those of the other circuit, if these are wider."""
    more = other.count_width - circuit.count_width
    if circuit.decoder is None or more <= 0:
        return circuit.netlist
    counts = np.pad(circuit.count_nets(), [(0, 0), (0, more)], constant_values=FALSE)
    return replace(circuit.netlist, outputs=counts.reshape(-1))
