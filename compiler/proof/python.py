"""Functional reduction without native code: step for step what `kernels/fraig.c` does.

Truth tables are Python integers, so a table of 2**14 bits is one number.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..literals import Literals
from ..simulate import Words
from ..subject import Subject

_MAX_INNER = 320
_ONE = np.uint32(1)
_MIX, _GOLDEN = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x9E3779B97F4A7C15)


class PythonGraph:
    """The graph of `kernels/fraig.h`, as `reduction.Graph` describes it."""

    def __init__(self, subject: Subject, rep: Literals, stage: NDArray[np.int32]) -> None:
        self._subject, self._stage = subject, stage
        self._first = subject.first_gate
        self._fanin = subject.fanin.tolist()
        self._xor = subject.xor.tolist()
        self.rep = rep
        self.read = np.zeros((subject.n_gates, 2), np.uint32)
        self.stop = np.zeros(18, np.uint32)
        self._key = np.zeros(len(rep), np.uint64)
        self._phase: NDArray[np.uint64] | None = None
        self._rows: dict[tuple[int, int, bool], tuple[int, int]] = {}
        self._classes: dict[int, list[int]] = {}
        self._next = 0
        self._waiting: int | None = None  # the candidate that the last stop was about
        self._tried = 0

    def simulate(self, leaves: Words) -> None:
        values = np.zeros((len(self.rep), leaves.shape[1]), np.uint64)
        values[1 : self._first] = leaves
        for i, (a, b) in enumerate(self._fanin):
            x, y = (~values[f >> 1] if f & 1 else values[f >> 1] for f in (a, b))
            values[self._first + i] = x ^ y if self._xor[i] else x & y
        if self._phase is None:
            self._phase = values[:, 0] & np.uint64(1)
        values ^= (-self._phase)[:, None]
        for column in values.T:
            self._key = _mixed(self._key + column) + np.uint64(1)
        self._classes = {}
        for node in range(self._first + self._next):
            if self.rep[node] >> _ONE == node:
                self._join(node)

    def run(self, answer: int, window: int, candidates: int, ask: bool) -> int:
        while self._next < len(self._fanin):
            node = self._first + self._next
            if self._waiting is not None and answer == 1:
                self.rep[node] = self.stop[1]
            elif self._waiting is not None or not self._reduce(self._next):
                self._tried = 0 if self._waiting is None else self._tried
                found = self._try(node, answer, window, candidates, ask)
                if found:
                    return found
            self._waiting = None
            self._next += 1
        return 0

    def cone(self, pair: Literals, seen: NDArray[np.bool_], room: int) -> NDArray[np.int32] | None:
        nodes: list[int] = []
        waiting = (pair >> _ONE).tolist()
        while waiting:
            node = waiting.pop()
            if node < self._first or seen[node]:
                continue
            if len(nodes) == room:
                return None
            seen[node] = True
            nodes.append(node)
            waiting += (self.read[node - self._first] >> _ONE).tolist()
        return np.array(nodes, np.int32)

    def _join(self, node: int) -> None:
        """A class is kept with its earliest node first, and then the latest ones."""
        self._classes.setdefault(int(self._key[node]), []).insert(1, node)

    def _try(self, node: int, answer: int, window: int, candidates: int, ask: bool) -> int:
        """Try candidates for a node, from the one after the last stop on."""
        members = self._classes.get(int(self._key[node]), [])
        if self._waiting is not None and answer != 2:
            members = members[members.index(self._waiting) + 1 :]
        assert self._phase is not None
        for candidate in members:
            if self._tried >= candidates:
                break
            if self._stage[candidate] > self._stage[node]:
                continue
            self._tried += 1
            odd = int(self._phase[node] ^ self._phase[candidate])
            self.stop[:2] = self.rep[node], int(self.rep[candidate]) ^ odd
            odd = int(self.stop[0] ^ self.stop[1]) & 1
            equal, values = self._decide(node, candidate, odd, window)
            if equal:
                self.rep[node] = self.stop[1]
                return 0
            if values is not None:
                self.stop[2] = len(values)
                self.stop[3 : 3 + len(values)] = values
            if ask or values is not None:
                self._waiting = candidate
                return 1 if values is None else 2
        self._join(node)
        return 0

    def _reduce(self, i: int) -> bool:
        """Set what gate `i` reads, and its representative; whether structure alone gives it."""
        node, xor = self._first + i, self._xor[i]
        a, b = (int(self.rep[f >> 1]) ^ f & 1 for f in self._fanin[i])
        odd = 0
        if xor:
            odd, a, b = (a ^ b) & 1, a & ~1, b & ~1
        a, b = min(a, b), max(a, b)
        self.read[i] = a, b
        self._stage[node] = max(self._stage[a >> 1], self._stage[b >> 1])
        known = _trivial(a, b, xor)
        if known is None:
            j, inverted = self._rows.setdefault((a, b, xor), (i, odd))
            known = 2 * node if j == i else int(self.rep[self._first + j]) ^ inverted
        self.rep[node] = known ^ odd
        return int(self.rep[node]) >> 1 != node

    def _decide(self, a: int, b: int, odd: int, window: int) -> tuple[bool, list[int] | None]:
        """Whether two nodes are equal over some cut; else literals that show the difference."""
        cut = [node for node in dict.fromkeys((a, b)) if node]
        inner: list[int] = []
        for limit in range(6, window + 1, 4):
            before = len(inner)
            self._grow(cut, inner, limit)
            if limit > 6 and len(inner) == before:
                break
            apart = self._compare(cut, inner, a, b, odd)
            if not apart:
                return True, None
            if all(node < self._first for node in cut):
                pattern = (apart & -apart).bit_length() - 1
                return False, [2 * n + 1 - (pattern >> i & 1) for i, n in enumerate(cut)]
        return False, None

    def _grow(self, cut: list[int], inner: list[int], limit: int) -> None:
        seen = {0, *cut, *inner}
        while len(inner) < _MAX_INNER:
            best, least = None, 3
            for i, node in enumerate(cut):
                if node < self._first:
                    continue
                cost = sum(f >> 1 not in seen for f in self.read[node - self._first].tolist())
                if len(cut) - 1 + cost > limit:
                    continue
                if best is None or cost < least or (cost == least and node > cut[best]):
                    best, least = i, cost
            if best is None:
                return
            node = cut[best]
            last = cut.pop()
            if best < len(cut):
                cut[best] = last
            inner.append(node)
            for f in self.read[node - self._first].tolist():
                if f >> 1 not in seen:
                    seen.add(f >> 1)
                    cut.append(f >> 1)

    def _compare(self, cut: list[int], inner: list[int], a: int, b: int, odd: int) -> int:
        """The patterns of the cut on which two nodes differ, as bits."""
        ones = (1 << (1 << len(cut))) - 1
        table = {0: 0} | {node: _leaf_table(i, len(cut)) for i, node in enumerate(cut)}
        for node in sorted(inner):
            i = node - self._first
            x, y = (table[f >> 1] ^ (ones if f & 1 else 0) for f in self.read[i].tolist())
            table[node] = x ^ y if self._xor[i] else x & y
        return table[a] ^ table[b] ^ (ones if odd else 0)


def _trivial(a: int, b: int, xor: bool) -> int | None:
    """The literal of a gate that needs none."""
    if xor:
        return a ^ b if a ^ b < 2 or a < 2 or b < 2 else None
    if a == b or b == 1:
        return a
    if a == 1:
        return b
    return 0 if a == 0 or b == 0 or a ^ b == 1 else None


@lru_cache(maxsize=256)
def _leaf_table(i: int, n: int) -> int:
    table, length = ((1 << (1 << i)) - 1) << (1 << i), 2 << i
    while length < 1 << n:
        table |= table << length
        length *= 2
    return table


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = values * _MIX
    values ^= values >> np.uint64(31)
    values *= _GOLDEN
    return values ^ (values >> np.uint64(29))
