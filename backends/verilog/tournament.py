"""Argmaxes as tournaments, in LUTs of four or six inputs: of equal numbers the first one wins.

A comparator takes two or three bits of both numbers at once: whether the right one is larger there,
and whether they are equal there. Two or three such answers make the next one, so that LUTs of six
inputs compare numbers of nine bits in two levels, and those of four in four.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...compiler import Builder, Netlist
from ...compiler.netlist import FALSE, FIRST_INPUT
from .compressors import table_of

Bits = list[NDArray[np.int64]]
Part = tuple[int, ...]  # nets: whether the right one is larger, and whether they are equal
_MUX = np.uint64(0xCA)  # inputs low, high, select


@lru_cache(maxsize=256)
def argmax_netlist(candidates: int, bits: int, lut_inputs: int = 6) -> Netlist:
    """Numbers [candidates, bits], least significant bit first, to the bits of the index."""
    builder = Builder(candidates * bits)
    nets = range(FIRST_INPUT, FIRST_INPUT + candidates * bits)
    values = [list(nets[start : start + bits]) for start in range(0, len(nets), bits)]
    indices: list[list[int]] = [[] for _ in values]
    while len(values) > 1:
        wins = [
            _greater(builder, values[i], values[i + 1], lut_inputs)
            for i in range(0, len(values) - 1, 2)
        ]
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


def _greater(builder: Builder, low: list[int], high: list[int], lut_inputs: int) -> int:
    """The net of `high > low`."""
    pairs = list(zip(low, high, strict=True))
    chunk, joined = lut_inputs // 2, (lut_inputs + 1) // 2
    chunks = [pairs[i : i + chunk] for i in range(0, len(pairs), chunk)]
    parts: list[Part] = [(_lut(builder, chunks[0], _larger),)]
    parts += [(_lut(builder, some, _larger), _lut(builder, some, _equal)) for some in chunks[1:]]
    while len(parts) > 1:
        parts = [_joined(builder, parts[i : i + joined]) for i in range(0, len(parts), joined)]
    return parts[0][0]


def _joined(builder: Builder, parts: list[Part]) -> Part:
    """Neighbouring parts as one, the lowest first, which may not say whether it is equal."""
    if len(parts) == 1:
        return parts[0]
    lowest, *rest = parts
    larger = _lut(builder, [lowest[:1], *rest], _combined)
    if len(lowest) == 1:
        return (larger,)
    return larger, _lut(builder, [part[1:] for part in parts], _all)


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


def _all(bits: Bits) -> NDArray[np.bool_]:
    return np.all(bits, axis=0)
