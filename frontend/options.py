"""Checks of arguments that several layers share."""

from __future__ import annotations

from typing import Any

from ..runtime.errors import InputError


def is_int(value: Any, least: int = 1) -> bool:
    """An integer, no flag, of at least `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def check_size(owner: str, name: str, found: Any, least: int = 1) -> None:
    """Raise InputError unless `found` is an integer from `least`."""
    if not is_int(found, least):
        raise InputError(f"{owner}: {name} {found!r}; allowed are integers from {least}")


def check_choice(owner: str, name: str, found: Any, allowed: str) -> None:
    """Raise InputError unless `found` is the one thing that is there."""
    if found != allowed:
        raise InputError(
            f"{owner}: {name}={found!r}; allowed is {allowed!r}; nothing else is there yet"
        )


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
    owner: str, kind: Any, options: dict[str, Any] | None, name: str, *args: Any
) -> Any:
    """`kind(*args, **options)`.

    Raises:
        InputError: an option that `kind` does not know; the message calls the options `name`.
    """
    options = dict(options or {})
    known = kind.__init__.__code__.co_varnames[1 + len(args) : kind.__init__.__code__.co_argcount]
    unknown = sorted(set(options) - set(known) - {"device"})
    if unknown:
        allowed = ", ".join(option for option in known if option != "device")
        raise InputError(f"{owner}: {name} has {', '.join(unknown)}; allowed are {allowed}")
    return kind(*args, **options)
