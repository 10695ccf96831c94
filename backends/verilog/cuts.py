"""Where registers go: the levels to cut so that no stretch is too long and registers are few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...runtime.errors import EmitError
from .timing import Counts


@dataclass(frozen=True)
class DelayModel:
    """How long signals take, in nanoseconds: by default a rough figure for FPGAs of 28 nm.

    level: of a LUT and the net behind it. register: from the clock to a register's output, and the
    time that its input must be there before the next one.
    """

    level: float = 1.0
    register: float = 0.8

    def levels(self, mhz: float) -> int:
        """How many levels fit between registers at that clock.

        Raises:
            EmitError: not one does.
        """
        period = 1000 / mhz
        fit = int((period - self.register) / self.level + 1e-9)
        if fit < 1:
            most = 1000 / (self.level + self.register)
            raise EmitError(
                f"verilog: target_mhz {mhz:g}: a period of {period:.2f} ns, and one level takes "
                f"{self.level + self.register:.2f} ns; allowed are up to {most:.0f} MHz"
            )
        return fit


def choose_cuts(live: Counts, every: int, first: int = 1) -> tuple[int, ...]:
    """Levels to cut, ascending, the last one that of the outputs.

    live: registers that a cut at each level takes, int64 [levels + 1]; entry 0 is not used.
    every: levels from one cut to the next at most. first: the first level that can be cut. As few
    cuts as there can be, and of these the ones that take the fewest registers.
    """
    depth = len(live) - 1
    first = min(first, depth)
    lead = max(every, first)  # levels before the first cut at most
    best = np.full(depth + 1, np.inf)  # registers of the cuts so far, the last one at each level
    best[first : lead + 1] = live[first : lead + 1]
    choice: list[list[int]] = []
    for _ in range(-(-max(0, depth - lead) // every)):
        following, chosen = np.full(depth + 1, np.inf), [0] * (depth + 1)
        for level in range(first + 1, depth + 1):
            before = best[max(0, level - every) : level]
            at = int(before.argmin())
            following[level] = before[at] + live[level]
            chosen[level] = max(0, level - every) + at
        best = following
        choice.append(chosen)
    cuts = [depth]
    for chosen in reversed(choice):
        cuts.append(chosen[cuts[-1]])
    return tuple(reversed(cuts))
