"""Merge gates that compute the same function, however they compute it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from ...runtime.errors import NetlistError
from ..bodies import with_bodies
from ..literals import Literals
from ..netlist import Netlist
from ..proof import sat
from ..proof.reduction import OPEN, Ask, Effort, Graph, make_graph, reduce
from ..proof.vectors import around, random_patterns
from ..subject import Subject
from ..subject_split import split

_PIECE = 8  # words simulated at once
_ONE = np.uint32(1)


@dataclass(frozen=True)
class SatSweep:
    """Merge gates proved equal, complementary or constant, inside tiles too.

    Functional reduction (Mishchenko, Chatterjee, Jiang and Brayton, "FRAIGs: A Unifying
    Representation for Logic Synthesis and Verification", 2005) of AND and XOR gates: simulation
    says which gates may be equal; truth tables over small cuts, and with `conflicts` a SAT solver,
    say which are. What boxes drive counts as free.

    Args:
        window: the most leaves of a cut that is tabulated, 6 to 14.
        candidates: how many gates each is compared with at most, 1 or more.
        words: random words simulated at first, of 64 patterns each, 1 or more.
        refinements: patterns simulated at most because they told two gates apart.
        conflicts: the most that the solver may meet for a pair; 0 is without a solver.
        seconds: after that many, no more pairs go to the solver.

    Raises:
        NetlistError: an argument is out of its range.
        ExtraMissing: `conflicts` is not 0, and the extra `prove` is not installed.
    """

    window: int = 10
    candidates: int = 4
    words: int = 32
    refinements: int = 64
    conflicts: int = 0
    seconds: float = 30.0

    def __post_init__(self) -> None:
        ranges = (
            ("window", 6, 14),
            ("candidates", 1, None),
            ("words", 1, None),
            ("refinements", 0, None),
            ("conflicts", 0, None),
            ("seconds", 0, None),
        )
        for name, low, high in ranges:
            value = getattr(self, name)
            if value < low or (high is not None and value > high):
                allowed = f"{low} or more" if high is None else f"{low} to {high}"
                raise NetlistError(f"SatSweep: {name} is {value!r}; allowed are {allowed}")

    def __call__(self, netlist: Netlist) -> Netlist:
        if self.conflicts:
            sat.require("SatSweep")
        deadline = time.monotonic() + self.seconds
        return with_bodies(netlist, lambda one: self._merged(one, deadline))

    def on(self, subject: Subject) -> Subject:
        """The same function of the same leaves, in as many gates or fewer."""
        return self._reduced(subject, time.monotonic() + self.seconds)

    def _merged(self, netlist: Netlist, deadline: float) -> Netlist:
        subject, frame = split(netlist)
        result = self._reduced(subject, deadline)
        return netlist if result.n_gates == subject.n_gates else frame.join(result)

    def _reduced(self, subject: Subject, deadline: float) -> Subject:
        if not subject.n_gates:
            return subject
        graph = make_graph(subject)
        words = random_patterns(subject.n_leaves, self.words)
        for start in range(0, self.words, _PIECE):
            graph.simulate(words[:, start : start + _PIECE])
        seeds = iter(range(1, self.refinements + 1))
        effort = Effort(self.window, self.candidates, self.refinements)
        pairs = sat.Pairs(subject) if self.conflicts else None
        try:
            ask = _asking(pairs, self.conflicts, deadline) if pairs is not None else None
            reduce(graph, effort, lambda values: around(values, subject.n_leaves, next(seeds)), ask)
        finally:
            if pairs is not None:
                pairs.close()
        return _without_merged(subject, graph)


def _asking(pairs: sat.Pairs, conflicts: int, deadline: float) -> Ask:
    def ask(graph: Graph) -> tuple[int, dict[int, bool]]:
        if time.monotonic() > deadline:
            return OPEN, {}
        return pairs.decide(graph, graph.stop[:2], conflicts)

    return ask


def _without_merged(subject: Subject, graph: Graph) -> Subject:
    """The gates that stand for themselves and that outputs need, in their order."""
    first = subject.first_gate
    outputs = graph.rep[subject.outputs >> _ONE] ^ (subject.outputs & _ONE)
    kept = np.zeros(len(graph.rep), np.bool_)
    kept[:first] = True
    reached = np.unique(outputs >> _ONE)
    while len(reached := reached[~kept[reached]]):
        kept[reached] = True
        reached = np.unique(graph.read[reached - first] >> _ONE)
    number = np.cumsum(kept, dtype=np.uint32) - _ONE

    def renumbered(literals: Literals) -> Literals:
        return 2 * number[literals >> _ONE] ^ (literals & _ONE)

    gates = kept[first:]
    return replace(
        subject,
        fanin=renumbered(graph.read[gates]),
        xor=subject.xor[gates],
        outputs=renumbered(outputs),
    )
