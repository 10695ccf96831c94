"""The layers a model file can hold: what is written of each, and how it is rebuilt.

Each kind says its options with a check, the arrays they imply, and how to make the module. Adding
a layer to the file format is adding one entry to `KINDS`.
"""

from __future__ import annotations

import torch
from torch import nn

from ..layers.binarization import DummyBinarization, FixedBinarization
from ..layers.conv import LogicConv2d, LogicConv3d
from ..layers.conv_transpose import LogicConvTranspose2d, LogicConvTranspose3d
from ..layers.groupsum import GroupSum
from ..layers.pool import OrPooling2d, OrPooling3d, OrPoolingNd
from ..layers.soft_binarization import LearnableBinarization, SoftBinarization
from .block_kinds import BLOCK
from .gate_kinds import DENSE, conv_kind
from .kinds import Arrays, Kind, Options, are, is_dim, is_finite, is_shape, is_size, is_text


def _pool(module: type[OrPoolingNd]) -> Kind:
    sizes = ("kernel_size", "stride", "padding")
    return Kind(
        module,
        {name: are(module.dims, 0 if name == "padding" else 1) for name in sizes},
        lambda layer: {name: list(getattr(layer, name)) for name in sizes},
        lambda options, arrays: module(**options),
    )


_BINARIZATION = Kind(
    FixedBinarization,
    {"feature_dim": is_dim, "shape": is_shape},
    lambda layer: {"feature_dim": layer.feature_dim, "shape": list(layer.thresholds.shape)},
    lambda options, arrays: FixedBinarization(arrays["thresholds"].copy(), options["feature_dim"]),
    lambda layer: {"thresholds": layer.thresholds.cpu().numpy()},
    lambda options: {"thresholds": (tuple(options["shape"]), "float32")},
)

_DUMMY = Kind(DummyBinarization, {}, lambda layer: {}, lambda options, arrays: DummyBinarization())

_SOFT = Kind(
    SoftBinarization,
    {**_BINARIZATION.checks, "temperature": is_finite},
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
        "temperature_sampling": is_finite,
        "temperature_softplus": is_finite,
        "forward_sampling": is_text,
        "max_grad_norm": is_finite,
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
    {"k": is_size, "tau": is_finite, "beta": is_finite},
    lambda layer: {"k": layer.k, "tau": float(layer.tau), "beta": float(layer.beta)},
    lambda options, arrays: GroupSum(**options),
)

_FLATTEN = Kind(
    nn.Flatten,
    {"start_dim": is_dim, "end_dim": is_dim},
    lambda layer: {"start_dim": layer.start_dim, "end_dim": layer.end_dim},
    lambda options, arrays: nn.Flatten(**options),
)

_UNFLATTEN = Kind(
    nn.Unflatten,
    {"dim": is_dim, "size": is_shape},
    lambda layer: {"dim": layer.dim, "size": list(layer.unflattened_size)},
    lambda options, arrays: nn.Unflatten(options["dim"], tuple(options["size"])),
)

_IDENTITY = Kind(nn.Identity, {}, lambda layer: {}, lambda options, arrays: nn.Identity())

KINDS: dict[str, Kind] = {
    kind.module.__name__: kind
    for kind in (
        DENSE,
        conv_kind(LogicConv2d),
        conv_kind(LogicConv3d),
        conv_kind(LogicConvTranspose2d),
        conv_kind(LogicConvTranspose3d),
        BLOCK,
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
