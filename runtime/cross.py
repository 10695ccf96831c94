"""Compilers for other machines: Zig's, from the package `ziglang`."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from .errors import BuildError, ExtraMissing, ToolMissing
from .folders import tool_folder
from .toolchain import Toolchain

# Built for by our tests, most of them run in an emulator as well.
TRIED = (
    "x86_64-linux-gnu",
    "x86-linux-gnu",
    "aarch64-linux-gnu",
    "arm-linux-gnueabihf",
    "riscv64-linux-gnu",
    "s390x-linux-gnu",
    "powerpc64-linux-gnu",
    "x86_64-macos",
    "aarch64-macos",
    "x86_64-windows-gnu",
    "aarch64-windows-gnu",
    "wasm32-freestanding",
)
_SUFFIXES = {"windows": ".dll", "macos": ".dylib", "ios": ".dylib"}
_PROCESSORS = {"amd64": "x86_64", "arm64": "aarch64", "i386": "x86", "i686": "x86"}
_SYSTEMS = {"darwin": "macos", "win32": "windows"}
# No C library is needed, so what is built works with all of them.
_ALONE = ("-nostdlib", "-rtlib=compiler-rt", "-ffreestanding", "-s", "-Wl,--no-entry")
_WASM = ("-msimd128", "-Wl,--export-dynamic")


def this_machine() -> str:
    """The triple of the machine that we run on, such as "x86_64-linux-gnu"."""
    processor = platform.machine().lower()
    system = _SYSTEMS.get(sys.platform, sys.platform)
    libc = ""
    if system == "linux":
        libc = "-gnu" if platform.libc_ver()[0] == "glibc" else "-musl"
    elif system == "windows":
        libc = "-gnu"
    return f"{_PROCESSORS.get(processor, processor)}-{system}{libc}"


def runs_here(triple: str) -> bool:
    """Whether what is built for `triple` can be loaded here, with any C library."""
    return triple.split("-")[:2] == this_machine().split("-")[:2]


def library_suffix(triple: str) -> str:
    """Of shared libraries there, such as ".so"."""
    processor, system, *_ = [*triple.split("-"), ""]
    if processor.startswith("wasm"):
        return ".wasm"
    return _SUFFIXES.get(system.split(".")[0], ".so")


def cross_compiler(triple: str) -> Toolchain:
    """The compiler that builds for `triple`: processor, system and, where it matters, C library.

    Raises:
        ExtraMissing: the package `ziglang` is not installed.
        BuildError: Zig does not know the triple; the message repeats what it says.
    """
    try:
        zig = version("ziglang")
    except PackageNotFoundError:
        raise ExtraMissing(
            f"triple {triple!r}: compiling for another machine needs ziglang, which is not "
            "installed; install the extra: pip install 'gatewright[cross]'"
        ) from None
    command = (sys.executable, "-m", "ziglang", "cc", "-target", triple)
    # The global cache keeps Zig's own run-time library, a few megabytes a triple.
    shared = os.environ.get("ZIG_GLOBAL_CACHE_DIR") or str(tool_folder("zig"))
    _check(triple, command, shared)
    suffix = library_suffix(triple)
    return Toolchain(
        command,
        f"zig {zig}",
        (*_ALONE, *(_WASM if suffix == ".wasm" else ("-fPIC", "-shared"))),
        suffix,
        {"ZIG_GLOBAL_CACHE_DIR": shared, "ZIG_LOCAL_CACHE_DIR": "zig"},
    )


@lru_cache(maxsize=16)
def _check(triple: str, command: tuple[str, ...], cache: str) -> None:
    """Raise BuildError if Zig does not know the triple."""
    try:
        found = subprocess.run(
            [*command, "-E", "-x", "c", os.devnull],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env={**os.environ, "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache},
        )
    except OSError as error:
        raise ToolMissing(f"cannot start {command[0]}: {error.strerror}") from None
    if found.returncode:
        lines = [line for line in found.stderr.splitlines() if line.startswith("error: ")]
        said = lines[-1].removeprefix("error: ")[:200] if lines else f"status {found.returncode}"
        raise BuildError(
            f"triple {triple!r}: zig says: {said}; allowed are processor-system-library as in "
            f"{', '.join(TRIED)}, and what else `python -m ziglang targets` lists"
        )
