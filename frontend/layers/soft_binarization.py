"""From values to bits with a gradient: for what comes before, or for the thresholds."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...runtime.errors import InputError
from ..gates.sampling import SAMPLING, sample_sigmoid
from .binarization import Binarization


class SoftBinarization(Binarization):
    """Thermometer code that is a sigmoid of `(x - threshold) / temperature` in training mode.

    In evaluation mode it is `FixedBinarization`.

    Args:
        thresholds, feature_dim: as in `Binarization`.
        temperature: width of the sigmoid, in the units of the values; positive.

    Attributes:
        thresholds: the buffer, float32. temperature_sampling: the temperature.

    Raises:
        InputError: no thresholds, NaN among them, or a temperature out of range.
    """

    def __init__(self, thresholds: Any, temperature: float = 0.1, feature_dim: int = -2) -> None:
        super().__init__(thresholds, feature_dim)
        _check_positive("SoftBinarization", "temperature", temperature)
        self.temperature_sampling = temperature

    def _bits(self, x: Tensor, thresholds: Tensor) -> Tensor:
        if not self.training:
            return super()._bits(x, thresholds)
        return sample_sigmoid(x.to(thresholds) - thresholds, self.temperature_sampling, "soft")


class LearnableBinarization(Binarization):
    """Thermometer code whose thresholds are learned, and stay in order.

    The parameter `raw_diffs` holds the first threshold and the steps to the others; steps pass
    through a softplus, which keeps them positive and makes small ones larger: a step of 0 becomes
    0.07 with the default temperature. `get_thresholds` says what is compared with.

    In training mode bits are sigmoids of `(x - threshold) / temperature_sampling`, or samples of
    them; in evaluation mode they are `x > threshold`.

    Args:
        thresholds, feature_dim: as in `Binarization`; where thresholds start. They are finite and
            do not fall in the last dimension.
        temperature_sampling: width of the sigmoid, in the units of the values; positive.
        temperature_softplus: width of the softplus's bend, in the same units; positive.
        forward_sampling: "soft", "hard", "gumbel_soft" or "gumbel_hard", as in
            `LUTParametrization`.
        max_grad_norm: the gradient of all thresholds together is scaled down to this norm;
            positive.

    Attributes:
        thresholds: where they started, a float32 buffer. raw_diffs: the parameter, of its shape.

    Raises:
        InputError: unusable thresholds, or an option that is unknown or out of range.
    """

    def __init__(
        self,
        thresholds: Any,
        feature_dim: int = -2,
        temperature_sampling: float = 0.1,
        temperature_softplus: float = 0.1,
        forward_sampling: str = "soft",
        max_grad_norm: float = 0.001,
    ) -> None:
        super().__init__(thresholds, feature_dim)
        start = self.thresholds
        if not torch.isfinite(start).all() or (start[..., 1:] < start[..., :-1]).any():
            raise InputError(
                "LearnableBinarization: thresholds that are infinite or fall; allowed are finite "
                "ones in ascending order; sort them in the last dimension"
            )
        name = "LearnableBinarization"
        _check_positive(name, "temperature_sampling", temperature_sampling)
        _check_positive(name, "temperature_softplus", temperature_softplus)
        _check_positive(name, "max_grad_norm", max_grad_norm)
        if forward_sampling not in SAMPLING:
            raise InputError(
                f"{name}: forward_sampling {forward_sampling!r}; allowed are {', '.join(SAMPLING)}"
            )
        self.temperature_sampling = temperature_sampling
        self.temperature_softplus = temperature_softplus
        self.forward_sampling = forward_sampling
        self.max_grad_norm = max_grad_norm
        zero = start.new_zeros(*start.shape[:-1], 1)
        self.raw_diffs = nn.Parameter(torch.diff(start, prepend=zero, dim=-1))

    def get_thresholds(self) -> Tensor:
        """The thresholds that are compared with, ascending, float32, in the shape given."""
        diffs = self.raw_diffs
        if diffs.requires_grad and torch.is_grad_enabled():
            diffs = diffs.view_as(diffs)
            diffs.register_hook(self._clipped)
        scale = self.temperature_softplus + 1e-6  # as in torchlogix
        steps = scale * F.softplus(diffs[..., 1:] / scale)
        return torch.cat([diffs[..., :1], steps], dim=-1).cumsum(-1)

    def _clipped(self, grad: Tensor) -> Tensor:
        norm = grad.norm()
        clipped = grad * (self.max_grad_norm / (norm + 1e-6))
        return torch.where(norm > self.max_grad_norm, clipped, grad)

    def _bits(self, x: Tensor, thresholds: Tensor) -> Tensor:
        if not self.training:
            return super()._bits(x, thresholds)
        logits = x.to(thresholds) - thresholds
        return sample_sigmoid(logits, self.temperature_sampling, self.forward_sampling)


def _check_positive(layer: str, name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{layer}: {name} {value}; allowed is above 0")
