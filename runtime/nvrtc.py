"""NVRTC, the run-time compiler of CUDA: from the toolkit or a package, without a device."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cffi

from .cache import cached_bytes
from .cuda_driver import driver_version, open_first
from .errors import BuildError

_NAMES = ("libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so")
_SHOWN = 2000
_UNKNOWN_OPTION = 5  # nvrtcResult

_ffi: Any = cffi.FFI()
_ffi.cdef(
    """
    typedef struct program *nvrtcProgram;
    int nvrtcVersion(int *, int *);
    int nvrtcGetNumSupportedArchs(int *);
    int nvrtcGetSupportedArchs(int *);
    int nvrtcCreateProgram(nvrtcProgram *, const char *, const char *, int, const char **,
                           const char **);
    int nvrtcCompileProgram(nvrtcProgram, int, const char **);
    int nvrtcGetProgramLogSize(nvrtcProgram, size_t *);
    int nvrtcGetProgramLog(nvrtcProgram, char *);
    int nvrtcGetCUBINSize(nvrtcProgram, size_t *);
    int nvrtcGetCUBIN(nvrtcProgram, char *);
    int nvrtcGetPTXSize(nvrtcProgram, size_t *);
    int nvrtcGetPTX(nvrtcProgram, char *);
    int nvrtcDestroyProgram(nvrtcProgram *);
    """
)


@dataclass(frozen=True)
class Nvrtc:
    """The library, opened. builtins: the one that it opens in turn, by name, held open."""

    library: Any
    builtins: Any = None
    name: str = "NVRTC"

    def architectures(self) -> tuple[str, ...]:
        """What it compiles for, ascending."""
        count = _ffi.new("int *")
        self.library.nvrtcGetNumSupportedArchs(count)
        found = _ffi.new("int[]", count[0])
        self.library.nvrtcGetSupportedArchs(found)
        return tuple(f"sm_{number}" for number in sorted(found))

    def device_code(self, source: bytes, architectures: tuple[str, ...]) -> bytes:
        """Machine code for one architecture; for several, PTX, which the driver then compiles."""
        oldest = architectures[0]
        binary = len(architectures) == 1
        target = oldest if binary else oldest.replace("sm", "compute")
        option = f"--gpu-architecture={target}"

        def make(_: Path, target: Path) -> None:
            target.write_bytes(_compiled(self.library, source, option, binary))

        key = ("nvrtc", self.version, option)
        return cached_bytes(key, {"kernels.cu": source}, "kernels.bin", make)

    @property
    def version(self) -> str:
        """Such as "13.0"."""
        major, minor = _ffi.new("int *"), _ffi.new("int *")
        self.library.nvrtcVersion(major, minor)
        return f"{major[0]}.{minor[0]}"


@lru_cache(maxsize=1)
def find_nvrtc() -> Nvrtc | None:
    """NVRTC where the system looks for libraries, else from NVIDIA's Python package.

    One that is too new for the driver here comes last, for its code would not load.
    """
    newer = None
    for name in (*_NAMES, *_packaged("libnvrtc.so.*")):
        library = open_first((name,), _ffi)
        if library is None or not hasattr(library, "nvrtcGetCUBIN"):  # older than 11.2
            continue
        beside = _packaged("libnvrtc-builtins.so.*", Path(name).parent)
        found = Nvrtc(library, open_first(beside, _ffi))
        if int(found.version.split(".")[0]) <= (driver_version() or 99):
            return found
        newer = newer or found
    return newer


def _packaged(pattern: str, folder: Path | None = None) -> tuple[str, ...]:
    """Libraries of the packages nvidia-cuda-nvrtc and nvidia-cuda-nvrtc-cu12, newest first."""
    package = find_spec("nvidia")
    places = package.submodule_search_locations if package else None
    found = [path for place in places or () for path in Path(place).glob(f"*/lib/{pattern}")]
    chosen = [path for path in found if folder in (None, path.parent)]
    return tuple(str(path) for path in sorted(chosen, key=_version, reverse=True))


def _version(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.name)]


def _compiled(nvrtc: Any, source: bytes, option: str, binary: bool) -> bytes:
    program, size = _ffi.new("nvrtcProgram *"), _ffi.new("size_t *")
    text, name = _ffi.new("char[]", source), _ffi.new("char[]", b"kernels.cu")
    options = [_ffi.new("char[]", each) for each in (option.encode(), b"--split-compile=0")]
    if nvrtc.nvrtcCreateProgram(program, text, name, 0, _ffi.NULL, _ffi.NULL):
        raise BuildError("NVRTC: cannot create a program")
    get_size, get = (
        (nvrtc.nvrtcGetCUBINSize, nvrtc.nvrtcGetCUBIN)
        if binary
        else (nvrtc.nvrtcGetPTXSize, nvrtc.nvrtcGetPTX)
    )
    try:
        failed = nvrtc.nvrtcCompileProgram(program[0], 2, _ffi.new("char *[]", options))
        if failed == _UNKNOWN_OPTION:  # of an older version, which takes one processor only
            failed = nvrtc.nvrtcCompileProgram(program[0], 1, _ffi.new("char *[]", options))
        if failed:
            nvrtc.nvrtcGetProgramLogSize(program[0], size)
            log = _ffi.new("char[]", size[0])
            nvrtc.nvrtcGetProgramLog(program[0], log)
            message = _ffi.string(log).decode(errors="replace")
            raise BuildError(f"NVRTC failed with {option} ({failed}):\n{message[:_SHOWN]}")
        if get_size(program[0], size):
            raise BuildError(f"NVRTC: no device code with {option}")
        code = _ffi.new("char[]", size[0])
        get(program[0], code)
        return bytes(_ffi.buffer(code))
    finally:
        nvrtc.nvrtcDestroyProgram(program)
