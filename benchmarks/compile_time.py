"""From a PyTorch module of random dense gates to its first prediction: seconds and peak memory.

    python benchmarks/compile_time.py [--sizes 8000x6,100000x10] [--level 2]

Each size runs in a process of its own, with an empty build cache. The optimiser's own native code,
which a machine builds once, is built before and shown apart.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from time import perf_counter

SIZES = "8000x6,100000x10"
FEATURES = 784


def measure(width: int, depth: int, level: int) -> None:
    """Print the seconds of each step of one compile."""
    import numpy as np
    import torch

    import gatewright as gw
    from gatewright.compiler import Builder
    from gatewright.compiler.stats import n_gates
    from gatewright.frontend import FixedBinarization, GroupSum, LogicDense

    torch.manual_seed(0)
    random = {"weight_init": "random"}
    layers = [
        LogicDense(FEATURES if i == 0 else width, width, parametrization_kwargs=random)
        for i in range(depth)
    ]
    model = torch.nn.Sequential(FixedBinarization([127.5]), *layers, GroupSum(10)).eval()
    x = np.random.default_rng(0).integers(0, 256, (1000, FEATURES), dtype=np.uint8)

    start = perf_counter()
    few = Builder(3)
    gates = few.luts([[2, 3], [3, 4], [4, 2]], [6, 8, 14])
    gw.compile(few.build(few.popcount(gates[None])), "numpy", level=level)
    built = perf_counter() - start

    start = perf_counter()
    circuit = gw.trace(model, (FEATURES,))
    traced = perf_counter()
    small = gw.optimize(circuit, level)
    optimized = perf_counter()
    compiled = gw.compile(small, level=0)
    first = compiled.predict(x)
    done = perf_counter()

    peak = max(resource.getrusage(who).ru_maxrss for who in (0, resource.RUSAGE_CHILDREN))
    with torch.no_grad():
        agree = np.array_equal(model(torch.from_numpy(x)).argmax(1).numpy(), first)
    print(
        f"{width}x{depth}: {n_gates(circuit.netlist):,} gates, {n_gates(small.netlist):,} after "
        f"optimising: trace {traced - start:.2f} s, optimise {optimized - traced:.2f} s, emit, "
        f"build and predict {done - optimized:.2f} s; total {done - start:.2f} s; "
        f"own code {built:.2f} s before; peak {peak / 2**20:.2f} GiB; equals PyTorch: {agree}"
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
        width, depth = map(int, options.one.split("x"))
        measure(width, depth, options.level)
        return
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    command = [sys.executable, __file__, "--level", str(options.level)]
    for size in options.sizes.split(","):
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, "GATEWRIGHT_CACHE": cache}
            subprocess.run([*command, "--one", size], env=environment, check=True)


if __name__ == "__main__":
    main()
