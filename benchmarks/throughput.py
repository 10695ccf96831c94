"""Samples a second of compiled random networks, from raw bytes to classes, beside PyTorch.

    python benchmarks/throughput.py [--samples 51200] [--threads 2]

The gates are random, two inputs each, and not optimised, so the figures are for the gates named.
All forms see the same bytes in the same process run, and their classes must agree.
"""

from __future__ import annotations

import argparse
import os
import sys
from statistics import median
from time import perf_counter

import numpy as np
import torch

import gatewright as gw
from gatewright.frontend import FixedBinarization, GroupSum, LogicDense
from gatewright.runtime.bench import throughput
from gatewright.runtime.library import LibraryEngine

NETWORKS = {
    "64 -> 2000x2 (the demo's size)": (64, (2000, 2000)),
    "784 -> 2000x3": (784, (2000,) * 3),
    "784 -> 8000x6": (784, (8000,) * 6),
    "784 -> 64000x6": (784, (64_000,) * 6),
}


def network(features: int, widths: tuple[int, ...]) -> torch.nn.Sequential:
    """An untrained network with random gates: one threshold a feature, ten classes."""
    torch.manual_seed(0)
    sizes = (features, *widths)
    layers = [
        LogicDense(before, after, parametrization_kwargs={"weight_init": "random"})
        for before, after in zip(sizes, widths, strict=False)
    ]
    return torch.nn.Sequential(FixedBinarization([127.5]), *layers, GroupSum(10)).eval()


def pytorch_rate(model: torch.nn.Module, x: np.ndarray) -> tuple[float, np.ndarray]:
    """Samples a second of the module itself on a smaller batch, and its classes."""
    part = torch.from_numpy(x[:512])
    rates = []
    with torch.no_grad():
        classes = model(part).argmax(1).numpy()
        for _ in range(3):
            start = perf_counter()
            model(part)
            rates.append(len(part) / (perf_counter() - start))
    return median(rates), classes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=51_200)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"load average {load:.1f} on {os.cpu_count()} cores; {options.samples} samples")
    for name, (features, widths) in NETWORKS.items():
        model = network(features, widths)
        x = np.random.default_rng(0).integers(0, 256, (options.samples, features), dtype=np.uint8)
        compiled = gw.compile(model, input_shape=(features,), level=0)
        rate, classes = pytorch_rate(model, x)
        print(f"{name}: {compiled.manifest['gates']:,} gates")
        print(f"  PyTorch, {torch.get_num_threads()} threads  {rate:,.0f} samples/s")
        engine = compiled.engine
        assert isinstance(engine, LibraryEngine)
        for isa in engine.isas():
            engine.isa = isa
            if not np.array_equal(compiled.predict(x[:512]), classes):
                sys.exit(f"{isa}: the classes differ from PyTorch's")
            one = throughput(compiled, x)
            print(f"  {isa:<9} {one}, {one.median / rate:,.0f}x PyTorch")
        engine.isa = engine.isas()[0]
        more = throughput(compiled, x, threads=options.threads)
        print(f"  {options.threads} threads {more}")


if __name__ == "__main__":
    main()
