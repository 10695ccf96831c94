"""Inputs that are the same comparison."""

from __future__ import annotations

import numpy as np

from .circuit import Circuit
from .netlist import FIRST_INPUT, Netlist, renumbered


def share_inputs(circuit: Circuit) -> Circuit:
    """The circuit reading one input where several are the same comparison of the same feature."""
    encoder = circuit.encoder
    pairs = np.rec.fromarrays([encoder.feature, encoder.threshold])
    _, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
    nets = np.arange(circuit.netlist.n_nets, dtype=np.int32)
    nets[FIRST_INPUT : FIRST_INPUT + len(pairs)] = FIRST_INPUT + first[inverse]
    netlist = circuit.netlist
    cells = tuple(renumbered(cell, nets) for cell in netlist.cells)
    shared = Netlist(netlist.n_inputs, cells, nets[netlist.outputs])
    return circuit if shared == netlist else circuit.with_netlist(shared)
