"""CUDA kernels to device code and libraries: nvcc where it is installed, else NVRTC."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .cache import cached_bytes
from .cuda_driver import device_architectures
from .errors import BuildError, ToolMissing
from .folders import temporary_in
from .nvrtc import Nvrtc, find_nvrtc
from .processes import run_process
from .toolchain import SUFFIX, find_compiler

# What every device from compute capability 7.5 to 9.0 runs: 8.6 to 8.9 run code for 8.0.
ARCHITECTURES = ("sm_75", "sm_80", "sm_90")
_SHOWN = 2000
_FLAGS = ("-O2", "-std=gnu99", "-ldl", "-lpthread")
_CURE = (
    "install the CUDA toolkit and put nvcc on the PATH or name its folder in the environment "
    "variable CUDA_HOME; or pip install 'gatewright[cuda]'; or compile with emulate=True, which "
    'needs a C compiler only, or with target="c"'
)


@dataclass(frozen=True)
class Nvcc:
    """The compiler of the CUDA toolkit."""

    command: str
    name: str = "nvcc"

    def architectures(self) -> tuple[str, ...]:
        """What it compiles for, ascending; () from a version that does not say."""
        found = re.findall(r"^sm_\d+$", _said(self.command, "--list-gpu-code"), re.MULTILINE)
        return tuple(sorted(found, key=lambda a: int(a.removeprefix("sm_"))))

    def device_code(self, source: bytes, architectures: tuple[str, ...]) -> bytes:
        """A fat binary for these architectures, ascending, and the PTX that all were made from."""
        virtual = architectures[0].replace("sm", "compute")
        flags = [f"-gencode=arch={virtual},code=[{','.join([*architectures, virtual])}]"]
        if "--split-compile" in _said(self.command, "--help"):  # kernels of one architecture too
            flags.append("--split-compile=0")

        def make(folder: Path, target: Path) -> None:
            (folder / "kernels.cu").write_bytes(source)
            command = [self.command, "-fatbin", "--threads=0", *flags, "-o", str(target)]
            status, said = run_process([*command, "kernels.cu"], folder, env=temporary_in(folder))
            if status:
                raise BuildError(f"nvcc failed with status {status}:\n{said[:_SHOWN]}")

        key = (self.command, _said(self.command, "--version"), flags[0])
        return cached_bytes(key, {"kernels.cu": source}, "kernels.fatbin", make)


def build_cuda(files: dict[str, bytes], name: str, architectures: tuple[str, ...]) -> Path:
    """Build an emitted CUDA library; returns its path in the cache.

    Args:
        architectures: ascending, as from `wanted_architectures`.

    Raises:
        ToolMissing: no CUDA compiler or no C compiler.
        BuildError: one of them failed, or the cache cannot be written.
    """
    image = find_cuda_compiler().device_code(files[f"{name}.cu"], architectures)
    sources = {file: data for file, data in files.items() if not file.endswith(".cu")}
    flags = (*_FLAGS, '-DGATEWRIGHT_KERNELS="kernels.bin"')
    return find_compiler().build({**sources, "kernels.bin": image}, name, flags)


def build_emulated(files: dict[str, bytes], name: str) -> Path:
    """Build an emitted CUDA library whose kernels are loops on the CPU; its path in the cache.

    Raises:
        ToolMissing, BuildError: no C compiler, or it failed, or the cache cannot be written.
    """
    return find_compiler().build(files, name, ("-O2", "-DGATEWRIGHT_ON_CPU"))


def wanted_architectures(named: tuple[str, ...] | None) -> tuple[str, ...]:
    """What to compile for, ascending: those named, or those of the devices here, or all common.

    Raises:
        ToolMissing: no CUDA compiler.
        BuildError: the compiler does not know one that was named.
    """
    compiler = find_cuda_compiler()
    known = compiler.architectures()
    here = named or device_architectures()
    missing = [a for a in here if known and a not in known]
    if missing and named:
        raise BuildError(
            f"architectures {', '.join(missing)}: {compiler.name} does not know them; it compiles "
            f"for {', '.join(known)}; name one of these, or install another version"
        )
    if here and not missing:
        return here
    return tuple(a for a in ARCHITECTURES if not known or a in known) or known[-1:]


def find_cuda_compiler() -> Nvcc | Nvrtc:
    """nvcc, or NVRTC where there is none.

    Raises:
        ToolMissing: neither is installed.
        BuildError: not on Linux.
    """
    if SUFFIX != ".so":
        raise BuildError(
            "CUDA libraries are built on Linux; compile with emulate=True, which needs a C "
            'compiler only, or with target="c"'
        )
    if nvcc := find_nvcc():
        return Nvcc(nvcc)
    if nvrtc := find_nvrtc():
        return nvrtc
    raise ToolMissing(f"no CUDA compiler: found neither nvcc nor NVRTC (libnvrtc.so); {_CURE}")


def find_nvcc() -> str | None:
    """nvcc on the PATH, or in `$CUDA_HOME/bin`, `$CUDA_PATH/bin` or `/usr/local/cuda/bin`."""
    homes = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda"]
    places = [os.environ.get("PATH", ""), *(str(Path(home, "bin")) for home in homes if home)]
    return shutil.which("nvcc", path=os.pathsep.join(places))


@lru_cache(maxsize=8)
def _said(command: str, option: str) -> str:
    """What a program prints; "" if it does not take the option."""
    try:
        found = subprocess.run([command, option], capture_output=True, text=True, check=False)
    except OSError as error:
        raise ToolMissing(f"cannot start {command}: {error.strerror}; {_CURE}") from None
    return found.stdout if found.returncode == 0 else ""
