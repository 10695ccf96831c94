"""convlogic's trees and pooling, where they are not part of a convolution."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ...runtime.errors import InputError
from ..layers.dense import LogicDense
from ..layers.pool import OrPooling2d
from ..options import check_choice, check_size
from .difflogic import IMPLEMENTATIONS, first_weights


class TreeLogicLayer(nn.Module):
    """One level of a kernel's tree under convlogic's arguments: neighbours in pairs, one gate each.

    Args:
        channels: kernels.
        input_bits: bits of a kernel at each place; even.
        residual_init: weights that start at the gate that answers its first input.
        implementation: "cuda" or "python", and without effect.
        grad_factor: scales the gradient that goes back to the input.

    Attributes:
        gates: the gates of all kernels as one LogicDense.
        weights: convlogic's view of their weight, float32 [channels, input_bits / 2, 16].

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(
        self,
        channels: int,
        input_bits: int,
        residual_init: bool = False,
        implementation: str = "cuda",
        grad_factor: float = 1.0,
    ) -> None:
        super().__init__()
        check_size("TreeLogicLayer", "channels", channels)
        check_size("TreeLogicLayer", "input_bits", input_bits)
        check_choice("TreeLogicLayer", "implementation", implementation, IMPLEMENTATIONS[1:])
        if input_bits % 2:
            raise InputError(f"TreeLogicLayer: input_bits {input_bits}; allowed are even numbers")
        self.channels = channels
        self.input_bits = input_bits
        self.residual_init = residual_init
        self.implementation = implementation
        pairs = torch.arange(channels * input_bits).reshape(-1, 2).t()
        self.gates = LogicDense(
            channels * input_bits,
            channels * input_bits // 2,
            grad_factor=grad_factor,
            connections_kwargs={"indices": pairs},
        )
        with torch.no_grad():
            first = first_weights((channels, input_bits // 2), residual_init, "cpu")
            self.gates.weight.copy_(first.flatten(0, 1))

    @property
    def weights(self) -> Tensor:
        """Logits [channels, gates, 16], as convlogic calls them."""
        return self.gates.weight.unflatten(0, (self.channels, -1))

    @property
    def grad_factor(self) -> float:
        """What scales the gradient for the input."""
        return self.gates.grad_factor

    def forward(self, x: Tensor) -> Tensor:
        """Evaluate the gates: [n, channels, height, width, input_bits] to half as many bits.

        Raises:
            InputError: another shape; in evaluation mode, NaN weights.
        """
        if x.ndim != 5 or (x.shape[1], x.shape[4]) != (self.channels, self.input_bits):
            raise InputError(
                f"TreeLogicLayer: input of shape {list(x.shape)}; allowed is "
                f"[n, {self.channels}, height, width, {self.input_bits}]"
            )
        found = self.gates(x.movedim(1, 3).flatten(3))
        return found.unflatten(3, (self.channels, self.input_bits // 2)).movedim(3, 1)

    def extra_repr(self) -> str:
        return f"channels={self.channels}, input_bits={self.input_bits}"


class PoolLogicLayer(OrPooling2d):
    """OR over windows of images under convlogic's arguments, also of trees' last bits.

    Args:
        kernel: size of the window, one integer or height and width. stride: their distance.
        return_indices: False; the answer is all there is.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(self, kernel: Any = 2, stride: Any = 2, return_indices: bool = False) -> None:
        check_choice("PoolLogicLayer", "return_indices", int(return_indices), (0,))
        super().__init__(kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Pool each channel of [n, channels, height, width], or of the same with a last dimension
        of 1.

        Raises:
            InputError: another number of dimensions, or no room for a window.
        """
        return super().forward(x[..., 0] if x.ndim == 5 and x.shape[4] == 1 else x)
