"""Pairs of nodes decided by a SAT solver, over their cones alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import ExtraMissing
from ..literals import Literals
from ..subject import Subject
from .reduction import EQUAL, OPEN, REFUTED, Graph

_SOLVER = "glucose4"
_ONE = np.uint32(1)


def available() -> bool:
    """Whether the extra `prove` is installed."""
    try:
        import pysat.solvers  # noqa: F401
    except ImportError:
        return False
    return True


def require(who: str) -> None:
    """Raise `ExtraMissing` for `who` unless the extra `prove` is installed."""
    if not available():
        raise ExtraMissing(
            f"{who}: a proof by SAT takes python-sat, which is not installed; "
            "pip install 'gatewright[prove]'"
        )


class Pairs:
    """An incremental solver that holds the cones of the pairs it was asked about.

    It starts afresh when it holds more than `recycle` gates, because solvers decide every variable
    that they hold.
    """

    def __init__(self, subject: Subject, room: int = 1 << 20, recycle: int = 3000) -> None:
        self.subject, self.room, self.recycle = subject, room, recycle
        self.calls = 0
        self._variable = np.zeros(subject.first_gate + subject.n_gates, np.int32)
        self._seen = np.zeros(len(self._variable), np.bool_)
        self._solver: Any = None
        self._held: list[NDArray[np.integer[Any]]] = []
        self._next = 1
        self._gates = 0

    def close(self) -> None:
        """Give the solver's memory back."""
        if self._solver is not None:
            self._solver.delete()
            self._solver = None

    def decide(self, graph: Graph, pair: Literals, conflicts: int) -> tuple[int, dict[int, bool]]:
        """EQUAL, REFUTED with values of leaves that tell the literals apart, or OPEN.

        conflicts: the most that the solver may meet for each of the two directions.
        """
        if self._solver is None or self._gates > self.recycle:
            self._start()
        solver = self._solver
        assert solver is not None
        nodes = graph.cone(pair, self._seen, self.room)
        if nodes is None:
            self._start()
            return OPEN, {}
        self._hold(graph, nodes, pair)
        self.calls += 1
        a, b = self._signed(pair).tolist()
        constant = [[-a] if pair[1] else [a]]  # its other value has to be ruled out
        for assumptions in constant if pair[1] < 2 else [[a, -b], [-a, b]]:
            solver.conf_budget(conflicts)
            found = solver.solve_limited(assumptions=assumptions)
            if found is None:
                return OPEN, {}
            if found:
                return REFUTED, self._leaves()
        return EQUAL, {}

    def _start(self) -> None:
        from pysat.solvers import Solver

        self.close()
        self._solver = Solver(name=_SOLVER)
        self._variable[:] = 0
        self._seen[:] = False
        self._held, self._next, self._gates = [], 1, 0

    def _hold(self, graph: Graph, nodes: NDArray[np.int32], pair: Literals) -> None:
        gates = nodes - self.subject.first_gate
        read = graph.read[gates]
        self._name(np.unique(np.concatenate([nodes, (read >> _ONE).reshape(-1), pair >> _ONE])))
        self._gates += len(nodes)
        out, reads = self._variable[nodes], self._signed(read)
        a, b = reads[:, 0], reads[:, 1]
        xor = self.subject.xor[gates]
        both = ~xor
        pairs = [(-out, a), (-out, b)]
        triples = [(out, -a, -b)]
        odd = [(-out, a, b), (-out, -a, -b), (out, -a, b), (out, a, -b)]
        for clauses, rows in ((pairs, both), (triples, both), (odd, xor)):
            for clause in clauses:
                self._solver.append_formula(np.stack([c[rows] for c in clause], axis=1).tolist())

    def _name(self, nodes: NDArray[np.integer[Any]]) -> None:
        fresh = nodes[self._variable[nodes] == 0]
        self._variable[fresh] = np.arange(self._next, self._next + len(fresh))
        self._next += len(fresh)
        self._held.append(fresh[(fresh > 0) & (fresh < self.subject.first_gate)])

    def _signed(self, literals: Literals) -> NDArray[np.int32]:
        variable = self._variable[literals >> _ONE]
        return np.where(literals & _ONE, -variable, variable)

    def _leaves(self) -> dict[int, bool]:
        model = self._solver.get_model()
        leaves = np.concatenate(self._held)
        return {
            int(leaf): model[int(self._variable[leaf]) - 1] > 0
            for leaf in leaves
            if self._variable[leaf] <= len(model)
        }
