"""Tiles of other bodies at the same places: which of their outputs are equal."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..literals import Literals
from ..netlist import FALSE, FIRST_INPUT, TRUE, IntArray, Netlist, Tile, renumbered
from ..passes.decompose import Decompose
from ..passes.fold import fold
from ..subject_split import split
from .joint import joint
from .reduction import Effort, make_graph, reduce
from .vectors import around, random_patterns

_WORDS = 8
_REFINEMENTS = 200
_COMPARED = 8  # earlier tiles of as many places that each is compared with
_ONE = np.uint32(1)


@dataclass
class Tiles:
    """The tiles seen so far: what each reads, literals [places, columns], and its first leaf."""

    _seen: dict[int, list[tuple[Tile, Literals, int]]] = field(default_factory=dict)

    def known(self, tile: Tile, reads: Literals, first: int) -> Literals:
        """The leaves that a tile drives from `first` on as literals of earlier leaves, or own.

        Places are compared in order; an output is equal to another if truth tables say so for the
        two bodies as one netlist, where columns that read the same are one input.
        """
        own = (2 * np.arange(first, first + tile.n_nets)).astype(np.uint32)
        found = own.reshape(tile.places, len(tile.body.outputs))
        seen = self._seen.setdefault(tile.places, [])
        for other, other_reads, start in seen[-_COMPARED:]:
            leaves = np.arange(start, start + other.n_nets).reshape(tile.places, -1)
            for mine, theirs, inverted in _equal_outputs(tile, reads, other, other_reads):
                if (found[:, mine] >= 2 * first).all():
                    found[:, mine] = 2 * leaves[:, theirs] + inverted
        seen.append((tile, reads, first))
        return found.reshape(-1)


def _equal_outputs(
    tile: Tile, reads: Literals, other: Tile, other_reads: Literals
) -> list[tuple[int, int, int]]:
    """Outputs of `tile`, those of `other` that they equal, and whether inverted."""
    if not tile.places or not reads.shape[1] or not other_reads.shape[1]:
        return []
    columns, inverse = np.unique(
        np.concatenate([other_reads, reads], axis=1), axis=1, return_inverse=True
    )
    inputs = (FIRST_INPUT + inverse.reshape(-1)).astype(np.int32)
    for literal, net in ((0, FALSE), (1, TRUE)):
        inputs[(columns == literal).all(axis=0)[inverse.reshape(-1)]] = net
    n, split_at = columns.shape[1], other_reads.shape[1]
    both = joint(
        _reading(other.body, inputs[:split_at], n), _reading(tile.body, inputs[split_at:], n)
    )
    literals = _output_literals(both)
    count = len(other.body.outputs)
    first: dict[int, int] = {}
    for i, literal in enumerate(literals[:count].tolist()):
        first.setdefault(literal, i)
    result = []
    for i, literal in enumerate(literals[count:].tolist()):
        for inverted in (0, 1):
            if literal ^ inverted in first:
                result.append((i, first[literal ^ inverted], inverted))
                break
    return result


def _output_literals(netlist: Netlist) -> Literals:
    """Literals of the outputs, equal only where the outputs are."""
    subject, _ = split(fold(Decompose(2)(netlist)))
    graph = make_graph(subject, staged=False)
    graph.simulate(random_patterns(subject.n_leaves, _WORDS))
    seeds = iter(range(_REFINEMENTS))
    effort = Effort(refinements=_REFINEMENTS)
    reduce(graph, effort, lambda values: around(values, subject.n_leaves, next(seeds)))
    outputs = subject.outputs[len(subject.outputs) - len(netlist.outputs) :]
    return graph.rep[outputs >> _ONE] ^ (outputs & _ONE)


def _reading(body: Netlist, inputs: IntArray, n: int) -> Netlist:
    """A body over `n` inputs, reading net `inputs[i]` as its input i."""
    nets = np.arange(body.n_nets, dtype=np.int32)
    nets[FIRST_INPUT + body.n_inputs :] += np.int32(n - body.n_inputs)
    nets[FIRST_INPUT : FIRST_INPUT + body.n_inputs] = inputs
    cells = tuple(renumbered(cell, nets) for cell in body.cells)
    return Netlist(n, cells, nets[body.outputs])
