"""Technology mapping: the logic in lookup tables of at most k inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...runtime.errors import NetlistError
from ..mapping import ESTIMATE, Effort, map_luts, usual_effort
from ..netlist import MAX_FANIN, Luts, Netlist, Tile
from ..stats import levels
from ..subject import LutNetwork
from ..subject_split import split
from .strash import strash


@dataclass(frozen=True)
class LutMap:
    """Cover the logic with LUTs of at most `k` inputs, as few as are found, inside tiles too.

    k: 3 suits `vpternlog` and `LOP3`, 4 to 6 FPGAs, 2 plain words. Inversion is free: it goes into
    the tables. Popcounts and argmaxes stay. Logic that is in LUTs of at most `k` inputs already is
    left alone where mapping it anew would need as many or more.

    depth: rather as few as are found at the least depth of the logic between popcounts, argmaxes
    and tiles; logic of that depth or less is left alone where mapping needs as many LUTs or more.

    effort: how hard to try; chosen by the number of gates if None. `mapping` tells how it works,
    and names the papers. A million gates take a few seconds.

    Raises:
        NetlistError: k is not 2 to 6.
    """

    k: int = 3
    depth: bool = False
    effort: Effort | None = None

    def __post_init__(self) -> None:
        if self.k not in range(2, MAX_FANIN + 1):
            raise NetlistError(f"LutMap: k is {self.k!r}; allowed are 2 to {MAX_FANIN}")

    def __call__(self, netlist: Netlist) -> Netlist:
        return self._inward(netlist, {})

    def _inward(self, netlist: Netlist, memo: dict[int, tuple[Netlist, Netlist]]) -> Netlist:
        """Mapped from the outside in, because mapping hashes what it maps, bodies and all.

        memo: netlists, kept so that their ids stay theirs, and what became of them.
        """
        if id(netlist) not in memo:
            outside = self._mapped(netlist)
            bodies = {id(c.body): c.body for c in outside.cells if isinstance(c, Tile)}
            mapped = {key: self._inward(body, memo) for key, body in bodies.items()}
            result = outside
            if any(mapped[key] is not body for key, body in bodies.items()):
                cells = tuple(
                    replace(c, body=mapped[id(c.body)]) if isinstance(c, Tile) else c
                    for c in outside.cells
                )
                result = Netlist(outside.n_inputs, cells, outside.outputs)
            memo[id(netlist)] = netlist, result
        return memo[id(netlist)][1]

    def _mapped(self, netlist: Netlist) -> Netlist:
        wide = any(isinstance(cell, Luts) and cell.k > self.k for cell in netlist.cells)
        best, times = netlist, 1
        while times > 0:
            subject, frame = split(strash(best))
            effort = self.effort or usual_effort(subject.n_gates)
            mapped = frame.join(map_luts(subject, self.k, self.depth, effort))
            if not wide and self._cost(mapped) >= self._cost(best):
                break
            times = (effort.times if best is netlist else times) - 1
            best, wide = mapped, False
        return best

    def _cost(self, netlist: Netlist) -> tuple[int, int]:
        return levels(netlist) if self.depth else 0, _own_luts(netlist)


def count_luts(netlist: Netlist, k: int) -> int:
    """About how many LUTs of `k` inputs, 2 to 6, the logic takes, tiles unrolled; quickly.

    One round of what `LutMap` does in several, so a few per cent more than it finds.
    """
    return _count(netlist, k, {})


def _count(netlist: Netlist, k: int, memo: dict[int, int]) -> int:
    if id(netlist) not in memo:
        subject, _ = split(netlist)
        luts = map_luts(subject, k, effort=ESTIMATE)
        count = len(luts.table) + _inverters(luts)
        tiles = [cell for cell in netlist.cells if isinstance(cell, Tile)]
        memo[id(netlist)] = count + sum(t.places * _count(t.body, k, memo) for t in tiles)
    return memo[id(netlist)]


def _inverters(luts: LutNetwork) -> int:
    """LUTs that only invert: for leaves read inverted, and for LUTs read both ways."""
    nodes, inverted = luts.outputs >> 1, luts.outputs % 2 == 1
    plain = np.zeros(1 + luts.n_leaves + len(luts.table), np.bool_)
    turned = plain.copy()
    plain[1 : 1 + luts.n_leaves] = True
    plain[nodes[~inverted]] = True
    turned[nodes[inverted]] = True
    return int((plain & turned)[1:].sum())


def _own_luts(netlist: Netlist) -> int:
    """LUTs outside tiles."""
    return sum(cell.n_nets for cell in netlist.cells if isinstance(cell, Luts))
