"""What emitted C for microcontrollers takes in memory."""

from __future__ import annotations

import re
from pathlib import Path

from ..runtime.elf import Section, sections
from ..runtime.toolchain import named_compiler

_FLAGS = (
    *("-Os", "-std=c99", "-ffreestanding", "-ffunction-sections", "-fdata-sections", "-fno-pic"),
    "-fno-asynchronous-unwind-tables",
)


def embedded_sizes(files: list[Path], name: str, command: str) -> str:
    """A table of bytes for one sample at a time, and for 32 at once.

    Args:
        files: `name.c` and `name.h`, emitted with the profile "embedded".
        name: of the network.
        command: the compiler, such as "arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb".

    Raises:
        ToolMissing, BuildError: the compiler does not start, or it failed.
        FileError: what it makes are not ELF objects.
    """
    compiler = named_compiler(command)
    sources = {file.name: file.read_bytes() for file in files}
    found = sections(compiler.compile_object(sources, name, _FLAGS), f"what {command} made")
    (slots,) = map(int, re.findall(rb"_WORKSPACE_BYTES (\d+)", sources[f"{name}.h"]))
    return "\n".join(
        [
            f"{compiler.version}, {_FLAGS[0]}",
            f"{'bytes':<22} {'code':>8} {'constants':>10} {'flash':>8} {'workspace':>10}",
            _row("one sample at a time", [s for s in found if not _only_32(s)], slots),
            _row("32 at once", [s for s in found if _only_32(s) or s.kind != "code"], 4 * slots),
        ]
    )


def _only_32(section: Section) -> bool:
    """Whether a section holds a function that a program for one sample does not call."""
    return re.search(r"_32(\.|$)", section.name) is not None


def _row(what: str, found: list[Section], workspace: int) -> str:
    code = sum(section.size for section in found if section.kind == "code")
    constants = sum(section.size for section in found if section.kind == "constants")
    return f"{what:<22} {code:>8,} {constants:>10,} {code + constants:>8,} {workspace:>10,}"
