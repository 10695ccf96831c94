"""Parts that several sums have in common, counted once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .sums import Numbers, Sums

_PAIRED = 16  # in how many sums an addend may be for its pairs of sums to be looked at

# An addend is named by (base, shift). Users are the sums that have it, each with a flag for whether
# it reads the inverse of what the first of them reads.
_Addend = tuple[int, int]
_Users = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Part:
    """`2**width - 1` addends of one weight, counted once for all that use them.

    literals: what the first user reads, in order. shift: their weight in the users. users: (sum,
    whether it reads the inverses), for which the bits of the count are inverted as well, since
    with so many addends the inverse of a count is the count of the inverses.
    """

    literals: tuple[int, ...]
    shift: int
    users: _Users

    @property
    def width(self) -> int:
        return len(self.literals).bit_length()


def common_parts(sums: Sums, least: int) -> list[Part]:
    """Parts of at least `least` addends that two or more sums have; no addend in two parts.

    A part of `m = 2**width - 1` addends takes `m - width` full adders and no half adder, and saves
    as many in each of its users. Parts are as large as they can be: first of the addends that have
    all their users in common, then of what is left, for the pairs of sums that share most.
    """
    held = _held(sums)
    by_users: defaultdict[tuple[int, _Users], list[_Addend]] = defaultdict(list)
    for addend, users in held.items():
        by_users[addend[1], _relative(users)].append(addend)
    parts, left = [], []
    for (_, users), addends in by_users.items():
        made, rest = _cut(addends, held, users, least)
        parts += made
        left += rest
    return parts + _paired(left, held, least)


def _held(sums: Sums) -> dict[_Addend, dict[int, int]]:
    """Addends in two sums or more: by name, the literal that each sum reads."""
    keys = sums.literal.astype(np.int64) >> 1 << 6 | sums.shift
    order = np.lexsort([sums.group, keys])
    order = order[sums.literal[order] > 1]
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    ends = np.append(starts[1:], len(order))
    held = {}
    for start, end in zip(starts[ends - starts > 1], ends[ends - starts > 1], strict=True):
        some = order[start:end]
        literals = dict(zip(sums.group[some].tolist(), sums.literal[some].tolist(), strict=True))
        held[int(sums.literal[some[0]] >> 1), int(sums.shift[some[0]])] = literals
    return held


def _relative(users: dict[int, int]) -> _Users:
    first = next(iter(users.values()))
    return tuple((group, literal ^ first) for group, literal in users.items())


def _cut(
    addends: list[_Addend], held: dict[_Addend, dict[int, int]], users: _Users, least: int
) -> tuple[list[Part], list[_Addend]]:
    """The largest parts there can be of `addends`, and the addends left."""
    parts = []
    while True:
        size = (1 << (len(addends) + 1).bit_length() - 1) - 1
        if size < least:
            return parts, addends
        literals = tuple(held[addend][users[0][0]] for addend in addends[:size])
        parts.append(Part(literals, addends[0][1], users))
        addends = addends[size:]


def _paired(left: list[_Addend], held: dict[_Addend, dict[int, int]], least: int) -> list[Part]:
    """Parts of what pairs of sums share, the pairs that share most first."""
    pairs: defaultdict[tuple[int, int, int], list[_Addend]] = defaultdict(list)
    free = {addend: set(held[addend]) for addend in left if len(held[addend]) <= _PAIRED}
    for addend in free:
        users = [(group, literal & 1) for group, literal in held[addend].items()]
        for (one, phase), (other, its) in combinations(users, 2):
            pairs[one, other, 2 * addend[1] + (phase ^ its)].append(addend)
    large = [(pair, addends) for pair, addends in pairs.items() if len(addends) >= least]
    large.sort(key=lambda found: (-len(found[1]), found[0]))
    parts: list[Part] = []
    for (one, other, kind), addends in large:
        still = [addend for addend in addends if {one, other} <= free[addend]]
        made, rest = _cut(still, held, ((one, 0), (other, kind & 1)), least)
        for addend in still[: len(still) - len(rest)]:
            free[addend] -= {one, other}
        parts += made
    return parts


def without(sums: Sums, parts: list[Part]) -> Sums:
    """The sums without the addends that `parts` count."""
    gone = [
        (group, literal ^ inverted, part.shift)
        for part in parts
        for group, inverted in part.users
        for literal in part.literals
    ]
    if not gone:
        return sums
    group, literal, shift = np.array(gone, np.int64).T
    taken = _key(group, literal, shift)
    return sums.only(~np.isin(_key(sums.group, sums.literal.astype(np.int64), sums.shift), taken))


def _key(group: Numbers, literal: Numbers, shift: Numbers) -> NDArray[np.void]:
    return np.stack([group, literal << 6 | shift], axis=1).view("i8,i8").reshape(-1)
