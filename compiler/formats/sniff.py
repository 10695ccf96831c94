"""Which netlist format a file holds, by its content."""

from __future__ import annotations

import re
from codecs import BOM_UTF8

_START = 1 << 16  # bytes that are looked at
_REMARKS = re.compile(rb"#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z)|\(\*.*?(?:\*\)|\Z)|`[^\n]*", re.DOTALL)
_FORMATS = (
    (".aig", re.compile(rb"a[ai]g [0-9]")),
    (".blif", re.compile(rb"\s*\.(model|inputs|outputs|names|subckt|search|latch)\b")),
    (
        ".bench",
        re.compile(rb"\s*(INPUT|OUTPUT)\s*\(|\s*[^\s(),=]+\s*=\s*\w+[ \t]*(0x|\(|\n)", re.I),
    ),
    (".v", re.compile(rb"\s*(module|macromodule)\s")),
)


def sniff(data: bytes) -> str | None:
    """The suffix of the netlist format that `data` looks like, or None."""
    start = data[:_START].removeprefix(BOM_UTF8)
    if _FORMATS[0][1].match(start):
        return ".aig"
    if b"\0" in start:
        return None
    text = _REMARKS.sub(b"", start)
    return next((suffix for suffix, form in _FORMATS[1:] if form.match(text)), None)
