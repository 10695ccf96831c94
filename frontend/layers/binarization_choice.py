"""Binarisations by name."""

from __future__ import annotations

from typing import Any

from ..options import check_choice, with_options
from .binarization import Binarization, DummyBinarization, FixedBinarization
from .soft_binarization import LearnableBinarization, SoftBinarization

BINARIZATIONS: dict[str, type[Binarization]] = {
    "dummy": DummyBinarization,
    "fixed": FixedBinarization,
    "soft": SoftBinarization,
    "learnable": LearnableBinarization,
}


def setup_binarization(
    thresholds: Any, binarization: str = "fixed", **binarization_kwargs: Any
) -> Binarization:
    """A binarisation by its name.

    Args:
        thresholds: as in `Binarization`; `Binarization.get_initial_thresholds` finds them in data.
        binarization: "fixed", "soft", "learnable", or "dummy", which leaves values as they are.
        binarization_kwargs: options of that class. Those of the others have no effect, so that one
            set can serve all; `one_per`, which torchlogix's trainer passes, has none on any.

    Raises:
        InputError: another name, an option that no class has, or one out of range.
    """
    check_choice("setup_binarization", "binarization", binarization, BINARIZATIONS)
    return with_options(
        "setup_binarization",
        BINARIZATIONS[binarization],
        binarization_kwargs,
        "binarization_kwargs",
        BINARIZATIONS.values(),
        ("one_per",),
        thresholds=thresholds,
    )
