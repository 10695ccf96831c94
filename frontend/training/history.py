"""What a run has seen, and the table of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One look at a model: steps so far, mean loss since the last look, accuracies 0 to 1."""

    step: int
    loss: float
    relaxed: float
    discrete: float

    @property
    def gap(self) -> float:
        """Relaxed minus discrete accuracy."""
        return self.relaxed - self.discrete

    def beats(self, other: Check | None) -> bool:
        """Whether these weights are to be kept rather than those of an earlier check."""
        if other is None:
            return True
        return (self.discrete, self.relaxed) >= (other.discrete, other.relaxed)


@dataclass(frozen=True)
class History:
    """What `fit` saw: the checks in order, the one whose weights were kept, and seconds taken."""

    checks: tuple[Check, ...]
    best: Check
    seconds: float


def exhausted(checks: Sequence[Check], patience: int | None) -> bool:
    """Whether neither accuracy has risen for `patience` checks; never if that is None.

    Discrete accuracy alone would not do: gates that start residually keep their first function for
    some hundred steps, in which only relaxed accuracy rises.
    """
    if patience is None or not checks:
        return False
    relaxed, discrete = zip(*((check.relaxed, check.discrete) for check in checks), strict=True)
    risen = max(each.index(max(each)) for each in (relaxed, discrete))
    return len(checks) - 1 - risen >= patience


def csv(checks: Sequence[Check], per_epoch: int) -> str:
    """The checks as comma-separated values, a row each under a header; `per_epoch` is in steps."""
    rows = ["step,epoch,loss,relaxed,discrete,gap"]
    rows += [
        f"{c.step},{c.step / per_epoch:g},{c.loss:.6g},{c.relaxed:.6g},{c.discrete:.6g},{c.gap:.6g}"
        for c in checks
    ]
    return "\n".join(rows) + "\n"
