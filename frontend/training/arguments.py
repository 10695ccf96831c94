"""Checks of the numbers that `fit` is given."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from ...runtime.errors import InputError


def check_whole(name: str, found: Any, least: int = 1) -> None:
    """Raise InputError unless `found` is an integer from `least`."""
    if not isinstance(found, Integral) or isinstance(found, bool) or found < least:
        raise InputError(f"fit: {name} {found!r}; allowed are integers from {least}")


def check_number(name: str, found: Any, zero: bool = False) -> None:
    """Raise InputError unless `found` is a positive number, or 0 where that is allowed."""
    number = isinstance(found, Real) and not isinstance(found, bool) and math.isfinite(found)
    if not number or found < 0 or (found == 0 and not zero):
        allowed = "0 or a positive number" if zero else "a positive number"
        raise InputError(f"fit: {name} {found!r}; allowed is {allowed}")
