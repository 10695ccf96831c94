"""Timing a compiled circuit."""

from __future__ import annotations

from dataclasses import dataclass
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

    def __str__(self) -> str:
        return f"{_short(self.median)} samples/s ({_short(self.low)} to {_short(self.high)})"


def throughput(
    compiled: CompiledCircuit, x: NDArray[Any], *, threads: int = 1, repeats: int = 7
) -> Throughput:
    """Time `predict` (without a decoder, `bits`) on x [n, *shape], after one call to warm up."""
    call = compiled.predict if compiled.manifest["decoder"] else compiled.bits
    call(x, threads=threads)
    rates: list[float] = []
    for _ in range(repeats):
        start = perf_counter()
        call(x, threads=threads)
        rates.append(len(x) / (perf_counter() - start))
    return Throughput(median(rates), min(rates), max(rates))


def _short(rate: float) -> str:
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if rate >= unit:
            return f"{rate / unit:.2f}{name}"
    return f"{rate:.0f} "
