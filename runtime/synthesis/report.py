"""What a design takes of a device and how fast it is, as a table and for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from .routing import Routed
from .usage import Usage


@dataclass(frozen=True)
class Attempt:
    """A pipeline that was placed and routed: levels between registers, clocks, MHz of each seed."""

    registers_every: int
    latency: int
    mhz: tuple[float, ...]

    @property
    def median(self) -> float:
        """In MHz; 0 if nothing was routed."""
        return median(self.mhz) if self.mhz else 0.0


@dataclass(frozen=True)
class SynthesisReport:
    """What a circuit takes of an FPGA, and how fast it is there; prints as a table.

    device: "ice40", "ecp5" or "xc7". part, package, speed: "" where nothing was placed. whole: the
    module as emitted. sections: encoder, logic and head, each mapped alone and without registers.
    routed: place and route, one for each seed; clock rates are from register to register, a shift
    register before the inputs and a signature register behind the outputs. latency: in clocks; 0
    for a combinational module, which is then timed between these two. interval: clocks from a
    sample to the next one. target_mhz: the clock asked for. attempts: pipelines tried, the last
    one is this. options: of the Verilog backend.
    """

    device: str
    part: str
    package: str
    speed: str
    whole: Usage
    sections: tuple[Usage, ...]
    routed: tuple[Routed, ...]
    latency: int
    interval: int
    target_mhz: float | None
    attempts: tuple[Attempt, ...]
    options: dict[str, Any]

    @property
    def fmax_mhz(self) -> float | None:
        """The median over the seeds; None if nothing was placed and routed."""
        return median(each.mhz for each in self.routed) if self.routed else None

    @property
    def samples_per_second(self) -> float | None:
        """At the median clock rate."""
        return self.fmax_mhz and 1e6 * self.fmax_mhz / self.interval

    @property
    def latency_ns(self) -> float | None:
        """From the clock that takes a sample to the one that gives its answer, at the median."""
        return self.fmax_mhz and 1000 * max(1, self.latency) / self.fmax_mhz

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        found = asdict(self)
        for name in ("fmax_mhz", "samples_per_second", "latency_ns"):
            found[name] = getattr(self, name)
        return found

    def __str__(self) -> str:
        rows = [("", "LUTs", "registers", "carries", "depth")]
        rows += [
            (u.name, *(f"{n:,}" for n in (u.luts, u.registers, u.carries, u.depth)))
            for u in (*self.sections, self.whole)
        ]
        wide = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = [
            "  ".join([row[0].ljust(wide[0]), *(row[i].rjust(wide[i]) for i in range(1, 5))])
            for row in rows
        ]
        return "\n".join([self._head(), *lines, *self._clock()])

    def _head(self) -> str:
        if not self.part:
            return f"{self.device}, mapped by Yosys; not placed, since nothing here routes it"
        speed = f", speed {self.speed}" if self.speed else ""
        return f"{self.device} {self.part}, {self.package}{speed}"

    def _clock(self) -> list[str]:
        clocks = f"latency {self.latency} clocks" if self.latency else "combinational"
        rates = [each.mhz for each in self.routed]
        if self.fmax_mhz is None or self.latency_ns is None or self.samples_per_second is None:
            return [clocks]
        slowest = min(self.routed, key=lambda each: each.mhz)
        lines = [
            f"{self.fmax_mhz:.1f} MHz from register to register, median of {len(rates)} seeds "
            f"({min(rates):.1f} to {max(rates):.1f}){self._wish()}",
            f"{clocks}, {self.latency_ns:.0f} ns; {self.samples_per_second / 1e6:.1f} M samples/s",
            f"slowest path: {slowest.logic_ns:.2f} ns in cells, "
            f"{slowest.routing_ns:.2f} ns between them",
        ]
        return lines + [
            f"before: registers every {each.registers_every} levels, {each.median:.1f} MHz"
            for each in self.attempts[:-1]
        ]

    def _wish(self) -> str:
        if self.target_mhz is None:
            return ""
        met = "met" if (self.fmax_mhz or 0) >= self.target_mhz else "missed"
        return f"; asked {self.target_mhz:g}: {met}"
