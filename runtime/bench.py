"""Timing a compiled circuit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median
from time import perf_counter
from typing import Any

from numpy.typing import NDArray

from .compiled import CompiledCircuit


@dataclass(frozen=True)
class Throughput:
    """Samples a second over several calls: the median, the slowest and the fastest."""

    median: float
    low: float
    high: float

    @property
    def nanoseconds(self) -> str:
        """Nanoseconds of one sample: the median, then the fastest and the slowest call."""
        return f"{1e9 / self.median:.1f} ({1e9 / self.high:.1f} to {1e9 / self.low:.1f})"

    def __str__(self) -> str:
        return f"{_short(self.median)} samples/s ({_short(self.low)} to {_short(self.high)})"


def throughput(
    compiled: CompiledCircuit, x: NDArray[Any], *, threads: int = 1, repeats: int = 7
) -> Throughput:
    """Time `predict` (without a decoder, `bits`) on x [n, *shape], after one call to warm up."""
    call = _call(compiled)
    call(x, threads=threads)
    rates: list[float] = []
    for _ in range(repeats):
        start = perf_counter()
        call(x, threads=threads)
        rates.append(len(x) / (perf_counter() - start))
    return Throughput(median(rates), min(rates), max(rates))


def latency(compiled: CompiledCircuit, x: NDArray[Any], *, repeats: int = 201) -> float:
    """Nanoseconds that a call on x takes, such as one sample: the median of several calls."""
    call = _call(compiled)
    call(x)
    return median(_nanoseconds(call, x) for _ in range(repeats))


def stages(
    built: Sequence[CompiledCircuit], x: NDArray[Any], *, repeats: int = 7
) -> tuple[float, float, float]:
    """Nanoseconds a sample of packing, logic and head, from the fastest calls on one thread.

    Calls take turns; what is slower than the fastest is other work on the machine.

    Args:
        built: a circuit that stops after packing, after evaluating, and not at all.
        x: samples [n, \\*shape].
    """
    calls = [_call(each) for each in built]
    for call in calls:
        call(x)
    rounds = [[_nanoseconds(call, x) / len(x) for call in calls] for _ in range(repeats)]
    packing, evaluating, whole = accumulate(
        (min(times) for times in zip(*rounds, strict=True)), max
    )
    return packing, evaluating - packing, whole - evaluating


def _call(compiled: CompiledCircuit) -> Callable[..., Any]:
    return compiled.predict if compiled.manifest["decoder"] else compiled.bits


def _nanoseconds(call: Callable[..., Any], x: NDArray[Any]) -> float:
    start = perf_counter()
    call(x)
    return 1e9 * (perf_counter() - start)


def _short(rate: float) -> str:
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if rate >= unit:
            return f"{rate / unit:.2f}{name}"
    return f"{rate:.0f} "
