"""What `observe` says it did."""

from __future__ import annotations

from dataclasses import dataclass

from .circuit import Circuit
from .passes.observe import Merged

_FEW = 1000  # samples below which a warning says what they cannot show


@dataclass(frozen=True)
class Size:
    """Gates of a netlist, and LUTs of up to three and six inputs after mapping, 0 if not asked."""

    gates: int
    lut3: int = 0
    lut6: int = 0


@dataclass(frozen=True)
class Validation:
    """Answers before and after on samples that were not observed.

    samples: how many. answers: on how many of them any output bit changed. classes: on how many the
    class did. before, after: accuracies in percent, None without labels.
    """

    samples: int
    answers: int
    classes: int
    before: float | None
    after: float | None

    @property
    def loss(self) -> float:
        """Percentage points: of accuracy, or without labels of samples that changed class."""
        if self.before is None or self.after is None:
            return 100 * self.classes / self.samples
        return self.before - self.after


@dataclass(frozen=True)
class ObserveReport:
    """What `observe` did; prints as a table.

    samples: observed ones, on all of which the answers are the same. merged: what was replaced.
    before, after: sizes. validation: None if there was no validation set. warnings: what the
    figures do not show.
    """

    samples: int
    merged: Merged
    before: Size
    after: Size
    validation: Validation | None
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        merged = self.merged
        lines = [
            f"{'samples':<14} {self.samples:,} observed, answers the same on all",
            f"{'merged':<14} {merged.inputs:,} inputs; LUTs: {merged.constant:,} constant, "
            f"{merged.equal:,} equal, {merged.complementary:,} complementary, "
            f"{merged.unseen:,} that no output shows",
        ]
        for name in ("gates", "lut3", "lut6"):
            old, new = getattr(self.before, name), getattr(self.after, name)
            if old:
                lines.append(f"{name:<14} {old:,} -> {new:,} ({_change(old, new)})")
        if self.validation:
            lines.append(f"{'validation':<14} {described(self.validation)}")
        return "\n".join([*lines, *(f"{'warning':<14} {text}" for text in self.warnings)])


@dataclass(frozen=True)
class Observed:
    """The smaller circuit and the report on it."""

    circuit: Circuit
    report: ObserveReport


def warnings_of(samples: int, validation: Validation | None, merged: Merged) -> tuple[str, ...]:
    """What a user should know beside the figures."""
    found = []
    if samples < _FEW:
        found.append(
            f"{samples:,} samples show little: what is constant or equal on them all may still "
            f"differ on one in {max(1, samples // 3):,} others, at 95 % confidence"
        )
    if validation is None:
        found.append(
            "no validation set: what other inputs are answered was not checked; give validate= or "
            "holdout="
        )
    if merged.too_large:
        found.append(
            f"{merged.too_large} netlists or bodies were too large for the search of unseen gates"
        )
    return tuple(found)


def described(validation: Validation) -> str:
    """A validation as half a line."""
    text = (
        f"{validation.samples:,} samples, answers changed on {validation.answers:,}, "
        f"classes on {validation.classes:,}"
    )
    if validation.before is None or validation.after is None:
        return text
    change = validation.after - validation.before
    return f"{text}; accuracy {validation.before:.2f} % -> {validation.after:.2f} % ({change:+.2f})"


def _change(old: int, new: int) -> str:
    return f"{100 * (new - old) / old:+.1f} %"
