"""convlogic's convolution of logic gates."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ...runtime.errors import InputError
from ..layers.conv import LogicConv2d
from ..layers.pool import OrPooling2d
from ..options import check_choice, check_size, each
from ..wiring.kept import Kept
from .difflogic import IMPLEMENTATIONS, first_weights
from .selection import checked_selection, draw_selection, unpacked

_LEVELS = (4, 2, 1)  # gates of each level of a complete kernel


class ConvLogicLayer(nn.Module):
    """Kernels of four gates, or trees of seven with pooling, under convlogic's arguments.

    The size of the image follows from the input. Computed by `LogicConv2d` and `OrPooling2d`, on
    the CPU in training too; `layers` hands them out. The same seed draws the weights and the
    selection that convlogic draws on the CPU.

    Args:
        in_channels: channels of the input.
        out_channels: kernels.
        stride: distance of neighbouring places, at most the size of the kernel.
        padding: zeros around the input, on every side.
        kernel: size of the window, one integer or height and width. kernel_size: the same.
        groups: parts that channels and kernels are split into, which do not read each other.
        selection: what kernels read, integers [out_channels, 8], `channel << 16 | row << 8 |
            column`; if None, drawn so that each kernel reads at most two channels.
        residual_init: weights that start at the gate that answers its first input, logit 5 against
            0 (arXiv:2411.04732), instead of normal ones.
        implementation: "cuda" or "python", and without effect: what computes follows from where
            the weights are.
        grad_factor: scales the gradient that goes back to the input.
        complete: combine the four gates by a tree of three more, and pool 2 by 2.
        return_intermediate, return_indices: False; convlogic's CUDA kernels can return more.

    Attributes:
        weights: float32 [out_channels, 7 or 4, 16]: four gates that read the input, two that read
            those, and one.
        selection: int32 [out_channels, 8]; gate `i` reads inputs `2 * i` and `2 * i + 1`.

    Raises:
        InputError: an argument is out of range.
    """

    selection: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 1,
        kernel: int | tuple[int, int] = 3,
        groups: int = 1,
        selection: Any = None,
        residual_init: bool = False,
        implementation: str = "cuda",
        grad_factor: float = 1.0,
        complete: bool = False,
        return_intermediate: bool = False,
        return_indices: bool = False,
        kernel_size: int | tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        for name, size in (
            ("in_channels", in_channels),
            ("out_channels", out_channels),
            ("groups", groups),
        ):
            check_size("ConvLogicLayer", name, size)
        check_choice("ConvLogicLayer", "implementation", implementation, IMPLEMENTATIONS[1:])
        for name, wanted in (
            ("return_intermediate", return_intermediate),
            ("return_indices", return_indices),
        ):
            check_choice("ConvLogicLayer", name, int(wanted), (0,), "; the answer is all there is")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        kernel = kernel if kernel_size is None else kernel_size
        self.kernel = _two("kernel", kernel)
        self.stride = _equal("stride", stride)
        self.padding = _equal("padding", padding, least=0)
        self.residual_init = residual_init
        self.implementation = implementation
        self.grad_factor = grad_factor
        self.complete = complete
        self.input_bits = 8
        gates = sum(_LEVELS) if complete else _LEVELS[0]
        self.weights = nn.Parameter(first_weights((out_channels, gates), residual_init, "cpu"))
        if selection is None:
            selection = draw_selection(in_channels, out_channels, groups, self.kernel)
        checked = checked_selection(selection, in_channels, out_channels, self.kernel)
        self.register_buffer("selection", checked)
        self._made: Kept[LogicConv2d] = Kept()

    def forward(self, x: Tensor) -> Tensor:
        """Evaluate every kernel at every place.

        Args:
            x: [n, in_channels, height, width] of values in [0, 1].

        Returns:
            [n, out_channels, places / 2, places / 2] if complete, rounded down, else
            [n, out_channels, places, places, 4], in the dtype of the weights.

        Raises:
            InputError: another shape; in evaluation mode, NaN weights.
        """
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise InputError(
                f"ConvLogicLayer: input of shape {list(x.shape)}; allowed is "
                f"[n, {self.in_channels}, height, width]"
            )
        conv = self._convolution(tuple(x.shape[2:]))
        levels = {f"tree_weights.{i}": level for i, level in enumerate(self._levels())}
        found = torch.func.functional_call(conv, levels, (x,))
        if self.complete:
            return OrPooling2d(2)(found)
        return found.unflatten(1, (self.out_channels, 4)).permute(0, 1, 3, 4, 2)

    def layers(self, size: int | tuple[int, int]) -> nn.Sequential:
        """The same function as layers of this library, with weights of their own.

        Args:
            size: of the image, one integer or height and width.

        Returns:
            LogicConv2d and OrPooling2d if complete, else LogicConv2d alone, whose channels are the
            gates of all kernels, `4 * kernel + gate`.
        """
        conv = self._made_for(each("ConvLogicLayer", "size", size, 2))
        with torch.no_grad():
            for weight, level in zip(conv.tree_weights, self._levels(), strict=True):
                weight.copy_(level)
        return nn.Sequential(conv, *([OrPooling2d(2)] if self.complete else []))

    def _levels(self) -> list[Tensor]:
        """Weights of each tree level as LogicConv2d has them, [nodes, kernels, 16]."""
        if not self.complete:
            return [self.weights.reshape(1, -1, 16)]
        return [level.transpose(0, 1) for level in self.weights.split(_LEVELS, dim=1)]

    def _convolution(self, size: tuple[int, ...]) -> LogicConv2d:
        """A convolution for images of that size, kept until the selection changes or moves."""
        also = (size, self.weights.device, self.weights.dtype)
        conv = self._made.of(self.selection, lambda: self._made_for(size), *also)
        conv.grad_factor = self.grad_factor
        return conv.train(self.training)

    def _made_for(self, size: tuple[int, ...]) -> LogicConv2d:
        positions = unpacked(self.selection).unflatten(1, (4, 2)).permute(2, 0, 1, 3)
        if not self.complete:
            positions = positions.flatten(1, 2).unsqueeze(2)
        return LogicConv2d(
            size,
            channels=self.in_channels,
            num_kernels=positions.shape[1],
            tree_depth=len(_LEVELS) if self.complete else 1,
            receptive_field_size=self.kernel,
            stride=self.stride[0],
            padding=self.padding[0],
            device=self.weights.device,
            grad_factor=self.grad_factor,
            connections_kwargs={"indices": positions},
        ).to(self.weights.dtype)

    def extra_repr(self) -> str:
        return (
            f"in_channels={self.in_channels}, out_channels={self.out_channels}, "
            f"kernel={self.kernel}, stride={self.stride}, padding={self.padding}, "
            f"groups={self.groups}, complete={self.complete}"
        )


def _two(name: str, found: Any, least: int = 1) -> tuple[int, int]:
    height, width = each("ConvLogicLayer", name, found, 2, least)
    return height, width


def _equal(name: str, found: Any, least: int = 1) -> tuple[int, int]:
    height, width = _two(name, found, least)
    if height != width:
        raise InputError(
            f"ConvLogicLayer: {name} {found!r}; allowed are equal numbers for height and width"
        )
    return height, width
