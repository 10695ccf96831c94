"""The layers a model file can hold: what is written of each, and how it is rebuilt.

Each kind says its options with a check, the arrays they imply, and how to make the module. Adding
a layer to the file format is adding one entry to `KINDS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .binarization import FixedBinarization
from .dense import LogicDense
from .groupsum import GroupSum
from .soft_binarization import LearnableBinarization, SoftBinarization

Options = dict[str, Any]
Arrays = dict[str, NDArray[Any]]
Shapes = dict[str, tuple[tuple[int, ...], str]]
LIMIT = 2**31 - 1


@dataclass(frozen=True)
class Kind:
    """How one layer type is written.

    module: the exact type. checks: option name to a test of a value read from a file.
    options, arrays: of a module. shapes: array shapes and dtypes that the options imply.
    build: the module from options and checked arrays.
    defaults: options that files from before they were there lack.
    """

    module: type[nn.Module]
    checks: dict[str, Callable[[Any], bool]]
    options: Callable[[Any], Options]
    build: Callable[[Options, Arrays], nn.Module]
    arrays: Callable[[Any], Arrays] = lambda module: {}
    shapes: Callable[[Options], Shapes] = lambda options: {}
    defaults: Options = field(default_factory=dict)


def is_size(value: Any) -> bool:
    """An integer from 1 to `LIMIT`; what a net number can count."""
    return _is_int(value) and 1 <= value <= LIMIT


def is_shape(value: Any) -> bool:
    """A list of sizes, at most 16, whose product a net number can count."""
    return (
        isinstance(value, list | tuple)
        and 1 <= len(value) <= 16
        and all(map(is_size, value))
        and math.prod(value) <= LIMIT
    )


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_dim(value: Any) -> bool:
    return _is_int(value) and -16 <= value < 16


def _is_finite(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _numbers(options: Options) -> int:
    """Weights of one gate."""
    return 16 if options["parametrization"] == "raw" else 1 << options["lut_rank"]


def _dense_options(layer: LogicDense) -> Options:
    mixture = layer.parametrization
    return {
        "in_dim": layer.in_dim,
        "out_dim": layer.out_dim,
        "grad_factor": float(layer.grad_factor),
        "temperature": float(mixture.temperature),
        "residual_probability": float(mixture.residual_probability),
        "weight_init": mixture.weight_init,
        "forward_sampling": mixture.forward_sampling,
        "parametrization": mixture.name,
        "lut_rank": layer.lut_rank,
    }


def _build_dense(options: Options, arrays: Arrays) -> nn.Module:
    mixture = ("temperature", "residual_probability", "weight_init", "forward_sampling")
    layer = LogicDense(
        options["in_dim"],
        options["out_dim"],
        grad_factor=options["grad_factor"],
        lut_rank=options["lut_rank"],
        parametrization=options["parametrization"],
        parametrization_kwargs={name: options[name] for name in mixture},
        connections_kwargs={"indices": torch.from_numpy(arrays["indices"].astype(np.int64))},
    )
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(arrays["weight"].copy()))
    return layer


_DENSE = Kind(
    LogicDense,
    {
        "in_dim": is_size,
        "out_dim": is_size,
        "grad_factor": _is_finite,
        "temperature": _is_finite,
        "residual_probability": _is_finite,
        "weight_init": _is_text,
        "forward_sampling": _is_text,
        "parametrization": _is_text,
        "lut_rank": lambda value: _is_int(value) and 1 <= value <= 6,
    },
    _dense_options,
    _build_dense,
    lambda layer: {
        "weight": layer.weight.detach().cpu().numpy(),
        "indices": layer.connections.indices.cpu().numpy().astype(np.int32),
    },
    lambda options: {
        "weight": ((options["out_dim"], _numbers(options)), "float32"),
        "indices": ((options["lut_rank"], options["out_dim"]), "int32"),
    },
    {"forward_sampling": "soft", "parametrization": "raw", "lut_rank": 2},
)

_BINARIZATION = Kind(
    FixedBinarization,
    {"feature_dim": _is_dim, "shape": is_shape},
    lambda layer: {"feature_dim": layer.feature_dim, "shape": list(layer.thresholds.shape)},
    lambda options, arrays: FixedBinarization(arrays["thresholds"].copy(), options["feature_dim"]),
    lambda layer: {"thresholds": layer.thresholds.cpu().numpy()},
    lambda options: {"thresholds": (tuple(options["shape"]), "float32")},
)

_SOFT = Kind(
    SoftBinarization,
    {**_BINARIZATION.checks, "temperature": _is_finite},
    lambda layer: {
        **_BINARIZATION.options(layer),
        "temperature": float(layer.temperature_sampling),
    },
    lambda options, arrays: SoftBinarization(
        arrays["thresholds"].copy(), options["temperature"], options["feature_dim"]
    ),
    _BINARIZATION.arrays,
    _BINARIZATION.shapes,
)


def _build_learnable(options: Options, arrays: Arrays) -> nn.Module:
    given = {key: value for key, value in options.items() if key != "shape"}
    layer = LearnableBinarization(arrays["thresholds"].copy(), **given)
    with torch.no_grad():
        layer.raw_diffs.copy_(torch.from_numpy(arrays["raw_diffs"].copy()))
    return layer


_LEARNABLE = Kind(
    LearnableBinarization,
    {
        **_BINARIZATION.checks,
        "temperature_sampling": _is_finite,
        "temperature_softplus": _is_finite,
        "forward_sampling": _is_text,
        "max_grad_norm": _is_finite,
    },
    lambda layer: {
        **_BINARIZATION.options(layer),
        "temperature_sampling": float(layer.temperature_sampling),
        "temperature_softplus": float(layer.temperature_softplus),
        "forward_sampling": layer.forward_sampling,
        "max_grad_norm": float(layer.max_grad_norm),
    },
    _build_learnable,
    lambda layer: {
        "thresholds": layer.thresholds.cpu().numpy(),
        "raw_diffs": layer.raw_diffs.detach().cpu().numpy(),
    },
    lambda options: {
        "thresholds": (tuple(options["shape"]), "float32"),
        "raw_diffs": (tuple(options["shape"]), "float32"),
    },
)

_GROUPSUM = Kind(
    GroupSum,
    {"k": is_size, "tau": _is_finite, "beta": _is_finite},
    lambda layer: {"k": layer.k, "tau": float(layer.tau), "beta": float(layer.beta)},
    lambda options, arrays: GroupSum(**options),
)

_FLATTEN = Kind(
    nn.Flatten,
    {"start_dim": _is_dim, "end_dim": _is_dim},
    lambda layer: {"start_dim": layer.start_dim, "end_dim": layer.end_dim},
    lambda options, arrays: nn.Flatten(**options),
)

_UNFLATTEN = Kind(
    nn.Unflatten,
    {"dim": _is_dim, "size": is_shape},
    lambda layer: {"dim": layer.dim, "size": list(layer.unflattened_size)},
    lambda options, arrays: nn.Unflatten(options["dim"], tuple(options["size"])),
)

_IDENTITY = Kind(nn.Identity, {}, lambda layer: {}, lambda options, arrays: nn.Identity())

KINDS: dict[str, Kind] = {
    kind.module.__name__: kind
    for kind in (
        _DENSE,
        _BINARIZATION,
        _SOFT,
        _LEARNABLE,
        _GROUPSUM,
        _FLATTEN,
        _UNFLATTEN,
        _IDENTITY,
    )
}
