"""Accuracy on MNIST: a dense network, and torchlogix's README network beside torchlogix itself.

    python benchmarks/mnist.py dense DATA [--steps 40000]
    python benchmarks/mnist.py readme DATA [--steps 1000] [--seeds 3]

DATA is what `load_dataset` reads, such as `mnist` or a .npz. All of the training part trains, and
the test part is looked at once, at the end. `dense` is 784 -> 8000x6. `readme` trains the same
network with the same batches for the same number of steps, with torchlogix and with ours; where
torchlogix is not installed, ours alone.
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from types import ModuleType
from typing import Any

import torch
from measuring import conditions, summary
from peer_training import answers_right, images, layers_of, readme_network, train_by_adam
from torch import nn

import gatewright as gw
from gatewright import frontend
from gatewright.compiler.stats import n_gates
from gatewright.frontend import Dataset, evaluate, fit, load_dataset
from gatewright.frontend.zoo.dense import dense

PEER_RATE = 0.01  # what torchlogix's README says works well


def trained_dense(data: Dataset, steps: int, seed: int = 0) -> nn.Module:
    """784 -> 8000x6 after so many steps."""
    torch.manual_seed(seed)
    widths = (8000,) * 6
    model = dense(data.input_shape, widths, data.classes, thresholds=[127.0], weight_init="random")
    options = {"schedule": "cosine", "augment": "shift", "lr": 0.04, "seed": seed}
    fit(model, data.x_train, data.y_train, steps=steps, **options)
    return model


def measure_dense(data: Dataset, steps: int, seed: int) -> None:
    """Train 784 -> 8000x6, compile it, and print the accuracies of the test part."""
    start = time.perf_counter()
    model = trained_dense(data, steps, seed)
    minutes = (time.perf_counter() - start) / 60
    relaxed, discrete = both(model, data)
    circuit = gw.trace(model, data.input_shape)
    answers = gw.compile(circuit).predict(data.x_test)
    compiled = float((answers == data.y_test).mean())
    small = n_gates(gw.optimize(circuit).netlist)
    print(
        f"784 -> 8000x6, seed {seed}: {discrete:.2%} discrete, {relaxed:.2%} relaxed after "
        f"{steps:,} steps in {minutes:.1f} minutes; compiled {compiled:.2%}, "
        f"{small:,} gates after optimising"
    )


def both(model: nn.Module, data: Dataset) -> tuple[float, float]:
    """Relaxed and discrete accuracy on the test part."""
    relaxed = evaluate(model, data.x_test, data.y_test, "relaxed")
    return relaxed, evaluate(model, data.x_test, data.y_test, "discrete")


def train_readme(layers: Any, data: Dataset, steps: int, seed: int) -> tuple[float, float, float]:
    """Relaxed and discrete accuracy, and minutes; batches depend on the seed alone."""
    torch.manual_seed(seed)
    ours = layers is frontend
    options = {"parametrization_kwargs": {"weight_init": "random"}} if ours else {}
    model = readme_network(layers, **options)
    rate = 2 * PEER_RATE if ours else PEER_RATE
    x, y = images(data.x_train), torch.as_tensor(data.y_train)
    start = time.perf_counter()
    train_by_adam(model, x, y, rate, steps, seed)
    minutes = (time.perf_counter() - start) / 60
    test = images(data.x_test), torch.as_tensor(data.y_test)
    return (*(answers_right(model, *test, mode) for mode in (True, False)), minutes)


def compare_readme(data: Dataset, steps: int, seeds: int) -> None:
    """Print medians over the seeds, ours beside torchlogix's."""
    sides: dict[str, ModuleType | None] = {
        "gatewright": frontend,
        "torchlogix": layers_of("torchlogix"),
    }
    for name, layers in sides.items():
        if layers is None:
            print(f"{name}: not installed")
            continue
        found = [train_readme(layers, data, steps, seed) for seed in range(seeds)]
        relaxed, _, minutes = (median(column) for column in zip(*found, strict=True))
        gap = median(one[0] - one[1] for one in found)
        print(
            f"{name}, README network, {steps} steps, {seeds} seeds: discrete "
            f"{summary([one[1] for one in found], '.2%')}, {relaxed:.2%} relaxed, "
            f"gap {100 * gap:.2f} points, {minutes:.1f} minutes"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=("dense", "readme"))
    parser.add_argument("data")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=0, help="dense: of wiring and training")
    parser.add_argument("--seeds", type=int, default=3, help="readme: how many")
    options = parser.parse_args()
    conditions(f"{torch.get_num_threads()} threads")
    data = load_dataset(options.data)
    if options.network == "dense":
        measure_dense(data, options.steps or 40_000, options.seed)
    else:
        compare_readme(data, options.steps or 1000, options.seeds)


if __name__ == "__main__":
    main()
