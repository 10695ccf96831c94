"""Checks of the numbers that `fit` is given."""

from __future__ import annotations

import math
from typing import Any

from ...runtime.arguments import is_integer, is_number
from ...runtime.errors import InputError


def check_whole(name: str, found: Any, least: int = 1, most: int | None = None) -> int:
    """`found` as Python's integer; InputError unless it is one in these bounds."""
    if not is_integer(found, least, math.inf if most is None else most):
        bound = f"from {least}" if most is None else f"from {least} to {most}"
        raise InputError(f"fit: {name} {found!r}; allowed are integers {bound}")
    return int(found)


def check_number(name: str, found: Any, zero: bool = False) -> None:
    """Raise InputError unless `found` is a positive number, or 0 where that is allowed."""
    if not is_number(found) or math.isinf(found) or found < 0 or (found == 0 and not zero):
        allowed = "0 or a positive number" if zero else "a positive number"
        raise InputError(f"fit: {name} {found!r}; allowed is {allowed}")
