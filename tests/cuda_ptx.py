"""CUDA libraries whose device code is PTX: built here, executed in a process of their own.

python cuda_ptx.py DRIVER FOLDER FORM executes what `ptx_library` and `without_device` made.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import gatewright as gw
from gatewright.backends.cuda.backend import Cuda
from gatewright.compiler import Circuit
from gatewright.runtime.arrays import binarize, pack
from gatewright.runtime.compiled import CompiledCircuit
from gatewright.runtime.cuda_compiler import find_nvcc
from gatewright.runtime.nvrtc import find_nvrtc
from gatewright.runtime.seal import sealed
from gatewright.runtime.toolchain import find_compiler

HERE = Path(__file__).parent
METHODS = ("bits", "counts", "scores", "predict")
SIZES = {"bool": 1, "uint8": 1100, "float32": 70, "float64": 33}


def _shared() -> list[str]:
    command = find_compiler().command
    return [*command, "-O1", "-std=gnu99", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]


def without_device(folder: Path) -> Path:
    """A driver that executes PTX."""
    target = folder / "libptx.so"
    name = "-Wl,-soname,libcuda.so.1"
    subprocess.run([*_shared(), name, "-o", target, HERE / "fake_cuda.c"], check=True)
    return target


def ptx_library(circuit: Circuit, folder: Path, compiler: str, backend: Cuda = Cuda()) -> None:  # noqa: B008
    """circuit.npz and net.so in `folder`, by nvcc for "compute_75" or the like, or by "nvrtc"."""
    prepared = backend.prepare(circuit)
    backend.emit(prepared, "net").write(folder)
    gw.write(circuit, folder / "circuit.npz")
    if compiler == "nvrtc":
        nvrtc = find_nvrtc()
        assert nvrtc
        code = nvrtc.device_code((folder / "net.cu").read_bytes(), ("sm_75", "sm_80"))
        (folder / "kernels.bin").write_bytes(code)
    else:
        command = [find_nvcc(), "-ptx", f"-arch={compiler}", "-o", "kernels.bin", "net.cu"]
        subprocess.run(command, cwd=folder, check=True)
    flags = ('-DGATEWRIGHT_KERNELS="kernels.bin"', "-DGATEWRIGHT_PIECE_BYTES=1")
    subprocess.run([*_shared(), *flags, "-o", "net.so", "net.c"], cwd=folder, check=True)
    (folder / "net.so").write_bytes(sealed((folder / "net.so").read_bytes()))


def main() -> None:
    from ptx.device import PtxDevice

    driver, folder, form = sys.argv[1:]
    device = PtxDevice(ctypes.CDLL(driver, mode=ctypes.RTLD_GLOBAL))
    for path in sorted(Path(folder).glob("*/net.so")):
        circuit, library = gw.read(path.parent / "circuit.npz"), gw.load(path)
        device.launched.clear()
        for turn, words in enumerate(("32", "1") if form == "resident" else ("32",)):
            os.environ["GATEWRIGHT_CUDA_WORDS"] = words  # read when the device is first used
            library.engine.isa = f"cuda:{turn}"
            check(circuit, library, turn)
        assert driver_is_clean(device.driver)
        names = {name.rstrip("0123456789") for name in device.launched}
        print(path.parent.name, form, *sorted(names - {"pack", "answer"}))


def driver_is_clean(driver: ctypes.CDLL) -> bool:
    return driver.fake_contexts() == 0 and driver.fake_allocations() == 0


def check(circuit: Circuit, library: CompiledCircuit, turn: int) -> None:
    """Every dtype, form of packed bits, and method, though not all of their combinations."""
    from circuits import samples

    methods = METHODS if circuit.decoder else METHODS[:1]
    if circuit.netlist.n_nets > 50_000:  # minutes for all
        x = samples(circuit, 33, "uint8")
        assert np.array_equal(library.counts(x), circuit.counts(x))
        return
    for i, (dtype, n) in enumerate(SIZES.items()):
        x, method = samples(circuit, n, dtype), methods[(i + turn) % len(methods)]
        found = getattr(library, method)(x)
        assert np.array_equal(found, getattr(circuit, method)(x)), (dtype, n, method)
    x = samples(circuit, (100, 96)[turn], "uint8")
    bits, want = binarize(x, circuit.encoder.feature, circuit.encoder.threshold), circuit.bits(x)
    rows, planes = np.packbits(bits, axis=1, bitorder="little"), pack(bits)
    assert np.array_equal(library.bits(rows, packed="rows"), want)
    assert np.array_equal(library.bits(planes, packed="planes", n=len(x)), want)
    assert np.array_equal(library.bits(x[3::2]), want[3::2])


if __name__ == "__main__":
    main()
