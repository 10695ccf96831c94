"""Gates whose difference from a constant or a fanin no output shows on any sample."""

from __future__ import annotations

import heapq
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .literals import Literals
from .native import Native, library
from .simulate import Words
from .subject import Subject

_WINDOW = 256  # nodes behind a gate that are looked at
_BLOCK = 64  # words compared at once
_ONES = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_ONE = np.uint32(1)


def drop_unseen(subject: Subject, leaves: Words) -> tuple[Subject, int]:
    """Let constants and fanins stand for gates and leaves where samples show no difference.

    From the outputs backwards, each node is inverted and the gates that depend on it are
    simulated: where none of the outputs changes, its value does not matter (observability
    don't-cares, Brayton et al., "MIS: A Multiple-Level Logic Optimization System", 1987, here of
    the samples alone). A constant that agrees with it on all other samples, or else a fanin, takes
    its place. Values are kept up to date, so one replacement knows of those before it.

    Args:
        subject: gates over leaves.
        leaves: uint64 [n_leaves, words], values of the leaves.

    Returns:
        A subject of the same outputs on all samples, some of its gates being dead, and how many
        nodes were replaced.
    """
    values = np.empty((subject.first_gate + subject.n_gates, leaves.shape[1]), np.uint64)
    values[0] = 0
    values[1 : subject.first_gate] = leaves
    visible = np.zeros(len(values), np.uint8)
    visible[subject.outputs >> _ONE] = 1
    fanin = subject.fanin.copy()
    stands = 2 * np.arange(len(values), dtype=np.uint32)
    native = library("observe")
    if native is None:
        replaced = _Observer(subject, fanin, visible, values, stands).run()
    else:
        replaced = _run_native(native, subject, fanin, visible, values, stands)
    if not replaced:
        return subject, 0
    outputs = _resolved(stands)[subject.outputs >> _ONE] ^ (subject.outputs & _ONE)
    return replace(subject, fanin=fanin, outputs=outputs), replaced


def _run_native(
    native: Native,
    subject: Subject,
    fanin: Literals,
    visible: NDArray[np.uint8],
    values: Words,
    stands: Literals,
) -> int:
    replaced = native.call(
        "observe",
        subject.n_leaves,
        subject.n_gates,
        fanin,
        np.ascontiguousarray(subject.xor, np.uint8),
        visible,
        values,
        values.shape[1],
        _WINDOW,
        stands,
    )
    if replaced < 0:
        raise MemoryError(f"observe: no memory for {len(values):,} nodes")
    return replaced


def _resolved(stands: Literals) -> Literals:
    """What finally stands for each node, where what stands for it was replaced as well."""
    while True:
        further = stands[stands >> _ONE] ^ (stands & _ONE)
        if np.array_equal(further, stands):
            return stands
        stands = further


class _Observer:
    """The algorithm of `kernels/observe.c` in numpy, with the same results."""

    def __init__(
        self,
        subject: Subject,
        fanin: Literals,
        visible: NDArray[np.uint8],
        values: Words,
        stands: Literals,
    ) -> None:
        self.first, self.xor = subject.first_gate, subject.xor
        self.fanin, self.visible, self.values, self.stands = fanin, visible, values, stands
        self.readers: list[set[int]] = [set() for _ in values]  # edges, 2 * gate + column
        for edge, literal in enumerate(fanin.reshape(-1).tolist()):
            self.readers[literal >> 1].add(edge)
        for gate in range(subject.n_gates):
            values[self.first + gate] = self._gate(gate, slice(None), {})

    def run(self) -> int:
        """Visit all nodes, the last first; how many were replaced."""
        nodes = range(len(self.values) - 1, 0, -1)
        return sum(self._simplify(node) for node in nodes if not self._dead(node))

    def _dead(self, node: int) -> bool:
        return not self.readers[node] and not self.visible[node]

    def _read(self, literal: int, words: slice, changed: dict[int, Words]) -> Words:
        node = literal >> 1
        found = changed[node] if node in changed else self.values[node, words]
        return found ^ _ONES if literal & 1 else found

    def _gate(self, gate: int, words: slice, changed: dict[int, Words]) -> Words:
        x, y = (self._read(literal, words, changed) for literal in self.fanin[gate].tolist())
        return x ^ y if self.xor[gate] else x & y

    def _cone(self, node: int) -> dict[int, bool]:
        """The first nodes that depend on `node`, ascending, and which are seen outside of them."""
        heap, known, cone = [node], {node}, []
        while heap and len(cone) < _WINDOW:
            cone.append(heapq.heappop(heap))
            for reader in {self.first + edge // 2 for edge in self.readers[cone[-1]]} - known:
                known.add(reader)
                heapq.heappush(heap, reader)
        inside = set(cone)
        return {
            one: bool(self.visible[one])
            or any(self.first + edge // 2 not in inside for edge in self.readers[one])
            for one in cone
        }

    def _care(self, cone: dict[int, bool], words: slice) -> Words:
        node, *later = cone
        own = self.values[node, words]
        if cone[node]:
            return np.full(len(own), _ONES)
        changed = {node: ~own}
        care = np.zeros_like(own)
        for one in later:
            changed[one] = self._gate(one - self.first, words, changed)
            if cone[one]:
                care |= changed[one] ^ self.values[one, words]
        return care

    def _simplify(self, node: int) -> bool:
        choices = [0, 1]
        if node >= self.first:
            choices += [
                f ^ phase for f in self.fanin[node - self.first].tolist() for phase in (0, 1)
            ]
        cone = self._cone(node)
        for start in range(0, self.values.shape[1], _BLOCK):
            words = slice(start, start + _BLOCK)
            wanted, care = self.values[node, words], self._care(cone, words)
            choices = [c for c in choices if not ((self._read(c, words, {}) ^ wanted) & care).any()]
            if not choices:
                return False
        self._replace(node, choices[0], cone)
        return True

    def _replace(self, node: int, literal: int, cone: dict[int, bool]) -> None:
        self.values[node] = self._read(literal, slice(None), {})
        for one in cone:
            if one != node:
                self.values[one] = self._gate(one - self.first, slice(None), {})
        self.stands[node] = literal
        flat = self.fanin.reshape(-1)
        for edge in self.readers[node]:
            flat[edge] = literal ^ (int(flat[edge]) & 1)
        self.readers[literal >> 1] |= self.readers[node]
        self.readers[node] = set()
        self.visible[literal >> 1] |= self.visible[node]
        self.visible[node] = 0
        if node >= self.first:
            self._remove(node)

    def _remove(self, node: int) -> None:
        """Unlink a gate that nothing reads, and what only it read."""
        dying = [node]
        while dying:
            gate = dying.pop() - self.first
            for column, literal in enumerate(self.fanin[gate].tolist()):
                source = literal >> 1
                self.readers[source].discard(2 * gate + column)
                if source >= self.first and self._dead(source) and source not in dying:
                    dying.append(source)
