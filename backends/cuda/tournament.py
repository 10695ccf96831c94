"""An argmax of many candidates as a tournament, so that many threads have work."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .slots import Slots

_FIELD = 16  # candidates that one thread compares
Words = NDArray[np.uint32]


def tournament(slots: Slots, candidates: Words, made: Words) -> list[tuple[list[Words], int]]:
    """The numbers and groups of steps: the largest of each few candidates, with its index, then of
    these.

    Args:
        candidates: slots [n, bits]. made: slots of the index.
    """
    found: list[tuple[list[Words], int]] = []
    bits, known, spare = candidates.shape[1], 0, np.zeros(0, np.uint32)
    while True:
        last = len(candidates) <= _FIELD
        size = len(candidates) if last else _FIELD
        groups = -(-len(candidates) // size)
        new = len(made) - known if last else (_FIELD - 1).bit_length()
        rows = np.arange(groups * size)
        rows = np.where(rows < len(candidates), rows, rows // size * size)  # equal is not larger
        kept = 0 if last else bits
        wide = kept + known + new
        out = made if last else slots.spare(groups * wide)
        head = np.array([size, bits, known, new, kept], np.uint32)
        found.append(([head, candidates[rows].ravel(), out], groups))
        slots.give_back(spare)
        if last:
            return found
        spare, candidates, known = out, out.reshape(groups, wide), known + new
