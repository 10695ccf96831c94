"""Verilated modules as shared libraries, through Verilator, make and a C++ compiler."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from .cache import cached
from .seal import sealed
from .simulators import VERILATOR_FLAGS
from .toolchain import SUFFIX
from .tools import copied, require_programs, run_tool

_PROGRAMS = ("verilator", "make", "g++")
_SHARED = ("-CFLAGS", "-fPIC -fvisibility=hidden", "-LDFLAGS", "-shared")
_SPEED = f"-s -j{os.cpu_count() or 1} OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O0"


def build_model(files: dict[str, bytes], name: str, timeout: float = 600) -> Path:
    """Verilate `name.v` and link it with `name.cpp`; return the library's path in the cache.

    Args:
        files: their contents by name.
        name: of the top module.
        timeout: seconds for all of it.

    Raises:
        ToolMissing: verilator, make or g++ is not installed.
        BuildError: one of them failed or took too long, or the cache cannot be written.
    """
    require_programs(_PROGRAMS, "target 'verilator'", "verilator make g++")
    flags = (*VERILATOR_FLAGS, *_SHARED, "-MAKEFLAGS", _SPEED)

    def make(_: Path, target: Path) -> None:
        command = ["verilator", "--cc", "--exe", "--build", "--top-module", name, *flags]
        command += ["-o", "model.so", f"{name}.v", f"{name}.cpp"]
        with copied(files) as folder:  # make cannot work in a folder with spaces in its name
            run_tool(command, folder, timeout)
            built = (folder / "obj_dir" / "model.so").read_bytes()
        target.write_bytes(sealed(built))

    return cached((_version(), *flags), files, f"{name}{SUFFIX}", make)


@lru_cache(maxsize=1)
def _version() -> str:
    return run_tool(["verilator", "--version"], Path.cwd(), 60)
