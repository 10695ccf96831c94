"""Residual blocks in model files: the arrays are those of their convolutions."""

from __future__ import annotations

from torch import nn

from ..layers.conv import LogicConv2d
from ..layers.conv_checks import DEEPEST
from ..layers.resblock import ResidualLogicBlock, block_parts
from .gate_kinds import MIXTURE, TRAINED, conv_arrays, conv_kind, conv_shapes, trained_options
from .kinds import Arrays, Kind, Options, Shapes, are, is_padding, is_size

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
    return {**sizes, **trained_options(block.convolutions()["main.0"])}


def _block_parts(options: Options) -> dict[str, Options]:
    """The options of a block's convolutions, by name."""
    trained = {name: options[name] for name in TRAINED if name != "lut_rank"}
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
        found.update({f"{name}.{key}": array for key, array in conv_arrays(layer).items()})
    return found


def _block_shapes(options: Options) -> Shapes:
    found: Shapes = {}
    for name, part in _block_parts(options).items():
        found.update({f"{name}.{key}": shape for key, shape in conv_shapes(part).items()})
    return found


def _build_block(options: Options, arrays: Arrays) -> nn.Module:
    others = ("connections", *MIXTURE)  # each convolution is built again, with its own wiring
    arguments = {key: value for key, value in options.items() if key not in others}
    mixture = {name: options[name] for name in MIXTURE}
    block = ResidualLogicBlock(**arguments, parametrization_kwargs=mixture)
    build = conv_kind(LogicConv2d).build
    for name, part in _block_parts(options).items():
        own = {key: arrays[f"{name}.{key}"] for key in conv_shapes(part)}
        way, _, at = name.rpartition(".")
        setattr(block.get_submodule(way), at, build(part, own))
    return block


BLOCK = Kind(
    ResidualLogicBlock,
    {
        "in_dim": are(2, 1),
        "in_channels": is_size,
        "out_channels": is_size,
        "tree_depth": lambda value: is_size(value) and value <= DEEPEST,
        "receptive_field_size": are(2, 1),
        "padding": is_padding,
        "downsample": lambda value: isinstance(value, bool),
        **TRAINED,
    },
    _block_options,
    _build_block,
    _block_arrays,
    _block_shapes,
)
