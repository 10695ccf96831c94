"""Proofs that an emitted module answers what its circuit does, on every input.

Yosys reads the text; what it finds is compared with the netlist that the emitter wrote, behind an
encoder found independently. That netlist became another one in steps, and each step is proved too:
logic is compared by functional reduction, popcounts as sums of what they count, and the LUTs that
count are taken apart counter by counter. The steps are no more than hints: a wrong one is found.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ...compiler import Builder, Circuit, Netlist
from ...compiler.equivalence import Equivalence, equivalent
from ...compiler.netlist import FIRST_INPUT
from ...compiler.passes.fold import fold
from ...compiler.passes.strash import strash
from ...compiler.passes.sweep import sweep
from ...compiler.passes.unroll import unroll
from ...compiler.proof.heads import flattened, paired, recognised, taken_apart
from ...compiler.proof.joint import joint
from ...runtime.errors import EmitError, NetlistError
from ...runtime.yosys import elaborate
from .elaborated import read_module
from .registers import Clocking
from .thresholds import encoder_netlist


class Given(NamedTuple):
    """What the emitter says of a module.

    steps: the netlist as it was asked for, with gates added up, and as it is written. width: bits
    of a feature at the input port; 0: it takes the encoder's bits.
    """

    name: str
    steps: tuple[Netlist, ...]
    width: int
    clocking: Clocking


@dataclass(frozen=True)
class Proof:
    """What was proved of a module: the outputs of the circuit it answers for, and how.

    outputs: bits of data ports, all proved. latency: registers on every path. seconds: taken.
    """

    outputs: int
    latency: int
    seconds: float


def prove_module(text: bytes, circuit: Circuit, given: Given, seconds: float = 600.0) -> Proof:
    """Prove that a module answers on every input what a circuit does.

    Of a pipeline that is so of its answers `latency` clocks later. Modules around it, for streams
    and names, are not looked at.

    Args:
        text: the file that was emitted.
        given: what the emitter says of the module.
        seconds: for each comparison, roughly.

    Raises:
        EmitError: no proof is for such a module.
        NetlistError: it is refuted, or not proved, or a register is another than it should be; the
            message says which output or register.
        ExtraMissing: there is no Yosys.
        BuildError: Yosys refuses the text.
    """
    started = time.monotonic()
    if not given.steps:
        raise EmitError(
            "verilog: prove, and the module evaluates tiles in turn; allowed are combinational "
            "modules and pipelines; leave places_per_clock out, or simulate"
        )
    asked, added, written = given.steps
    judge = flattened(paired(_behind(circuit, given.width, unroll(written))))
    module = flattened(read_module(elaborate(text, given.name), given.clocking))
    if (judge.n_inputs, len(judge.outputs)) != (module.n_inputs, len(module.outputs)):
        raise NetlistError(f"verilog: {given.name} has ports of other widths than the circuit")
    comparisons = (
        ("the text", judge, module),
        ("its logic as it is written", added, recognised(written)),
        ("its counters of gates", taken_apart(asked), taken_apart(added)),
    )
    for what, one, other in comparisons:
        found = _compared(one, other, seconds)
        if found.status != "proved":
            raise NetlistError(f"verilog: {given.name}: {what}: {found}")
    return Proof(len(asked.outputs), given.clocking.latency, time.monotonic() - started)


def _compared(one: Netlist, other: Netlist, seconds: float) -> Equivalence:
    """Whether two netlists are equal; most are by structure, which is quickly seen."""
    both = strash(fold(joint(sweep(one), sweep(other))))
    half = len(both.outputs) // 2
    if np.array_equal(both.outputs[:half], both.outputs[half:]):
        return Equivalence("proved", "structure", 0, proved=half, outputs=half)
    parts = (replace(both, outputs=some) for some in np.split(both.outputs, 2))
    return equivalent(*map(sweep, parts), seconds=seconds)


def _behind(circuit: Circuit, width: int, netlist: Netlist) -> Netlist:
    """A netlist behind the encoder, if the module has one: from the bits of the input port."""
    if not width:
        return netlist
    encoder = encoder_netlist(circuit.encoder, width)
    builder = Builder(encoder.n_inputs)
    nets = np.arange(FIRST_INPUT, FIRST_INPUT + encoder.n_inputs)
    if netlist.n_inputs:
        nets = builder.tile(encoder, nets[None])[0]
    outputs = builder.tile(netlist, nets[: netlist.n_inputs][None])
    return unroll(builder.build(outputs))
