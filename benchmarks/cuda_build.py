"""From a circuit to a CUDA library: seconds and peak memory of each step, without a device.

    python benchmarks/cuda_build.py                        # for the architectures that are usual
    python benchmarks/cuda_build.py --architectures sm_90 --models cifar10-m,8000x6
    python benchmarks/cuda_build.py --nets FOLDER          # circuits that `gatewright.write` wrote

Models are those of `cuda.py`, LogicTreeNets among them, which need torch, and 100000x10. They are
optimised before, at the level named, which is not counted; then the steps of
`gatewright.compile(circuit, "cuda", level=0)` follow. Seconds are those of the clock, then in
brackets those of all processors together, compilers included: on a busy machine trust the latter.
Each network runs in a process of its own, with an empty build cache; native code of the optimiser,
which a machine builds once, is built before. Compilers' peak is at least that of this process when
it starts them. Where there is a device, the library's answers are
compared with `simulate`'s, and the script ends with status 1 if one differs.
"""

from __future__ import annotations

import argparse
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np
from cuda import MODELS, network
from measuring import Steps, conditions, each_alone, peak

import gatewright as gw
from gatewright.backends.cuda.backend import Cuda
from gatewright.compiler import Circuit
from gatewright.compiler.native import library as native
from gatewright.compiler.stats import n_gates
from gatewright.runtime.cuda_compiler import build_cuda, find_cuda_compiler, wanted_architectures
from gatewright.runtime.cuda_driver import device_architectures

LARGE = {"cifar10-g": 1, "100000x10": 1}  # their level, where none is named


class Timed(Cuda):
    """The backend, which notes when it has planned."""

    steps: Steps

    def plan(self, circuit: Circuit) -> Any:
        found = super().plan(circuit)
        self.steps.done("plan")
        return found


def measure(name: str, level: int | None, architectures: tuple[str, ...]) -> None:
    """Print the seconds of each step for one network: a model's name, or a file's."""
    circuit = gw.read(name) if name.endswith(".npz") else network(name)
    circuit = gw.optimize(circuit, LARGE.get(name, 2) if level is None else level)
    native("lutmap")
    held = peak()
    steps = Timed.steps = Steps()
    backend = Timed(architectures=architectures)
    prepared = backend.prepare(circuit)
    steps.done("prepare")
    files = backend.emit(prepared, "net").files
    steps.done("render")
    code = find_cuda_compiler().device_code(files["net.cu"], architectures)
    steps.done("device code")
    library = build_cuda(files, "net", architectures)
    steps.done("C compiler")
    print(
        f"{Path(name).stem}, {n_gates(circuit.netlist):,} gates: {', '.join(steps.lines)}; "
        f"{steps.total()}; peak {peak():.2f} GiB ({held:.2f} before), of compilers "
        f"{peak(resource.RUSAGE_CHILDREN):.2f}; KiB: kernels as text {len(files['net.cu']) >> 10}, "
        f"tables {len(files['net.bin']) >> 10}, device code {len(code) >> 10}, library "
        f"{library.stat().st_size >> 10}",
        flush=True,
    )
    if device_architectures():
        compare(circuit, library)


def compare(circuit: Circuit, library: Path) -> None:
    """End with status 1 if the library answers otherwise than the circuit."""
    x = np.random.default_rng(0).integers(0, 256, (1000, *circuit.encoder.shape), dtype=np.uint8)
    if not np.array_equal(gw.load(library).predict(x), circuit.predict(x)):
        sys.exit("answers differ from simulate's")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default=f"{MODELS},100000x10")
    parser.add_argument("--nets", help="a folder of circuits instead")
    parser.add_argument("--level", type=int, help="of optimising; 2, for the largest models 1")
    parser.add_argument("--architectures", help="such as sm_80,sm_90")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    named = tuple(options.architectures.split(",")) if options.architectures else None
    architectures = wanted_architectures(Cuda(architectures=named).architectures)
    if options.one:
        measure(options.one, options.level, architectures)
        return
    conditions(find_cuda_compiler().name, ", ".join(architectures))
    names = options.models.split(",")
    if options.nets:
        names = [str(path) for path in sorted(Path(options.nets).glob("*.npz"))]
    level = [] if options.level is None else ["--level", str(options.level)]
    each_alone(__file__, names, "--architectures", ",".join(architectures), *level)


if __name__ == "__main__":
    main()
