"""Finds the smallest AND/XOR circuits of all four-input functions.

`python -m gatewright.compiler.structure_search` writes `structures.npz` anew, in a minute or two.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .native import library
from .structures import (
    FILE,
    INPUTS,
    MAX_GATES,
    PERMUTATIONS,
    Structures,
    classes,
    substituted,
    table_of,
)


@dataclass(frozen=True, eq=False)
class Found:
    """What an enumeration found: least sizes [222], and circuits for functions of each class."""

    size: NDArray[np.uint8]
    count: NDArray[np.int32]
    circuits: NDArray[np.uint8]
    table: NDArray[np.uint16]


def enumerate_structures(max_gates: int = MAX_GATES, keep: int = 300) -> Found | None:
    """Smallest circuits of up to `max_gates` gates by exhaustive search; None without a compiler.

    Seven gates reach every class and take about a minute, five a fraction of a second.
    """
    native = library("structures")
    if native is None:
        return None
    of = classes().of
    n = len(classes().representative)
    found = Found(
        np.zeros(n, np.uint8),
        np.zeros(n, np.int32),
        np.zeros((n, keep, MAX_GATES, 2), np.uint8),
        np.zeros((n, keep), np.uint16),
    )
    native.call(
        "enumerate_structures",
        *(of, n, max_gates, keep, found.size, found.count, found.circuits, found.table),
    )
    return found


def chosen(found: Found, each: int = 20) -> Structures:
    """Up to `each` circuits a class, for its representative, that differ most in what they compute.

    Circuits are drawn from those found and what the transformations that keep the representative
    make of them, one after another, each the one with the most functions not seen before.
    """
    known = classes()
    rows: list[tuple[NDArray[np.uint8], int, int]] = []
    start = [0]
    for index in range(len(known.representative)):
        candidates = _candidates(found, index)
        seen: set[int] = set()
        for _ in range(min(each, len(candidates))):
            key = max(candidates, key=lambda inner: (len(inner - seen), sorted(inner)))
            seen |= key
            rows.append(candidates.pop(key))
        start.append(len(rows))
    return Structures(
        np.array(start, np.int32),
        np.array([row[0] for row in rows], np.uint8),
        np.array([row[1] for row in rows], np.uint8),
        np.array([row[2] for row in rows], np.uint8),
    )


def _candidates(
    found: Found, index: int
) -> dict[frozenset[int], tuple[NDArray[np.uint8], int, int]]:
    """Circuits for a representative, by the set of functions that their gates compute."""
    known = classes()
    target = int(known.representative[index])
    if not found.size[index]:
        gates = np.zeros((MAX_GATES, 2), np.uint8)
        simple = next(c for c in range(2 * (INPUTS + 1)) if table_of(gates, 0, c) == target)
        return {frozenset(): (gates, 0, simple)}
    size = int(found.size[index])
    keeping = [m for m in _moves() if substituted(target, m[0], m[1]) == target]
    result = {}
    for row in range(int(found.count[index])):
        table = int(found.table[index, row])
        base = _inverse(known.permutation[table], int(known.phase[table]))
        for move in keeping[:: max(1, len(keeping) // 8)]:
            gates = _moved(_moved(found.circuits[index, row], size, *base), size, *move)
            for output in (2 * (INPUTS + size), 2 * (INPUTS + size) + 1):
                if table_of(gates, size, output) == target:
                    result.setdefault(_functions(gates, size), (gates, size, output))
        if len(result) > 400:
            break
    return result


def _moves() -> list[tuple[tuple[int, ...], int]]:
    """All permutations with all inversions."""
    return [(p, phase) for p in PERMUTATIONS for phase in range(1 << (INPUTS + 1))]


def _inverse(permutation: NDArray[np.uint8], phase: int) -> tuple[tuple[int, ...], int]:
    """The move that takes a function back to its representative."""
    back, inverted = [0] * INPUTS, 0
    for i, p in enumerate(permutation.tolist()):
        back[p] = i
        inverted |= (phase >> i & 1) << p
    return tuple(back), inverted


def _moved(
    gates: NDArray[np.uint8], size: int, permutation: tuple[int, ...], phase: int
) -> NDArray[np.uint8]:
    """A circuit that reads `permutation[i]` for input `i`, inverted by bit `i` of `phase`."""
    literal = list(range(2 * (INPUTS + MAX_GATES + 1)))
    for i, p in enumerate(permutation):
        for inverted in range(2):
            literal[2 * (i + 1) + inverted] = 2 * (p + 1) + (inverted ^ (phase >> i & 1))
    result = np.zeros_like(gates)
    for g, (a, b) in enumerate(gates[:size].tolist()):
        a_new, b_new = literal[a], literal[b]
        node = INPUTS + 1 + g
        if a > b:
            odd = (a_new ^ b_new) & 1
            result[g] = sorted((a_new & ~1, b_new & ~1), reverse=True)
            literal[2 * node : 2 * node + 2] = 2 * node + odd, 2 * node + (1 - odd)
        else:
            result[g] = sorted((a_new, b_new))
    return result


def _functions(gates: NDArray[np.uint8], size: int) -> frozenset[int]:
    """What the gates compute, up to inversion."""
    tables = (table_of(gates, size, 2 * (INPUTS + 1 + g)) for g in range(size))
    return frozenset(min(t, t ^ 0xFFFF) for t in tables)


def _write() -> None:
    found = enumerate_structures()
    assert found is not None, "enumerating needs a C compiler"
    made = chosen(found)
    path = Path(__file__).with_name(FILE)
    fields = {name: getattr(made, name) for name in ("start", "gates", "size", "output")}
    np.savez_compressed(path, **fields)  # type: ignore[arg-type]
    print(f"{path}: {len(made.size)} circuits of {len(made.start) - 1} classes")


if __name__ == "__main__":
    _write()
