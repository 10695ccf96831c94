"""Patterns to simulate: all, corners and random ones; and counterexamples made small."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...runtime.arrays import pack
from ..netlist import Netlist
from ..simulate import Words, simulate, simulate_words
from ..tables import WHERE_TRUE

_CORNER_INPUTS = 1 << 12  # of more inputs, that many are tried alone
_MEMORY = 1 << 27  # bytes of net values held at once
_SEED = 0x6A7E
Pattern = NDArray[np.bool_]


def all_patterns(inputs: NDArray[np.intp], n: int) -> Iterator[tuple[Words, int]]:
    """Every pattern of some of n inputs, the others false: words [n, w] and the samples in them."""
    count = 1 << len(inputs)
    step = 1 << 12
    for start in range(0, max(1, count >> 6), step):
        index = np.arange(start, min(start + step, max(1, count >> 6)), dtype=np.uint64)
        words = np.zeros((n, len(index)), np.uint64)
        for i, row in enumerate(inputs):
            words[row] = WHERE_TRUE[i] if i < 6 else -(index >> np.uint64(i - 6) & np.uint64(1))
        yield words, min(count - 64 * start, 64 * len(index))


def corners(n: int) -> tuple[Words, int]:
    """All false, all true, one true and one false."""
    alone = np.unique(np.linspace(0, n - 1, min(n, _CORNER_INPUTS)).astype(np.intp))
    found = np.zeros((1 + len(alone), n), np.bool_)
    found[np.arange(1, 1 + len(alone)), alone] = True
    return pack(np.concatenate([found, ~found])), 2 * len(found)


def random_patterns(n: int, words: int, seed: int = 0) -> Words:
    """Random words [n, words]: half are even, a quarter has few true, a quarter many."""
    random = np.random.default_rng([_SEED, seed])
    drawn = random.integers(0, 1 << 64, (n, words), dtype=np.uint64)
    few, many = (slice(i * (words // 4), (i + 1) * (words // 4)) for i in range(2))
    for _ in range(2):
        other = random.integers(0, 1 << 64, (n, 2 * (words // 4)), dtype=np.uint64)
        drawn[:, few] &= other[:, few]
        drawn[:, many] |= other[:, many]
    return drawn


def around(values: dict[int, bool], n: int, seed: int) -> Words:
    """64 patterns [n, 1] with the given inputs; in all but the first the others are random.

    values: of input i, at key 1 + i.
    """
    random = np.random.default_rng([_SEED, seed])
    words = random.integers(0, 1 << 64, (n, 1), dtype=np.uint64) & ~np.uint64(1)
    for node, value in values.items():
        words[node - 1] = ~np.uint64(0) if value else np.uint64(0)
    return words


def difference(a: Netlist, b: Netlist, words: Words, count: int) -> Pattern | None:
    """The first of `count` packed patterns on which the two differ, bool [n_inputs]."""
    step = max(1, _MEMORY // 8 // max(a.n_nets, b.n_nets))
    for start in range(0, words.shape[1], step):
        part = words[:, start : start + step]
        apart = simulate_words(a, part) ^ simulate_words(b, part)
        bits = np.bitwise_or.reduce(apart, axis=0).astype("<u8").view(np.uint8)
        found = np.flatnonzero(np.unpackbits(bits, bitorder="little")[: count - 64 * start])
        if len(found):
            word, bit = divmod(int(found[0]), 64)
            return (part[:, word] >> np.uint64(bit) & np.uint64(1)).astype(np.bool_)
    return None


def apart(a: Netlist, b: Netlist, patterns: Pattern) -> Pattern:
    """Which outputs differ on each of some patterns: bool [n, outputs]."""
    return simulate(a, patterns) != simulate(b, patterns)


def minimised(a: Netlist, b: Netlist, found: Pattern, rounds: int = 400) -> Pattern:
    """A pattern on which the two still differ, with inputs set false as long as one can be."""
    size = max(1, int(found.sum()))
    for _ in range(rounds):
        true = np.flatnonzero(found)
        if not len(true):
            return found
        groups = np.array_split(true, min(len(true), -(-len(true) // size)))
        tries = np.repeat(found[None], len(groups), axis=0)
        for row, group in enumerate(groups):
            tries[row, group] = False
        good = np.flatnonzero(apart(a, b, tries).any(axis=1))
        if len(good):
            found = tries[good[0]]
        elif size == 1:
            return found
        else:
            size = max(1, size // 2)
    return found
