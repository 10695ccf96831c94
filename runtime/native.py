"""C sources that ship with a package: built once for this machine, then loaded."""

from __future__ import annotations

import hashlib
import os
import platform
from contextlib import suppress
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import cffi

from .errors import BuildError
from .opening import open_copy, open_library
from .seal import whole
from .toolchain import find_compiler


def wanted() -> bool:
    """Whether native code may be used; `GATEWRIGHT_NATIVE=0` in the environment says no."""
    return os.environ.get("GATEWRIGHT_NATIVE") != "0"


def load_native(
    package: ModuleType,
    name: str,
    api: str,
    only: tuple[str, ...] = (),
    flags: tuple[str, ...] = (),
) -> tuple[Any, Any]:
    """Build the C sources of a package for this processor and load them.

    Args:
        package: holds the sources, `*.c` and `*.h`, as package data.
        name: of the library.
        api: the header among them that declares what may be called, in cffi's subset of C.
        only: the `.c` files to build; all of them by default.
        flags: of the compiler, besides optimisation; OpenMP is used where the compiler has it.

    Returns:
        The cffi interface that knows the header's types, and the library.

    Raises:
        BuildError: no compiler, or it failed, or the cache cannot be written.
        OSError: the library cannot be loaded.
    """
    sources = {
        entry.name: entry.read_bytes()
        for entry in files(package).iterdir()
        if entry.name.endswith(".h") or (entry.name in only if only else entry.name.endswith(".c"))
    }
    ffi: Any = cffi.FFI()
    ffi.cdef(sources[api].decode())
    path = whole(lambda: _build(sources, name, flags))
    try:
        return ffi, open_library(ffi, str(path))
    except OSError:  # the cache may lie where nothing may be executed
        return ffi, open_copy(ffi, path.read_bytes(), path.suffix)[0]


def _build(sources: dict[str, bytes], name: str, flags: tuple[str, ...]) -> Path:
    """Built for this processor and with OpenMP, or without what the compiler does not know."""
    compiler = find_compiler()
    # A cache may be shared by machines of several kinds, so the processor is part of the key.
    common = (*flags, f"-DPROCESSOR={_processor()}")
    for extra in (("-march=native", "-fopenmp"), ("-march=native",), ("-fopenmp",)):
        with suppress(BuildError):
            return compiler.build(sources, name, (*common, *extra))
    return compiler.build(sources, name, common)


@lru_cache(maxsize=1)
def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        features = next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        features = platform.processor()
    return hashlib.sha256(f"{platform.machine()} {features}".encode()).hexdigest()[:8]
