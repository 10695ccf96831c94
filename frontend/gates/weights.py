"""Penalties on the weights of a layer, and scaling them back, under torchlogix's names."""

from __future__ import annotations

import torch
from torch import Tensor

from ...runtime.errors import InputError

REGULARIZERS = ("L2", "abs_sum", "warp")
RESCALINGS = ("clip", "abs_sum", "L2")


def regularization_loss(weight: Tensor, regularizer: str | None) -> Tensor | float:
    """A penalty on weights [gates, numbers].

    Args:
        weight: what is penalised.
        regularizer: "L2" is `(1 - sum of squares)**2` and "abs_sum" `(1 - |sum|)**2`, both [gates];
            "warp" is the mean of `exp(-last number)`, a scalar; None is 0.0.

    Raises:
        InputError: another regularizer.
    """
    if regularizer is None:
        return 0.0
    if regularizer == "L2":
        return (1 - weight.square().sum(-1)).square()
    if regularizer == "abs_sum":
        return (1 - weight.sum(-1).abs()).square()
    if regularizer == "warp":
        return torch.exp(-weight[..., -1]).mean()
    raise InputError(
        f"get_regularization_loss: regularizer {regularizer!r}; "
        f"allowed are {', '.join(REGULARIZERS)} or None"
    )


@torch.no_grad()
def rescale(weight: Tensor, method: str | None) -> None:
    """Scale weights [gates, numbers] in place.

    Args:
        weight: what is scaled.
        method: "clip" to -1 to 1; "abs_sum" divides each gate's by the absolute value of their
            sum, "L2" by their norm; gates where that is 0 are left alone. None does nothing.

    Raises:
        InputError: another method.
    """
    if method is None:
        return
    if method == "clip":
        weight.clamp_(-1, 1)
    elif method == "abs_sum":
        weight.div_(_nonzero(weight.sum(-1, keepdim=True).abs()))
    elif method == "L2":
        weight.div_(_nonzero(weight.norm(dim=-1, keepdim=True)))
    else:
        raise InputError(
            f"rescale_weights: method {method!r}; allowed are {', '.join(RESCALINGS)} or None"
        )


def _nonzero(divisor: Tensor) -> Tensor:
    return torch.where(divisor == 0, 1.0, divisor)
