"""CUDA kernels to device code: nvcc where it is installed, else the run-time compiler NVRTC."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import cffi

from .cache import cached
from .cuda_driver import device_architectures, open_first
from .errors import BuildError, ToolMissing

# What every device of compute capability 7.5 and more runs; the last also as PTX, for newer ones.
ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90")
_SHOWN = 2000
_CURE = (
    "install the CUDA toolkit and put nvcc on the PATH or name its folder in the environment "
    'variable CUDA_HOME; or pip install nvidia-cuda-nvrtc; or use target="c"'
)
_NVRTC = ("libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so")


def device_code(source: bytes, architectures: tuple[str, ...] | None = None) -> Path:
    """The device code of a `.cu` source, in the cache.

    Args:
        source: needs no other file.
        architectures: such as ("sm_80", "sm_90"); by default those of the devices here, and
            `ARCHITECTURES` where there are none.

    Raises:
        ToolMissing: neither nvcc nor NVRTC is installed.
        BuildError: the compiler failed; its message is in the error.
    """
    wanted = architectures or device_architectures() or ARCHITECTURES
    nvcc = find_nvcc()
    if nvcc is None:
        return _by_nvrtc(source, wanted)
    flags = [f"-gencode=arch={a.replace('sm', 'compute')},code={a}" for a in wanted]
    newest = wanted[-1].replace("sm", "compute")
    flags.append(f"-gencode=arch={newest},code={newest}")

    def make(folder: Path, target: Path) -> None:
        (folder / "kernels.cu").write_bytes(source)
        command = [nvcc, "-fatbin", "--threads=0", *flags, "-o", str(target), "kernels.cu"]
        found = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", check=False
        )
        if found.returncode:
            raise BuildError(
                f"nvcc failed with status {found.returncode}:\n"
                f"{(found.stderr or found.stdout)[:_SHOWN]}"
            )

    return cached((nvcc, _version(nvcc), *flags), {"kernels.cu": source}, "kernels.fatbin", make)


def find_nvcc() -> str | None:
    """nvcc on the PATH, or in `$CUDA_HOME/bin`, `$CUDA_PATH/bin` or `/usr/local/cuda/bin`."""
    homes = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda"]
    places = [os.environ.get("PATH", ""), *(str(Path(home, "bin")) for home in homes if home)]
    return shutil.which("nvcc", path=os.pathsep.join(places))


@lru_cache(maxsize=4)
def _version(nvcc: str) -> str:
    found = subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=False)
    return found.stdout


def _by_nvrtc(source: bytes, architectures: tuple[str, ...]) -> Path:
    """For one architecture, the first: NVRTC makes no fat binaries."""
    nvrtc = open_first(_NVRTC, _ffi)
    if nvrtc is None:
        raise ToolMissing(f"no CUDA compiler: found neither nvcc nor {_NVRTC[-1]}; {_CURE}")
    option = f"--gpu-architecture={architectures[0]}"

    def make(folder: Path, target: Path) -> None:
        target.write_bytes(_compiled_by_nvrtc(nvrtc, source, option))

    return cached(("nvrtc", option), {"kernels.cu": source}, "kernels.cubin", make)


_ffi: Any = cffi.FFI()
_ffi.cdef(
    """
    typedef struct program *nvrtcProgram;
    int nvrtcCreateProgram(nvrtcProgram *, const char *, const char *, int, const char **,
                           const char **);
    int nvrtcCompileProgram(nvrtcProgram, int, const char **);
    int nvrtcGetProgramLogSize(nvrtcProgram, size_t *);
    int nvrtcGetProgramLog(nvrtcProgram, char *);
    int nvrtcGetCUBINSize(nvrtcProgram, size_t *);
    int nvrtcGetCUBIN(nvrtcProgram, char *);
    int nvrtcDestroyProgram(nvrtcProgram *);
    """
)


def _compiled_by_nvrtc(nvrtc: Any, source: bytes, option: str) -> bytes:
    program, size = _ffi.new("nvrtcProgram *"), _ffi.new("size_t *")
    text, name = _ffi.new("char[]", source), _ffi.new("char[]", b"kernels.cu")
    options = [_ffi.new("char[]", option.encode())]
    if nvrtc.nvrtcCreateProgram(program, text, name, 0, _ffi.NULL, _ffi.NULL):
        raise BuildError("NVRTC: cannot create a program")
    try:
        failed = nvrtc.nvrtcCompileProgram(program[0], 1, _ffi.new("char *[]", options))
        if failed:
            nvrtc.nvrtcGetProgramLogSize(program[0], size)
            log = _ffi.new("char[]", size[0])
            nvrtc.nvrtcGetProgramLog(program[0], log)
            message = _ffi.string(log).decode(errors="replace")
            raise BuildError(f"NVRTC failed with {option} ({failed}):\n{message[:_SHOWN]}")
        if nvrtc.nvrtcGetCUBINSize(program[0], size):
            raise BuildError("NVRTC: no device code; a version from 11.2 on is needed")
        code = _ffi.new("char[]", size[0])
        nvrtc.nvrtcGetCUBIN(program[0], code)
        return bytes(_ffi.buffer(code))
    finally:
        nvrtc.nvrtcDestroyProgram(program)
