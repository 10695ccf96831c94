"""From values to bits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ...runtime.errors import InputError

ONE_PER = ("feature", "channel", "global")
METHODS = ("uniform", "distributive")
_SHOWN = 16  # thresholds that are printed


class Binarization(nn.Module):
    """What the binarisations share: thresholds, where bits go, and what is refused.

    Args:
        thresholds: [bits] for all features alike, [features, bits], or [channels, bits] for images
            [n, channels, height, width]; list, array or tensor, kept as float32. More generally
            [..., bits], where `...` broadcasts against the last dimensions of the input.
        feature_dim: the dimension that the bits are merged into, counted with the bits as a
            dimension of their own at the end: -2 is the last of the input, 1 its channels.

    Attributes:
        thresholds: the buffer, float32.

    Raises:
        InputError: no thresholds, or NaN among them.
    """

    thresholds: Tensor

    def __init__(self, thresholds: Any, feature_dim: int = -2) -> None:
        super().__init__()
        values = torch.as_tensor(thresholds, dtype=torch.float32).detach().clone()
        if values.ndim < 1 or values.numel() == 0:
            raise InputError(
                f"{type(self).__name__}: thresholds of shape {list(values.shape)}; "
                "allowed is [bits], [features, bits] or [channels, bits]"
            )
        if torch.isnan(values).any():
            raise InputError(
                f"{type(self).__name__}: {int(torch.isnan(values).sum())} of {values.numel()} "
                "thresholds are NaN; allowed are numbers"
            )
        self.feature_dim = feature_dim
        self.register_buffer("thresholds", values)

    def get_thresholds(self) -> Tensor:
        """The thresholds that are compared with, float32, in the shape they were given."""
        return self.thresholds

    def forward(self, x: Tensor) -> Tensor:
        """Bits of values, float32 0 or 1, `x > threshold`; NaN compares false.

        Args:
            x: [n, ...], any number type.

        Returns:
            The shape of `x` with dimension `feature_dim` times as large as there are bits; the
            bits of one value lie side by side.

        Raises:
            InputError: the shape does not fit the thresholds or `feature_dim`.
        """
        thresholds = self.get_thresholds()
        if thresholds.ndim == 2 and x.ndim == 4:
            thresholds = thresholds.view(-1, 1, 1, thresholds.shape[1])
        self._check(tuple(x.shape), tuple(thresholds.shape[:-1]))
        return _merge_last(self._bits(x.unsqueeze(-1), thresholds), self.feature_dim)

    def _bits(self, x: Tensor, thresholds: Tensor) -> Tensor:
        """Bits of values [..., 1] for thresholds [..., bits]."""
        return (x > thresholds).float()

    def _check(self, shape: tuple[int, ...], covered: tuple[int, ...]) -> None:
        tail = shape[len(shape) - len(covered) :]
        fits = len(covered) <= len(shape) and all(
            size in (1, found) for size, found in zip(covered, tail, strict=True)
        )
        if not fits:
            raise InputError(
                f"{type(self).__name__}: input of shape {list(shape)} for thresholds of shape "
                f"{list(self.thresholds.shape)}; allowed is one row of thresholds a feature, "
                "one a channel of [n, channels, height, width], or one for all"
            )
        if not -len(shape) - 1 <= self.feature_dim < len(shape) or self.feature_dim == -1:
            raise InputError(
                f"{type(self).__name__}: feature_dim {self.feature_dim} for input of shape "
                f"{list(shape)}; allowed is 0 to {len(shape) - 1} or {-len(shape) - 1} to -2"
            )

    def extra_repr(self) -> str:
        shape = "x".join(map(str, self.thresholds.shape))
        return f"thresholds of {shape}, feature_dim={self.feature_dim}"

    @staticmethod
    def get_uniform_thresholds(data: Any, num_bits: int, one_per: str = "feature") -> Tensor:
        """Thresholds that cut the range of the data into equal parts.

        Args:
            data: [n, ...]; array or tensor.
            num_bits: thresholds a feature, from 1.
            one_per: "feature" for each its own range, "channel" (dimension 1), or "global".

        Returns:
            float32: [..., num_bits], [channels, num_bits] or [num_bits].

        Raises:
            InputError: empty data, NaN, or an unknown option.
        """
        rows = _columns(data, num_bits, one_per)
        low, high = rows.amin(-1, keepdim=True), rows.amax(-1, keepdim=True)
        steps = torch.arange(1, num_bits + 1, dtype=torch.float32)
        return low + steps * (high - low) / (num_bits + 1)

    @staticmethod
    def get_distributive_thresholds(data: Any, num_bits: int, one_per: str = "feature") -> Tensor:
        """Thresholds at quantiles of the data; arguments as in `get_uniform_thresholds`."""
        rows = _columns(data, num_bits, one_per).sort(-1).values
        count = rows.shape[-1]
        places = [count * i // (num_bits + 1) for i in range(1, num_bits + 1)]
        return rows[..., places]

    @staticmethod
    def get_initial_thresholds(
        data: Any, num_bits: int, one_per: str = "feature", method: str = "uniform"
    ) -> Tensor:
        """Thresholds by `method`, "uniform" or "distributive"; see the two."""
        if method == "uniform":
            return Binarization.get_uniform_thresholds(data, num_bits, one_per)
        if method == "distributive":
            return Binarization.get_distributive_thresholds(data, num_bits, one_per)
        raise InputError(f"thresholds: method {method!r}; allowed are {', '.join(METHODS)}")


class FixedBinarization(Binarization):
    """Thermometer code: each value becomes one bit a threshold, `x > threshold`.

    Arguments, attributes and errors are those of `Binarization`.
    """

    def extra_repr(self) -> str:
        if self.thresholds.numel() > _SHOWN:
            return super().extra_repr()
        return f"thresholds={self.thresholds.tolist()}, feature_dim={self.feature_dim}"


class DummyBinarization(Binarization):
    """Bits that are bits already: values as float32, unchanged.

    Args:
        thresholds, feature_dim: as in `Binarization`, so that it can stand for the others; they
            have no effect.

    Attributes:
        thresholds: None.
    """

    def __init__(self, thresholds: Any = None, feature_dim: int = -2) -> None:
        nn.Module.__init__(self)
        self.feature_dim = feature_dim
        self.register_buffer("thresholds", None)

    def forward(self, x: Tensor) -> Tensor:
        """float32, in the shape of `x`."""
        return x.float()

    def extra_repr(self) -> str:
        return ""


def _columns(data: Any, num_bits: int, one_per: str) -> Tensor:
    """The data with everything that shares thresholds in the last dimension."""
    values = torch.as_tensor(data).detach().to(torch.float32)
    if num_bits < 1:
        raise InputError(f"thresholds: {num_bits} bits; allowed is 1 or more")
    if one_per not in ONE_PER:
        raise InputError(f"thresholds: one_per {one_per!r}; allowed are {', '.join(ONE_PER)}")
    if values.ndim < 1 + (one_per != "global") or values.numel() == 0:
        raise InputError(
            f"thresholds: data of shape {list(values.shape)}; "
            "allowed is [n, features, ...], n from 1"
        )
    if torch.isnan(values).any():
        raise InputError(
            f"thresholds: {int(torch.isnan(values).sum())} of {values.numel()} values are NaN; "
            "allowed are numbers; drop or fill those samples"
        )
    if one_per == "global":
        return values.reshape(-1)
    if one_per == "channel":
        return values.transpose(0, 1).reshape(values.shape[1], -1)
    return values.movedim(0, -1)


def _merge_last(x: Tensor, dim: int) -> Tensor:
    """Fold the last dimension of `x` into dimension `dim`, whose entries stay together."""
    last = len(x.shape) - 1
    dim = dim % len(x.shape)
    order = [*range(dim + 1), last, *range(dim + 1, last)]
    shape = list(x.shape)
    shape[dim] *= shape.pop()
    return x.permute(order).reshape(shape)
