"""`optimize`: levels of effort."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TypeVar

from ..runtime.arguments import check_flag, is_integer, is_number
from ..runtime.errors import NetlistError
from .circuit import Circuit
from .equivalence import demand_proof
from .inputs import share_inputs
from .netlist import Netlist, Tile
from .passes.fold import fold
from .passes.lutmap import count_luts
from .passes.readout import reduce_readout
from .passes.resynthesize import QUICK, Resynthesize
from .passes.rewrite import Rewrite
from .passes.rewrite_engines import ENGINES, installed_engines
from .passes.satsweep import SatSweep
from .passes.specialize import Specialize
from .passes.strash import strash
from .passes.sweep import sweep
from .passes.unroll import UnrollSmall
from .pipeline import Pass, apply, pass_name, tell, timed
from .proof import sat
from .reports import After
from .stats import n_gates, stored_gates

Either = TypeVar("Either", Netlist, Circuit)

CLEAN: tuple[Pass, ...] = (fold, strash, sweep)
LEVELS = 4
_PATIENCE = 60.0  # seconds for one pass of level 3
_CONFLICTS = 1000  # of the SAT solver, for a pair of gates
_LEAST_GAIN = 0.001
_ROUNDS, _MOST_ROUNDS = 40_000, 64  # gates times rounds at level 2, a second or two
_SMALL = 200_000  # gates that are worth 50 microseconds each at level 2; others get 10


def optimize(
    netlist: Either,
    level: int = 2,
    after: After | None = None,
    *,
    seconds: float | None = None,
    prove: bool = False,
    keep_tiles: bool = False,
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
        keep_tiles: leave every tile one tile, which Verilog that runs tiles in turn needs. By
            default small ones are unrolled, and borders of convolutions get bodies of their own.

    Raises:
        NetlistError: an argument is none of these, or the result was not proved equal.
    """
    for name, flag in (("prove", prove), ("keep_tiles", keep_tiles)):
        check_flag(f"optimize: {name}", flag, NetlistError)
    if not is_integer(level, 0, LEVELS - 1):
        raise NetlistError(
            f"optimize: level {level!r}; allowed are 0 to {LEVELS - 1}; the default is 2"
        )
    if seconds is not None and not (is_number(seconds) and seconds > 0):
        raise NetlistError(f"optimize: seconds {seconds!r}; allowed is a positive number, or None")
    if not isinstance(netlist, Netlist | Circuit):
        raise NetlistError(
            f"optimize: {type(netlist).__name__}; allowed is a Netlist or a Circuit; "
            "trace a module first, or read a file"
        )
    if isinstance(netlist, Circuit):
        start = share_inputs(netlist).netlist if level else netlist.netlist
        result = netlist.with_netlist(_optimized(start, level, after, seconds, keep_tiles))
    else:
        result = _optimized(netlist, level, after, seconds, keep_tiles)
    if prove and result is not netlist:
        demand_proof(netlist, result, f"optimize, level {level}")
    return result


def _optimized(
    netlist: Netlist, level: int, after: After | None, seconds: float | None, keep_tiles: bool
) -> Netlist:
    work = _Work(netlist, after, seconds)
    if level == 1:
        work.rounds(CLEAN, 1)
    elif level >= 2:
        _default(work, keep_tiles)
    if level == 3:
        _thorough(work)
    return work.netlist


class _Work:
    """A netlist on its way through passes, with the time that is left."""

    def __init__(self, netlist: Netlist, after: After | None, seconds: float | None) -> None:
        self.netlist, self._after = netlist, after
        self._end = None if seconds is None else time.monotonic() + seconds
        self._sizes: dict[int, tuple[Netlist, int]] = {}  # of the last two that were measured
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

    def smaller(self, one: Pass) -> None:
        """Apply a pass, and drop its result where gates and mapped LUTs together become more."""
        if self.left == 0:
            return
        result, seconds = timed(one, self.netlist)
        name = pass_name(one)
        if result is not self.netlist and self.size(result) > self.size(self.netlist):
            result, name = self.netlist, f"{name}, not kept"
        self.netlist = result
        tell(self._after, name, result, seconds)

    def size(self, netlist: Netlist) -> int:
        """Two-input gates, LUTs of three and LUTs of six inputs, together."""
        if id(netlist) not in self._sizes:
            found = n_gates(netlist) + count_luts(netlist, 3) + count_luts(netlist, 6)
            self._sizes = {**dict(list(self._sizes.items())[-1:]), id(netlist): (netlist, found)}
        return self._sizes[id(netlist)][1]


def _default(work: _Work, keep_tiles: bool) -> None:
    work.rounds(CLEAN, 4)
    if not keep_tiles and any(isinstance(cell, Tile) for cell in work.netlist.cells):
        work.rounds((UnrollSmall(), Specialize(), *CLEAN), 4)
    gates = stored_gates(work.netlist)
    rounds = min(max(_ROUNDS // max(gates, 1), 1), _MOST_ROUNDS)
    work.smaller(Resynthesize(rounds=rounds) if gates <= _SMALL else Resynthesize(QUICK))
    work.smaller(SatSweep())
    work.rounds(CLEAN, 4)
    work.do(reduce_readout)
    work.rounds(CLEAN, 4)


def _thorough(work: _Work) -> None:
    """Everything there is, again and again until a round gains less than a thousandth."""
    while work.left != 0:
        before = work.size(work.netlist)
        for one in _strong(work.left):
            work.smaller(one)
        work.rounds(CLEAN, 4)
        if work.size(work.netlist) >= before * (1 - _LEAST_GAIN):
            break


def missing_at_level_3() -> list[str]:
    """What level 3 leaves out because it is not installed, each with its extra."""
    found = installed_engines()
    missing = [] if sat.available() else ["SAT sweeping (extra prove)"]
    return missing + [f"{name} (extra rewrite)" for name in ENGINES if name not in found]


def _strong(left: float | None) -> Iterator[Pass]:
    """The passes of level 3, those of other programs only where they are installed."""
    seconds = _PATIENCE if left is None else min(left, _PATIENCE)
    if sat.available():
        yield SatSweep(conflicts=_CONFLICTS, seconds=seconds)
    yield Resynthesize(rounds=8, seconds=seconds)
    for engine in installed_engines():
        yield Rewrite(engine, k=3, seconds=seconds)
