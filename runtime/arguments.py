"""Kinds of options, as every part of the package tells them apart.

A flag is no number, although Python counts True as 1, and a string is no flag. numpy's numbers are
taken wherever Python's are.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np

from .errors import GatewrightError


def is_integer(value: Any, least: float = -math.inf, most: float = math.inf) -> bool:
    """An integer of Python or numpy, no flag, in these bounds."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        return False
    return least <= int(value) <= most


def is_number(value: Any) -> bool:
    """A number of Python or numpy, no flag and not NaN."""
    return isinstance(value, Real) and not isinstance(value, bool) and not math.isnan(value)


def plain(value: Any) -> Any:
    """A number or flag of numpy as Python's own; anything else itself."""
    return value.item() if isinstance(value, np.generic) else value


def check_flag(where: str, value: Any, error: type[GatewrightError]) -> bool:
    """A flag as Python's own; an error of this kind if it is none, such as "no", which is true."""
    if not isinstance(value, bool | np.bool_):
        raise error(f"{where} {value!r}; allowed are True and False")
    return bool(value)
