"""How scripts here measure and say what they found: conditions, times in turn, medians and spread.

Standard library only, so that scripts which report peak memory may import it.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from statistics import median, quantiles
from time import perf_counter, thread_time
from typing import Any

Calls = dict[str, Callable[[], Any]]
BURST = 2e-3  # seconds; shorter calls are repeated so long


class Steps:
    """Seconds of steps, by the clock and by the processors, children included."""

    def __init__(self) -> None:
        self.start = self.last = self._now()
        self.lines: list[str] = []

    @staticmethod
    def _now() -> tuple[float, float]:
        used = os.times()
        return perf_counter(), used.user + used.system + used.children_user + used.children_system

    def done(self, step: str) -> None:
        """The step since the last one has ended."""
        now = self._now()
        self.lines.append(self._line(step, self.last, now))
        self.last = now

    def total(self) -> str:
        return self._line("total", self.start, self.last)

    @staticmethod
    def _line(step: str, start: tuple[float, float], end: tuple[float, float]) -> str:
        return f"{step} {end[0] - start[0]:.2f} s ({end[1] - start[1]:.2f})"


def conditions(*more: str) -> None:
    """Print the load of this machine, and whatever else the figures depend on."""
    load = f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print("; ".join([load, *more]), flush=True)


def in_turn(
    calls: Calls, samples: int, seconds: float, clock: Callable[[], float] = thread_time
) -> dict[str, list[float]]:
    """ns a sample of each call, called in turn for about so long."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    end = perf_counter() + seconds
    while perf_counter() < end or len(next(iter(taken.values()))) < 5:
        for name, call in calls.items():
            start, done = clock(), 0
            while True:
                call()
                done += 1
                if (spent := clock() - start) > BURST:
                    break
            taken[name].append(1e9 * spent / done / samples)
    return taken


def least(calls: Sequence[Callable[[], Any]], seconds: float) -> list[float]:
    """The least seconds of each call, called in turn for about so long.

    Each is called once more before it is timed, since others push what it needs out of caches.
    """
    taken = [float("inf")] * len(calls)
    end = perf_counter() + seconds
    while perf_counter() < end or max(taken) == float("inf"):
        for which, call in enumerate(calls):
            call()
            start = thread_time()
            call()
            taken[which] = min(taken[which], thread_time() - start)
    return taken


def spread(times: Sequence[float], unit: str, digits: int = 1) -> str:
    """The median, and the first and the third quarter."""
    low, middle, high = quantiles(times, n=4)
    return f"{middle:8.{digits}f} {unit} ({low:.{digits}f} to {high:.{digits}f})"


def ratio(times: Sequence[float], base: Sequence[float], digits: int = 1) -> str:
    """How many times as long as the base: medians, and the fastest of both."""
    medians, fastest = median(times) / median(base), min(times) / min(base)
    return f"{medians:5.{digits}f} times (fastest {fastest:.{digits}f})"


def summary(found: Sequence[float], form: str = ".3f") -> str:
    """The median of several results, the least and the largest."""
    return f"median {median(found):{form}} ({min(found):{form}} to {max(found):{form}})"


def peak(*whose: int) -> float:
    """The most memory that a process has held, in GiB: this one, or which `resource` names."""
    held = [resource.getrusage(who).ru_maxrss for who in whose or (resource.RUSAGE_SELF,)]
    return max(held) / 2**20


def each_alone(script: str, names: Iterable[str], *arguments: str) -> None:
    """Run `script --one NAME` for each, in a process of its own with an empty build cache."""
    for name in names:
        with tempfile.TemporaryDirectory() as cache:
            subprocess.run(
                [sys.executable, script, *arguments, "--one", name],
                env={**os.environ, "GATEWRIGHT_CACHE": cache},
                check=True,
            )
