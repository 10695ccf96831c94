"""Rows in an order in which threads that read shared memory together read different banks.

Shared memory has 32 banks of one word. A block holds `words` words of each slot, so 32 / words
rows read together, one quarter of a warp, and they do so at once if their slots differ modulo that
number: `phase` below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .orders import ORDERS, symmetries

SHARED_BYTES = 227 << 10  # of a block on devices of compute capability 9.0
MOST_WORDS = 32
_POOL = 256  # rows from which the next one is chosen
_MANY = 50_000


def block_words(n_slots: int, other_bytes: int = 0, shared_bytes: int = SHARED_BYTES) -> int:
    """Words of each slot that a block of many samples holds; 0 if not even one fits.

    As many as fit, but from 8 on so few that two blocks fit, of which one computes while the other
    waits for its samples. `resident_words` of the emitted C says the same.
    """

    def fits(words: int, blocks: int) -> bool:
        return blocks * (4 * n_slots * words + other_bytes + 1024) <= shared_bytes + 1024

    words = MOST_WORDS
    while words > 1 and not fits(words, 2 if words > 8 else 1):
        words //= 2
    return words if fits(words, 1) else 0


def arrange(
    table: NDArray[np.integer], operand: NDArray[np.integer], own: NDArray[np.integer], phase: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], list[int]]:
    """The order of rows, that of their operands, and their outputs' slots modulo `phase`.

    Rows of one table fill whole phases; those that are left over stand behind.

    Args:
        table: [rows]. operand: slots [rows, 3]; what equals the first is not read.
        own: [rows], the slot that the output has already, or -1.
    """
    residue = np.column_stack([operand % phase, np.where(own < 0, phase, own % phase)])
    residue[:, 1:3][operand[:, 1:] == operand[:, :1]] = phase
    residue = residue.astype(np.intp)
    pool = _POOL if len(table) < _MANY else _POOL // 8
    full: list[tuple[int, int]] = []  # row, order of its operands
    left: list[tuple[int, int]] = []
    by_table = np.argsort(table, kind="stable")
    for rows in np.split(by_table, np.flatnonzero(np.diff(table[by_table])) + 1):
        if not len(rows):
            continue
        orders = symmetries(int(table[rows[0]]))
        variants = np.stack([residue[rows][:, [*order, 3]] for order in orders], axis=1)
        numbers = [ORDERS.index(order) for order in orders]
        whole = len(rows) // phase * phase
        chosen = _chosen(variants, whole, phase, pool)
        full += [(int(rows[row]), numbers[variant]) for row, variant in chosen]
        left += [(int(row), 0) for row in np.delete(rows, [row for row, _ in chosen])]
    order, turned = np.array(full + left, np.intp).reshape(-1, 2).T
    return order, np.array(ORDERS, np.intp)[turned], _wishes(residue[order, 3].tolist(), phase)


def _chosen(variants: NDArray[np.intp], count: int, phase: int, size: int) -> list[tuple[int, int]]:
    """`count` rows, phase after phase, each the one at hand that makes the phase least slower.

    Args:
        variants: residues [rows, orders, 4], `phase` for what is not read.

    Returns:
        Rows and which of their orders.
    """
    pool = np.arange(min(size, len(variants)))
    ahead, at_hand, column = len(pool), variants[pool], np.arange(4)
    chosen: list[tuple[int, int]] = []
    taken, most = np.zeros((4, phase + 1), np.int64), np.zeros(4, np.int64)
    for place in range(count):
        if place % phase == 0:
            taken[:], most = 0, np.zeros(4, np.int64)
            taken[:, phase] = -phase  # what is not read collides with nothing
        cost = (taken[column, at_hand] >= most).sum(axis=2)
        best, variant = divmod(int(cost.argmin()), cost.shape[1])
        chosen.append((int(pool[best]), variant))
        taken[column, at_hand[best, variant]] += 1
        most = taken[:, :phase].max(axis=1)
        if ahead < len(variants):
            pool[best], at_hand[best] = ahead, variants[ahead]
            ahead += 1
        else:
            pool, at_hand = np.delete(pool, best), np.delete(at_hand, best, axis=0)
    return chosen


def _wishes(own: Sequence[int], phase: int) -> list[int]:
    """For each row [rows], in order, a residue that its phase has not; its own if it has one."""
    wishes: list[int] = []
    for at in range(0, len(own), phase):
        rows = own[at : at + phase]
        free = [r for r in range(phase) if r not in rows]
        wishes += [row if row < phase else free.pop(0) for row in rows]
    return wishes


def spread(slots: NDArray[np.uint32], phase: int) -> NDArray[np.uint32]:
    """The same addends [groups, n] in an order in which neighbouring groups read different banks.

    Group g begins with slots that are g modulo `phase`, and goes on with the next residue.
    """
    n = slots.shape[1]
    turn = (slots - np.arange(len(slots))[:, None]) % phase
    by_turn = np.argsort(turn, axis=1, kind="stable")
    ordered = np.take_along_axis(turn, by_turn, axis=1)
    begins = np.array([np.searchsorted(row, np.arange(phase)) for row in ordered])
    nth = np.arange(n) - np.take_along_axis(begins.reshape(-1, phase), ordered, axis=1)
    order = np.argsort(nth * phase + ordered, axis=1, kind="stable")
    return np.take_along_axis(np.take_along_axis(slots, by_turn, axis=1), order, axis=1)


def wavefronts(slots: NDArray[np.integer], phase: int) -> float:
    """How often shared memory is read, on average, where once would do: 1 is without conflicts.

    Args:
        slots: [rows], in order; rows of one phase that read the same slot do not collide.
    """
    rows = np.resize(slots, -(-len(slots) // phase) * phase)
    rows[len(slots) :] = rows[len(slots) - 1] if len(slots) else 0
    found = [
        np.bincount(np.unique(part) % phase).max()
        for part in rows.astype(np.int64).reshape(-1, phase)
    ]
    return float(np.mean(found)) if found else 1.0
