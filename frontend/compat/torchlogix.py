"""torchlogix's names under one roof, so that its users' models need other import lines only.

Whatever torchlogix 0.2 has in `layers`, `layers.binarization`, `modules`, `connections`,
`parametrization` and `utils` that describes or trains a model is here under its name: replace
`from torchlogix.layers import ...` and the like by
`from gatewright.frontend.compat.torchlogix import ...`. Models are traced and compiled by
`gatewright.compile(model)` instead of `Circuit.from_model(model).compile()`.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from ..gates.parametrization import LUTParametrization
from ..gates.raw_parametrization import RawLUTParametrization
from ..gates.table_parametrization import (
    PARAMETRIZATIONS,
    LightLUTParametrization,
    WarpLUTParametrization,
)
from ..layers import binarization_choice
from ..layers.binarization import METHODS, Binarization, DummyBinarization, FixedBinarization
from ..layers.conv import LogicConv2d, LogicConv3d
from ..layers.conv_transpose import LogicConvTranspose2d, LogicConvTranspose3d
from ..layers.dense import LogicDense
from ..layers.groupsum import GroupSum
from ..layers.pool import OrPooling2d, OrPooling3d
from ..layers.resblock import ResidualLogicBlock
from ..layers.soft_binarization import LearnableBinarization, SoftBinarization
from ..options import check_choice, with_options
from ..wiring.connections import FixedDenseConnections
from ..wiring.conv_connections import FixedConvConnections
from ..wiring.learned_connections import LearnableDenseConnections

__all__ = [
    "Binarization",
    "DummyBinarization",
    "FixedBinarization",
    "FixedConvConnections",
    "FixedDenseConnections",
    "GroupSum",
    "LearnableBinarization",
    "LearnableDenseConnections",
    "LightLUTParametrization",
    "LogicConv2d",
    "LogicConv3d",
    "LogicConvTranspose2d",
    "LogicConvTranspose3d",
    "LogicDense",
    "OrPooling2d",
    "OrPooling3d",
    "RawLUTParametrization",
    "ResidualLogicBlock",
    "SoftBinarization",
    "WarpLUTParametrization",
    "set_export_mode",
    "setup_binarization",
    "setup_parametrization",
]


def set_export_mode(model: nn.Module, enabled: bool = True) -> None:
    """Set evaluation mode, in which our layers answer exactly, on bool as on float32.

    Args:
        model: any module.
        enabled: has no effect; torchlogix leaves a model in evaluation mode either way.
    """
    model.eval()


def setup_binarization(
    thresholds: Any, binarization: str, **binarization_kwargs: Any
) -> Binarization:
    """`gatewright.frontend.setup_binarization`, which also knows the older names of "fixed".

    They are "uniform" and "distributive", which some models of torchlogix's zoo still use.
    """
    name = "fixed" if binarization in METHODS else binarization
    return binarization_choice.setup_binarization(thresholds, name, **binarization_kwargs)


def setup_parametrization(
    parametrization: str, lut_rank: int = 2, **parametrization_kwargs: Any
) -> LUTParametrization:
    """A parametrisation by its name, "raw", "warp" or "light".

    Raises:
        InputError: another name, an option that it does not know, or one out of range.
    """
    owner = "setup_parametrization"
    check_choice(owner, "parametrization", parametrization, PARAMETRIZATIONS)
    return with_options(
        owner,
        PARAMETRIZATIONS[parametrization],
        parametrization_kwargs,
        "parametrization_kwargs",
        lut_rank=lut_rank,
    )
