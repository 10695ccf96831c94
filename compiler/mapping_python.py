"""Mapping without a compiler: what `kernels/lutmap.c` does, step by step, with the same result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .cuts_python import Cut, CutList, shrunk, spread
from .literals import Literals
from .netlist import IntArray
from .splitting import IS_TRUE, ONES, split_function
from .subject import Subject
from .tables import Tables, full

_UNIT = 1 << 8  # of references, and of flow
_MOST_FLOW = (1 << 32) - 1
_LATEST = (1 << 31) - 1


class Mapper:
    """One subject graph on its way to LUTs of `k` inputs."""

    def __init__(self, subject: Subject, k: int, widest: int, limit: int, fast: bool) -> None:
        self.k, self.widest, self.limit, self.fast = k, widest, limit, fast
        self.first = subject.first_gate
        self.nodes = self.first + subject.n_gates
        self.fanin: list[list[int]] = subject.fanin.tolist()
        self.xor: list[bool] = subject.xor.tolist()
        self.outputs: list[int] = subject.outputs.tolist()
        self.alias = list(range(0, 2 * self.nodes, 2))
        self.live = [False] * self.nodes
        self.flow = [0] * self.nodes
        self.estimate = [0] * self.nodes
        self.refs = [0] * self.nodes
        self.level = [0] * self.nodes
        self.required = [_LATEST] * self.nodes
        self.best: list[Cut | None] = [None] * self.nodes
        self.cuts: list[list[Cut]] = [[] for _ in range(self.nodes)]
        self.first_round = True
        self.by_level = True  # whether cuts are ordered by level before flow
        self._mark_live()

    def run(
        self, rounds: int, exact: int, outputs: Literals
    ) -> tuple[IntArray, np.ndarray, Tables]:
        """Inputs [n, k], sizes [n] and tables [n] of the LUTs; rewrites `outputs` to theirs."""
        kept: list[Cut | None] = []
        least = depth = 0
        for step in range(rounds):
            self.first_round = step == 0
            self.by_level = step == 0 and (self.fast or rounds > 1)
            self._flow_round()
            self._count_refs()
            if self.fast and step == 0:
                depth = max((self.level[self._resolve(o) >> 1] for o in self.outputs), default=0)
            for _ in range(exact):
                self._require(depth)
                self._exact_round()
            area = self._count_refs()
            self._require(depth)
            for n in range(self.first, self.nodes):
                self.estimate[n] = (2 * self.estimate[n] + self.refs[n] * _UNIT) // 3
            if step == 0 or area < least:
                least, kept = area, list(self.best)
        self.best = kept
        self._count_refs()
        return self._luts(outputs)

    def _mark_live(self) -> None:
        for output in self.outputs:
            self.live[output >> 1] = True
            self.estimate[output >> 1] += _UNIT
        for n in range(self.nodes - 1, self.first - 1, -1):
            if self.live[n]:
                for literal in self.fanin[n - self.first]:
                    self.live[literal >> 1] = True
                    self.estimate[literal >> 1] += _UNIT

    def _resolve(self, literal: int) -> int:
        return self.alias[literal >> 1] ^ (literal & 1)

    def _cut(self, n: int) -> Cut:
        cut = self.best[n]
        assert cut is not None, "only gates that need a LUT are mapped"
        return cut

    def _flow_round(self) -> None:
        """The cuts of all gates, and the one that costs least."""
        for n in range(self.first, self.nodes):
            if not self.live[n] or self.alias[n] != 2 * n:
                continue
            cuts = self._enumerate(n)
            leaves, table, _ = cuts[0]
            if len(leaves) < 2:
                self.alias[n] = (2 * leaves[0] if leaves else 0) + (table & 1)
                continue
            self.cuts[n] = cuts
            self._choose(n, cuts[0])

    def _choose(self, n: int, cut: Cut) -> None:
        self.best[n] = cut
        self.level[n] = self._level(cut.leaves) + (cut.area > 1)
        self.flow[n] = self._flow(cut.leaves, cut.area) * _UNIT // max(self.estimate[n], _UNIT)

    def _flow(self, leaves: Sequence[int], area: int) -> int:
        return min(_MOST_FLOW, area * _UNIT + sum(self.flow[leaf] for leaf in leaves))

    def _level(self, leaves: Sequence[int]) -> int:
        return 1 + max((self.level[leaf] for leaf in leaves), default=-1)

    def _cost(self, leaves: Sequence[int], area: int) -> tuple[int, int]:
        """What orders cuts: by level first in the first round, by flow, by size."""
        flow, size = self._flow(leaves, area), len(leaves)
        if size < 2:
            return 0, size  # no LUT at all
        if self.by_level:
            level = self._level(leaves) + (area > 1)
            flow += (8 * level + size if self.fast else level) * _MOST_FLOW
        return flow, size

    def _load(self, literal: int) -> list[Cut]:
        """The cuts of a node for its readers: those kept, and the node itself."""
        node = literal >> 1
        own = Cut((node,), IS_TRUE[0]) if node else Cut((), 0)
        cuts = [*self.cuts[node], own]
        return [Cut(c.leaves, c.table ^ ONES) for c in cuts] if literal & 1 else cuts

    def _enumerate(self, n: int) -> list[Cut]:
        """All cuts of a gate, the best of them in order."""
        read = self.fanin[n - self.first]
        is_xor = self.xor[n - self.first]
        found = CutList(self.limit)
        before = self.best[n]
        if before is not None and self._level(before.leaves) <= self.required[n]:
            found.insert(self._cost(before.leaves, before.area), before)
        others = self._load(self._resolve(read[1]))
        for x in self._load(self._resolve(read[0])):
            for y in others:
                union = set(x.leaves).union(y.leaves)
                if len(union) > self.widest:
                    continue
                leaves = tuple(sorted(union))
                cost = self._cost(leaves, 2 if len(leaves) > self.k else 1)
                if self._level(leaves) > self.required[n] or not found.wants(cost):
                    continue
                s, t = spread(x, leaves), spread(y, leaves)
                cut = self._cut_of(*shrunk(leaves, s ^ t if is_xor else s & t))
                if cut.area and (self.first_round or len(cut.leaves) > 1):
                    found.insert(self._cost(cut.leaves, cut.area), cut)
        return found.cuts

    def _cut_of(self, leaves: tuple[int, ...], table: int) -> Cut:
        """The cut with its area; 0 if its function cannot be split."""
        if len(leaves) <= self.k:
            return Cut(leaves, table)
        return Cut(leaves, table, len(split_function(table, len(leaves), self.k)))

    def _count_refs(self) -> int:
        """References of the mapping that the outputs need; how many LUTs it has."""
        area = 0
        self.refs = [0] * self.nodes
        for output in self.outputs:
            self.refs[self._resolve(output) >> 1] += 1
        for n in range(self.nodes - 1, self.first - 1, -1):
            if self.refs[n]:
                area += self._cut(n).area
                for leaf in self._cut(n).leaves:
                    self.refs[leaf] += 1
        return area

    def _take(self, leaves: Sequence[int]) -> int:
        """Refer to leaves, and to all that this brings into the mapping; how many LUTs."""
        area, waiting = 0, list(leaves)
        while waiting:
            n = waiting.pop()
            if self.refs[n] == 0 and n >= self.first:
                area += self._cut(n).area
                waiting += self._cut(n).leaves
            self.refs[n] += 1
        return area

    def _release(self, leaves: Sequence[int]) -> None:
        """The inverse of `_take`."""
        waiting = list(leaves)
        while waiting:
            n = waiting.pop()
            self.refs[n] -= 1
            if self.refs[n] == 0 and n >= self.first:
                waiting += self._cut(n).leaves

    def _exact_round(self) -> None:
        """Each gate takes the cut that adds the fewest LUTs."""
        for n in range(self.first, self.nodes):
            if not self.cuts[n]:
                continue
            if self.refs[n]:
                self._release(self._cut(n).leaves)
            ranked = []
            for i, cut in enumerate(self.cuts[n]):
                if self._level(cut.leaves) <= self.required[n]:
                    area = cut.area + self._take(cut.leaves)
                    self._release(cut.leaves)
                    ranked.append((area, self._flow(cut.leaves, cut.area), i))
            self._choose(n, self.cuts[n][min(ranked)[-1]])
            if self.refs[n]:
                self._take(self._cut(n).leaves)

    def _require(self, depth: int) -> None:
        """The latest levels that keep the mapping within a depth; unused gates may be late."""
        if not self.fast:
            return
        required = self.required = [_LATEST] * self.nodes
        for output in self.outputs:
            required[self._resolve(output) >> 1] = depth
        for n in range(self.nodes - 1, self.first - 1, -1):
            if self.refs[n]:
                for leaf in self._cut(n).leaves:
                    required[leaf] = min(required[leaf], required[n] - 1)

    def _luts(self, outputs: Literals) -> tuple[IntArray, np.ndarray, Tables]:
        number = list(range(self.nodes))
        rows: list[tuple[list[int], int]] = []
        for n in range(self.first, self.nodes):
            if not self.refs[n]:
                continue
            leaves, bits, _ = self._cut(n)
            signal = [number[leaf] for leaf in leaves]
            for inputs, table in split_function(bits, len(leaves), self.k):
                signal.append(self.first + len(rows))
                rows.append(([signal[i] for i in inputs], table & int(full(len(inputs)))))
            number[n] = signal[-1]
        fanin = np.zeros((len(rows), self.k), np.int32)
        for row, (inputs, _) in zip(fanin, rows, strict=True):
            row[: len(inputs)] = inputs
        size = np.array([len(inputs) for inputs, _ in rows], np.uint8)
        tables = np.array([table for _, table in rows], np.uint64)
        for i, output in enumerate(self.outputs):
            literal = self._resolve(output)
            outputs[i] = 2 * number[literal >> 1] + (literal & 1)
        return fanin, size, tables
