"""Two netlists side by side."""

from __future__ import annotations

import numpy as np

from ..netlist import FIRST_INPUT, Netlist, renumbered


def joint(a: Netlist, b: Netlist) -> Netlist:
    """Both netlists over the same inputs; the outputs of `a`, then those of `b`."""
    nets = np.arange(b.n_nets, dtype=np.int32)
    nets[FIRST_INPUT + b.n_inputs :] += np.int32(a.n_nets - FIRST_INPUT - a.n_inputs)
    cells = (*a.cells, *(renumbered(cell, nets) for cell in b.cells))
    return Netlist(a.n_inputs, cells, np.concatenate([a.outputs, nets[b.outputs]]))
