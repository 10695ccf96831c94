"""Checks of the numbers that `fit` is given."""

from __future__ import annotations

import math
from typing import Any

from ...runtime.arguments import is_integer, is_number
from ...runtime.errors import InputError


def check_whole(name: str, found: Any, least: int = 1) -> None:
    """Raise InputError unless `found` is an integer from `least`."""
    if not is_integer(found, least):
        raise InputError(f"fit: {name} {found!r}; allowed are integers from {least}")


def check_number(name: str, found: Any, zero: bool = False) -> None:
    """Raise InputError unless `found` is a positive number, or 0 where that is allowed."""
    if not is_number(found) or math.isinf(found) or found < 0 or (found == 0 and not zero):
        allowed = "0 or a positive number" if zero else "a positive number"
        raise InputError(f"fit: {name} {found!r}; allowed is {allowed}")
