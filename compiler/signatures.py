"""Nets that are constant, equal or complementary on all samples, found by 128-bit signatures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .literals import Literals, literals_of
from .netlist import Netlist
from .samples import Chunks
from .simulate import Words, simulate_nets

_SALTS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93))
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_ONE = np.uint64(1)
_BLOCK = 1 << 20  # words hashed at once


def observed_classes(netlist: Netlist, chunks: Chunks) -> Literals:
    """For each net the literal of the lowest net that it equals, or inverts, on all samples.

    Values are not kept: each net is known by two 64-bit hashes, as inverted where its first value
    is true. Two nets that differ are taken for equal with a chance of about 2**-128 a pair.

    Returns:
        uint32 [n_nets]; 0 and 1 where a net is constant on all samples.
    """
    hashes = np.zeros((netlist.n_nets, len(_SALTS)), np.uint64)
    phase = np.zeros(netlist.n_nets, np.uint64)
    position = 0
    for some in chunks(netlist.n_nets):
        values = simulate_nets(netlist, some)
        if not position:
            phase = values[:, 0] & _ONE
        values ^= (np.uint64(0) - phase)[:, None]
        _add(hashes, values, position)
        position += some.shape[1]
    pairs = hashes.view(np.dtype((np.void, hashes.itemsize * len(_SALTS)))).reshape(-1)
    _, lowest, group = np.unique(pairs, return_index=True, return_inverse=True)
    stands = lowest[group.reshape(-1)]
    return literals_of(stands) ^ (phase ^ phase[stands]).astype(np.uint32)


def _add(hashes: NDArray[np.uint64], values: Words, position: int) -> None:
    """Add the hashes of values [n_nets, words], which are words `position` on, in place."""
    words = values.shape[1]
    places = np.arange(position + 1, position + words + 1, dtype=np.uint64)
    step = max(1, _BLOCK // words)
    for start in range(0, len(values), step):
        rows = slice(start, start + step)
        for column, salt in enumerate(_SALTS):
            mixed = (values[rows] + places * salt) * _MIX
            mixed ^= mixed >> np.uint64(29)
            mixed *= salt
            mixed ^= mixed >> np.uint64(32)
            hashes[rows, column] += mixed.sum(axis=1, dtype=np.uint64)
