"""Covering a subject graph with lookup tables: the algorithm behind `LutMap`.

Priority cuts: Mishchenko, Cho, Chatterjee, Brayton, "Combinational and sequential mapping with
priority cuts", ICCAD 2007. Each gate keeps the best few of its **cuts**, sets of at most k nodes
that it is a function of, each with its truth table. A cut loses the leaves that its table does not
depend on; a gate with a cut of one leaf or none equals a node or a constant, and is seen through.

A round finds the cuts of all gates, ordered by **area flow**: the LUTs that a cut needs, each
divided by how many readers it will have. Then each gate in turn takes the cut that adds the fewest
LUTs to the mapping as it stands (exact area, by counting references). What was read in one round is
what the next one expects, and the best round wins. The first round orders by depth before area,
which is a better start for area too; where depth is asked for, the depth it finds binds the others.

Cuts of more than k leaves count too where their function splits into a few LUTs (`splitting`), in
the manner of Mishchenko, Brayton, Chatterjee, "Boolean factoring and decomposition of logic
networks", ICCAD 2008: so the mapping does not hang on the structure that the gates came with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..runtime.errors import NetlistError
from .mapping_python import Mapper
from .native import library
from .netlist import MAX_FANIN, IntArray
from .splitting import MOST_PARTS
from .subject import LutNetwork, Subject
from .tables import Tables


@dataclass(frozen=True)
class Effort:
    """How hard to try.

    cuts: kept for each gate, up to 32. rounds: of finding cuts, one or more. exact: passes of exact
    area after each. split: whether to split functions of up to six inputs too. times: how often the
    logic is mapped at most, each time from what the one before gave, while that gains.
    """

    cuts: int = 8
    rounds: int = 2
    exact: int = 2
    split: bool = False
    times: int = 1


_SLOWER = 100  # without native code, about
ESTIMATE = Effort(cuts=4, rounds=1, exact=0)


def usual_effort(gates: int) -> Effort:
    """What takes seconds up to a million gates, and tries harder where they are few."""
    if library("lutmap") is None:
        gates *= _SLOWER
    if gates > 200_000:
        return Effort()
    if gates > 50_000:
        return Effort(rounds=3, split=True, times=2)
    return Effort(cuts=16, rounds=4, split=True, times=5)


def map_luts(
    subject: Subject, k: int, depth: bool = False, effort: Effort | None = None
) -> LutNetwork:
    """The same function in LUTs of at most `k` inputs, 2 to 6: as few as are found.

    depth: rather as few as are found at the least depth that is found. effort: `usual_effort` if
    None; how many times is the caller's business.

    Raises:
        NetlistError: there are no LUTs of that many inputs.
        MemoryError: there is too little memory.
    """
    if k not in range(2, MAX_FANIN + 1):
        raise NetlistError(f"mapping: k is {k!r}; allowed are 2 to {MAX_FANIN}")
    gates = np.arange(subject.first_gate, subject.first_gate + subject.n_gates)
    assert ((subject.fanin >> 1) < gates[:, None]).all(), "gates read earlier nodes"
    effort = effort or usual_effort(subject.n_gates)
    outputs = subject.outputs.copy()
    fanin, size, table = _map(subject, k, depth, effort, outputs)
    return LutNetwork(subject.n_leaves, fanin, size, table, outputs)


def _map(
    subject: Subject, k: int, depth: bool, effort: Effort, outputs: np.ndarray
) -> tuple[IntArray, np.ndarray, Tables]:
    widest = MAX_FANIN if effort.split and not depth else k
    native = library("lutmap")
    if native is None:
        mapper = Mapper(subject, k, widest, effort.cuts, depth)
        return mapper.run(effort.rounds, effort.exact, outputs)
    n = subject.n_gates
    room = n if widest == k else MOST_PARTS * n
    fanin = np.empty((room, k), np.int32)
    size, table = np.empty(room, np.uint8), np.empty(room, np.uint64)
    found = native.call(
        "lutmap_map",
        *(k, widest, effort.cuts, effort.rounds, effort.exact, depth),
        *(subject.n_leaves, n, np.ascontiguousarray(subject.fanin)),
        *(np.ascontiguousarray(subject.xor), len(outputs), outputs, fanin, size, table),
    )
    if found < 0:
        raise MemoryError(f"mapping {n:,} gates to LUTs of {k} inputs")
    return fanin[:found].copy(), size[:found].copy(), table[:found].copy()
