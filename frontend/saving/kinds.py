"""How one kind of layer is written to model files, and tests of what is read from them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray
from torch import nn

from ..options import is_int

Options = dict[str, Any]
Arrays = dict[str, NDArray[Any]]
Shapes = dict[str, tuple[tuple[int, ...], str]]
LIMIT = 2**31 - 1


@dataclass(frozen=True)
class Kind:
    """How one layer type is written.

    module: the exact type. checks: option name to a test of a value read from a file.
    options, arrays: of a module. shapes: array shapes and dtypes that the options imply.
    build: the module from options and checked arrays.
    defaults: options that files from before they were there lack.
    """

    module: type[nn.Module]
    checks: dict[str, Callable[[Any], bool]]
    options: Callable[[Any], Options]
    build: Callable[[Options, Arrays], nn.Module]
    arrays: Callable[[Any], Arrays] = lambda module: {}
    shapes: Callable[[Options], Shapes] = lambda options: {}
    defaults: Options = field(default_factory=dict)


def is_size(value: Any) -> bool:
    """An integer from 1 to `LIMIT`; what a net number can count."""
    return is_int(value) and value <= LIMIT


def is_shape(value: Any) -> bool:
    """A list of sizes, at most 16, whose product a net number can count."""
    return (
        isinstance(value, list | tuple)
        and 1 <= len(value) <= 16
        and all(map(is_size, value))
        and math.prod(value) <= LIMIT
    )


def is_dim(value: Any) -> bool:
    """The number of a dimension, also counted from the last."""
    return is_int(value, -16) and value < 16


def is_padding(value: Any) -> bool:
    """An integer from 0 to `LIMIT`."""
    return is_int(value, 0) and value <= LIMIT


def are(count: int, least: int) -> Callable[[Any], bool]:
    """A test for lists of that many integers from `least` to `LIMIT`."""
    return lambda value: (
        isinstance(value, list)
        and len(value) == count
        and all(is_int(number, least) and number <= LIMIT for number in value)
    )


def is_finite(value: Any) -> bool:
    """A float that is neither infinite nor NaN."""
    return isinstance(value, float) and math.isfinite(value)


def is_factor(value: Any) -> bool:
    """A finite float above 0."""
    return is_finite(value) and value > 0


def is_text(value: Any) -> bool:
    """A string; which ones are allowed is for the layer to say."""
    return isinstance(value, str)
