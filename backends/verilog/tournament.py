"""Argmaxes as tournaments, in LUTs of up to six inputs: of equal numbers the first one wins.

A comparator takes three bits of both numbers at once: whether the right one is larger there, and
whether they are equal there. Two such answers and one from below make one more LUT, so that numbers
of nine bits are compared in two levels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...compiler import Builder, Netlist
from ...compiler.netlist import FALSE, FIRST_INPUT
from .compressors import table_of

Bits = list[NDArray[np.int64]]
_CHUNK = 3
_MUX = np.uint64(0xCA)  # inputs low, high, select


@lru_cache(maxsize=256)
def argmax_netlist(candidates: int, bits: int) -> Netlist:
    """Numbers [candidates, bits], least significant bit first, to the bits of the index."""
    builder = Builder(candidates * bits)
    nets = range(FIRST_INPUT, FIRST_INPUT + candidates * bits)
    values = [list(nets[start : start + bits]) for start in range(0, len(nets), bits)]
    indices: list[list[int]] = [[] for _ in values]
    while len(values) > 1:
        wins = [_greater(builder, values[i], values[i + 1]) for i in range(0, len(values) - 1, 2)]
        last = len(values) == 2
        for i, right in enumerate(wins):
            low, high = 2 * i, 2 * i + 1
            indices[i] = [*_chosen(builder, indices[low], indices[high], right), right]
            values[i] = [] if last else _chosen(builder, values[low], values[high], right)
        if len(values) % 2:
            indices[len(wins)] = [*indices[-1], FALSE]
            values[len(wins)] = values[-1]
        rest = (len(values) + 1) // 2
        del values[rest:], indices[rest:]
    return builder.build(indices[0] or [FALSE])


def _chosen(builder: Builder, low: list[int], high: list[int], right: int) -> list[int]:
    """`high` if `right` is true, else `low`, bit by bit."""
    rows = [[a, b, right] for a, b in zip(low, high, strict=True)]
    return builder.luts(rows, _MUX).tolist() if rows else []


def _greater(builder: Builder, low: list[int], high: list[int]) -> int:
    """The net of `high > low`."""
    pairs = list(zip(low, high, strict=True))
    result = _lut(builder, pairs[:_CHUNK], _larger)
    parts = [
        (_lut(builder, chunk, _larger), _lut(builder, chunk, _equal))
        for chunk in (pairs[i : i + _CHUNK] for i in range(_CHUNK, len(pairs), _CHUNK))
    ]
    for i in range(0, len(parts), 2):
        result = _lut(builder, [(result,), *parts[i : i + 2]], _combined)
    return result


def _lut(builder: Builder, fanin: list[tuple[int, ...]], answer: object) -> int:
    row = [net for nets in fanin for net in nets]
    return int(builder.luts([row], np.uint64(table_of(len(row), answer)))[0])  # type: ignore[arg-type]


def _larger(bits: Bits) -> NDArray[np.bool_]:
    return _number(bits[1::2]) > _number(bits[::2])


def _equal(bits: Bits) -> NDArray[np.bool_]:
    return _number(bits[1::2]) == _number(bits[::2])


def _number(bits: Bits) -> NDArray[np.int64]:
    return np.asarray(sum(bit << i for i, bit in enumerate(bits)))


def _combined(bits: Bits) -> NDArray[np.bool_]:
    """Larger in a part, or equal there and larger below."""
    result = bits[0]
    for larger, equal in zip(bits[1::2], bits[2::2], strict=True):
        result = larger | (equal & result)
    return result.astype(np.bool_)
