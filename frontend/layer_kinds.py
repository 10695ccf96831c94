"""The layers a model file can hold: what is written of each, and how it is rebuilt.

Each kind says its options with a check, the arrays they imply, and how to make the module. Adding
a layer to the file format is adding one entry to `KINDS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from .binarization import DummyBinarization, FixedBinarization
from .connection_kinds import (
    is_wiring,
    restore_wiring,
    wiring_arguments,
    wiring_arrays,
    wiring_options,
    wiring_shapes,
)
from .conv import LogicConv2d, LogicConv3d, LogicConvNd
from .conv_checks import DEEPEST
from .conv_transpose import LogicConvTranspose2d, LogicConvTranspose3d, LogicConvTransposeNd
from .dense import LogicDense
from .groupsum import GroupSum
from .pool import OrPooling2d, OrPooling3d, OrPoolingNd
from .resblock import ResidualLogicBlock, block_parts
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


def _are(count: int, least: int) -> Callable[[Any], bool]:
    """A test for lists of that many integers from `least` to `LIMIT`."""
    return lambda value: (
        isinstance(value, list)
        and len(value) == count
        and all(_is_int(number) and least <= number <= LIMIT for number in value)
    )


def _is_finite(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


# What layers of gates have in common: how numbers stand for gates, and how they are trained.
_MIXTURE: dict[str, Callable[[Any], bool]] = {
    "temperature": _is_finite,
    "residual_probability": _is_finite,
    "weight_init": _is_text,
    "forward_sampling": _is_text,
}
_TRAINED: dict[str, Callable[[Any], bool]] = {
    "parametrization": _is_text,
    "lut_rank": lambda value: _is_int(value) and 1 <= value <= 6,
    "connections": is_wiring,
    "grad_factor": _is_finite,
    **_MIXTURE,
}
_TRAINED_DEFAULTS: Options = {
    "forward_sampling": "soft",
    "parametrization": "raw",
    "lut_rank": 2,
    "connections": "fixed",
}


def _trained_options(layer: LogicDense | LogicConvNd) -> Options:
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
        **{name: value for name, value in options.items() if name not in _MIXTURE},
        "parametrization_kwargs": {name: options[name] for name in _MIXTURE},
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


_DENSE = Kind(
    LogicDense,
    {
        "in_dim": is_size,
        "out_dim": is_size,
        **_TRAINED,
    },
    lambda layer: {
        "in_dim": layer.in_dim,
        "out_dim": layer.out_dim,
        **_trained_options(layer),
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
    _TRAINED_DEFAULTS,
)


def _conv(module: type[LogicConvNd]) -> Kind:
    def build(options: Options, arrays: Arrays) -> nn.Module:
        layer = module(**_arguments(options, arrays))
        restore_wiring(layer.connections, arrays)
        with torch.no_grad():
            for level, weight in enumerate(layer.tree_weights):
                weight.copy_(torch.from_numpy(arrays[f"tree_weights.{level}"].copy()))
        return layer

    checks: dict[str, Callable[[Any], bool]] = {
        "in_dim": _are(module.dims, 1),
        "channels": is_size,
        "num_kernels": is_size,
        "tree_depth": lambda value: is_size(value) and value <= DEEPEST,
        "receptive_field_size": _are(module.dims, 1),
        "stride": is_size,
        "padding": lambda value: _is_int(value) and 0 <= value <= LIMIT,
        **_TRAINED,
    }
    if issubclass(module, LogicConvTransposeNd):
        checks["output_padding"] = _are(module.dims, 0)
    return Kind(module, checks, _conv_options, build, _conv_arrays, _conv_shapes, _TRAINED_DEFAULTS)


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
        **_trained_options(layer),
    }


def _conv_arrays(layer: LogicConvNd) -> Arrays:
    weights = [weight.detach().cpu().numpy() for weight in layer.tree_weights]
    named = {f"tree_weights.{level}": weight for level, weight in enumerate(weights)}
    return {**named, **wiring_arrays(layer.connections)}


def _conv_shapes(options: Options) -> Shapes:
    kernels, depth, rank = options["num_kernels"], options["tree_depth"], options["lut_rank"]
    numbers, axes = _numbers(options), len(options["in_dim"]) + 1
    found: Shapes = {
        f"tree_weights.{level}": ((rank ** (depth - 1 - level), kernels, numbers), "float32")
        for level in range(depth)
    }
    ends = (rank, kernels, rank ** (depth - 1))
    most = math.prod(options["receptive_field_size"]) * options["channels"]
    return {**found, **wiring_shapes(options["connections"], ends, most, (axes,))}


_BLOCK_SIZES = (
    "in_dim",
    "in_channels",
    "out_channels",
    "tree_depth",
    "receptive_field_size",
    "padding",
    "downsample",
)


def _block_options(block: ResidualLogicBlock) -> Options:
    sizes = {name: getattr(block, name) for name in _BLOCK_SIZES}
    for name in ("in_dim", "receptive_field_size"):
        sizes[name] = list(sizes[name])
    return {**sizes, **_trained_options(block.convolutions()["main.0"])}


def _block_parts(options: Options) -> dict[str, Options]:
    """The options of a block's convolutions, by name."""
    trained = {name: options[name] for name in _TRAINED if name != "lut_rank"}
    sizes = {name: options[name] for name in _BLOCK_SIZES}
    parts = block_parts(**sizes, lut_rank=options["lut_rank"])
    fixed = {"connections": "fixed"}
    return {
        name: {**part, **trained, **(fixed if name.startswith("shortcut") else {})}
        for name, part in parts.items()
    }


