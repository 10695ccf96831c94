"""Samples for passes that learn from data: packed, and followed into the bodies of tiles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..runtime.arrays import as_batch, binarize, pack, unpack
from ..runtime.errors import InputError
from .circuit import Encoder
from .netlist import Netlist, Tile
from .simulate import Words, simulate_nets

_ROWS = 1 << 12  # samples that are encoded at once
_CHUNK_BYTES = 1 << 26  # of net values held at once
_PATTERN_INPUTS = 16  # of bodies with so many inputs, each pattern is kept once

Chunks: TypeAlias = Callable[[int], Iterator[Words]]
"""Packed samples [n_inputs, words], in pieces of which so many rows take little memory."""


@dataclass(frozen=True, eq=False)
class Samples:
    """A batch of input bits, 64 samples to a word.

    words: uint64 [n_inputs, ceil(count / 64)]; what is left of the last word repeats sample 0, so
    that every bit is of some sample.
    """

    words: Words
    count: int

    @staticmethod
    def of_bits(bits: Any) -> Samples:
        """Samples of bool [n, n_inputs].

        Raises:
            InputError: another dtype or shape, or no samples.
        """
        found = np.asarray(bits)
        if found.dtype != np.bool_ or found.ndim != 2 or not len(found):
            raise InputError(
                f"samples: {found.dtype} {list(found.shape)}; allowed is bool [n, n_inputs], n of "
                "1 or more; encode raw values first, circuit.encoder(x)"
            )
        return _filled([pack(found)], len(found))

    @staticmethod
    def encoded(encoder: Encoder, x: ArrayLike) -> Samples:
        """What `encoder` makes of x [n, \\*shape], a part of it at a time.

        Raises:
            InputError: not such an array, no samples, or NaN among them.
        """
        rows = as_batch(x, encoder.shape)
        if not len(rows):
            raise InputError("samples: none; 1 or more are needed here")
        parts = []
        for start in range(0, len(rows), _ROWS):
            some = rows[start : start + _ROWS]
            if some.dtype.kind == "f" and np.isnan(some).any():
                first = start + int(np.flatnonzero(np.isnan(some).any(axis=1))[0])
                raise InputError(
                    f"samples: NaN in sample {first}; allowed are numbers; drop such samples, or "
                    "replace NaN by what stands for it in use"
                )
            parts.append(pack(binarize(some, encoder.feature, encoder.threshold)))
        return _filled(parts, len(rows))

    def chunks(self, nets: int) -> Iterator[Words]:
        """The samples in pieces of which `nets` rows take little memory."""
        return _pieces(self.words, nets)

    def __len__(self) -> int:
        return self.count


def _filled(parts: list[Words], count: int) -> Samples:
    words = np.concatenate(parts, axis=1)
    if count % 64:
        unused = np.uint64((1 << 64) - (1 << count % 64))
        words[:, -1] |= (np.uint64(0) - (words[:, 0] & np.uint64(1))) & unused
    words.flags.writeable = False
    return Samples(words, count)


def _pieces(words: Words, nets: int) -> Iterator[Words]:
    step = max(1, _CHUNK_BYTES // 8 // max(1, nets))
    for start in range(0, words.shape[1], step):
        yield words[:, start : start + step]


def chunks_of_bodies(netlist: Netlist, samples: Samples) -> dict[int, Chunks]:
    """What `netlist` and each body in it are given over all samples and places, by identity."""
    given: dict[int, Chunks] = {id(netlist): samples.chunks}
    for body, readers in _bodies(netlist):
        given[id(body)] = _given(body, [(outer, given[id(outer)]) for outer in readers])
    return given


def _bodies(netlist: Netlist) -> list[tuple[Netlist, list[Netlist]]]:
    """Every body and the netlists that have tiles of it; netlists come before their bodies."""
    order: list[Netlist] = []
    done: set[int] = set()

    def visit(part: Netlist) -> None:
        done.add(id(part))
        for cell in part.cells:
            if isinstance(cell, Tile) and id(cell.body) not in done:
                visit(cell.body)
        order.append(part)

    visit(netlist)
    readers: defaultdict[int, list[Netlist]] = defaultdict(list)
    for part in order:
        for body in {id(cell.body): cell.body for cell in part.cells if isinstance(cell, Tile)}:
            readers[body].append(part)
    return [(part, readers[id(part)]) for part in reversed(order[:-1])]


def _given(body: Netlist, outer: list[tuple[Netlist, Chunks]]) -> Chunks:
    def chunks(nets: int) -> Iterator[Words]:
        for netlist, samples in outer:
            for words in samples(netlist.n_nets):
                yield from _at_places(netlist, body, words, nets)

    if body.n_inputs > _PATTERN_INPUTS:
        return chunks
    patterns: list[Words] = []  # found when first asked for

    def distinct(nets: int) -> Iterator[Words]:
        if not patterns:
            patterns.append(_distinct(chunks(nets), body.n_inputs))
        return _pieces(patterns[0], nets)

    return distinct


def _at_places(netlist: Netlist, body: Netlist, words: Words, nets: int) -> Iterator[Words]:
    """What the places of `body` in `netlist` are given: pieces of [body inputs, words]."""
    values = simulate_nets(netlist, words)
    for cell in netlist.cells:
        if not isinstance(cell, Tile) or cell.body is not body:
            continue
        step = max(1, _CHUNK_BYTES // 8 // max(1, nets) // words.shape[1])
        for start in range(0, cell.places, step):
            fanin = cell.fanin[start : start + step]
            shape = body.n_inputs, len(fanin) * words.shape[1]
            yield from _pieces(values[fanin.T].reshape(shape), nets)


def _distinct(chunks: Iterator[Words], n: int) -> Words:
    """Every pattern of n inputs that occurs, once."""
    seen = np.zeros(1 << n, np.bool_)
    for words in chunks:
        codes = np.zeros(64 * words.shape[1], np.uint16)
        for i, bits in enumerate(words):
            codes |= unpack(bits[None], len(codes))[:, 0].astype(np.uint16) << np.uint16(i)
        seen[codes] = True
    patterns = np.flatnonzero(seen)
    return Samples.of_bits((patterns[:, None] >> np.arange(n) & 1).astype(np.bool_)).words


def leaf_values(
    netlist: Netlist, chunks: Chunks, nets: NDArray[np.intp], limit: int
) -> Words | None:
    """Values of some nets on all samples, uint64 [nets, words]; None past `limit` words."""
    found, words = [], 0
    for some in chunks(netlist.n_nets):
        words += some.shape[1]
        if words > limit:
            return None
        found.append(simulate_nets(netlist, some)[nets])
    return np.concatenate(found, axis=1)
