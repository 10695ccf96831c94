"""Fewer gates for the same function: cut rewriting, resubstitution, and both in turn."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ...runtime.errors import NetlistError
from .. import resynthesis
from ..bodies import with_bodies
from ..mapping import ESTIMATE, map_luts
from ..native import library
from ..netlist import Netlist
from ..stats import n_gates
from ..structures import classes, structures
from ..subject import Subject
from ..subject_split import split

SLOW_GATES = 20_000  # without a compiler, logic of more gates is left as it is


class Change(Protocol):
    """One algorithm on the two-input logic of a netlist."""

    def on(self, subject: Subject) -> Subject:
        """The same function of the same leaves, in as many gates or fewer."""
        ...


@dataclass(frozen=True)
class CutRewrite:
    """Compute each gate anew from the leaves of its best 4-input cut, inside tiles too.

    DAG-aware rewriting (Mishchenko, Chatterjee, Brayton, "DAG-aware AIG rewriting", DAC 2006) of
    AND and XOR gates. What a cut computes is looked up by its NPN class among smallest circuits
    (`compiler.structures`); the circuit is taken that saves most gates, counting what is there
    already as free and what only the old gate needed as saved.

    Args:
        zero_cost: also take circuits that save nothing. The result is as small and different, from
            which other passes may get further.
        seed: which of the circuits of a class are looked at first.
    """

    zero_cost: bool = False
    seed: int = 0

    def __call__(self, netlist: Netlist) -> Netlist:
        return _apply(netlist, self.on, even=self.zero_cost)

    def on(self, subject: Subject) -> Subject:
        """The same function of the same leaves, in as many gates or fewer."""
        table, known = structures(), classes()
        if library("cut_rewrite") is None:
            return _slowly(subject, lambda: resynthesis.cut_rewrite(subject, self.zero_cost))
        return _run(
            "cut_rewrite",
            subject,
            *(known.of, known.permutation, known.phase),
            *(table.start, table.gates, table.size, table.output),
            *(int(self.zero_cost), self.seed),
        )


@dataclass(frozen=True)
class Resubstitute:
    """Express gates by others that are there already, inside tiles too.

    Resubstitution (Mishchenko and Brayton, "Scalable logic synthesis using a simple circuit
    structure", IWLS 2006): in a window around each gate, truth tables over the leaves of the window
    tell whether another gate computes the same, or up to `added` new gates over others do, fewer
    than go with the gate. Finds equal and constant gates too, as far as the window shows them.

    Args:
        leaves: of a window, 4 to 10.
        divisors: gates and leaves looked at in a window, 10 to 250.
        added: new gates at most, 0 to 2.

    Raises:
        NetlistError: an argument is out of its range.
    """

    leaves: int = 8
    divisors: int = 100
    added: int = 1

    def __post_init__(self) -> None:
        for name, low, high in (("leaves", 4, 10), ("divisors", 10, 250), ("added", 0, 2)):
            if getattr(self, name) not in range(low, high + 1):
                raise NetlistError(
                    f"Resubstitute: {name} is {getattr(self, name)!r}; allowed are {low} to {high}"
                )

    def __call__(self, netlist: Netlist) -> Netlist:
        return _apply(netlist, self.on)

    def on(self, subject: Subject) -> Subject:
        """The same function of the same leaves, in as many gates or fewer."""
        if library("resubstitute") is None:
            return _slowly(
                subject, lambda: resynthesis.resubstitute(subject, self.leaves, self.added)
            )
        return _run("resubstitute", subject, self.leaves, self.divisors, self.added)


@dataclass(frozen=True)
class Refactor:
    """Make each gate anew with all that only it needs, from its truth table, inside tiles too.

    Of factored irredundant sums of products, for the function and for its inverse, and a
    decomposition by inputs, pairs of inputs and multiplexers, the one is taken that adds fewest
    gates. Without a compiler, logic is left as it is.

    Args:
        leaves: of a cone, 4 to 10.
        zero_cost: also take what saves nothing; see `CutRewrite`.

    Raises:
        NetlistError: an argument is out of its range.
    """

    leaves: int = 10
    zero_cost: bool = False

    def __post_init__(self) -> None:
        if self.leaves not in range(4, 11):
            raise NetlistError(f"Refactor: leaves is {self.leaves!r}; allowed are 4 to 10")

    def __call__(self, netlist: Netlist) -> Netlist:
        return _apply(netlist, self.on, even=self.zero_cost)

    def on(self, subject: Subject) -> Subject:
        """The same function of the same leaves, in as many gates or fewer."""
        if library("refactor") is None:
            return subject
        return _run("refactor", subject, self.leaves, int(self.zero_cost))


# For logic of hundreds of thousands of gates, a fifth of the time of SEQUENCE.
QUICK: tuple[Change, ...] = (CutRewrite(zero_cost=True), Resubstitute(8, 100, 1))
# The second turn begins with changes that gain nothing, to leave the minimum that the first found.
SEQUENCE: tuple[Change, ...] = (
    CutRewrite(),
    Refactor(),
    Resubstitute(8, 100, 1),
    Resubstitute(8, 60, 2),
    Resubstitute(10, 150, 2),
    CutRewrite(zero_cost=True),
    Refactor(zero_cost=True),
    Resubstitute(8, 60, 2),
    Resubstitute(10, 150, 2),
)


@dataclass(frozen=True)
class Resynthesize:
    """Rewriting, refactoring and resubstitution in turn, inside tiles too.

    Args:
        changes: what one round does, in order.
        rounds: at most this many, each from the result of the last with other choices among equals.
            Of several rounds, the result is kept that takes the fewest LUTs of `k` inputs.
        k: see there.
        seconds: no round is begun later than this; results then depend on the machine.
    """

    changes: tuple[Change, ...] = SEQUENCE
    rounds: int = 1
    k: int = 3
    seconds: float = math.inf

    def __call__(self, netlist: Netlist) -> Netlist:
        return _apply(netlist, self.on)

    def on(self, subject: Subject) -> Subject:
        """The same function of the same leaves, in as many gates or fewer."""
        end = time.monotonic() + self.seconds
        best, fewest = subject, None
        for number in range(self.rounds):
            if time.monotonic() > end:
                break
            for change in self.changes:
                if isinstance(change, CutRewrite):
                    change = replace(change, seed=change.seed + number)
                subject = change.on(subject)
            luts = self._luts(subject)
            if fewest is None or luts < fewest:
                best, fewest = subject, luts
        return best

    def _luts(self, subject: Subject) -> int:
        if self.rounds == 1:
            return 0
        return len(map_luts(subject, self.k, effort=ESTIMATE).table)


def _apply(netlist: Netlist, change: Callable[[Subject], Subject], even: bool = False) -> Netlist:
    """`change` on the logic of a netlist and its tiles' bodies; `even` where nothing is saved."""

    def one(inner: Netlist) -> Netlist:
        subject, frame = split(inner)
        result = change(subject)
        joined = frame.join(result)  # which alone may need fewer inverters
        less = n_gates(joined) + (not even) <= n_gates(inner)
        return joined if less and result.n_gates <= subject.n_gates else inner

    return with_bodies(netlist, one)


def _slowly(subject: Subject, change: Callable[[], Subject]) -> Subject:
    """A change made in Python, unless it would take too long; the smaller result."""
    if subject.n_gates > SLOW_GATES:
        return subject
    result = change()
    return result if result.n_gates <= subject.n_gates else subject


def _run(kernel: str, subject: Subject, *arguments: object) -> Subject:
    """The subject graph that a kernel makes of another."""
    native = library(kernel)
    assert native is not None
    fanin = np.array(subject.fanin, np.uint32, order="C")
    xor = subject.xor.astype(np.uint8)
    outputs = subject.outputs.copy()
    n = native.call(
        kernel,
        *(subject.n_leaves, subject.n_gates, fanin, xor, len(outputs), outputs),
        *arguments,
    )
    if n < 0:
        raise MemoryError(f"{kernel}: {subject.n_gates:,} gates do not fit in memory")
    return replace(subject, fanin=fanin[:n].copy(), xor=xor[:n] != 0, outputs=outputs)
