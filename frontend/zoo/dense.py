"""Networks of dense layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ...runtime.errors import InputError
from ..layers.binarization import FixedBinarization
from ..layers.dense import LogicDense
from ..layers.groupsum import GroupSum


def dense(
    input_shape: int | Sequence[int],
    widths: Sequence[int],
    classes: int,
    *,
    thresholds: Any = None,
    tau: float = 10.0,
    weight_init: str = "residual",
    init_method: str = "random",
    grad_factor: float = 1.0,
) -> nn.Sequential:
    """A network of dense logic layers: Flatten, FixedBinarization, LogicDense..., GroupSum.

    Args:
        input_shape: of one sample; an integer is a vector.
        widths: gates of each layer; the last is a multiple of `classes`.
        classes: scores of the answer.
        thresholds: [bits] or [features, bits] for FixedBinarization; without them the samples must
            be Boolean, and no binarisation is put in.
        tau: temperature of the scores.
        weight_init, init_method, grad_factor: as in LogicDense.

    Returns:
        The model; its attribute `input_shape` says what a sample is.

    Raises:
        InputError: sizes that do not fit.
    """
    shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
    _check_widths(widths, classes)
    features = int(torch.Size(shape).numel())
    parts: list[nn.Module] = [nn.Flatten()] if len(shape) > 1 else []
    if thresholds is not None:
        encoder = FixedBinarization(thresholds)
        parts.append(encoder)
        features *= encoder.get_thresholds().shape[-1]
    for width in widths:
        layer = LogicDense(
            features,
            width,
            grad_factor=grad_factor,
            parametrization_kwargs={"weight_init": weight_init},
            connections_kwargs={"init_method": init_method},
        )
        parts.append(layer)
        features = width
    model = nn.Sequential(*parts, GroupSum(classes, tau=tau))
    model.input_shape = shape  # type: ignore[assignment]
    return model


def _check_widths(widths: Sequence[int], classes: int) -> None:
    if not widths:
        raise InputError("dense: no layers; allowed are one width or more, such as 2000,2000")
    if classes < 1 or widths[-1] < 1 or widths[-1] % classes:
        nearest = max(1, round(widths[-1] / max(classes, 1))) * classes
        raise InputError(
            f"dense: last layer of {widths[-1]} gates for {classes} classes; "
            f"allowed is a multiple of {classes}, such as {nearest}"
        )
