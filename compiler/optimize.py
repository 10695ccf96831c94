"""`optimize`: levels of effort."""

from __future__ import annotations

import time
from typing import TypeVar

from ..runtime.errors import NetlistError
from .circuit import Circuit
from .equivalence import demand_proof
from .inputs import share_inputs
from .netlist import Netlist
from .passes.fold import fold
from .passes.lutmap import count_luts
from .passes.resynthesize import Resynthesize
from .passes.strash import strash
from .passes.sweep import sweep
from .pipeline import Pass, apply, tell
from .reports import After
from .stats import n_gates

Either = TypeVar("Either", Netlist, Circuit)

CLEAN: tuple[Pass, ...] = (fold, strash, sweep)
LEVELS = 4


def optimize(
    netlist: Either,
    level: int = 2,
    after: After | None = None,
    *,
    seconds: float | None = None,
    prove: bool = False,
) -> Either:
    """The same function in fewer gates.

    Args:
        netlist: a netlist, or a circuit, whose netlist is then optimised.
        level: 0 nothing; 1 fold, strash and sweep once, which takes seconds for any size; 2 also
            resynthesis, judged by the LUTs that the gates map to; 3 everything, SAT and other
            libraries where they are installed, until nothing changes or time is up.
        after: as for `run`.
        seconds: no further pass is started after so long; no limit by default.
        prove: fail unless the result is proved equal; see `equivalent`.

    Raises:
        NetlistError: there is no such level, or the result was not proved equal.
    """
    if level not in range(LEVELS):
        raise NetlistError(
            f"optimize: level {level!r}; allowed are 0 to {LEVELS - 1}; the default is 2"
        )
    if seconds is not None and not seconds > 0:
        raise NetlistError(f"optimize: seconds {seconds!r}; allowed is a positive number, or None")
    if isinstance(netlist, Circuit):
        start = share_inputs(netlist).netlist if level else netlist.netlist
        result = netlist.with_netlist(_optimized(start, level, after, seconds))
    else:
        result = _optimized(netlist, level, after, seconds)
    if prove and result is not netlist:
        demand_proof(netlist, result, f"optimize, level {level}")
    return result


def _optimized(netlist: Netlist, level: int, after: After | None, seconds: float | None) -> Netlist:
    work = _Work(netlist, after, seconds)
    if level == 1:
        work.rounds(CLEAN, 1)
    elif level >= 2:
        _default(work)
    if level == 3:
        _thorough(work)
    return work.netlist


class _Work:
    """A netlist on its way through passes, with the time that is left."""

    def __init__(self, netlist: Netlist, after: After | None, seconds: float | None) -> None:
        self.netlist, self._after = netlist, after
        self._end = None if seconds is None else time.monotonic() + seconds
        self._measured: tuple[Netlist, int] | None = None
        tell(after, "input", netlist, 0.0)

    @property
    def left(self) -> float | None:
        """The seconds left, None without a limit."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def do(self, *passes: Pass) -> bool:
        """Apply passes while there is time; whether one changed anything."""
        before = self.netlist
        for one in passes:
            if self.left != 0:
                self.netlist = apply(one, self.netlist, self._after)
        return self.netlist is not before

    def rounds(self, passes: tuple[Pass, ...], most: int) -> None:
        """Apply passes again and again until nothing changes."""
        for _ in range(most):
            if not self.do(*passes):
                break

    def smaller(self, one: Pass) -> bool:
        """Apply a pass, and drop its result where gates and mapped LUTs together become more."""
        before, size = self.netlist, self._size()
        if self.do(one) and self._size() > size:
            self.netlist = before
        return self.netlist is not before

    def _size(self) -> int:
        if self._measured is None or self._measured[0] is not self.netlist:
            sizes = n_gates(self.netlist), count_luts(self.netlist, 3), count_luts(self.netlist, 6)
            self._measured = self.netlist, sum(sizes)
        return self._measured[1]


def _default(work: _Work) -> None:
    work.rounds(CLEAN, 4)
    work.smaller(Resynthesize())
    work.rounds(CLEAN, 4)


def _thorough(work: _Work) -> None:
    work.rounds(CLEAN, 1000)
