"""The encoder in Verilog: unsigned integer features to bits."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...compiler.circuit import Encoder
from ..features import fraction_notes, integer_bits
from .text import ONE, ZERO, Port, concat, module_text, unused

_INSTEAD = "or choose feature_bits=0, which takes the encoder's bits instead of features"


def feature_width(encoder: Encoder, asked: int | None) -> int:
    """Bits of one feature: what was asked, or 1, 8 or 16, the least that holds every threshold.

    Raises:
        EmitError: nothing was asked and the thresholds do not say which integers to expect.
    """
    if asked is not None:
        return asked
    return integer_bits(encoder, "verilog", _INSTEAD)


def encoder_notes(encoder: Encoder, width: int) -> list[str]:
    """What the input port means."""
    shape = list(encoder.shape)
    if not width:
        return [
            f"bits_in: the {len(encoder.feature)} bits of the encoder,",
            f"  of a sample of shape {shape} flattened in row-major order:",
            *(
                f"  bits_in[{bit}] = feature {feature} > {threshold!r}"
                for bit, (feature, threshold) in enumerate(
                    zip(encoder.feature.tolist(), encoder.threshold.tolist(), strict=True)
                )
            ),
        ]
    return [
        f"x: {encoder.n_features} unsigned features of {width} bit{'s' if width > 1 else ''}; "
        f"feature f is x[{f'{width}*f +: {width}' if width > 1 else 'f'}].",
        f"  A sample has shape {shape} and is flattened in row-major order.",
        *fraction_notes(encoder),
    ]


def integer_thresholds(encoder: Encoder, width: int) -> NDArray[np.int64]:
    """[n]: bit `i` is `x > result[i]`; -1 is always true, `2**width - 1` always false."""
    return np.clip(np.floor(encoder.threshold), -1, (1 << width) - 1).astype(np.int64)


def encoder_module(name: str, encoder: Encoder, width: int, style: str) -> str:
    """The module `name_encoder`; equal comparators are shared."""
    operators = style == "behavioural"
    above = _operator if operators else _gates
    limits = integer_thresholds(encoder, width).tolist()
    features = encoder.feature.tolist()
    top = (1 << width) - 1
    wires: dict[str, str] = {}
    read: set[int] = set()
    bits = []
    for feature, limit in zip(features, limits, strict=True):
        if limit in (-1, top):
            bits.append(ONE if limit == -1 else ZERO)
            continue
        read |= _read(feature * width, width, 0 if operators else limit)
        if width == 1:
            bits.append(f"x[{feature}]")
            continue
        wire = f"x{feature}_gt_{limit}"
        wires[wire] = f"  wire {wire} = {above(feature * width, width, limit)};"
        bits.append(wire)
    lines = [*wires.values(), f"  assign bits = {concat(bits)};"]
    lines += unused(_unread(read, encoder.n_features * width))
    return module_text(
        f"{name}_encoder",
        "Features to bits: a bit is true where its feature is above its threshold.",
        [Port("x", "input", encoder.n_features * width), Port("bits", "output", len(bits))],
        lines,
    )


def _operator(first: int, width: int, limit: int) -> str:
    """`x > limit`, for the feature whose bits begin at `first`."""
    return f"x[{first} +: {width}] > {width}'d{limit}"


def _gates(first: int, width: int, limit: int) -> str:
    """The same in gates: above in this bit, or equal and above below."""
    text = ""
    for bit in range(width):
        below = f"({text})" if " " in text else text
        if not limit >> bit & 1:
            text = f"x[{first + bit}] | {below}" if text else f"x[{first + bit}]"
        elif text:
            text = f"x[{first + bit}] & {below}"
    return text


def _read(first: int, width: int, limit: int) -> set[int]:
    """The bits that decide: those below the lowest zero of the limit do not."""
    lowest = (limit ^ (limit + 1)).bit_length() - 1
    return set(range(first + lowest, first + width))


def _unread(read: set[int], width: int) -> list[str]:
    """The ranges of port x, of so many bits, that no comparator reads."""
    edges = [-1, *sorted(read), width]
    gaps = [(low + 1, high) for low, high in pairwise(edges) if high > low + 1]
    return [f"x[{high - 1}:{low}]" for low, high in gaps]
