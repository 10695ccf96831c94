"""Which classes of other libraries are known, told by their names; none is imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

from . import convlogic, difflogic, torchlogix

_OURS = __name__.partition(".")[0]
Name = tuple[str, str]
"""A library and a class of it."""

CONVERTERS: dict[Name, Callable[[Any], nn.Module]] = {
    ("torchlogix", "LogicDense"): torchlogix.dense,
    ("torchlogix", "LogicConv2d"): torchlogix.conv,
    ("torchlogix", "LogicConv3d"): torchlogix.conv,
    ("torchlogix", "LogicConvTranspose2d"): torchlogix.transposed,
    ("torchlogix", "LogicConvTranspose3d"): torchlogix.transposed,
    ("torchlogix", "OrPooling2d"): torchlogix.pooling2d,
    ("torchlogix", "OrPooling3d"): torchlogix.pooling3d,
    ("torchlogix", "GroupSum"): torchlogix.group_sum,
    ("torchlogix", "FixedBinarization"): torchlogix.fixed,
    ("torchlogix", "SoftBinarization"): torchlogix.soft,
    ("torchlogix", "LearnableBinarization"): torchlogix.learnable,
    ("torchlogix", "DummyBinarization"): torchlogix.dummy,
    ("torchlogix", "ResidualLogicBlock"): torchlogix.block,
    ("difflogic", "LogicLayer"): difflogic.dense,
    ("difflogic", "GroupSum"): difflogic.group_sum,
    ("convlogic", "ConvLogicLayer"): convlogic.conv,
    ("convlogic", "TreeLogicLayer"): convlogic.tree,
    ("convlogic", "PoolLogicLayer"): convlogic.pooling,
}
"""What makes a layer of ours from one of theirs."""

WRAPPERS: dict[Name, str] = {
    ("torchlogix", "CNN"): "model",
    ("torchlogix", "RandomlyConnectedNN"): "model",
    ("convlogic", "ConvLogicCifarModel"): "network",
    ("convlogic", "ConvLogicMnistModel"): "network",
    ("convlogic", "ConvLogicModel"): "model",
}
"""Modules that do what one child does, and the child's name."""

LIBRARIES = sorted({library for library, _ in CONVERTERS})


def names(kind: type) -> Iterator[tuple[type, Name]]:
    """A class and those it derives from, each with the library it is from and its name."""
    for base in kind.__mro__:
        parts = base.__module__.split(".")
        for library in LIBRARIES:
            if library in parts and parts[0] != _OURS:
                yield base, (library, base.__name__)


def known(kind: type, table: Any) -> tuple[type, Name] | None:
    """The class that `table` knows, `kind` itself or one it derives from, and its name there."""
    return next((found for found in names(kind) if found[1] in table), None)


def has_peers(module: nn.Module) -> bool:
    """Whether a layer of another library is among the modules."""
    return any(known(type(part), CONVERTERS) for part in module.modules())
