"""A network of AND and XOR gates that is changed in place: what `kernels/xag.h` is, in Python.

Literals are as in `compiler.subject`. An AND has its smaller literal first, an XOR its larger one,
and an XOR's inversion is the lowest bit of its first literal.
"""

from __future__ import annotations

from dataclasses import replace as replaced

import numpy as np

from .subject import Subject

Fanin = tuple[int, int]


def arranged(a: int, b: int, xor: bool) -> Fanin | int:
    """The inputs of a gate in order, or the literal that the gate comes to."""
    if xor:
        inverted, a, b = (a ^ b) & 1, a & ~1, b & ~1
        a, b = max(a, b), min(a, b)
        if a == b:
            return inverted
        return (a ^ inverted, b) if b else a ^ inverted
    a, b = min(a, b), max(a, b)
    if a == 0 or a ^ b == 1:
        return 0
    return b if a in (1, b) else (a, b)


class Xag:
    """The gates of a subject graph, found by what they read and by who reads them.

    fanin: of each node; None for leaves and where no gate is. readers: of each node, gates, and
    outputs as -1 - index. outputs: literals.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.first = subject.first_gate
        self.fanin: list[Fanin | None] = [None] * self.first
        self.readers: list[set[int]] = [set() for _ in range(self.first)]
        self._found: dict[Fanin, int] = {}
        literal = list(range(0, 2 * self.first, 2))
        for (a, b), xor in zip(subject.fanin.tolist(), subject.xor.tolist(), strict=True):
            literal.append(self.make(literal[a >> 1] ^ a & 1, literal[b >> 1] ^ b & 1, xor))
        self.outputs = [literal[o >> 1] ^ o & 1 for o in subject.outputs.tolist()]
        for index, output in enumerate(self.outputs):
            self.readers[output >> 1].add(-1 - index)
        for node in range(len(self.fanin) - 1, self.first - 1, -1):
            self.release(node)

    def alive(self, node: int) -> bool:
        """Whether a node is a gate in use."""
        return self.fanin[node] is not None

    def nodes(self, gate: int) -> Fanin:
        """The nodes that a gate reads."""
        fanin = self.fanin[gate]
        assert fanin is not None
        return fanin[0] >> 1, fanin[1] >> 1

    def peek(self, a: int, b: int, xor: bool) -> int | None:
        """The literal of a gate if there is one already."""
        fanin = arranged(a, b, xor)
        return fanin if isinstance(fanin, int) else self._find(fanin)

    def make(self, a: int, b: int, xor: bool) -> int:
        """The literal of a gate, made if there is none."""
        fanin = arranged(a, b, xor)
        if isinstance(fanin, int):
            return fanin
        found = self._find(fanin)
        if found is not None:
            return found
        gate = len(self.fanin)
        self.fanin.append(fanin)
        self.readers.append(set())
        self._link(gate)
        return 2 * gate

    def replace(self, gate: int, literal: int) -> None:
        """Let all readers of a gate read `literal`, which must not depend on it."""
        merged = {gate: literal}
        pending = [gate]
        self._forget(gate)
        while pending:
            old = pending.pop()
            to = merged[old]
            while to >> 1 in merged:
                to = merged[to >> 1] ^ to & 1
            for reader in sorted(self.readers[old]):
                simple = self._reread(reader, old, to, loose=reader in merged)
                if simple is not None:
                    merged[reader] = simple
                    pending.append(reader)
        for old in merged:
            self.release(old)

    def release(self, gate: int) -> None:
        """Take out a gate that nobody reads, and all that only it needed."""
        unread = [gate]
        while unread:
            node = unread.pop()
            if self.readers[node] or not self.alive(node):
                continue
            self._forget(node)
            for read in self.nodes(node):
                self.readers[read].discard(node)
                unread.append(read)
            self.fanin[node] = None

    def order(self) -> list[int]:
        """The gates that outputs need, each after what it reads."""
        done, order = set(range(self.first)), []
        stack = [output >> 1 for output in reversed(self.outputs)]
        while stack:
            node = stack[-1]
            waiting = [] if node in done else [n for n in self.nodes(node) if n not in done]
            if waiting:
                stack.append(waiting[0])
                continue
            stack.pop()
            if node not in done:
                done.add(node)
                order.append(node)
        return order

    def subject(self) -> Subject:
        """The gates as a subject graph."""
        order = self.order()
        literal = {node: 2 * node for node in range(self.first)}
        fanin = np.zeros((len(order), 2), np.uint32)
        xor = np.zeros(len(order), np.bool_)
        for row, gate in enumerate(order):
            pair = self.fanin[gate]
            assert pair is not None
            a, b = (literal[x >> 1] ^ x & 1 for x in pair)
            xor[row] = pair[0] > pair[1]
            odd = (a ^ b) & 1 if xor[row] else 0
            fanin[row] = sorted((a & ~1, b & ~1) if xor[row] else (a, b))
            literal[gate] = 2 * (self.first + row) ^ odd
        outputs = [literal[o >> 1] ^ o & 1 for o in self.outputs]
        return replaced(self._subject, fanin=fanin, xor=xor, outputs=np.array(outputs, np.uint32))

    def _key(self, fanin: Fanin) -> Fanin:
        return (fanin[0] & ~1, fanin[1]) if fanin[0] > fanin[1] else fanin

    def _find(self, fanin: Fanin) -> int | None:
        gate = self._found.get(self._key(fanin))
        if gate is None:
            return None
        there = self.fanin[gate]
        assert there is not None
        return 2 * gate ^ (fanin[0] ^ there[0]) & 1

    def _link(self, gate: int) -> None:
        fanin = self.fanin[gate]
        assert fanin is not None
        self._found[self._key(fanin)] = gate
        for node in self.nodes(gate):
            self.readers[node].add(gate)

    def _forget(self, gate: int) -> None:
        """Let a gate not be found any more."""
        fanin = self.fanin[gate]
        assert fanin is not None
        if self._found.get(self._key(fanin)) == gate:
            del self._found[self._key(fanin)]

    def _reread(self, reader: int, old: int, to: int, loose: bool) -> int | None:
        """Let a reader read `to`; the literal it equals then, if there is one."""
        self.readers[old].discard(reader)
        if reader < 0:
            self.outputs[-1 - reader] = to ^ self.outputs[-1 - reader] & 1
            self.readers[to >> 1].add(reader)
            return None
        pair = self.fanin[reader]
        assert pair is not None
        self._forget(reader)
        a, b = (to ^ x & 1 if x >> 1 == old else x for x in pair)
        fanin = arranged(a, b, pair[0] > pair[1])
        self.fanin[reader] = fanin if isinstance(fanin, tuple) else (a, b)
        simple = fanin if isinstance(fanin, int) else self._find(fanin)
        if simple is not None or loose:
            for node in self.nodes(reader):
                self.readers[node].add(reader)
            return None if loose else simple
        self._link(reader)
        return None
