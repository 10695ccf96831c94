"""Equal boxes: popcounts of equal sums, argmaxes of equal candidates, tiles of equal places."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..literals import Literals
from ..netlist import Argmax, Cell, Popcount, Tile
from ..subject import Subject
from ..subject_join import Frame
from .tiles import Tiles

_ONE = np.uint32(1)


@dataclass(frozen=True)
class Linear:
    """An integer, `offset + sum(weight[node] * value of node)`."""

    offset: int
    weight: dict[int, int]

    @staticmethod
    def of(literals: list[int], weights: list[int]) -> Linear:
        """The weighted sum of literals, where an inverted one counts one less its node."""
        offset, weight = 0, {}
        for literal, count in zip(literals, weights, strict=True):
            node, inverted = literal >> 1, literal & 1
            offset += count * inverted
            if node:
                weight[node] = weight.get(node, 0) + (-count if inverted else count)
        return Linear(offset, {node: w for node, w in weight.items() if w})

    def less(self, other: Linear, times: int) -> Linear:
        """This less `times` the other."""
        weight = dict(self.weight)
        for node, w in other.weight.items():
            left = weight.get(node, 0) - times * w
            if left:
                weight[node] = left
            else:
                weight.pop(node, None)
        return Linear(self.offset - times * other.offset, weight)

    @property
    def highest(self) -> int:
        """The largest value that it may take."""
        return self.offset + sum(w for w in self.weight.values() if w > 0)

    def key(self) -> Any:
        """Equal for equal sums."""
        return self.offset, frozenset(self.weight.items())


@dataclass
class _Group:
    """A count: its sum, and the literals of its bits."""

    sum: Linear
    bits: list[int]


@dataclass
class Boxes:
    """The boxes of a subject graph, and the literals known for its leaves.

    leaves: uint32 [1 + n_leaves]. `merge` finds more of them, given what nodes are known to be.
    """

    subject: Subject
    frame: Frame
    leaves: Literals = field(init=False)

    def __post_init__(self) -> None:
        self.leaves = (2 * np.arange(self.subject.first_gate)).astype(np.uint32)

    def merge(self, rep: Literals) -> bool:
        """Give outputs of equal boxes the same literal; whether that is new of any leaf.

        rep: uint32 [nodes], as of a reduction. The literal of a leaf is a constant or one of an
        earlier leaf.
        """
        leaves = (2 * np.arange(self.subject.first_gate)).astype(np.uint32)
        known = _Known(leaves)
        first_leaf = 1 + self.frame.netlist.n_inputs
        first_read = 0
        for cell in self.frame.boxes:
            reads = self.subject.outputs[first_read : first_read + cell.fanin.size]
            reads = rep[reads >> _ONE] ^ (reads & _ONE)
            reads = _follow(leaves, reads)
            known.box(cell, reads.reshape(cell.fanin.shape), first_leaf)
            first_read += cell.fanin.size
            first_leaf += cell.n_nets
        changed = not np.array_equal(leaves, self.leaves)
        self.leaves = leaves
        return changed

    def outputs(self, rep: Literals) -> Literals:
        """The literals of the netlist's outputs."""
        reads = self.subject.outputs[len(self.subject.outputs) - len(self.frame.netlist.outputs) :]
        return rep[reads >> _ONE] ^ (reads & _ONE)


def _follow(leaves: Literals, literals: Literals) -> Literals:
    """Literals of leaves as those leaves are known by now; others as they are."""
    is_leaf = (literals >> _ONE) < len(leaves)
    result = literals.copy()
    result[is_leaf] = leaves[literals[is_leaf] >> _ONE] ^ (literals[is_leaf] & _ONE)
    return result


class _Known:
    """The boxes seen so far, by what they compute."""

    def __init__(self, leaves: Literals) -> None:
        self.leaves = leaves
        self.groups: dict[Any, _Group] = {}  # by sum
        self.inner: dict[int, _Group] = {}  # by the node of a bit
        self.argmaxes: dict[Any, int] = {}  # by what is read: the first leaf
        self.tiles = Tiles()

    def box(self, cell: Cell, reads: Literals, first: int) -> None:
        if isinstance(cell, Popcount):
            weights = (1 << cell.shifts.astype(np.int64)).tolist()
            for i, row in enumerate(reads.tolist()):
                bits = range(first + i * cell.width, first + (i + 1) * cell.width)
                self._count(Linear.of(row, weights), bits)
        elif isinstance(cell, Argmax):
            used = np.flatnonzero(reads.any(axis=0))  # leading zeros change no number
            numbers = reads[:, : 1 + used[-1] if len(used) else 0]
            start = self.argmaxes.setdefault((numbers.shape, numbers.tobytes()), first)
            self.leaves[first : first + cell.n_nets] = self.leaves[start : start + cell.n_nets]
        elif isinstance(cell, Tile):
            known = self.tiles.known(cell, reads, first)
            self.leaves[first : first + cell.n_nets] = _follow(self.leaves, known)

    def _count(self, total: Linear, driven: range) -> None:
        total = self._expanded(total)
        bits = [int(self.leaves[leaf]) for leaf in driven]
        for j in range(total.highest.bit_length(), len(bits)):
            bits[j] = 0
        shift = 0
        odd = total
        while odd.weight and all(w % 2 == 0 for w in odd.weight.values()) and shift < len(bits):
            bits[shift] = odd.offset & 1
            shift += 1
            odd = Linear(odd.offset >> 1, {node: w >> 1 for node, w in odd.weight.items()})
        if not odd.weight:
            bits = [total.offset >> j & 1 for j in range(len(bits))]
        else:
            bits = bits[:shift] + self._known_bits(odd, bits[shift:])
        group = _Group(total, bits)
        for leaf, bit in zip(driven, bits, strict=True):
            self.leaves[leaf] = bit
            if bit > 1 and bit >> 1 not in total.weight:
                self.inner[bit >> 1] = group

    def _known_bits(self, total: Linear, bits: list[int]) -> list[int]:
        """Bits of a sum with an odd weight; those of an equal sum seen before, if there is one."""
        ((node, weight), *more) = total.weight.items()
        if not more and node < len(self.leaves):
            low, high = total.offset, total.offset + weight
            return [_choice(low >> j & 1, high >> j & 1, node) for j in range(len(bits))]
        group = self.groups.setdefault(total.key(), _Group(total, []))
        group.bits += bits[len(group.bits) :]
        return group.bits[: len(bits)]

    def _expanded(self, total: Linear) -> Linear:
        """The sum with the addends of inner counts in place of their bits."""
        while True:
            for node in sorted(total.weight, reverse=True):
                group = self.inner.get(node)
                if group is None:
                    continue
                count = Linear.of(group.bits, [1 << j for j in range(len(group.bits))])
                times = total.weight[node] // count.weight.get(node, 1)
                if times and all(total.weight.get(n) == times * w for n, w in count.weight.items()):
                    total = total.less(count, times).less(group.sum, -times)
                    break
            else:
                return total


def _choice(low: int, high: int, node: int) -> int:
    """The literal of a bit that is `low` where the node is false and `high` where it is true."""
    if low == high:
        return low
    return 2 * node + low
