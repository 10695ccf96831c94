"""Milliseconds of one training step, with the native kernels and in plain PyTorch.

    python benchmarks/training_step.py [--steps 30]

Batch 128, Adam, cross-entropy; each way runs in a process of its own and must reach the same loss.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from statistics import median
from time import perf_counter

import torch

from gatewright.frontend import GroupSum, LogicDense

NETWORKS = ((2000, 3), (8000, 6))


def measure(width: int, depth: int, steps: int) -> None:
    """Print the loss after `steps` steps, and the median and fastest step in milliseconds."""
    torch.manual_seed(0)
    layers = [
        LogicDense(width if i else 784, width, parametrization_kwargs={"weight_init": "random"})
        for i in range(depth)
    ]
    model = torch.nn.Sequential(*layers, GroupSum(10, tau=10))
    x, y = torch.rand(128, 784).round(), torch.randint(0, 10, (128,))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    taken, loss = [], torch.zeros(())
    for _ in range(steps):
        start = perf_counter()
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        taken.append(1e3 * (perf_counter() - start))
    print(loss.item(), median(taken), min(taken))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--one", nargs=2, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(*options.one, options.steps)
        return
    print(f"load average {os.getloadavg()[0]:.1f}, {torch.get_num_threads()} threads")
    for width, depth in NETWORKS:
        command = [sys.executable, __file__, "--steps", str(options.steps)]
        command += ["--one", str(width), str(depth)]
        found = []
        for native in ("1", "0"):
            environment = {**os.environ, "GATEWRIGHT_NATIVE": native}
            text = subprocess.check_output(command, env=environment, text=True)
            found.append([float(word) for word in text.split()])
        (loss, ours, fast), (other, plain, plain_fast) = found
        if abs(loss - other) > 1e-3:
            sys.exit(f"784 -> {width}x{depth}: losses {loss} and {other} differ")
        print(
            f"784 -> {width}x{depth}: native {ours:.1f} ms (fastest {fast:.1f}), plain PyTorch "
            f"{plain:.1f} ms (fastest {plain_fast:.1f}), ratio {plain / ours:.1f}"
        )


if __name__ == "__main__":
    main()
