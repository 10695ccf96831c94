"""Dense layers and convolutions in model files."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ..layers.conv import LogicConvNd
from ..layers.conv_checks import DEEPEST
from ..layers.conv_transpose import LogicConvTransposeNd
from ..layers.dense import LogicDense
from ..options import is_int
from .connection_kinds import (
    is_wiring,
    restore_wiring,
    wiring_arguments,
    wiring_arrays,
    wiring_options,
    wiring_shapes,
)
from .kinds import (
    Arrays,
    Kind,
    Options,
    Shapes,
    are,
    is_factor,
    is_finite,
    is_padding,
    is_size,
    is_text,
)

# What layers of gates have in common: how numbers stand for gates, and how they are trained.
MIXTURE: dict[str, Callable[[Any], bool]] = {
    "temperature": is_finite,
    "residual_probability": is_finite,
    "weight_init": is_text,
    "forward_sampling": is_text,
}
TRAINED: dict[str, Callable[[Any], bool]] = {
    "parametrization": is_text,
    "lut_rank": lambda value: is_int(value) and value <= 6,
    "connections": is_wiring,
    "grad_factor": is_factor,
    **MIXTURE,
}
TRAINED_DEFAULTS: Options = {
    "forward_sampling": "soft",
    "parametrization": "raw",
    "lut_rank": 2,
    "connections": "fixed",
}


def trained_options(layer: LogicDense | LogicConvNd) -> Options:
    """The options of `TRAINED`."""
    mixture = layer.parametrization
    return {
        "parametrization": mixture.name,
        "lut_rank": layer.lut_rank,
        "connections": wiring_options(layer.connections),
        "grad_factor": float(layer.grad_factor),
        "temperature": float(mixture.temperature),
        "residual_probability": float(mixture.residual_probability),
        "weight_init": mixture.weight_init,
        "forward_sampling": mixture.forward_sampling,
    }


def _arguments(options: Options, arrays: Arrays) -> dict[str, Any]:
    """Keyword arguments of a layer of gates, from its options and its arrays of wiring."""
    return {
        **{name: value for name, value in options.items() if name not in MIXTURE},
        "parametrization_kwargs": {name: options[name] for name in MIXTURE},
        **wiring_arguments(options["connections"], arrays),
    }


def _numbers(options: Options) -> int:
    """Weights of one gate."""
    rows = 1 << options["lut_rank"]
    return 1 << rows if options["parametrization"] == "raw" else rows


def _build_dense(options: Options, arrays: Arrays) -> nn.Module:
    layer = LogicDense(**_arguments(options, arrays))
    restore_wiring(layer.connections, arrays)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(arrays["weight"].copy()))
    return layer


DENSE = Kind(
    LogicDense,
    {
        "in_dim": is_size,
        "out_dim": is_size,
        **TRAINED,
    },
    lambda layer: {
        "in_dim": layer.in_dim,
        "out_dim": layer.out_dim,
        **trained_options(layer),
    },
    _build_dense,
    lambda layer: {
        "weight": layer.weight.detach().cpu().numpy(),
        **wiring_arrays(layer.connections),
    },
    lambda options: {
        "weight": ((options["out_dim"], _numbers(options)), "float32"),
        **wiring_shapes(
            options["connections"], (options["lut_rank"], options["out_dim"]), options["in_dim"]
        ),
    },
    TRAINED_DEFAULTS,
)


def conv_kind(module: type[LogicConvNd]) -> Kind:
    """The kind of a class of convolutions."""

    def build(options: Options, arrays: Arrays) -> nn.Module:
        layer = module(**_arguments(options, arrays))
        restore_wiring(layer.connections, arrays)
        with torch.no_grad():
            for level, weight in enumerate(layer.tree_weights):
                weight.copy_(torch.from_numpy(arrays[f"tree_weights.{level}"].copy()))
        return layer

    checks: dict[str, Callable[[Any], bool]] = {
        "in_dim": are(module.dims, 1),
        "channels": is_size,
        "num_kernels": is_size,
        "tree_depth": lambda value: is_size(value) and value <= DEEPEST,
        "receptive_field_size": are(module.dims, 1),
        "stride": is_size,
        "padding": is_padding,
        **TRAINED,
    }
    if issubclass(module, LogicConvTransposeNd):
        checks["output_padding"] = are(module.dims, 0)
    return Kind(module, checks, _conv_options, build, conv_arrays, conv_shapes, TRAINED_DEFAULTS)


def _conv_options(layer: LogicConvNd) -> Options:
    transposed = isinstance(layer, LogicConvTransposeNd)
    return {
        **({"output_padding": list(layer.output_padding)} if transposed else {}),
        "in_dim": list(layer.in_dim),
        "channels": layer.channels,
        "num_kernels": layer.num_kernels,
        "tree_depth": layer.tree_depth,
        "receptive_field_size": list(layer.receptive_field_size),
        "stride": layer.stride,
        "padding": layer.padding,
        **trained_options(layer),
    }


def conv_arrays(layer: LogicConvNd) -> Arrays:
    """Weights and wiring of a convolution."""
    weights = [weight.detach().cpu().numpy() for weight in layer.tree_weights]
    named = {f"tree_weights.{level}": weight for level, weight in enumerate(weights)}
    return {**named, **wiring_arrays(layer.connections)}


def conv_shapes(options: Options) -> Shapes:
    """What `conv_arrays` has for a convolution of these options."""
    kernels, depth, rank = options["num_kernels"], options["tree_depth"], options["lut_rank"]
    numbers, axes = _numbers(options), len(options["in_dim"]) + 1
    found: Shapes = {
        f"tree_weights.{level}": ((rank ** (depth - 1 - level), kernels, numbers), "float32")
        for level in range(depth)
    }
    ends = (rank, kernels, rank ** (depth - 1))
    most = math.prod(options["receptive_field_size"]) * options["channels"]
    return {**found, **wiring_shapes(options["connections"], ends, most, (axes,))}
