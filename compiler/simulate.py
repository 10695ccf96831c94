"""The judge: what a netlist means, as plainly as numpy can say it.

Every pass and every backend is tested against this file, so it favours being obviously right over
being fast. Samples are packed 64 to a word, and the places of a tile are treated as more samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..runtime.arrays import pack, unpack
from ..runtime.errors import InputError
from .netlist import FIRST_INPUT, TRUE, Argmax, Luts, Netlist, Popcount, Tile
from .tables import as_tables

Words = NDArray[np.uint64]
_ONES = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_CHUNK_BYTES = 1 << 26


def simulate(netlist: Netlist, bits: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Evaluate `netlist` on a batch.

    Args:
        netlist: a verified netlist.
        bits: bool [n, n_inputs].

    Returns:
        bool [n, n_outputs].

    Raises:
        InputError: `bits` has another dtype or shape.
    """
    if bits.dtype != np.bool_ or bits.ndim != 2 or bits.shape[1] != netlist.n_inputs:
        raise InputError(
            f"simulate: {bits.dtype} {list(bits.shape)}; allowed is bool [n, {netlist.n_inputs}]"
        )
    samples = max(64, _CHUNK_BYTES * 8 // netlist.n_nets // 64 * 64)
    result = np.empty((len(bits), len(netlist.outputs)), np.bool_)
    for start in range(0, len(bits), samples):
        chunk = bits[start : start + samples]
        result[start : start + samples] = unpack(simulate_words(netlist, pack(chunk)), len(chunk))
    return result


def simulate_words(netlist: Netlist, inputs: Words) -> Words:
    """`netlist` on packed samples: uint64 [n_inputs, words] to uint64 [n_outputs, words]."""
    return simulate_nets(netlist, inputs)[netlist.outputs]


def simulate_nets(netlist: Netlist, inputs: Words) -> Words:
    """Every net on packed samples: uint64 [n_inputs, words] to uint64 [n_nets, words]."""
    values = np.zeros((netlist.n_nets, inputs.shape[1]), np.uint64)
    values[TRUE] = _ONES
    values[FIRST_INPUT : FIRST_INPUT + netlist.n_inputs] = inputs
    for first, cell in netlist.placed():
        values[first : first + cell.n_nets] = _simulate_cell(cell, values)
    return values


def _simulate_cell(cell: object, values: Words) -> Words:
    match cell:
        case Luts():
            return _luts(cell, values)
        case Popcount():
            return _popcount(cell, values)
        case Argmax():
            return _argmax(cell, values)
        case Tile():
            return _tile(cell, values)
    raise AssertionError(cell)


def _luts(cell: Luts, values: Words) -> Words:
    words = values.shape[1]
    result = np.empty((cell.n_nets, words), np.uint64)
    step = max(1, _CHUNK_BYTES // (8 << (cell.k - 1)) // max(1, words))
    for start in range(0, cell.n_nets, step):
        rows = slice(start, start + step)
        patterns = np.arange(1 << cell.k, dtype=np.uint64)
        bit = as_tables(cell.table[rows])[:, None] >> patterns & np.uint64(1)
        choice = (bit * _ONES)[:, :, None]  # [rows, patterns, 1]: each table bit as a whole word
        for column in cell.fanin[rows].T:
            select = values[column][:, None, :]
            choice = (choice[:, 0::2] & ~select) | (choice[:, 1::2] & select)
        result[rows] = choice[:, 0]
    return result


def _popcount(cell: Popcount, values: Words) -> Words:
    result = np.empty((len(cell.fanin), cell.width, values.shape[1]), np.uint64)
    for group, addends in enumerate(cell.fanin):
        count = np.zeros(64 * values.shape[1], np.uint32)
        for shift in np.unique(cell.shifts):
            true = _as_bits(values[addends[cell.shifts == shift]])
            count += true.sum(axis=0, dtype=np.uint32) << np.uint32(shift)
        result[group] = _as_words(count, cell.width)
    return result.reshape(cell.n_nets, -1)


def _argmax(cell: Argmax, values: Words) -> Words:
    weights = [1 << bit for bit in range(cell.fanin.shape[1])]
    scores = [
        sum(weight * plane.astype(object) for weight, plane in zip(weights, planes, strict=True))
        if len(weights) > 62
        else np.tensordot(np.array(weights, np.int64), planes.astype(np.int64), 1)
        for planes in (_as_bits(values[candidate]) for candidate in cell.fanin)
    ]
    return _as_words(np.argmax(np.stack(scores), axis=0).astype(np.uint32), cell.width)


def _tile(cell: Tile, values: Words) -> Words:
    words = values.shape[1]
    outputs = len(cell.body.outputs)
    result = np.empty((cell.places, outputs, words), np.uint64)
    step = max(1, _CHUNK_BYTES // 8 // cell.body.n_nets // max(1, words))
    for start in range(0, cell.places, step):
        fanin = cell.fanin[start : start + step]
        inputs = values[fanin.T].reshape(cell.body.n_inputs, len(fanin) * words)
        found = simulate_words(cell.body, inputs).reshape(outputs, len(fanin), words)
        result[start : start + step] = found.transpose(1, 0, 2)
    return result.reshape(cell.n_nets, words)


def _as_bits(words: Words) -> NDArray[np.uint8]:
    """[m, w] words to [m, 64 * w] zeros and ones."""
    planes = np.ascontiguousarray(words, dtype="<u8").view(np.uint8)
    return np.unpackbits(planes, axis=1, bitorder="little")


def _as_words(numbers: NDArray[np.uint32], width: int) -> Words:
    """[64 * w] numbers to [width, w] words, least significant bit first."""
    bits = numbers[None] >> np.arange(width, dtype=np.uint32)[:, None] & np.uint32(1)
    return (
        np.packbits(bits.astype(np.uint8), axis=1, bitorder="little").view("<u8").astype(np.uint64)
    )
