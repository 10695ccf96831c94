"""From a circuit to the modules of its logic: style, head, levels and cuts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...compiler import Circuit, Netlist
from ...compiler.passes.fold import fold
from ...compiler.passes.lutmap import LutMap
from .cells import CHAINED
from .chain_cells import ChainCells
from .cuts import choose_cuts
from .gates import add_gates
from .head import Parts
from .logic import Modules
from .pipeline import Pipeline
from .timing import Timings

ANSWERS = ("class", "scores", "both")
STYLES = ("gates", "lut", "behavioural")


@dataclass(frozen=True)
class Design:
    """The modules of the logic, and how the top module uses them.

    texts: those that use others first; the first one is <name>_logic. pins: of its clock. levels:
    in all, the encoder's included. every: levels between registers at most, and latency: clocks; 0
    if there are none. interval: clocks from a sample to the next one. registers: bits, all modules
    unrolled. tiles: what runs in turn, of each such tile its stage, places, lanes and clocks.
    steps: the netlist as it was asked for, with gates added up, and as it is written; none where
    no proof is for it.
    """

    texts: list[str]
    pins: str
    levels: int
    every: int
    latency: int
    registers: int
    steps: tuple[Netlist, ...] = ()
    interval: int = 1
    tiles: tuple[dict[str, int], ...] = ()


def design(
    circuit: Circuit,
    name: str,
    answer: str,
    style: str,
    compares: int,
    pipeline: Pipeline | None,
    enable: bool,
    keep: bool,
    primitives: str | None,
    lut_inputs: int = 6,
    cells: ChainCells | None = None,
) -> Design:
    """Lay out the logic of a circuit.

    compares: levels of the comparators before it. lut_inputs: of the LUTs that logic is mapped to.
    cells: the carry chains that popcounts of LUTs of four inputs may use.
    """
    asked = answering(circuit, answer)
    parts = Parts(lut_inputs, pipeline is None, primitives == CHAINED, cells)
    # Nothing that needs no register shall get one.
    added, netlist = styled(fold(asked) if pipeline else asked, style, parts)
    timings = Timings(parts.chains)
    timing = timings.of_whole(netlist, compares)
    levels = timing.end - 1
    every = pipeline.every(levels) if pipeline else 0
    cuts = choose_cuts(timing.live, every, compares) if pipeline else ()
    modules = Modules(name, timings, parts, enable, keep, primitives)
    comment = "Bits to bits: one net a gate or table."
    logic = modules.netlist(f"{name}_logic", comment, netlist, timing, cuts)
    steps = asked, added, netlist
    registers = int(timing.live[list(cuts)].sum()) + len(cuts)
    return Design(
        modules.texts(), modules.pins(logic), levels, every, len(cuts), registers, steps=steps
    )


def styled(netlist: Netlist, style: str, parts: Parts) -> tuple[Netlist, Netlist]:
    """The netlist with gates added up, and in a style, where popcounts and argmaxes are parts.

    In the style "behavioural" it stays what it is.
    """
    if style == "behavioural":
        return netlist, netlist
    added = add_gates(netlist, parts.lut_inputs, sparing=parts.carry)
    mapped = LutMap(parts.lut_inputs)(added) if style == "lut" else added
    return added, parts.tiles(mapped)


def answering(circuit: Circuit, answer: str) -> Netlist:
    """The netlist with what is answered as its outputs, counts before the class."""
    if circuit.decoder is None or answer == "scores":
        return circuit.netlist
    netlist = circuit.class_netlist()
    if answer == "class":
        return netlist
    outputs = np.concatenate([circuit.netlist.outputs, netlist.outputs])
    return Netlist(netlist.n_inputs, netlist.cells, outputs)
