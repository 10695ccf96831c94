"""Functional reduction: which nodes of a subject graph carry the same function, up to inversion.

Nodes whose values agree on all simulated patterns are candidates; a pair of them is equal if truth
tables over a common cut say so, or a SAT solver does. See Mishchenko, Chatterjee, Jiang and
Brayton, "FRAIGs: A Unifying Representation for Logic Synthesis and Verification" (2005).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..literals import Literals
from ..native import Native, library
from ..simulate import Words
from ..subject import Subject
from .python import PythonGraph

DONE, OPEN, REFUTED = 0, 1, 2  # why `Graph.run` stopped
NEXT, EQUAL, REFINED = 0, 1, 2  # what to do with the pair it stopped at


class Graph(Protocol):
    """A graph under reduction; `kernels/fraig.h` says what each function does.

    rep: uint32 [nodes], the literal that stands for each node. read: uint32 [gates, 2], what each
    gate that stands for itself reads. stop: uint32 [18], the pair at which `run` stopped.
    """

    rep: Literals
    read: Literals
    stop: Literals

    def simulate(self, leaves: Words) -> None: ...

    def run(self, answer: int, window: int, candidates: int, ask: bool) -> int: ...

    def cone(
        self, pair: Literals, seen: NDArray[np.bool_], room: int
    ) -> NDArray[np.int32] | None: ...


class NativeGraph:
    """The graph in C."""

    def __init__(self, native: Native, subject: Subject, rep: Literals, stage: NDArray[np.int32]):
        self._native = native
        self._kept = np.ascontiguousarray(subject.fanin), np.ascontiguousarray(subject.xor), stage
        self._n_leaves = subject.n_leaves
        self.rep = rep
        self.read = np.zeros((subject.n_gates, 2), np.uint32)
        self.stop = np.zeros(18, np.uint32)
        self._graph = native.call(
            "fraig_new", subject.n_leaves, subject.n_gates, *self._kept, rep, self.read
        )
        if self._graph == native.ffi.NULL:
            raise MemoryError(f"no memory to reduce {subject.n_gates:,} gates")
        weakref.finalize(self, native.call, "fraig_free", self._graph)

    def simulate(self, leaves: Words) -> None:
        words = np.ascontiguousarray(leaves)
        assert len(words) == self._n_leaves
        if self._native.call("fraig_simulate", self._graph, words, words.shape[1]):
            raise MemoryError(f"no memory to simulate {len(self.rep):,} nodes")

    def run(self, answer: int, window: int, candidates: int, ask: bool) -> int:
        return self._native.call(
            "fraig_run", self._graph, answer, window, candidates, int(ask), self.stop
        )

    def cone(self, pair: Literals, seen: NDArray[np.bool_], room: int) -> NDArray[np.int32] | None:
        nodes = np.empty(room, np.int32)
        found = self._native.call("fraig_cone", self._graph, pair, seen, nodes, room)
        return None if found < 0 else nodes[:found]


def make_graph(subject: Subject, leaves: Literals | None = None, staged: bool = True) -> Graph:
    """A graph to reduce; `leaves` uint32 [1 + n_leaves] are the literals known for leaves.

    staged: a node is replaced only by one that depends on no later stage, so that the result may
    be joined with its boxes again.
    """
    rep = np.zeros(subject.first_gate + subject.n_gates, np.uint32)
    rep[: subject.first_gate] = 2 * np.arange(subject.first_gate) if leaves is None else leaves
    stage = np.zeros(len(rep), np.int32)
    if staged:
        stage[1 : subject.first_gate] = subject.stage
    native = library("fraig")
    if native is None:
        return PythonGraph(subject, rep, stage)
    return NativeGraph(native, subject, rep, stage)


@dataclass
class Effort:
    """How hard a reduction tries.

    window: the most leaves of a cut that is tabulated, 6 to 14. candidates: pairs tried for each
    gate. refinements: how often a pattern that tells two nodes apart is simulated.
    """

    window: int = 14
    candidates: int = 8
    refinements: int = 4000


Ask = Callable[[Graph], "tuple[int, dict[int, bool]]"]
Simulate = Callable[["dict[int, bool]"], "Words | None"]


def reduce(graph: Graph, effort: Effort, simulate: Simulate, ask: Ask | None = None) -> None:
    """Reduce gate after gate.

    Args:
        graph: with signatures.
        simulate: values of leaves to packed patterns [leaves, words] that show them; None where
            there are none, as leaves that boxes drive cannot take any value.
        ask: decides the pair at `graph.stop`: OPEN, EQUAL or REFUTED, and then values of leaves.
    """
    answer, refinements = NEXT, 0
    while True:
        found = graph.run(answer, effort.window, effort.candidates, ask is not None)
        if found == DONE:
            return
        values = _values(graph.stop)
        if found == OPEN:
            assert ask is not None
            verdict, values = ask(graph)
            if verdict == EQUAL:
                answer = EQUAL
                continue
            found = REFUTED if verdict == REFUTED else OPEN
        answer = NEXT
        if found == REFUTED and refinements < effort.refinements:
            refinements += 1
            words = simulate(values)
            if words is not None:
                graph.simulate(words)
                answer = REFINED


def _values(stop: Literals) -> dict[int, bool]:
    leaves = stop[3 : 3 + int(stop[2])].tolist() if stop[2] <= 14 else []
    return {literal >> 1: not literal & 1 for literal in leaves}
