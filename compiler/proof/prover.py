"""Two netlists as one, reduced until their outputs meet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..literals import Literals
from ..netlist import Argmax, IntArray, Luts, Netlist, Popcount, Tile
from ..passes.decompose import Decompose
from ..passes.fold import fold
from ..passes.lower import lower
from ..passes.sweep import sweep
from ..passes.unroll import unroll
from ..simulate import Words, simulate_words
from ..subject import Subject
from ..subject_join import Frame
from ..subject_split import split
from .boxes import Boxes
from .joint import joint
from .reduction import EQUAL, OPEN, REFUTED, Effort, Graph, make_graph, reduce
from .sat import Pairs
from .vectors import Pattern, around, difference, random_patterns

_WORDS = 32  # of first signatures
_PIECE = 8  # words simulated at once
_REFINEMENTS, _LEAST_REFINEMENTS, _REFINED_NODES = 4000, 64, 1 << 28  # of signatures
_ROUNDS = 64  # of reducing logic and merging boxes
_UNROLLED_NETS = 1 << 23  # most nets of two netlists without tiles
_INSIDE_CONFLICTS, _OUTPUT_CONFLICTS = 500, 20_000
How: TypeAlias = Literal["structure", "windows", "sat"]


@dataclass
class Verdict:
    """What is known of two netlists.

    same: bool [outputs], proved equal. counterexample: bool [n_inputs], found on the way.
    sat: pairs that a solver was asked about.
    """

    same: NDArray[np.bool_]
    counterexample: Pattern | None = None
    sat: int = 0


@dataclass
class Prover:
    """Proves outputs of two netlists of one interface equal.

    deadline: by `time.monotonic`. sat: whether pairs that windows leave open go to a solver.
    """

    a: Netlist
    b: Netlist
    deadline: float
    sat: bool
    verdict: Verdict = field(init=False)
    _seed: int = 0

    def __post_init__(self) -> None:
        self.verdict = Verdict(np.zeros(len(self.a.outputs), np.bool_))

    def prove(self) -> Verdict:
        """Compare with boxes as they are; where that leaves outputs open, without any.

        Windows alone come first: what a solver merges within one netlist hides the nodes that
        windows would find equal across the two.
        """
        for one, other in self._forms():
            for sat in (False, True)[: 1 + self.sat]:
                self._compare(one, other, sat)
                if self.verdict.same.all() or self.verdict.counterexample is not None:
                    return self.verdict
                if time.monotonic() > self.deadline:
                    return self.verdict
        return self.verdict

    def _forms(self) -> Iterator[tuple[Netlist, Netlist]]:
        """The two netlists, without tiles if they are small so, and then without boxes."""
        small = _unrolled_size(self.a) + _unrolled_size(self.b) <= _UNROLLED_NETS
        if not small:
            yield self.a, self.b
            return
        one, other = unroll(self.a), unroll(self.b)
        yield one, other
        if any(isinstance(c, Popcount | Argmax) for n in (one, other) for c in n.cells):
            yield lower(self._left(one)), lower(self._left(other))

    def _left(self, netlist: Netlist) -> Netlist:
        """The netlist with constants for the outputs that are proved."""
        return replace(netlist, outputs=np.where(self.verdict.same, 0, netlist.outputs))

    def _compare(self, a: Netlist, b: Netlist, sat: bool) -> None:
        joined = fold(Decompose(2)(joint(sweep(self._left(a)), sweep(self._left(b)))))
        subject, frame = split(joined)
        boxes, leaves = Boxes(subject, frame), _Leaves(subject, frame)
        pairs = Pairs(subject) if sat else None
        try:
            graph = self._reduce(boxes, leaves, pairs)
            for _ in range(_ROUNDS):
                if self._finished(boxes.outputs(graph.rep)) or not boxes.merge(graph.rep):
                    break
                if self._finished(boxes.outputs(_through(graph.rep, boxes.leaves))):
                    break
                graph = self._reduce(boxes, leaves, pairs)
            if not self.verdict.same.all():
                self._refute(graph, leaves, pairs, boxes.outputs(graph.rep))
        finally:
            if pairs is not None:
                self.verdict.sat += pairs.calls
                pairs.close()

    def _finished(self, outputs: Literals) -> bool:
        half = len(outputs) // 2
        self.verdict.same |= outputs[:half] == outputs[half:]
        return bool(self.verdict.same.all())

    def _reduce(self, boxes: Boxes, leaves: _Leaves, pairs: Pairs | None) -> Graph:
        graph = make_graph(boxes.subject, boxes.leaves, staged=False)
        for words in leaves.first_words():
            graph.simulate(words)

        def ask(graph: Graph) -> tuple[int, dict[int, bool]]:
            if pairs is None or time.monotonic() > self.deadline:
                return OPEN, {}
            return pairs.decide(graph, graph.stop[:2], _INSIDE_CONFLICTS)

        def simulate(values: dict[int, bool]) -> Words | None:
            if time.monotonic() > self.deadline:
                return None
            self._seed += 1
            return leaves.around(values, self._seed)

        refinements = min(_REFINEMENTS, max(_LEAST_REFINEMENTS, _REFINED_NODES // len(graph.rep)))
        effort = Effort(refinements=refinements)
        reduce(graph, effort, simulate, ask if pairs is not None else None)
        return graph

    def _refute(
        self, graph: Graph, leaves: _Leaves, pairs: Pairs | None, outputs: Literals
    ) -> None:
        """Decide the open outputs one by one, with more effort; try what tells them apart."""
        for words in leaves.tried:
            found = difference(self.a, self.b, words, 64 * words.shape[1])
            if found is not None:
                self.verdict.counterexample = found
                return
        half = len(outputs) // 2
        for i in np.flatnonzero(~self.verdict.same).tolist():
            if pairs is None or time.monotonic() > self.deadline:
                return
            pair = np.sort(outputs[[i, half + i]])[::-1].copy()
            status, values = pairs.decide(graph, pair, _OUTPUT_CONFLICTS)
            if status == EQUAL:
                self.verdict.same[i] = True
            elif status == REFUTED:
                words = leaves.inputs_around(values, i)
                found = difference(self.a, self.b, words, 64)
                if found is not None:
                    self.verdict.counterexample = found
                    return


class _Leaves:
    """Values of the leaves of a joint netlist, on patterns of its inputs."""

    def __init__(self, subject: Subject, frame: Frame) -> None:
        netlist = frame.netlist
        self.n_inputs = netlist.n_inputs
        self.n_leaves = subject.n_leaves
        self.tried: list[Words] = []
        driven: list[IntArray] = [
            np.arange(first, first + cell.n_nets, dtype=np.int32)
            for first, cell in netlist.placed()
            if not isinstance(cell, Luts)
        ]
        nets = np.concatenate([*driven, np.zeros(0, np.int32)]).astype(np.int32)
        gates = subject.fanin >> np.uint32(1)
        # Boxes are simulated only if some gate reads what one drives.
        self.needed = bool(((gates > self.n_inputs) & (gates < subject.first_gate)).any())
        self.netlist = sweep(replace(netlist, outputs=nets)) if self.needed else netlist

    def first_words(self) -> Iterator[Words]:
        words = random_patterns(self.n_inputs, _WORDS)
        self.tried = [words, *self.tried[1:]]
        for start in range(0, _WORDS, _PIECE):
            yield self._leaves(words[:, start : start + _PIECE])
        for more in self.tried[1:]:
            yield self._leaves(more)

    def around(self, values: dict[int, bool], seed: int) -> Words | None:
        if any(node > self.n_inputs for node in values) and not self.needed:
            return None
        words = self.inputs_around(values, seed)
        self.tried.append(words)
        return self._leaves(words)

    def inputs_around(self, values: dict[int, bool], seed: int) -> Words:
        inputs = {node: value for node, value in values.items() if node <= self.n_inputs}
        return around(inputs, self.n_inputs, seed)

    def _leaves(self, inputs: Words) -> Words:
        result = np.zeros((self.n_leaves, inputs.shape[1]), np.uint64)
        result[: self.n_inputs] = inputs
        if self.needed:
            result[self.n_inputs :] = simulate_words(self.netlist, inputs)
        return result


def _through(rep: Literals, leaves: Literals) -> Literals:
    """Representatives where leaves have become known since."""
    result = rep.copy()
    is_leaf = (rep >> np.uint32(1)) < len(leaves)
    result[is_leaf] = leaves[rep[is_leaf] >> np.uint32(1)] ^ (rep[is_leaf] & np.uint32(1))
    return result


def _unrolled_size(netlist: Netlist) -> int:
    return netlist.n_nets + sum(
        cell.places * _unrolled_size(cell.body) for cell in netlist.cells if isinstance(cell, Tile)
    )
