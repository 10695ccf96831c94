"""Running passes one after another: checked, timed, and in presets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from ..runtime.errors import NetlistError
from .circuit import Circuit
from .netlist import Netlist
from .passes.fold import fold
from .passes.strash import strash
from .passes.sweep import sweep
from .stats import levels, n_gates
from .verify import verify

Pass: TypeAlias = Callable[[Netlist], Netlist]
Either = TypeVar("Either", Netlist, Circuit)

CLEAN: tuple[Pass, ...] = (fold, strash, sweep)
# Level: passes of one round, and how many rounds at most. Rounds end when one changes nothing.
PRESETS: tuple[tuple[tuple[Pass, ...], int], ...] = ((), 0), (CLEAN, 1), (CLEAN, 4), (CLEAN, 1000)


@dataclass(frozen=True)
class Step:
    """One pass of a run: its name, the gates and levels after it, and the seconds it took."""

    name: str
    gates: int
    levels: int
    seconds: float


@dataclass(frozen=True)
class Report:
    """The steps of a run, the first one being its input; prints as a table."""

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        rows = [("pass", "gates", "levels", "seconds")]
        rows += [(s.name, f"{s.gates:,}", f"{s.levels:,}", f"{s.seconds:.3f}") for s in self.steps]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            f"{name:<{widths[0]}}  {gates:>{widths[1]}}  {depth:>{widths[2]}}  {spent:>{widths[3]}}"
            for name, gates, depth, spent in rows
        ]
        return "\n".join(lines)


After: TypeAlias = Callable[[Step, Netlist], object]


class Recorder:
    """A callback that keeps every step: pass it as `after`, then ask for its `report`."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def __call__(self, step: Step, netlist: Netlist) -> None:
        self._steps.append(step)

    def report(self) -> Report:
        """What was recorded up to now."""
        return Report(tuple(self._steps))


def run(netlist: Netlist, passes: Iterable[Pass], after: After | None = None) -> Netlist:
    """Apply `passes` in order and verify what each returns.

    Args:
        netlist: a valid netlist.
        passes: functions or objects from netlist to netlist.
        after: called with a `Step` and the netlist, once for the input and once for each pass.

    Raises:
        NetlistError: a pass returned something else than a valid netlist of the same inputs and as
            many outputs; the message names the pass.
    """
    _tell(after, "input", netlist, 0.0)
    for one in passes:
        netlist = _apply(one, netlist, after)
    return netlist


def optimize(netlist: Either, level: int = 2, after: After | None = None) -> Either:
    """The same function in fewer gates.

    Args:
        netlist: a netlist, or a circuit, whose netlist is then optimised.
        level: 0 nothing; 1 fold, strash and sweep once; 2 until nothing changes, four rounds at
            most; 3 until nothing changes.
        after: as for `run`.

    Raises:
        NetlistError: there is no such level.
    """
    if level not in range(len(PRESETS)):
        raise NetlistError(
            f"optimize: level {level!r}; allowed are 0 to {len(PRESETS) - 1}; the default is 2"
        )
    if isinstance(netlist, Circuit):
        return netlist.with_netlist(optimize(netlist.netlist, level, after))
    passes, rounds = PRESETS[level]
    _tell(after, "input", netlist, 0.0)
    for _ in range(rounds):
        before = netlist
        for one in passes:
            netlist = _apply(one, netlist, after)
        if netlist is before:
            break
    return netlist


def pass_name(one: Pass) -> str:
    """How reports and errors call a pass: a function's name, or its class."""
    return getattr(one, "__name__", type(one).__name__)


def _apply(one: Pass, netlist: Netlist, after: After | None) -> Netlist:
    start = time.perf_counter()
    result = one(netlist)
    seconds = time.perf_counter() - start
    if result is not netlist:
        _check(pass_name(one), netlist, result)
    _tell(after, pass_name(one), result, seconds)
    return result


def _check(name: str, before: Netlist, result: Netlist) -> None:
    if not isinstance(result, Netlist):
        raise NetlistError(
            f"pass {name}: returned {type(result).__name__}; allowed is a Netlist; "
            "return the argument itself where nothing changes"
        )
    found = (result.n_inputs, len(result.outputs))
    if found != (before.n_inputs, len(before.outputs)):
        raise NetlistError(
            f"pass {name}: returned {found[0]} inputs and {found[1]} outputs; allowed are "
            f"{before.n_inputs} and {len(before.outputs)}; keep inputs that nothing reads"
        )
    try:
        verify(result)
    except NetlistError as error:
        raise NetlistError(f"pass {name}: returned an invalid netlist: {error}") from None


def _tell(after: After | None, name: str, netlist: Netlist, seconds: float) -> None:
    if after is not None:
        after(Step(name, n_gates(netlist), levels(netlist), seconds), netlist)
