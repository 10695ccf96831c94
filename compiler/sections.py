"""The parts of a circuit, each as a netlist of its own: encoder, logic and head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .builder import Builder
from .circuit import Circuit, Encoder
from .literals import make_luts
from .netlist import FIRST_INPUT, Argmax, Cell, IntArray, Luts, Netlist, Popcount, Tile, renumbered
from .stats import used_inputs
from .tables import as_tables

FEATURE_BITS = (1, 8, 16, 24)
_OR, _AND = 0xE, 0x8


def logic_and_head(circuit: Circuit) -> tuple[Netlist, Netlist]:
    """The gates before the counts, and what counts and compares.

    The head is every popcount and argmax, tiles that hold one, all that depends on them, and the
    argmax behind the counts of a decoder. Its inputs are the outputs of the logic, each net once,
    in ascending order.
    """
    decoder = circuit.decoder
    netlist = circuit.netlist
    outputs = netlist.outputs
    if decoder is not None:
        netlist = circuit.class_netlist()
        outputs = np.concatenate([outputs, netlist.outputs])
    late = _behind_counts(netlist)
    boundary = _boundary(netlist, outputs, late)
    logic = _part(netlist, ~late, FIRST_INPUT + netlist.n_inputs, None, boundary)
    head = _part(netlist, late, FIRST_INPUT + len(boundary), boundary, outputs[late[outputs]])
    return logic, head


def _behind_counts(netlist: Netlist) -> NDArray[np.bool_]:
    """Which nets are driven by what counts or compares, or depend on it: bool [n_nets]."""
    late = np.zeros(netlist.n_nets, np.bool_)
    for first, cell in netlist.placed():
        driven = slice(first, first + cell.n_nets)
        if _counts(cell):
            late[driven] = True
        else:
            rows: NDArray[np.bool_] = np.logical_or.reduce(late[cell.fanin], axis=1)
            late[driven] = np.repeat(rows, cell.n_nets // max(1, len(rows)))
    return late


def _counts(cell: Cell) -> bool:
    if isinstance(cell, Tile):
        return any(map(_counts, cell.body.cells))
    return isinstance(cell, Popcount | Argmax)


def _boundary(netlist: Netlist, outputs: IntArray, late: NDArray[np.bool_]) -> IntArray:
    """The nets of the logic that the head or an output reads, constants left out."""
    read = np.zeros(netlist.n_nets, np.bool_)
    read[outputs] = True
    for first, cell in netlist.placed():
        if isinstance(cell, Luts):
            read[cell.fanin[late[first : first + cell.n_nets]]] = True
        elif late[first : first + cell.n_nets].any():
            read[cell.fanin] = True
    read[:FIRST_INPUT] = False
    return np.flatnonzero(read & ~late).astype(np.int32)


def _part(
    netlist: Netlist,
    kept: NDArray[np.bool_],
    first: int,
    inputs: IntArray | None,
    outputs: IntArray,
) -> Netlist:
    """The rows that drive `kept` nets, over the netlist's own inputs or over other nets of it."""
    final = np.zeros(netlist.n_nets, np.int32)
    own = np.arange(FIRST_INPUT + netlist.n_inputs) if inputs is None else inputs
    final[:FIRST_INPUT] = np.arange(FIRST_INPUT)
    final[own[own >= FIRST_INPUT]] = np.arange(FIRST_INPUT, first)
    cells: list[Cell] = []
    for start, cell in netlist.placed():
        nets = np.flatnonzero(kept[start : start + cell.n_nets])
        if not len(nets):
            continue
        if isinstance(cell, Luts):
            cell = make_luts(cell.fanin[nets], as_tables(cell.table[nets]))
        else:
            nets = np.arange(cell.n_nets)
        final[start + nets] = np.arange(first, first + len(nets))
        first += len(nets)
        cells.append(renumbered(cell, final))
    n_inputs = netlist.n_inputs if inputs is None else len(inputs)
    return Netlist(n_inputs, tuple(cells), final[outputs])


def comparators(encoder: Encoder, netlist: Netlist) -> int:
    """How many different comparisons the netlist's inputs need, equal ones shared."""
    return len(_compared(encoder, netlist))


def _compared(encoder: Encoder, netlist: Netlist) -> list[tuple[int, float]]:
    used = used_inputs(netlist)
    return sorted(
        set(zip(encoder.feature[used].tolist(), encoder.threshold[used].tolist(), strict=True))
    )


def feature_bits(encoder: Encoder) -> int | None:
    """The width of unsigned integer features that holds every threshold: 1, 8, 16 or 24.

    None if there is none, since a threshold is negative, infinite or larger.
    """
    threshold = np.floor(encoder.threshold)
    low, high = threshold.min(initial=0), threshold.max(initial=0)
    fitting = [bits for bits in FEATURE_BITS if high < (1 << bits)]
    return fitting[0] if fitting and low >= 0 else None


def encoder_netlist(encoder: Encoder, netlist: Netlist) -> Netlist | None:
    """The comparators that `netlist` needs, over the bits of integer features; None if they are no
    integers that `feature_bits` can hold.

    An input is one bit of a feature, least significant first; outputs are the comparisons.
    """
    bits = feature_bits(encoder)
    if bits is None:
        return None
    compared = _compared(encoder, netlist)
    features = sorted({feature for feature, _ in compared})
    row = {feature: i for i, feature in enumerate(features)}
    builder = Builder(len(features) * bits)
    value = np.arange(FIRST_INPUT, FIRST_INPUT + len(features) * bits).reshape(-1, bits)
    x = value[[row[feature] for feature, _ in compared]].reshape(-1, bits)
    limit = np.floor([threshold for _, threshold in compared]).astype(np.int64)
    greater = np.zeros(len(compared), np.int32)
    for i in range(bits):  # x > limit: from the least significant bit up
        table = np.where(limit >> i & 1, _AND, _OR)
        greater = builder.luts(np.column_stack([greater, x[:, i]]), table)
    return builder.build(greater)
