"""How deep a pipeline is asked to be."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...runtime.arguments import is_integer, is_number
from ...runtime.errors import EmitError
from .cuts import DelayModel


@dataclass(frozen=True)
class Pipeline:
    """One of three wishes: levels between registers, clocks in all, or a clock rate.

    delays: of the device, for the clock rate.
    """

    registers_every: int | None = None
    max_latency: int | None = None
    target_mhz: float | None = None
    delays: DelayModel = field(default_factory=DelayModel)

    def __post_init__(self) -> None:
        names = ("registers_every", "max_latency", "target_mhz")
        wishes = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if len(wishes) != 1:
            raise EmitError(
                f"verilog: {' and '.join(wishes)}; allowed is one of registers_every, max_latency "
                "and target_mhz"
            )
        ((name, value),) = wishes.items()
        if name == "target_mhz":
            if not (is_number(value) and value > 0):
                raise EmitError(f"verilog: target_mhz {value!r}; allowed are positive numbers")
            self.delays.levels(value)
        elif not is_integer(value, 1):
            raise EmitError(f"verilog: {name} {value!r}; allowed are integers from 1 on")

    def every(self, levels: int) -> int:
        """Levels between registers at most, for a design of so many."""
        if self.registers_every is not None:
            return min(self.registers_every, levels)
        if self.max_latency is not None:
            return -(-levels // self.max_latency)
        assert self.target_mhz is not None
        return min(self.delays.levels(self.target_mhz), levels)
