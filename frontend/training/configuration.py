"""Configurations of training in TOML: the tables [data], [model] and [train]."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...runtime.archive import read_file
from ...runtime.errors import FileError, InputError
from ..extras import need

TABLES = ("data", "model", "train")


def read_configuration(path: Path) -> dict[str, dict[str, Any]]:
    """The tables of a file, each a dictionary; those that it lacks are left out.

    Raises:
        FileError: the file is missing, not TOML, or has other tables.
        ExtraMissing: Python is older than 3.11 and tomli is not installed.
    """
    toml = need("tomllib" if sys.version_info >= (3, 11) else "tomli", "configurations")
    data = read_file(path)
    try:
        found = toml.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path}: not TOML: {error}") from None
    for name, table in found.items():
        if name not in TABLES or not isinstance(table, dict):
            raise FileError(
                f"{path}: {name!r} at the top; allowed are the tables [data], [model] "
                "and [train], with keys below them"
            )
    return found


def configuration_text(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Tables of numbers, strings, flags and lists of those as TOML; what is None is left out."""
    parts = []
    for name, table in tables.items():
        rows = [f"{key} = {_value(value)}" for key, value in table.items() if value is not None]
        parts.append("\n".join([f"[{name}]", *rows]) + "\n")
    return "\n".join(parts)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float):
        return repr(value)
    # Of strings, JSON's escapes are TOML's, except that JSON leaves DEL as it is.
    return json.dumps(value if isinstance(value, bool | int) else str(value)).replace(
        "\x7f", "\\u007f"
    )


def check_table(
    name: str, found: Mapping[str, Any], defaults: Mapping[str, Any], other: str = ""
) -> None:
    """Check keys against those that have defaults, and values against the defaults' types.

    Args:
        name: of the table. found: its keys and values. other: what else would be allowed.

    Raises:
        InputError: a key is unknown, or a value is of another type.
    """
    unknown = sorted(set(found) - set(defaults))
    if unknown:
        allowed = ", ".join(sorted(defaults)) + (f", or {other}" if other else "")
        raise InputError(f"[{name}] has {', '.join(unknown)}; allowed are {allowed}")
    for key, value in found.items():
        kind = type(defaults[key])
        if kind in (int, float, str, bool) and not _fits(value, kind):
            raise InputError(
                f"[{name}] {key} = {_value(value)}; allowed is a {_KINDS[kind]}, such as "
                f"{_value(defaults[key])}"
            )


_KINDS = {int: "whole number", float: "number", str: "string", bool: "flag"}


def _fits(value: Any, kind: type) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)
