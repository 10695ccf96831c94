"""Comparing a traced module with what the module itself answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from gatewright.compiler import Circuit
from gatewright.frontend.tracing.trace import trace

SAMPLES = 12


class Fn(nn.Module):
    """A module of one function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(x)


def samples(shape: tuple[int, ...], boolean: bool = False, seed: int = 0) -> torch.Tensor:
    """float32 [12, *shape] in [0, 1), or of 0 and 1."""
    x = torch.rand(SAMPLES, *shape, generator=torch.Generator().manual_seed(seed))
    return (x > 0.5).float() if boolean else x


def answers(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What the module answers in evaluation mode, each sample on its own."""
    module.eval()
    with torch.no_grad():
        return torch.cat([module(x[i : i + 1]) for i in range(len(x))])


def check_bits(
    module: nn.Module | Callable[..., Any],
    shape: tuple[int, ...],
    x: torch.Tensor | None = None,
    **options: Any,
) -> Circuit:
    """Trace, and hold the circuit's bits against the module on `x` or random samples."""
    module = module if isinstance(module, nn.Module) else Fn(module)
    boolean = options.get("dtype") == torch.bool
    x = samples(shape, boolean) if x is None else x
    x = x.bool() if boolean else x
    circuit = trace(module, shape, **options)
    expected = answers(module, x).reshape(len(x), -1)
    assert ((expected == 0) | (expected == 1)).all()
    np.testing.assert_array_equal(circuit.bits(x), expected.numpy().astype(bool))
    return circuit


def check_scores(
    module: nn.Module | Callable[..., Any],
    shape: tuple[int, ...],
    x: torch.Tensor | None = None,
    **options: Any,
) -> Circuit:
    """Trace, and hold the circuit's scores and classes against the module."""
    module = module if isinstance(module, nn.Module) else Fn(module)
    x = samples(shape) if x is None else x
    circuit = trace(module, shape, **options)
    expected = answers(module, x)
    np.testing.assert_array_equal(circuit.scores(x), expected.numpy())
    np.testing.assert_array_equal(circuit.predict(x), expected.argmax(1).numpy())
    return circuit
