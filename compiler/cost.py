"""What a circuit costs in hardware terms: encoder, logic and head apart."""

from __future__ import annotations

from dataclasses import dataclass

from ..runtime.errors import NetlistError
from .circuit import Circuit
from .netlist import Netlist
from .passes.decompose import Decompose
from .passes.fold import fold
from .passes.lower import lower
from .passes.lutmap import count_luts
from .passes.strash import strash
from .passes.sweep import sweep
from .pipeline import run
from .reports import table
from .sections import comparators, encoder_netlist, feature_bits, logic_and_head
from .stats import levels, n_gates


@dataclass(frozen=True)
class Section:
    """One part of a circuit, its popcounts and argmaxes lowered.

    gates: of two inputs. luts3, luts6: after mapping. levels: of two-input gates, the depth of this
    part alone.
    """

    name: str
    gates: int
    luts3: int
    luts6: int
    levels: int


@dataclass(frozen=True)
class Cost:
    """The sections of a circuit; prints as a table.

    comparators: different comparisons of the encoder. feature_bits: how wide its integer features
    were taken to be; None where thresholds are no integers of up to 24 bits, and then the encoder
    has no section.
    """

    sections: tuple[Section, ...]
    comparators: int
    feature_bits: int | None

    def __str__(self) -> str:
        rows = [("section", "gates", "LUT3", "LUT6", "levels")]
        rows += [
            (s.name, *(f"{n:,}" for n in (s.gates, s.luts3, s.luts6, s.levels)))
            for s in self.sections
        ]
        compared = f"encoder: {self.comparators:,} comparators"
        if self.feature_bits is None:
            return f"{table(rows)}\n{compared} of features that are no small integers"
        return f"{table(rows)}\n{compared} of features of {self.feature_bits} bits"


def cost(circuit: Circuit) -> Cost:
    """Gates, mapped LUTs and levels of encoder, logic and head.

    The head is what counts and compares: popcounts, the argmax behind them, and all that depends
    on them. Nothing is shared between sections, so their sum is at least the cost of the whole.

    Raises:
        NetlistError: given something else than a circuit.
    """
    if not isinstance(circuit, Circuit):
        raise NetlistError(
            f"cost: given a {type(circuit).__name__}; allowed is a Circuit; put a netlist into "
            "one, Circuit(Encoder.boolean(netlist.n_inputs), netlist)"
        )
    logic, head = logic_and_head(circuit)
    parts = {"encoder": encoder_netlist(circuit.encoder, circuit.netlist), "logic": logic}
    parts["head"] = lower(head)
    return Cost(
        tuple(_section(name, part) for name, part in parts.items() if part is not None),
        comparators(circuit.encoder, circuit.netlist),
        feature_bits(circuit.encoder),
    )


def _section(name: str, netlist: Netlist) -> Section:
    small = run(netlist, (Decompose(2), fold, strash, sweep))
    return Section(name, n_gates(small), count_luts(small, 3), count_luts(small, 6), levels(small))
