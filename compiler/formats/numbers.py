"""Decimal numbers and variable-length integers in bytes, a million of them at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Int64s = NDArray[np.int64]
_MOST_DIGITS = 18
_MOST_GROUPS = 5  # of 7 bits: more than uint32 needs


class BadByte(Exception):
    """What stands at `offset` is no such number."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


def decimals(data: Bytes) -> tuple[Int64s, Int64s]:
    """The decimal numbers in `data` [bytes] and where each begins, both [n].

    Raises:
        BadByte: there is something else than digits, spaces and line ends, or a number of more
            than 18 digits.
    """
    digit = (data >= ord("0")) & (data <= ord("9"))
    wrong = ~(digit | (data == ord(" ")) | (data == ord("\n")) | (data == ord("\r")))
    if wrong.any():
        raise BadByte(int(np.flatnonzero(wrong)[0]))
    edge = np.diff(digit.astype(np.int8), prepend=np.int8(0), append=np.int8(0))
    starts, stops = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    lengths = stops - starts
    longest = int(lengths.max(initial=0))
    if longest > _MOST_DIGITS:
        raise BadByte(int(starts[lengths > _MOST_DIGITS][0]))
    values = np.zeros(len(starts), np.int64)
    for place in range(longest):
        rows = np.flatnonzero(lengths > place)
        values[rows] = 10 * values[rows] + (data[starts[rows] + place] - ord("0"))
    return values, starts


def decode_groups(data: Bytes, count: int) -> tuple[Int64s, int]:
    """`count` integers of 7 bits a byte, least first, the last byte below 128; and their bytes.

    Raises:
        BadByte: `data` ends before, or an integer takes more than 5 bytes.
    """
    stops = np.flatnonzero(data < 128)[:count]
    if len(stops) < count:
        raise BadByte(len(data))
    starts = np.concatenate([stops[:0], [0], stops[:-1] + 1])[:count]
    lengths = stops - starts + 1
    longest = int(lengths.max(initial=0))
    if longest > _MOST_GROUPS:
        raise BadByte(int(starts[lengths > _MOST_GROUPS][0]))
    values = np.zeros(count, np.int64)
    for place in range(longest):
        rows = np.flatnonzero(lengths > place)
        values[rows] |= (data[starts[rows] + place] & 127).astype(np.int64) << 7 * place
    return values, int(stops[-1]) + 1 if count else 0


def encode_groups(values: NDArray[np.integer]) -> bytes:
    """Unsigned integers [n], below 2**35, as `decode_groups` reads them."""
    lengths = np.ones(len(values), np.int64)
    for place in range(1, _MOST_GROUPS):
        lengths += values >> 7 * place > 0
    starts = np.cumsum(lengths) - lengths
    found = np.zeros(int(np.sum(lengths)), np.uint8)
    for place in range(_MOST_GROUPS):
        rows = np.flatnonzero(lengths > place)
        group = (values[rows] >> 7 * place) & 127
        found[starts[rows] + place] = group | np.where(lengths[rows] > place + 1, 128, 0)
    return found.tobytes()
