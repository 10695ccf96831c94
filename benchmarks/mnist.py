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
import importlib
import os
import time
from statistics import median
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

import gatewright as gw
from gatewright import frontend
from gatewright.compiler.stats import n_gates
from gatewright.frontend import Dataset, evaluate, fit, load_dataset
from gatewright.frontend.zoo.dense import dense

PEER_RATE = 0.01  # what torchlogix's README says works well


def train_dense(data: Dataset, steps: int, seed: int) -> None:
    """Train 784 -> 8000x6, compile it, and print the accuracies of the test part."""
    torch.manual_seed(seed)
    model = dense(
        data.input_shape, (8000,) * 6, data.classes, thresholds=[127.0], weight_init="random"
    )
    start = time.perf_counter()
    fit(
        model,
        data.x_train,
        data.y_train,
        steps=steps,
        schedule="cosine",
        augment="shift",
        lr=0.04,
        seed=seed,
    )
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


def readme_network(layers: Any, **options: Any) -> nn.Sequential:
    """The network of torchlogix's README, with the layers of that module."""
    return nn.Sequential(
        layers.FixedBinarization(thresholds=[0.0]),
        layers.LogicConv2d(
            in_dim=28,
            channels=1,
            num_kernels=16,
            tree_depth=2,
            receptive_field_size=3,
            **options,
        ),
        layers.OrPooling2d(kernel_size=2, stride=2, padding=0),
        nn.Flatten(),
        layers.LogicDense(16 * 13 * 13, 4000, **options),
        layers.LogicDense(4000, 4000, **options),
        layers.GroupSum(k=10, tau=8),
    )


def train_readme(layers: Any, data: Dataset, steps: int, seed: int) -> tuple[float, float, float]:
    """Relaxed and discrete accuracy, and minutes; batches depend on the seed alone."""
    torch.manual_seed(seed)
    ours = layers is frontend
    options = {"parametrization_kwargs": {"weight_init": "random"}} if ours else {}
    model = readme_network(layers, **options)
    rate = 2 * PEER_RATE if ours else PEER_RATE
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    x, y = images(data.x_train), torch.as_tensor(data.y_train)
    generator = torch.Generator().manual_seed(seed)
    start = time.perf_counter()
    for some in batches(len(x), steps, generator):
        loss = nn.functional.cross_entropy(model(x[some]), y[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    minutes = (time.perf_counter() - start) / 60
    test = images(data.x_test), torch.as_tensor(data.y_test)
    return (*(answers_right(model, *test, mode) for mode in (True, False)), minutes)


def images(x: Any) -> Tensor:
    return torch.as_tensor(x).float().reshape(-1, 1, 28, 28)


def batches(n: int, steps: int, generator: torch.Generator, size: int = 128) -> Any:
    """The samples of each step: passes over all of them, each in a new order."""
    left: list[Tensor] = []
    for _ in range(steps):
        if not left:
            left = list(torch.randperm(n, generator=generator)[: n // size * size].split(size))
        yield left.pop()


@torch.no_grad()
def answers_right(model: nn.Module, x: Tensor, y: Tensor, training: bool) -> float:
    """Accuracy in training or evaluation mode, for a module that may be torchlogix's."""
    model.train(training)
    found = torch.cat([model(some).argmax(1) for some in x.split(1000)])
    model.train()
    return float((found == y).double().mean())


def compare_readme(data: Dataset, steps: int, seeds: int) -> None:
    """Print medians over the seeds, ours beside torchlogix's."""
    sides: dict[str, ModuleType | None] = {"gatewright": frontend, "torchlogix": peer()}
    for name, layers in sides.items():
        if layers is None:
            print(f"{name}: not installed")
            continue
        found = [train_readme(layers, data, steps, seed) for seed in range(seeds)]
        relaxed, discrete, minutes = (median(column) for column in zip(*found, strict=True))
        gap = median(one[0] - one[1] for one in found)
        print(
            f"{name}, README network, {steps} steps, {seeds} seeds: {discrete:.2%} discrete "
            f"({min(f[1] for f in found):.2%} to {max(f[1] for f in found):.2%}), "
            f"{relaxed:.2%} relaxed, gap {100 * gap:.2f} points, {minutes:.1f} minutes"
        )


def peer() -> ModuleType | None:
    try:
        return importlib.import_module("torchlogix.layers")
    except (ImportError, SyntaxError):  # it needs Python 3.12
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=("dense", "readme"))
    parser.add_argument("data")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=0, help="dense: of wiring and training")
    parser.add_argument("--seeds", type=int, default=3, help="readme: how many")
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f}, {torch.get_num_threads()} threads", flush=True)
    data = load_dataset(options.data)
    if options.network == "dense":
        train_dense(data, options.steps or 40_000, options.seed)
    else:
        compare_readme(data, options.steps or 1000, options.seeds)


if __name__ == "__main__":
    main()