def _block_arrays(block: ResidualLogicBlock) -> Arrays:
    found: Arrays = {}
    for name, layer in block.convolutions().items():
        found.update({f"{name}.{key}": array for key, array in _conv_arrays(layer).items()})
    return found


def _block_shapes(options: Options) -> Shapes:
    found: Shapes = {}
    for name, part in _block_parts(options).items():
        found.update({f"{name}.{key}": shape for key, shape in _conv_shapes(part).items()})
    return found


def _build_block(options: Options, arrays: Arrays) -> nn.Module:
    others = ("connections", *_MIXTURE)  # each convolution is built again, with its own wiring
    arguments = {key: value for key, value in options.items() if key not in others}
    mixture = {name: options[name] for name in _MIXTURE}
    block = ResidualLogicBlock(**arguments, parametrization_kwargs=mixture)
    build = _conv(LogicConv2d).build
    for name, part in _block_parts(options).items():
        own = {key: arrays[f"{name}.{key}"] for key in _conv_shapes(part)}
        way, _, at = name.rpartition(".")
        setattr(block.get_submodule(way), at, build(part, own))
    return block


_BLOCK = Kind(
    ResidualLogicBlock,
    {
        "in_dim": _are(2, 1),
        "in_channels": is_size,
        "out_channels": is_size,
        "tree_depth": lambda value: is_size(value) and value <= DEEPEST,
        "receptive_field_size": _are(2, 1),
        "padding": lambda value: _is_int(value) and 0 <= value <= LIMIT,
        "downsample": lambda value: isinstance(value, bool),
        **_TRAINED,
    },
    _block_options,
    _build_block,
    _block_arrays,
    _block_shapes,
)


def _pool(module: type[OrPoolingNd]) -> Kind:
    sizes = ("kernel_size", "stride", "padding")
    return Kind(
        module,
        {name: _are(module.dims, 0 if name == "padding" else 1) for name in sizes},
        lambda layer: {name: list(getattr(layer, name)) for name in sizes},
        lambda options, arrays: module(**options),
    )


_BINARIZATION = Kind(
    FixedBinarization,
    {"feature_dim": _is_dim, "shape": is_shape},
    lambda layer: {"feature_dim": layer.feature_dim, "shape": list(layer.thresholds.shape)},
    lambda options, arrays: FixedBinarization(arrays["thresholds"].copy(), options["feature_dim"]),
    lambda layer: {"thresholds": layer.thresholds.cpu().numpy()},
    lambda options: {"thresholds": (tuple(options["shape"]), "float32")},
)

_DUMMY = Kind(DummyBinarization, {}, lambda layer: {}, lambda options, arrays: DummyBinarization())

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
        _conv(LogicConv2d),
        _conv(LogicConv3d),
        _conv(LogicConvTranspose2d),
        _conv(LogicConvTranspose3d),
        _BLOCK,
        _pool(OrPooling2d),
        _pool(OrPooling3d),
        _BINARIZATION,
        _DUMMY,
        _SOFT,
        _LEARNABLE,
        _GROUPSUM,
        _FLATTEN,
        _UNFLATTEN,
        _IDENTITY,
    )
}
