"""Do two netlists or circuits compute the same?"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import NetlistError
from .circuit import Circuit
from .liveness import live_nets
from .netlist import FIRST_INPUT, Netlist
from .proof import borders
from .proof import sat as solver
from .proof.prover import Prover
from .proof.vectors import (
    Pattern,
    all_patterns,
    apart,
    corners,
    difference,
    minimised,
    random_patterns,
)
from .simulate import Words

EXHAUSTIVE_INPUTS = 20
SAMPLES = 1 << 20
_QUICK_WORDS = 64  # random words tried before a proof is
_EASY = 1 << 28  # net values, in words, that are simulated rather than proved
_STEP = 1 << 10

Method: TypeAlias = Literal["identical", "exhaustive", "structure", "sat", "random"]


@dataclass(frozen=True, eq=False)
class Equivalence:
    """What is known after a comparison; true if proved, so false where only nothing was found.

    status: "proved", "refuted", or "unproved", which is simulated without finding a difference.
    method: how the answer was found: the netlists are identical; all patterns of the inputs that
        matter were simulated; functional reduction by truth tables, or with a SAT solver too; or
        corners and random patterns.
    samples: input patterns simulated. seconds: taken.
    proved: outputs proved equal; outputs: how many there are.
    counterexample: bool [n_inputs], one on which the two differ, if refuted; no true input of it
        can be made false alone. counterexample_b: the same for the inputs of `b`, where those of
        two circuits are others. output: the first output that differs there.
    sat: pairs of nodes that a SAT solver was asked about; None where none was to be had.
    """

    status: Literal["proved", "refuted", "unproved"]
    method: Method
    samples: int
    counterexample: NDArray[np.bool_] | None = None
    counterexample_b: NDArray[np.bool_] | None = None
    output: int | None = None
    proved: int = 0
    outputs: int = 0
    sat: int | None = 0
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return self.status == "proved"

    def __str__(self) -> str:
        return self.explain()

    def explain(self) -> str:
        """The answer in a line or two."""
        if self.status == "proved":
            return f"proved equal {_HOW[self.method]} in {self.seconds:.1f} s"
        if self.counterexample is not None:
            true = np.flatnonzero(self.counterexample)
            return f"refuted: output {self.output} differs with {_inputs(true.tolist())} true"
        cure = "; the extra gatewright[prove] would prove more" if self.sat is None else ""
        return (
            f"not proved: {self.proved:,} of {self.outputs:,} outputs proved, all equal on "
            f"{self.samples:,} patterns, corners and random ones{cure}"
        )


def _inputs(true: list[int]) -> str:
    if len(true) < 2:
        return f"only input {true[0]}" if true else "no input"
    more = f" and {len(true) - 8:,} others" if len(true) > 8 else ""
    return f"{len(true):,} inputs, {', '.join(map(str, true[:8]))}{more},"


_HOW = {
    "identical": "as identical netlists",
    "exhaustive": "on all patterns",
    "structure": "by structure and truth tables",
    "sat": "by SAT",
    "random": "by simulation",
}


def equivalent(
    a: Netlist | Circuit,
    b: Netlist | Circuit,
    *,
    samples: int = SAMPLES,
    seconds: float = 60.0,
    sat: bool | None = None,
) -> Equivalence:
    """Compare two netlists or circuits: proved, refuted with a counterexample, or not proved.

    Identical netlists are proved at once. Up to 20 inputs that matter, all patterns are compared.
    Else corners and random patterns may refute; then both are reduced as one netlist, whose nodes
    are merged when truth tables over small cuts or a SAT solver prove them equal, until the outputs
    meet. Popcounts are compared as sums. What stays open is compared on random patterns.

    Args:
        a, b: two netlists, or two circuits. Circuits are compared on all patterns of input bits,
            also on those that no encoder gives; bits of one feature and threshold are one bit.
        samples: random patterns to compare where no proof is found.
        seconds: stop trying then, roughly.
        sat: use a SAT solver; by default where the extra `prove` is installed.

    Raises:
        NetlistError: the two have different numbers of inputs or outputs, other shapes of
            input or decoders, or one is a circuit and the other is not.
        ExtraMissing: `sat` is true, and the extra `prove` is not installed.
    """
    if sat:
        solver.require("equivalent")
    started = time.monotonic()
    both = borders.pair(a, b)
    use_sat = solver.available() if sat is None else sat
    found = _Comparison(both.a, both.b, samples, started + seconds, use_sat).answer()
    missing = sat is None and not use_sat
    pattern = found.counterexample
    return replace(
        found,
        counterexample=None if pattern is None else pattern[both.inputs_a],
        counterexample_b=None if pattern is None else pattern[both.inputs_b],
        outputs=len(both.a.outputs),
        proved=len(both.a.outputs) if found.status == "proved" else found.proved,
        sat=None if missing else found.sat,
        seconds=time.monotonic() - started,
    )


@dataclass
class _Comparison:
    a: Netlist
    b: Netlist
    samples: int
    deadline: float
    sat: bool
    tried: int = 0

    def answer(self) -> Equivalence:
        if self.a == self.b:
            return Equivalence("proved", "identical", 0)
        inputs = _inputs_that_matter(self.a, self.b)
        work = (self.a.n_nets + self.b.n_nets) << max(0, len(inputs) - 6)
        few = len(inputs) <= EXHAUSTIVE_INPUTS
        easy = few and work <= _EASY
        steps: list[Callable[[], Equivalence | None]]
        steps = [] if easy else [self._quick, self._proof]
        if few:
            steps.append(lambda: self._exhaustive(inputs, math.inf if easy else self.deadline))
        for step in steps:
            if (found := step()) is not None:  # a refutation is false
                return found
        return self._random()

    def _quick(self) -> Equivalence | None:
        n = self.a.n_inputs
        for words, count in (corners(n), (random_patterns(n, _QUICK_WORDS), 64 * _QUICK_WORDS)):
            if (refuted := self._try(words, count, "random")) is not None:
                return refuted
        return None

    def _proof(self) -> Equivalence | None:
        verdict = Prover(self.a, self.b, self.deadline, self.sat).prove()
        self.proved, self.asked = int(verdict.same.sum()), verdict.sat
        method: Method = "sat" if verdict.sat else "structure"
        if verdict.counterexample is not None:
            return self._refuted(verdict.counterexample, method)
        if verdict.same.all():
            return Equivalence("proved", method, self.tried, sat=verdict.sat)
        return None

    def _exhaustive(self, inputs: NDArray[np.intp], deadline: float) -> Equivalence | None:
        self.tried = 0
        for words, count in all_patterns(inputs, self.a.n_inputs):
            if time.monotonic() > deadline:
                return None
            if (refuted := self._try(words, count, "exhaustive")) is not None:
                return refuted
        return Equivalence("proved", "exhaustive", self.tried)

    def _random(self) -> Equivalence:
        seed = 1
        while self.tried < self.samples and (seed == 1 or time.monotonic() < self.deadline):
            words = min(_STEP, -(-(self.samples - self.tried) // 64))
            drawn = random_patterns(self.a.n_inputs, words, seed)
            if (refuted := self._try(drawn, 64 * words, "random")) is not None:
                return refuted
            seed += 1
        return Equivalence("unproved", "random", self.tried, proved=self.proved, sat=self.asked)

    def _try(self, words: Words, count: int, method: Method) -> Equivalence | None:
        found = difference(self.a, self.b, words, count)
        self.tried += count
        return None if found is None else self._refuted(found, method)

    def _refuted(self, found: Pattern, method: Method) -> Equivalence:
        found = minimised(self.a, self.b, found)
        output = int(apart(self.a, self.b, found[None])[0].argmax())
        return Equivalence("refuted", method, self.tried, found, output=output)


def _inputs_that_matter(a: Netlist, b: Netlist) -> NDArray[np.intp]:
    live = live_nets(a)[FIRST_INPUT : FIRST_INPUT + a.n_inputs]
    return np.flatnonzero(live | live_nets(b)[FIRST_INPUT : FIRST_INPUT + a.n_inputs])


def demand_proof(before: Netlist | Circuit, after: Netlist | Circuit, what: str) -> None:
    """Raise NetlistError, naming `what` made `after`, unless it is proved equal to `before`."""
    found = equivalent(before, after)
    if found.status != "proved":
        raise NetlistError(f"{what}: {found}")
