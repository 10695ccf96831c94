"""LogicTreeNets of random gates compiled to C: images/s, and ns a gate of the convolutions.

    python benchmarks/convolutions.py [--models mnist-s,cifar10-s,cifar10-m] [--level 2]
    python benchmarks/convolutions.py --models cifar10-g --level 1

Each model runs in a process of its own, with an empty build cache. The convolutions are all cells
up to the last tile. Their time is what a library that stops after evaluating takes more than one
that stops after packing, both called in turn, by the thread's own processor clock, the least of all
turns. It is divided by the gates that PyTorch has there, and by those that optimising leaves, tiles
unrolled. The script ends with status 1 if the library's scores differ from the circuit's.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from time import perf_counter, thread_time
from typing import Any

MODELS = "mnist-s,cifar10-s,cifar10-m"
WORD = 512  # samples
SAMPLES = 2048


def convolutions(circuit: Any) -> Any:
    """The circuit up to its last tile; its outputs are what cells behind read."""
    import numpy as np

    from gatewright.compiler import Circuit, Netlist, Tile

    netlist = circuit.netlist
    last = max(index for index, cell in enumerate(netlist.cells) if isinstance(cell, Tile))
    cells = netlist.cells[: last + 1]
    end = Netlist(netlist.n_inputs, cells, netlist.outputs[:0]).n_nets
    behind = [cell.fanin.ravel() for cell in netlist.cells[last + 1 :]]
    read = np.unique(np.concatenate([*behind, netlist.outputs]))
    return Circuit(circuit.encoder, Netlist(netlist.n_inputs, cells, read[read < end]))


def stopping(circuit: Any, isa: str) -> list[Any]:
    """A circuit built to stop after packing and after evaluating, for one path."""
    from gatewright.backends.c.backend import C
    from gatewright.runtime.compiled import CompiledCircuit
    from gatewright.runtime.library import LibraryEngine
    from gatewright.runtime.toolchain import find_compiler

    backend = C(isas=tuple(dict.fromkeys([isa, "portable"])))
    files = backend.emit(backend.prepare(circuit), "steps").files
    flags = ("-DGATEWRIGHT_STOP=1",), ("-DGATEWRIGHT_STOP=2",)
    compiler = find_compiler()
    return [CompiledCircuit(LibraryEngine(compiler.build(files, "steps", flag))) for flag in flags]


def least(calls: list[Callable[[], Any]], seconds: float) -> list[float]:
    """Seconds of each call, called in turn for about so long."""
    taken = [float("inf")] * len(calls)
    for call in calls:
        call()
    end = perf_counter() + seconds
    while perf_counter() < end:
        for which, call in enumerate(calls):
            start = thread_time()
            call()
            taken[which] = min(taken[which], thread_time() - start)
    return taken


def measure(name: str, level: int) -> None:
    """Print the figures of one model."""
    import numpy as np

    import gatewright as gw
    from gatewright.backends.c.backend import C
    from gatewright.compiler.stats import n_gates
    from gatewright.frontend.zoo import build_model, model_spec

    name = f"logictreenet-{name}"
    model = build_model(name, seed=0, weight_init="random").eval()
    traced = gw.trace(model, model_spec(name).input_shape)
    del model
    before = n_gates(convolutions(traced).netlist)
    start = perf_counter()
    circuit = gw.optimize(traced, level)
    optimized = perf_counter()
    compiled = gw.compile(circuit, level=0, name="net")
    ready = perf_counter()
    files = C().emit(C().prepare(circuit), "net").files
    size = sum(map(len, files.values())) / 2**20
    shape = circuit.encoder.shape
    x = np.random.default_rng(0).integers(0, 256, (SAMPLES, *shape), dtype=np.uint8)
    few = x[:16]
    if not np.array_equal(compiled.scores(few), circuit.scores(few)):
        sys.exit(f"{name}: the library's scores differ from the circuit's")
    part = convolutions(circuit)
    after = n_gates(part.netlist)
    packing, evaluating = stopping(part, compiled.engine.isa)
    calls = [lambda: packing.bits(x), lambda: evaluating.bits(x), lambda: compiled.predict(x)]
    packed, evaluated, whole = least(calls, 5.0)
    word = 1e9 * (evaluated - packed) * WORD / SAMPLES
    peak = max(resource.getrusage(who).ru_maxrss for who in (0, resource.RUSAGE_CHILDREN))
    print(
        f"{name}, level {level}, {compiled.engine.isa}: {n_gates(traced.netlist):,} gates, "
        f"{n_gates(circuit.netlist):,} after {optimized - start:.1f} s of optimising; emit and "
        f"build {ready - optimized:.1f} s, {size:.1f} MiB of C, peak {peak / 2**20:.2f} GiB\n"
        f"  {SAMPLES / whole:,.0f} images/s from bytes to class, one thread\n"
        f"  convolutions {word / 1e3:,.0f} us a word of {WORD} samples: {word / before:.2f} ns a "
        f"gate of {before:,} before optimising, {word / after:.2f} of {after:,} after",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", default=MODELS, help=f"of LogicTreeNet ({MODELS})")
    parser.add_argument("--level", type=int, default=2, help="how hard to optimise, 0 to 3 (2)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(options.one, options.level)
        return
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    command = [sys.executable, __file__, "--level", str(options.level)]
    for name in options.models.split(","):
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, "GATEWRIGHT_CACHE": cache}
            subprocess.run([*command, "--one", name], env=environment, check=True)


if __name__ == "__main__":
    main()
