"""From a PyTorch module of random dense gates to its first prediction: seconds and peak memory.

    python benchmarks/compile_time.py [--sizes 8000x6,100000x10] [--level 2]
    python benchmarks/compile_time.py --sizes 2000x5,6000x5,20000x5,60000x5,200000x5,1000000x10

Seconds are those of the clock, then in brackets those of all processors together, compilers
included: on a busy machine trust the latter. Each size runs in a process of its own, with an empty
build cache. The optimiser's own native code, which a machine builds once, is built before and
shown apart.
"""

from __future__ import annotations

import argparse
import resource
import sys
from time import perf_counter
from typing import Any

from measuring import Steps, conditions, each_alone, peak
from random_networks import FEATURES, module, size_of

SIZES = "8000x6,100000x10"


def first_answers(circuit: Any, x: Any, steps: Steps) -> Any:
    """`gatewright.compile` and `predict`, step by step."""
    from gatewright.backends.c.backend import C
    from gatewright.runtime.compiled import CompiledCircuit
    from gatewright.runtime.cross import this_machine
    from gatewright.runtime.library import LibraryEngine
    from gatewright.runtime.toolchain import find_compiler

    backend = C(triple=this_machine())
    prepared = backend.prepare(circuit)
    steps.done("prepare")
    artifact, shared = backend.sources(prepared, "circuit")
    steps.done("emit")
    library = find_compiler().build(artifact.files, "circuit", shared=shared)
    steps.done("compile")
    compiled = CompiledCircuit(LibraryEngine(library))
    steps.done("load")
    found = compiled.predict(x)
    steps.done("first answers")
    return found


def measure(width: int, depth: int, level: int) -> None:
    """Print the seconds of each step of one compile."""
    import numpy as np
    import torch

    import gatewright as gw
    from gatewright.compiler import Builder
    from gatewright.compiler.stats import n_gates

    model = module(width, depth)
    x = np.random.default_rng(0).integers(0, 256, (1000, FEATURES), dtype=np.uint8)

    start = perf_counter()
    few = Builder(3)
    gates = few.luts([[2, 3], [3, 4], [4, 2]], [6, 8, 14])
    gw.compile(few.build(few.popcount(gates[None])), "numpy", level=level)
    built = perf_counter() - start

    steps = Steps()
    circuit = gw.trace(model, (FEATURES,))
    steps.done("trace")
    small = gw.optimize(circuit, level)
    steps.done("optimise")
    first = first_answers(small, x, steps)

    held = peak(resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    with torch.no_grad():
        agree = np.array_equal(model(torch.from_numpy(x)).argmax(1).numpy(), first)
    print(
        f"{width}x{depth}: {n_gates(circuit.netlist):,} gates, {n_gates(small.netlist):,} after "
        f"optimising: {', '.join(steps.lines)}; {steps.total()}; "
        f"own code {built:.2f} s before; peak {held:.2f} GiB; equals PyTorch: {agree}",
        flush=True,
    )
    if not agree:
        sys.exit(1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default=SIZES, help="gates of a layer x layers, with commas")
    parser.add_argument("--level", type=int, default=2, help="how hard to optimise, 0 to 3 (2)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(*size_of(options.one), options.level)
        return
    conditions()
    each_alone(__file__, options.sizes.split(","), "--level", str(options.level))


if __name__ == "__main__":
    main()
