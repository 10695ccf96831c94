"""How these layers are written to model files."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from ..saving.kinds import Arrays, Kind, Options, Shapes, is_size
from .convlogic import ConvLogicLayer
from .difflogic import LogicLayer
from .selection import LEAVES
from .tree import PoolLogicLayer, TreeLogicLayer


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _are_two(least: int) -> Any:
    """A test for two equal or unequal integers from `least`, as JSON has them."""
    return lambda value: (
        isinstance(value, list)
        and len(value) == 2
        and all(is_size(number) or (number == least and type(number) is int) for number in value)
    )


def _build_dense(options: Options, arrays: Arrays) -> LogicLayer:
    wiring = torch.from_numpy(arrays["indices"].astype(np.int64))
    layer = LogicLayer(**options, device="cpu", connections=wiring)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(arrays["weight"].copy()))
    return layer


_LOGIC = Kind(
    LogicLayer,
    {"in_dim": is_size, "out_dim": is_size, "grad_factor": _is_finite, "residual_init": _is_flag},
    lambda layer: {
        "in_dim": layer.in_dim,
        "out_dim": layer.out_dim,
        "grad_factor": float(layer.grad_factor),
        "residual_init": layer.residual_init,
    },
    _build_dense,
    lambda layer: {
        "weight": layer.weight.detach().cpu().numpy(),
        "indices": layer.indices.cpu().numpy().astype(np.int32),
    },
    lambda options: {
        "weight": ((options["out_dim"], 16), "float32"),
        "indices": ((2, options["out_dim"]), "int32"),
    },
)

_SIZES = ("in_channels", "out_channels", "groups")
_PAIRS = {"kernel": 1, "stride": 1, "padding": 0}
_FLAGS = ("residual_init", "complete")


def _conv_options(layer: ConvLogicLayer) -> Options:
    return {
        **{name: getattr(layer, name) for name in (*_SIZES, *_FLAGS)},
        **{name: list(getattr(layer, name)) for name in _PAIRS},
        "grad_factor": float(layer.grad_factor),
    }


def _conv_shapes(options: Options) -> Shapes:
    kernels = options["out_channels"]
    gates = 7 if options["complete"] else 4
    return {
        "weights": ((kernels, gates, 16), "float32"),
        "selection": ((kernels, LEAVES), "int32"),
    }


def _build_conv(options: Options, arrays: Arrays) -> ConvLogicLayer:
    layer = ConvLogicLayer(**options, selection=torch.from_numpy(arrays["selection"].copy()))
    with torch.no_grad():
        layer.weights.copy_(torch.from_numpy(arrays["weights"].copy()))
    return layer


_CONV = Kind(
    ConvLogicLayer,
    {
        **dict.fromkeys(_SIZES, is_size),
        **{name: _are_two(least) for name, least in _PAIRS.items()},
        **dict.fromkeys(_FLAGS, _is_flag),
        "grad_factor": _is_finite,
    },
    _conv_options,
    _build_conv,
    lambda layer: {
        "weights": layer.weights.detach().cpu().numpy(),
        "selection": layer.selection.cpu().numpy(),
    },
    _conv_shapes,
)


def _build_tree(options: Options, arrays: Arrays) -> TreeLogicLayer:
    layer = TreeLogicLayer(**options)
    with torch.no_grad():
        layer.gates.weight.copy_(torch.from_numpy(arrays["weight"].copy()))
    return layer


_TREE = Kind(
    TreeLogicLayer,
    {
        "channels": is_size,
        "input_bits": lambda value: is_size(value) and value % 2 == 0,
        "residual_init": _is_flag,
        "grad_factor": _is_finite,
    },
    lambda layer: {
        "channels": layer.channels,
        "input_bits": layer.input_bits,
        "residual_init": layer.residual_init,
        "grad_factor": float(layer.grad_factor),
    },
    _build_tree,
    lambda layer: {"weight": layer.gates.weight.detach().cpu().numpy()},
    lambda options: {"weight": ((options["channels"] * options["input_bits"] // 2, 16), "float32")},
)

_POOL = Kind(
    PoolLogicLayer,
    {"kernel": _are_two(1), "stride": _are_two(1)},
    lambda layer: {"kernel": list(layer.kernel_size), "stride": list(layer.stride)},
    lambda options, arrays: PoolLogicLayer(**options),
)

COMPAT_KINDS = {kind.module.__name__: kind for kind in (_LOGIC, _CONV, _TREE, _POOL)}
