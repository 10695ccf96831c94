"""Smallest AND/XOR circuits of all four-input functions, which cut rewriting puts in.

Two functions are of one class if permuting and inverting inputs and inverting the output turns one
into the other (NPN classes). `structures.npz` holds several circuits for each of the 222 classes;
`structure_search` finds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from .tables import WHERE_TRUE

INPUTS, MAX_GATES = 4, 7
PERMUTATIONS = tuple(permutations(range(INPUTS)))
FILE = "structures.npz"
_FULL = np.uint16(0xFFFF)


@dataclass(frozen=True, eq=False)
class Classes:
    """The NPN classes of the four-input functions.

    representative: uint16 [222], the smallest table of each class. of: uint8 [65536], the class of
    each table. permutation: uint8 [65536, 4] and phase: uint8 [65536]: input `i` of the
    representative is input `permutation[i]` of the function, inverted where bit `i` of `phase` is
    set; the output is inverted where bit 4 is.
    """

    representative: NDArray[np.uint16]
    of: NDArray[np.uint8]
    permutation: NDArray[np.uint8]
    phase: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Structures:
    """Circuits for the representative of each class; from `start[c]` on for class `c`.

    start: int32 [223]. gates: uint8 [n, 7, 2], literals as in `compiler.subject`, nodes 1 to 4
    being the inputs; an AND has its smaller literal first, an XOR its larger one. size: uint8 [n],
    gates used. output: uint8 [n], a literal.
    """

    start: NDArray[np.int32]
    gates: NDArray[np.uint8]
    size: NDArray[np.uint8]
    output: NDArray[np.uint8]


def substituted(table: int, permutation: tuple[int, ...], phase: int) -> int:
    """The function of `x` that is `table` of `x[permutation[i]] ^ phase_i`, as a table."""
    patterns = np.arange(16)
    index = np.zeros(16, np.int64)
    for i, p in enumerate(permutation):
        index |= ((patterns >> p & 1) ^ (phase >> i & 1)) << i
    bits = table >> index & 1
    return int((bits << patterns).sum()) ^ (0xFFFF if phase >> INPUTS else 0)


@cache
def classes() -> Classes:
    """The classes, found by applying all 768 transformations to one function after another."""
    of = np.zeros(1 << 16, np.uint8)
    permutation = np.zeros((1 << 16, INPUTS), np.uint8)
    phase = np.zeros(1 << 16, np.uint8)
    known = np.zeros(1 << 16, np.bool_)
    indices, moves = _transformations()
    representative: list[int] = []
    for table in range(1 << 16):
        if known[table]:
            continue
        bits = np.uint32(table) >> indices & 1
        reached = (bits << np.arange(16)).sum(axis=1).astype(np.uint16)
        reached[moves[:, INPUTS] >> INPUTS != 0] ^= _FULL
        new, first = np.unique(reached, return_index=True)
        of[new], known[new] = len(representative), True
        permutation[new], phase[new] = moves[first, :INPUTS], moves[first, INPUTS]
        representative.append(table)
    return Classes(np.array(representative, np.uint16), of, permutation, phase)


def _transformations() -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """For each transformation the bit [16] that it reads for each pattern, and itself [5]."""
    patterns = np.arange(16)
    indices, moves = [], []
    for chosen in PERMUTATIONS:
        permuted = sum((patterns >> p & 1) << i for i, p in enumerate(chosen))
        for phase in range(1 << (INPUTS + 1)):
            indices.append(permuted ^ (phase & 15))
            moves.append((*chosen, phase))
    return np.array(indices, np.uint32), np.array(moves, np.uint8)


@cache
def structures() -> Structures:
    """The circuits that come with the package."""
    with (files(__name__.rpartition(".")[0]) / FILE).open("rb") as file:
        found = np.load(file, allow_pickle=False)
        return Structures(*(found[name] for name in ("start", "gates", "size", "output")))


def table_of(gates: NDArray[np.uint8], size: int, output: int) -> int:
    """The table [16 bits] that a circuit computes."""
    values = [0, *(int(WHERE_TRUE[i]) & 0xFFFF for i in range(INPUTS))]

    def value(literal: int) -> int:
        return values[literal >> 1] ^ (0xFFFF if literal & 1 else 0)

    for a, b in gates[:size].tolist():
        values.append(value(a) & value(b) if a < b else value(a) ^ value(b))
    return value(int(output))
