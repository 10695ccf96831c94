"""Checks of arguments that several layers share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..runtime.errors import InputError


def is_int(value: Any, least: int = 1) -> bool:
    """An integer, no flag, of at least `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def check_size(owner: str, name: str, found: Any, least: int = 1) -> None:
    """Raise InputError unless `found` is an integer from `least`."""
    if not is_int(found, least):
        raise InputError(f"{owner}: {name} {found!r}; allowed are integers from {least}")


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
    return sizes


def with_options(
    owner: str, kind: Any, options: dict[str, Any] | None, name: str, **given: Any
) -> Any:
    """`kind(**given, **options)`.

    Raises:
        InputError: an option that `kind` does not know; the message calls the options `name`.
    """
    options = dict(options or {})
    arguments = kind.__init__.__code__.co_varnames[1 : kind.__init__.__code__.co_argcount]
    known = [option for option in arguments if option not in (*given, "device")]
    unknown = sorted(set(options) - {*known, "device"})
    if unknown:
        raise InputError(
            f"{owner}: {name} has {', '.join(unknown)}; allowed are {', '.join(known)}"
        )
    return kind(**given, **options)
