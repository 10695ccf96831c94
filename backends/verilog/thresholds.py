"""An encoder of integer features as gates, found without the text's own: the judge of proofs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...compiler import Builder, Netlist
from ...compiler.circuit import Encoder
from ...compiler.netlist import FALSE, FIRST_INPUT, TRUE

_AND, _OR = 0x8, 0xE
_ONE_LUT = 3  # bits that one LUT compares


def above(builder: Builder, word: Sequence[int], limit: int) -> int:
    """The net of `word > limit`, nets from the least significant bit on.

    Ones at the limit's end do not matter. Bit by bit upwards, it is above in this bit and below
    where the limit has a 1, and above in either where it has none.
    """
    while word and limit & 1:
        word, limit = word[1:], limit >> 1
    if not word:
        return FALSE
    if len(word) <= _ONE_LUT:
        table = sum(1 << value for value in range(limit + 1, 1 << len(word)))
        return int(builder.luts([list(word)], table)[0])
    found = word[0]
    for i, net in enumerate(word[1:], 1):
        found = int(builder.luts([[found, net]], _AND if limit >> i & 1 else _OR)[0])
    return found


def encoder_netlist(encoder: Encoder, width: int) -> Netlist:
    """Features of `width` bits, the least significant first, to the encoder's bits.

    How many integers are not above a threshold is found by comparing them all, in float32, as the
    encoder does.
    """
    numbers = np.arange(1 << width, dtype=np.float32)  # exact up to 2**24
    builder = Builder(encoder.n_features * width)
    known: dict[tuple[int, int], int] = {}
    not_above = np.searchsorted(numbers, encoder.threshold, side="right").tolist()
    for feature, count in zip(encoder.feature.tolist(), not_above, strict=True):
        if (feature, count) not in known:
            word = range(FIRST_INPUT + feature * width, FIRST_INPUT + (feature + 1) * width)
            constant = {0: TRUE, 1 << width: FALSE}.get(count)
            net = above(builder, word, count - 1) if constant is None else constant
            known[feature, count] = net
    return builder.build(
        [known[key] for key in zip(encoder.feature.tolist(), not_above, strict=True)]
    )
