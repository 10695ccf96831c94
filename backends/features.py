"""Which unsigned integers the features of an encoder are, where a target takes no other numbers."""

from __future__ import annotations

import numpy as np

from ..compiler.circuit import Encoder
from ..runtime.errors import EmitError


def integer_bits(encoder: Encoder, target: str, instead: str) -> int:
    """Bits of a feature: 1, 8 or 16, the least that holds every threshold.

    target: who asks. instead: how to go on where features are no such integers; errors end in it.

    Raises:
        EmitError: the thresholds do not say which integers to expect.
    """
    finite = np.isfinite(encoder.threshold)
    feature, threshold = encoder.feature[finite], encoder.threshold[finite]
    low, high = (threshold.min(), threshold.max()) if len(threshold) else (0.0, 0.0)
    if low < 0:
        raise EmitError(
            f"{target}: a threshold of {low}, so features may be negative; allowed are unsigned "
            f"integers; name their width if that is what they are (feature_bits), {instead}"
        )
    pairs = np.unique(np.stack([feature, threshold]), axis=1)  # float64 holds both
    cells, counts = np.unique(np.floor(pairs), axis=1, return_counts=True)
    if counts.max(initial=1) > 1:
        which, least = cells[:, counts.argmax()].astype(int)
        raise EmitError(
            f"{target}: feature {which} has several thresholds between {least} and {least + 1}, so "
            "it is a fraction; allowed are unsigned integers; scale features and thresholds to "
            f"integers, name their width if that is what they are (feature_bits), {instead}"
        )
    return _holding(high, target, instead) if high >= 1 else 1


def _holding(high: float, target: str, instead: str) -> int:
    for width in (8, 16):
        if high < 1 << width:
            return width
    raise EmitError(
        f"{target}: a threshold of {high}; features of 16 bits end at 65535; "
        f"name their width (feature_bits up to 24), {instead}"
    )


def fraction_notes(encoder: Encoder) -> list[str]:
    """What thresholds mean that look as if features were fractions, being no integer nor midway."""
    finite = encoder.threshold[np.isfinite(encoder.threshold)]
    odd = finite[(2 * finite) % 1 != 0]
    if not len(odd):
        return []
    example = float(odd[0])
    return [
        f"  Features are integers: x > {example:g} is x >= {int(np.floor(example)) + 1}.",
        "  Fractions are to be scaled before training, or thresholded by the caller.",
    ]
