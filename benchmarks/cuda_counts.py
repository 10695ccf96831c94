"""What CUDA kernels execute, without a device: their PTX, on the machine that tests have for it.

    python benchmarks/cuda_counts.py NET.npz ...    # circuits that `gatewright.write` wrote
    python benchmarks/cuda_counts.py --forms resident,straight --input planes NET.npz

For each form, from samples to classes, all per 32 samples: instructions of warps (of PTX, of which
machine code has fewer), how many of a warp's 32 threads were busy, turns of shared memory with bank
conflicts, and the bytes of device memory, in sectors of 32, that instructions touched, whether or
not a cache has them. Behind them, at an H100's clocks (132 multiprocessors, 1.755 GHz, 3.35 TB/s),
the nanoseconds an image that issuing four instructions a clock, shared memory, 64 bytes a clock and
multiprocessor from the second-level cache, and reading the samples would take alone. The script
ends with status 1 if a class differs from the circuit's. It needs nvcc and a C compiler.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

import gatewright as gw
from gatewright.runtime.arrays import binarize, pack

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from cuda_ptx import ptx_library, without_device
from ptx.counters import Counters
from ptx.device import PtxDevice

PROCESSORS, CLOCK, MEMORY, CACHE_BYTES, ISSUED = 132, 1.755e9, 3.35e12, 64, 4
FORMS = ("resident", "streamed", "straight")


def main() -> None:
    parser = argparse.ArgumentParser(description="Instructions and accesses of CUDA kernels.")
    parser.add_argument("nets", nargs="+")
    parser.add_argument("--forms", default=",".join(FORMS))
    parser.add_argument("--input", choices=("bytes", "rows", "planes"), default="bytes")
    parser.add_argument("--samples", type=int, default=2048)
    options = parser.parse_args()
    forms = options.forms.split(",")
    # One multiprocessor, so that few samples fill it; the shared memory of an H100's.
    os.environ.update(FAKE_CUDA_DEVICES=str(len(forms)), FAKE_CUDA_PROCESSORS="1")
    os.environ["FAKE_CUDA_SHARED"] = "227"
    with tempfile.TemporaryDirectory() as folder:
        driver = ctypes.CDLL(str(without_device(Path(folder))), mode=ctypes.RTLD_GLOBAL)
        device = PtxDevice(driver)
        for net in options.nets:
            measure(Path(net), Path(folder), forms, options, device)


def measure(
    net: Path, folder: Path, forms: list[str], options: argparse.Namespace, device: PtxDevice
) -> None:
    circuit = gw.read(net)
    here = folder / net.stem
    here.mkdir()
    ptx_library(circuit, here, "compute_75")
    library = gw.load(here / "net.so")
    random, n = np.random.default_rng(0), options.samples
    x = random.integers(0, 256, (n, *circuit.encoder.shape), dtype=np.uint8)
    want, packed = circuit.predict(x), {}
    if options.input != "bytes":
        bits = binarize(x.reshape(n, -1), circuit.encoder.feature, circuit.encoder.threshold)
        rows = options.input == "rows"
        x = np.packbits(bits, axis=1, bitorder="little") if rows else pack(bits)
        packed = {"packed": "rows"} if rows else {"packed": "planes", "n": n}
    print(f"{net.stem}: {n} samples of {x.nbytes // n} bytes")
    for number, form in enumerate(forms):
        os.environ["GATEWRIGHT_CUDA_FORM"] = form  # read when the device is first used
        library.engine.isa = f"cuda:{number}"
        device.watch = counters = Counters()
        device.launched.clear()
        if not np.array_equal(library.predict(x, **packed), want):
            sys.exit(f"{form}: classes differ")
        wanted = "step" if form == "streamed" else form
        if not any(name.startswith(wanted) for name in device.launched):
            print(f"  {form}: there is no such form")
            continue
        report(form, counters, n, x.nbytes // n)


def report(form: str, counters: Counters, n: int, sample_bytes: int) -> None:
    groups = n / 32
    instructions, waves = counters.total / groups, counters.wavefronts / groups
    moved = 32 * counters.sectors / groups
    busy = sum(counters.threads.values()) / 32 / counters.total
    common = ", ".join(
        f"{count / groups:,.0f} {name}" for name, count in counters.instructions.most_common(8)
    )
    clocks = 32 * PROCESSORS * CLOCK / 1e9  # a nanosecond, of images
    bounds = {
        "issue": instructions / ISSUED / clocks,
        "shared memory": waves / clocks,
        "second-level cache": moved / CACHE_BYTES / clocks,
        "samples": sample_bytes / MEMORY * 1e9,
    }
    print(f"  {form}: {instructions:,.0f} instructions, {busy:.0%} of threads busy, {common}")
    print(f"    {waves:,.0f} turns of shared memory, {moved / 1024:,.1f} KiB of sectors")
    print("    ns an image at least: " + ", ".join(f"{v:.3f} {k}" for k, v in bounds.items()))


if __name__ == "__main__":
    main()
