"""Training the same network with the layers of several libraries, on the same batches."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn


@cache
def layers_of(trainer: str) -> ModuleType | None:
    """The module whose layers a trainer has; None where the peer is not installed."""
    names = {"gatewright": "gatewright.frontend", "torchlogix": "torchlogix.layers"}
    try:
        return importlib.import_module(names.get(trainer, trainer))
    except (ImportError, SyntaxError):  # torchlogix needs Python 3.12
        return None


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


def images(x: Any) -> Tensor:
    """Samples [n, 1, height, width]."""
    return torch.as_tensor(x).float().reshape(len(x), 1, *x.shape[-2:])


def batches(n: int, steps: int, generator: torch.Generator, size: int = 128) -> Iterator[Tensor]:
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


def train_by_adam(
    model: nn.Module, x: Tensor, y: Tensor, rate: float, steps: int, seed: int
) -> None:
    """Plain steps of Adam; batches depend on the seed alone."""
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for some in batches(len(x), steps, torch.Generator().manual_seed(seed)):
        loss = nn.functional.cross_entropy(model(x[some]), y[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
