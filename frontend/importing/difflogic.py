"""difflogic's layers, as of 0.1.0, and those of convlogic's copy of it."""

from __future__ import annotations

from typing import Any

import torch

from ..layers.dense import LogicDense
from ..layers.groupsum import GroupSum
from .copying import fill


def dense(layer: Any) -> LogicDense:
    """LogicLayer: a mixture of the 16 functions of two inputs, on fixed wiring."""
    if hasattr(layer, "indices_0"):
        pair = (layer.indices_0, layer.indices_1)  # convlogic keeps them in checkpoints
    else:
        pair = layer.indices
    made = LogicDense(
        layer.in_dim,
        layer.out_dim,
        grad_factor=layer.grad_factor,
        parametrization_kwargs={"weight_init": "random"},
        connections_kwargs={"indices": torch.stack([part.cpu().long() for part in pair])},
    )
    return fill(made, layer, {"weight": layer.weights})


def group_sum(layer: Any) -> GroupSum:
    """GroupSum."""
    return GroupSum(layer.k, layer.tau).train(layer.training)
