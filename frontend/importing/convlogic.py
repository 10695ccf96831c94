"""convlogic's layers."""

from __future__ import annotations

from typing import Any

from ..compat.convlogic import ConvLogicLayer
from ..compat.tree import PoolLogicLayer, TreeLogicLayer
from .copying import fill


def conv(layer: Any) -> ConvLogicLayer:
    """ConvLogicLayer, complete or not. Its answer alone: without intermediate ones and indices."""
    made = ConvLogicLayer(
        layer.in_channels,
        layer.out_channels,
        layer.stride,
        layer.padding,
        layer.kernel,
        layer.groups,
        layer.selection.cpu(),
        implementation="python",
        grad_factor=layer.grad_factor,
        complete=layer.complete,
    )
    return fill(made, layer, {"weights": layer.weights})


def tree(layer: Any) -> TreeLogicLayer:
    """TreeLogicLayer."""
    made = TreeLogicLayer(layer.channels, layer.input_bits, grad_factor=layer.grad_factor)
    return fill(made, layer, {"gates.weight": layer.weights.flatten(0, 1)})


def pooling(layer: Any) -> PoolLogicLayer:
    """PoolLogicLayer."""
    return PoolLogicLayer(layer.kernel, layer.stride).train(layer.training)
