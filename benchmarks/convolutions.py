"""LogicTreeNets of random gates compiled to C: images/s, and ns a gate of the convolutions.

    python benchmarks/convolutions.py [--models mnist-s,cifar10-s,cifar10-m] [--level 2]
    python benchmarks/convolutions.py --models cifar10-g --level 1

Each model runs in a process of its own, with an empty build cache. The convolutions are all cells
up to the last tile. Their time is what a library that stops after evaluating takes more than one
that stops after packing, both called in turn, by the thread's own processor clock, the least of all
turns. It is divided by the gates that PyTorch has there, and by those that optimising leaves, tiles
unrolled. Beside it stand bounds: the words that LUTs and tile bodies load and store, at the speed
of the second and the third cache here, and two LUTs a cycle; and how much code the bodies are. The
script ends with status 1 if the library's scores differ from the circuit's.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from time import perf_counter
from typing import Any

from measuring import conditions, each_alone, least, peak

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


def speed(size: int) -> float:
    """Bytes that are read and written in a nanosecond where three arrays take so many bytes."""
    import numpy as np

    a, b, c = np.ones((3, size // 24), np.uint64)
    (seconds,) = least([lambda: [np.bitwise_xor(a, b, c) for _ in range(20)]], 0.3)
    return 20 * 24 * len(a) / (1e9 * seconds)


def cycle() -> float:
    """Nanoseconds of a cycle, from a chain of shifts and exclusive ors."""
    import ctypes

    from gatewright.runtime.toolchain import find_compiler

    text = """#include <stdint.h>
    __attribute__((visibility("default"))) uint64_t chain(uint64_t x) {
      for (int i = 0; i < 10000000; ++i) x ^= x << 1;
      return x;
    }"""
    library = ctypes.CDLL(str(find_compiler().build({"chain.c": text.encode()}, "chain")))
    (seconds,) = least([lambda: library.chain(ctypes.c_uint64(1))], 0.3)
    return 1e9 * seconds / 2e7


def code_bytes(library: str, isa: str) -> int:
    """Of all functions of straight-line code of a path, by nm."""
    listed = subprocess.run(["nm", "-S", library], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    return sum(
        int(row[1], 16)
        for row in rows
        if len(row) == 4 and row[3].startswith("straight") and row[3].split(".")[0].endswith(isa)
    )


def bounds(circuit: Any, isa: str, library: str) -> str:
    """What a word of the convolutions takes at least."""
    from gatewright.backends.c.backend import C

    asked = C(isas=tuple(dict.fromkeys([isa, "portable"]))).work(circuit)[isa]
    luts = asked.straight + asked.tables + asked.strips + asked.bodies
    words = WORD // 8 * asked.words
    second, third = speed(1 << 19), speed(12 << 20)
    return (
        f"  bounds: {asked.words:,} words ({words / 2**20:.0f} MiB) loaded and stored: "
        f"{words / second / 1e3:,.0f} us at {second:.0f} bytes a ns of the second cache, "
        f"{words / third / 1e3:,.0f} us at {third:.0f} of the third; two LUTs a cycle "
        f"{luts / 2 * cycle() / 1e3:,.0f} us\n"
        f"  {luts:,} LUTs ({asked.tables:,} in rows of the program, {asked.strips:,} over places), "
        f"{asked.slots * WORD / 8 / 2**20:.1f} MiB of slots, "
        f"{code_bytes(library, isa) / 1024:,.0f} KiB of straight-line code"
    )


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
    held = peak(resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    library = str(evaluating.engine.path)
    print(
        f"{name}, level {level}, {compiled.engine.isa}: {n_gates(traced.netlist):,} gates, "
        f"{n_gates(circuit.netlist):,} after {optimized - start:.1f} s of optimising; emit and "
        f"build {ready - optimized:.1f} s, {size:.1f} MiB of C, peak {held:.2f} GiB\n"
        f"  {SAMPLES / whole:,.0f} images/s from bytes to class, one thread\n"
        f"  convolutions {word / 1e3:,.0f} us a word of {WORD} samples: {word / before:.2f} ns a "
        f"gate of {before:,} before optimising, {word / after:.2f} of {after:,} after\n"
        + bounds(part, compiled.engine.isa, library),
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
    conditions()
    each_alone(__file__, options.models.split(","), "--level", str(options.level))


if __name__ == "__main__":
    main()
