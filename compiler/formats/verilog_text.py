"""Verilog text as statements and tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .reading import Source, short

# What ends a statement or is left out; an escaped identifier may contain any of it.
_SCAN = re.compile(
    r"\\\S+|;|//[^\n]*|/\*.*?(?:\*/|\Z)|\(\*(?!\s*\)).*?(?:\*\)|\Z)|`ifdef\b.*?(?:`endif|\Z)|`[^\n]*",
    re.DOTALL,
)
_DIRECTIVES = re.compile(r"`(timescale|default_nettype|celldefine|endcelldefine)\b")
# A bit of a vector is one token, and so is an escaped identifier, which ends with a space.
TOKEN = re.compile(
    r"[A-Za-z_][\w$]*\s*\[\s*\d+\s*\]|\\\S+\s\s*\[\s*\d+\s*\]|\\\S+|[A-Za-z_][\w$]*"
    r"|(?:\d+\s*)?'\s*[sS]?[bBdDhHoO]\s*[\w?]+|\d+|~\^|\^~|&&|\|\||\S"
)


def verilog_statements(source: Source) -> Iterator[tuple[int, str]]:
    """Each statement without its semicolon, with the line where it begins; then what is left.

    Comments, attributes and what `ifdef` holds are left out: no macro is defined.

    Raises:
        FileError: a directive that would change the text.
    """
    text = source.text()
    parts: list[str] = []
    start, line = 0, 1
    for found in _SCAN.finditer(text):
        piece = found.group()
        if piece[0] == "\\":
            continue
        parts.append(text[start : found.start()])
        start = found.end()
        if piece == ";":
            statement = "".join(parts)
            yield line + _blank_lines(statement), statement
            line += statement.count("\n")
            parts = []
            continue
        if piece[0] == "`" and not _harmless(piece):
            at = line + sum(part.count("\n") for part in parts)
            raise source.error(at, short(piece), "text without macros and other files")
        parts.append("\n" * piece.count("\n") or " ")
    statement = "".join([*parts, text[start:]])
    yield line + _blank_lines(statement), statement


def _blank_lines(statement: str) -> int:
    return statement.count("\n", 0, len(statement) - len(statement.lstrip()))


def _harmless(directive: str) -> bool:
    if directive.startswith("`ifdef"):
        return not re.search(r"`(else|elsif|ifdef|ifndef)\b", directive[1:])
    return _DIRECTIVES.match(directive) is not None
