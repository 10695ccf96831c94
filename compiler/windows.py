"""Windows: a subject graph cut into parts of bounded size, each to be rewritten on its own.

A window is a run of gates in one order in which each gate reads earlier ones, so no path leaves a
window and comes back: whatever its outputs come to read inside, no cycle can arise. The order
follows the cones of the outputs, so that a window's gates belong together, and no window mixes
stages, so that no box comes to read what it drives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .literals import Literals
from .netlist import IntArray, Netlist
from .subject import Subject
from .subject_join import Frame

_ONE = np.uint32(1)


@dataclass(frozen=True, eq=False)
class Window:
    """A part of a subject graph, as one of its own.

    leaves: int32 [n], the nodes of the whole that its leaves are. roots: int32 [m], the nodes that
    its outputs stand for: those of its gates that are read elsewhere.
    """

    leaves: IntArray
    roots: IntArray
    subject: Subject


def logic_netlist(subject: Subject) -> Netlist:
    """The gates of a subject graph as a netlist from its leaves to its outputs."""
    empty = Netlist(subject.n_leaves, (), np.zeros(len(subject.outputs), np.int32))
    return Frame(empty, ()).join(subject)


def windows(subject: Subject, size: int) -> Iterator[Window]:
    """The gates that outputs need, in windows of at most `size` gates."""
    order = cone_order(subject)
    stage = gate_stages(subject)
    order = order[np.argsort(stage[order], kind="stable")]
    starts = _starts(stage[order], size)
    first = subject.first_gate
    home = np.full(first + subject.n_gates, -1, np.int32)  # the window of each node
    home[first + order] = np.searchsorted(starts, np.arange(len(order)), side="right") - 1
    read = _read_elsewhere(subject, home)
    local = np.zeros(len(home), np.uint32)
    for gates in np.split(order, starts[1:]) if len(order) else ():
        yield _window(subject, gates, read, local)


def rebuilt(subject: Subject, parts: Iterable[tuple[Window, Subject]]) -> Subject:
    """The whole with other logic in each window, from all windows in order.

    Each logic has the leaves and outputs of its window.
    """
    literal = 2 * np.arange(subject.first_gate + subject.n_gates, dtype=np.uint32)
    free = subject.first_gate
    fanin, xor = [np.zeros((0, 2), np.uint32)], [np.zeros(0, np.bool_)]
    for window, logic in parts:
        gates = 2 * np.arange(free, free + logic.n_gates, dtype=np.uint32)
        known = np.concatenate([literal[:1], literal[window.leaves], gates])
        fanin.append(known[logic.fanin >> _ONE] ^ (logic.fanin & _ONE))
        xor.append(logic.xor)
        literal[window.roots] = known[logic.outputs >> _ONE] ^ (logic.outputs & _ONE)
        free += logic.n_gates
    return Subject(
        subject.n_leaves,
        subject.stage,
        np.concatenate(fanin),
        np.concatenate(xor),
        literal[subject.outputs >> _ONE] ^ (subject.outputs & _ONE),
        subject.output_stage,
    )


def cone_order(subject: Subject) -> NDArray[np.int64]:
    """The gates that outputs need, cone after cone, each gate after those that it reads."""
    first = subject.first_gate
    left, right = (subject.fanin >> _ONE).T.tolist()
    seen = bytearray(first + subject.n_gates)
    seen[:first] = b"\1" * first
    order: list[int] = []
    for root in (subject.outputs >> _ONE).tolist():
        stack = [root]
        while stack:
            node = stack[-1]
            if seen[node]:
                stack.pop()
                continue
            a, b = left[node - first], right[node - first]
            waiting = [each for each in (b, a) if not seen[each]]
            if waiting:
                stack += waiting
            else:
                seen[node] = 1
                order.append(node - first)
                stack.pop()
    return np.array(order, np.int64)


def gate_stages(subject: Subject) -> IntArray:
    """The latest stage of a leaf that each gate depends on: int32 [gates]."""
    if not subject.stage.any():
        return np.zeros(subject.n_gates, np.int32)
    stage = [0, *subject.stage.tolist()]
    for a, b in (subject.fanin >> _ONE).tolist():
        stage.append(max(stage[a], stage[b]))
    return np.array(stage[subject.first_gate :], np.int32)


def _starts(stage: IntArray, size: int) -> NDArray[np.intp]:
    """Where windows start among gates of these stages, so that each has one stage: equal parts."""
    changes = np.flatnonzero(np.diff(stage, prepend=-1))
    ends = np.append(changes, len(stage))[1:]
    parts = [
        start + np.arange(n := -(-(end - start) // size)) * (end - start) // n
        for start, end in zip(changes, ends, strict=True)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.intp)


def _read_elsewhere(subject: Subject, home: IntArray) -> NDArray[np.bool_]:
    """Which nodes outputs or gates of other windows read: bool [nodes]."""
    read = np.zeros(len(home), np.bool_)
    nodes = (subject.fanin >> _ONE).astype(np.int32)
    readers = home[subject.first_gate :, None]
    read[nodes[(home[nodes] != readers) & (readers >= 0)]] = True
    read[subject.outputs >> _ONE] = True
    return read


def _window(
    subject: Subject, gates: NDArray[np.int64], read: NDArray[np.bool_], local: Literals
) -> Window:
    """The window of these gates; `local` is room for the new node of each node of the whole."""
    nodes = (subject.first_gate + gates).astype(np.int32)
    fanin = subject.fanin[gates]
    local[fanin >> _ONE] = 0
    local[nodes] = _ONE  # any mark but 0
    reads = np.unique(fanin >> _ONE).astype(np.int32)
    leaves = reads[(local[reads] == 0) & (reads > 0)]
    local[leaves] = np.arange(1, 1 + len(leaves))
    local[nodes] = np.arange(1 + len(leaves), 1 + len(leaves) + len(nodes))
    roots = nodes[read[nodes]]
    inside = Subject(
        len(leaves),
        np.zeros(len(leaves), np.int32),
        2 * local[fanin >> _ONE] + (fanin & _ONE),
        subject.xor[gates],
        2 * local[roots],
        np.zeros(len(roots), np.int32),
    )
    return Window(leaves, roots, inside)
