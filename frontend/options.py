"""Checks of arguments that several layers share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..runtime.arguments import is_integer, is_number
from ..runtime.errors import InputError


def is_int(value: Any, least: int = 1) -> bool:
    """An integer, no flag, of at least `least`."""
    return is_integer(value, least)


def check_size(owner: str, name: str, found: Any, least: int = 1) -> int:
    """`found` as Python's integer; InputError unless it is one from `least`."""
    if not is_int(found, least):
        raise InputError(f"{owner}: {name} {found!r}; allowed are integers from {least}")
    return int(found)


def check_factor(owner: str, name: str, found: Any) -> float:
    """`found` as Python's float; InputError unless it is positive and finite."""
    if not is_number(found) or not 0 < found < math.inf:
        raise InputError(f"{owner}: {name} {found!r}; allowed are positive numbers, such as 1.0")
    return float(found)


def check_choice(
    owner: str, name: str, found: Any, allowed: Iterable[Any], where: str = ""
) -> None:
    """Raise InputError if an option of `owner` is none of those allowed."""
    choices = tuple(allowed)
    if isinstance(found, bool) or found not in choices:
        names = [repr(value) for value in choices]
        listed = " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
        raise InputError(f"{owner}: {name}={found!r}; allowed is {listed}{where}")


def each(owner: str, name: str, found: Any, dims: int, least: int = 1) -> tuple[int, ...]:
    """One integer for every dimension: `found` if it is a tuple or list, else `found` repeated.

    Raises:
        InputError: another number of integers, or one below `least`.
    """
    sizes = tuple(found) if isinstance(found, tuple | list) else (found,) * dims
    if len(sizes) != dims or not all(is_int(size, least) for size in sizes):
        raise InputError(
            f"{owner}: {name} {found!r}; allowed is an integer from {least}, or {dims} of them"
        )
    return tuple(map(int, sizes))


def with_options(
    owner: str,
    kind: Any,
    options: dict[str, Any] | None,
    name: str,
    others: Iterable[Any] = (),
    ignored: Iterable[str] = (),
    **given: Any,
) -> Any:
    """`kind(**given, **options)`, without options that only `others` know, or that are `ignored`.

    One set of options can so serve layers of several kinds.

    Raises:
        InputError: an option that nobody knows; the message calls the options `name`.
    """
    known = [option for option in _arguments(kind) if option not in (*given, "device")]
    elsewhere = {*ignored, *(option for other in others for option in _arguments(other))} - {*given}
    unknown = sorted(set(options or {}) - {*known, *elsewhere, "device"})
    if unknown:
        raise InputError(
            f"{owner}: {name} has {', '.join(unknown)}; allowed are {', '.join(known)}"
        )
    kept = {*known, "device"}
    return kind(**given, **{key: value for key, value in (options or {}).items() if key in kept})


def _arguments(kind: Any) -> tuple[str, ...]:
    code = kind.__init__.__code__
    return code.co_varnames[1 : code.co_argcount]
