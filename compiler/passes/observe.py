"""Don't-cares from data: what is constant, equal or unseen on all samples is merged."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...runtime.errors import InputError
from ..literals import Literals, Writer, literals_of
from ..liveness import live_nets
from ..netlist import FIRST_INPUT, MAX_FANIN, Luts, Netlist, Tile
from ..samples import Chunks, Samples, chunks_of_bodies, leaf_values
from ..signatures import observed_classes
from ..stats import n_gates
from ..subject_split import split
from ..unseen import drop_unseen
from .decompose import Decompose
from .fold import fold
from .strash import strash
from .sweep import sweep

_ROUNDS = 8
_MEMORY = 1 << 30  # bytes of node values that `drop_unseen` may hold


@dataclass
class Merged:
    """What `Observe` replaced, by kind; a body that many places share counts once.

    inputs: constant, equal or complementary ones. constant, equal, complementary: LUTs on all
    samples. unseen: nodes of the two-input logic whose difference from a constant or a fanin no
    output shows. too_large: netlists or bodies that were not searched for unseen ones, since their
    values on all samples take too much memory.
    """

    inputs: int = 0
    constant: int = 0
    equal: int = 0
    complementary: int = 0
    unseen: int = 0
    too_large: int = 0

    @property
    def total(self) -> int:
        """All that were replaced."""
        return self.inputs + self.constant + self.equal + self.complementary + self.unseen


@dataclass(frozen=True)
class Observe:
    """Merge what is constant, equal or complementary on all samples, or makes no difference.

    The outputs stay the same on the samples, bit for bit, as does all that popcounts, argmaxes and
    tiles read; on other inputs they may differ. So this is no pass for `optimize`, and
    `gatewright.observe` checks what it does to the accuracy.
    Inside tiles, what is observed is what all places see. The result is swept and consists of
    two-input LUTs where that saves some; map to wider ones afterwards.

    samples: bool [n, n_inputs], or `Samples`.

    Raises:
        InputError: samples of another dtype or shape, or none.
    """

    samples: Any = field(repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.samples, Samples):
            object.__setattr__(self, "samples", Samples.of_bits(self.samples))

    def __call__(self, netlist: Netlist) -> Netlist:
        return self.merge(netlist)[0]

    def merge(self, netlist: Netlist) -> tuple[Netlist, Merged]:
        """The netlist that the pass returns, and what was replaced."""
        bits = len(self.samples.words)
        if bits != netlist.n_inputs:
            raise InputError(
                f"Observe: samples of {bits} bits; the netlist takes {netlist.n_inputs}; "
                "encode them with the encoder of this circuit"
            )
        run = _Run(chunks_of_bodies(netlist, self.samples))
        return run.part(netlist), run.merged


class _Run:
    """Observes a netlist and each body in it once, on what each is given in the original."""

    def __init__(self, given: dict[int, Chunks]) -> None:
        self.given, self.merged = given, Merged()
        self.memo: dict[int, Netlist] = {}

    def part(self, netlist: Netlist) -> Netlist:
        if id(netlist) not in self.memo:
            cells = tuple(
                replace(cell, body=self.part(cell.body)) if isinstance(cell, Tile) else cell
                for cell in netlist.cells
            )
            inner = Netlist(netlist.n_inputs, cells, netlist.outputs)
            found = self._rounds(inner, self.given[id(netlist)])
            self.memo[id(netlist)] = netlist if found == netlist else found
        return self.memo[id(netlist)]

    def _rounds(self, netlist: Netlist, given: Chunks) -> Netlist:
        netlist = _clean(netlist)
        for number in range(_ROUNDS):
            before = netlist
            netlist = self._merge_classes(netlist, given, first=not number)
            netlist = self._drop_unseen(netlist, given, first=not number)
            if n_gates(netlist) >= n_gates(before):
                return before if n_gates(netlist) > n_gates(before) else netlist
        return netlist

    def _merge_classes(self, netlist: Netlist, given: Chunks, first: bool) -> Netlist:
        same = observed_classes(netlist, given)
        own = literals_of(np.arange(netlist.n_nets)) == same
        self._count(netlist, same, ~own & live_nets(netlist), first)
        return netlist if own.all() else _clean(_merged(netlist, same))

    def _count(self, netlist: Netlist, same: Literals, gone: Any, inputs: bool) -> None:
        first_cell = FIRST_INPUT + netlist.n_inputs
        if inputs:
            self.merged.inputs += int(gone[FIRST_INPUT:first_cell].sum())
        reads = _fanin_of_nets(netlist)
        for first, cell in netlist.placed():
            if not isinstance(cell, Luts) or cell.k == 1:  # inverters are no finds
                continue
            nets = np.flatnonzero(gone[first : first + cell.n_nets]) + first
            stands, inverted = (same[nets] >> 1).astype(np.intp), (same[nets] & 1).astype(np.bool_)
            twin = (reads[nets] == reads[stands]).all(axis=1)
            constant, twin = stands == 0, twin & inverted  # `strash` keeps some inverses
            self.merged.constant += int(constant.sum())
            self.merged.equal += int((~constant & ~inverted).sum())
            self.merged.complementary += int((~constant & inverted & ~twin).sum())

    def _drop_unseen(self, netlist: Netlist, given: Chunks, first: bool) -> Netlist:
        plain = fold(Decompose(2)(netlist))
        subject, frame = split(plain)
        limit = _MEMORY // 8 // (subject.first_gate + subject.n_gates)
        leaves = leaf_values(plain, given, _leaf_nets(plain), limit)
        if leaves is None:
            self.merged.too_large += first
            return netlist
        simpler, replaced = drop_unseen(subject, leaves)
        result = _clean(frame.join(simpler)) if replaced else netlist
        if n_gates(result) >= n_gates(netlist):
            return netlist
        self.merged.unseen += replaced
        return result


def _fanin_of_nets(netlist: Netlist) -> Any:
    """The fanins of LUTs in ascending order, zeros before them: int32 [n_nets, 6]."""
    reads = np.zeros((netlist.n_nets, MAX_FANIN), np.int32)
    for first, cell in netlist.placed():
        if isinstance(cell, Luts):
            reads[first : first + cell.n_nets, -cell.k :] = np.sort(cell.fanin, axis=1)
    return reads


def _leaf_nets(netlist: Netlist) -> Any:
    """The nets that are leaves of the subject graph, in its order."""
    inputs = np.arange(FIRST_INPUT, FIRST_INPUT + netlist.n_inputs)
    boxes = [
        np.arange(first, first + cell.n_nets)
        for first, cell in netlist.placed()
        if not isinstance(cell, Luts)
    ]
    return np.concatenate([inputs, *boxes])


def _merged(netlist: Netlist, same: Literals) -> Netlist:
    """The netlist where each net is read as the lower net that it is the `same` as."""
    own = literals_of(np.arange(netlist.n_nets)) == same
    writer = Writer(netlist)
    inputs = slice(0, FIRST_INPUT + netlist.n_inputs)
    writer.literal[inputs] = same[inputs]
    for first, cell in netlist.placed():
        nets = slice(first, first + cell.n_nets)
        writer.drive(first, writer.add(replace(cell, fanin=writer.read(cell.fanin))))
        gone = same[nets][~own[nets]]
        writer.literal[nets][~own[nets]] = writer.literal[gone >> 1] ^ (gone & 1)
    return writer.close(netlist)


def _clean(netlist: Netlist) -> Netlist:
    while True:
        before = netlist
        netlist = sweep(strash(fold(netlist)))
        if netlist is before:
            return netlist
