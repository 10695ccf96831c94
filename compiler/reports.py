"""What passes did: steps, and tables of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from .netlist import Netlist
from .passes.lutmap import count_luts

NOTHING_LEFT = (
    "no gate is left: outputs are inputs, constants or counts of these, as in a network that "
    "starts residually and is not trained yet"
)


@dataclass(frozen=True)
class Step:
    """One pass of a run: its name, the gates and levels after it, and the seconds it took.

    luts3, luts6: the LUTs of three and six inputs that the gates map to, where they were counted.
    """

    name: str
    gates: int
    levels: int
    seconds: float
    luts3: int | None = None
    luts6: int | None = None


After: TypeAlias = Callable[[Step, Netlist], object]


@dataclass(frozen=True)
class Report:
    """The steps of a run, the first one being its input.

    Prints as a table; steps that changed no figure share one line at its end. Says so if of some
    gates none is left.
    """

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        luts = any(step.luts3 is not None for step in self.steps)
        header = ("pass", "gates", *(("LUT3", "LUT6") if luts else ()), "levels", "seconds")
        pairs = list(zip(self.steps[1:], self.steps, strict=False))
        idle = [step for step, before in pairs if _figures(step) == _figures(before)]
        shown = [*self.steps[:1], *(step for step, _ in pairs if step not in idle)]
        rows = [_row(step, luts) for step in shown]
        if idle:
            seconds = sum(step.seconds for step in idle)
            rows.append(
                (f"{len(idle)} without effect", *[""] * (len(header) - 2), f"{seconds:.3f}")
            )
        printed = table([header, *rows])
        nothing_left = self.steps and self.steps[0].gates and not self.steps[-1].gates
        return f"{printed}\n{NOTHING_LEFT}" if nothing_left else printed


def _figures(step: Step) -> tuple[int | None, ...]:
    return step.gates, step.levels, step.luts3, step.luts6


def _row(step: Step, luts: bool) -> tuple[str, ...]:
    counts = [step.gates, *((step.luts3, step.luts6) if luts else ()), step.levels]
    shown = ["" if count is None else f"{count:,}" for count in counts]
    return (step.name, *shown, f"{step.seconds:.3f}")


class Recorder:
    """A callback that keeps every step: pass it as `after`, then ask for its `report`.

    luts: count the mapped LUTs after each pass too, by one fast round of mapping, which takes about
    a second for a million gates; the seconds of the steps do not include it.
    """

    def __init__(self, luts: bool = False) -> None:
        self._luts = luts
        self._last: tuple[Netlist, int, int] | None = None
        self._steps: list[Step] = []

    def __call__(self, step: Step, netlist: Netlist) -> None:
        if self._luts:
            if self._last is None or self._last[0] is not netlist:
                self._last = netlist, count_luts(netlist, 3), count_luts(netlist, 6)
            step = replace(step, luts3=self._last[1], luts6=self._last[2])
        self._steps.append(step)

    def report(self) -> Report:
        """What was recorded up to now."""
        return Report(tuple(self._steps))


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Rows of text in columns, the first flush left and the others right."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )
