"""Transposed convolutions: trees of gates that make more places than they read."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from ...runtime.errors import InputError
from ..options import each
from ..wiring.conv_connections import FixedConvConnections
from .conv import LogicConvNd


class FixedConvTransposeConnections(FixedConvConnections):
    """Wiring of the kernels of a transposed convolution, drawn once and never learned.

    A window moves by steps of one over the input, between whose values are `stride - 1` zeros and
    around which are `receptive_field_size - 1 - padding` zeros on every side.

    Args:
        output_padding: places more at the end of each dimension.
        in_dim, channels, num_kernels, tree_depth, receptive_field_size, stride, padding,
            init_method, channel_group_size, indices, device, lut_rank: as in
            `FixedConvConnections`, but for the stride and padding, which are the output's.

    Attributes and errors are those of `FixedConvConnections`.
    """

    def __init__(
        self,
        in_dim: tuple[int, ...],
        channels: int,
        num_kernels: int,
        tree_depth: int,
        receptive_field_size: tuple[int, ...],
        stride: int,
        padding: int,
        output_padding: tuple[int, ...],
        init_method: str = "random",
        channel_group_size: int | None = None,
        indices: Any = None,
        device: Any = "cpu",
        lut_rank: int = 2,
    ) -> None:
        self.output_padding = output_padding
        super().__init__(
            in_dim,
            channels,
            num_kernels,
            tree_depth,
            receptive_field_size,
            stride,
            padding,
            init_method,
            channel_group_size,
            indices,
            device,
            lut_rank,
        )

    def _places(self) -> tuple[int, ...]:
        return transposed_places(
            self.in_dim, self.receptive_field_size, self.stride, self.padding, self.output_padding
        )

    @property
    def pads(self) -> bool:
        """True: places beyond the input are read as zero."""
        return True

    def _at(self, axis: int, spot: Tensor, place: Tensor) -> Tensor:
        apart = spot + (place - (self.receptive_field_size[axis] - 1 - self.padding))
        inside = torch.div(apart, self.stride, rounding_mode="floor")
        return torch.where(apart % self.stride == 0, inside, -1)


def transposed_places(
    in_dim: tuple[int, ...],
    field: tuple[int, ...],
    stride: int,
    padding: int,
    output_padding: tuple[int, ...],
) -> tuple[int, ...]:
    """Places in each dimension, as those of torch.nn.ConvTranspose2d."""
    sizes = zip(in_dim, field, output_padding, strict=True)
    return tuple((size - 1) * stride - 2 * padding + f + more for size, f, more in sizes)


class LogicConvTransposeNd(LogicConvNd):
    """What the two- and the three-dimensional transposed convolution share.

    A convolution as `LogicConvNd` by steps of one, over an input whose values are `stride` apart,
    with zeros between. So an input reaches the places that a convolution of the same window, stride
    and padding would read it from, and the output is larger than the input.

    Args:
        in_dim, channels, num_kernels, tree_depth, receptive_field_size, device, grad_factor,
            lut_rank, parametrization, parametrization_kwargs: as in `LogicConvNd`.
        stride: how far apart neighbouring inputs stand in the output, at most the window's size.
        padding: how much is left out of the output, on every side; below the window's size.
        output_padding: places more at the end of each dimension, one integer or one a dimension,
            below `stride`.
        connections: "fixed".
        connections_kwargs: options of `FixedConvTransposeConnections`: init_method,
            channel_group_size, indices.

    Attributes:
        tree_weights, connections: as in `LogicConvNd`.
        kernel_positions: the output's size in each dimension,
            `(in_dim - 1) * stride - 2 * padding + receptive_field_size + output_padding`.

    Raises:
        InputError: an option is unknown or impossible.
    """

    wirings: ClassVar[dict[str, type[FixedConvConnections]]] = {
        "fixed": FixedConvTransposeConnections
    }

    def __init__(
        self,
        in_dim: int | tuple[int, ...],
        channels: int = 1,
        num_kernels: int = 16,
        tree_depth: int | None = None,
        receptive_field_size: int | tuple[int, ...] = 2,
        stride: int = 1,
        padding: int = 0,
        output_padding: int | tuple[int, ...] = 0,
        device: Any = "cpu",
        grad_factor: float = 1.0,
        lut_rank: int = 2,
        parametrization: str = "raw",
        parametrization_kwargs: dict[str, Any] | None = None,
        connections: str = "fixed",
        connections_kwargs: dict[str, Any] | None = None,
    ) -> None:
        owner = type(self).__name__
        self.output_padding = each(owner, "output_padding", output_padding, self.dims, least=0)
        super().__init__(
            in_dim,
            channels,
            num_kernels,
            tree_depth,
            receptive_field_size,
            stride,
            padding,
            device,
            grad_factor,
            lut_rank,
            parametrization,
            parametrization_kwargs,
            connections,
            connections_kwargs,
        )

    def _check_window(self, owner: str) -> None:
        field, more = self.receptive_field_size, self.output_padding
        if self.padding >= min(field):
            raise InputError(
                f"{owner}: padding {self.padding} for a receptive field of {list(field)}; "
                f"allowed is at most {min(field) - 1}, one less than the window"
            )
        if max(more) >= self.stride:
            raise InputError(
                f"{owner}: output_padding {list(more)} for stride {self.stride}; "
                f"allowed is at most {self.stride - 1}, one less than the stride"
            )
        places = transposed_places(self.in_dim, field, self.stride, self.padding, more)
        if min(places) < 1:
            raise InputError(
                f"{owner}: in_dim {list(self.in_dim)} becomes {list(places)}; allowed are sizes "
                "from 1; use less padding"
            )

    def _window_options(self) -> dict[str, Any]:
        return {**super()._window_options(), "output_padding": self.output_padding}

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, output_padding={self.output_padding}"


class LogicConvTranspose2d(LogicConvTransposeNd):
    """Trees of gates that enlarge images; see `LogicConvTransposeNd` for the arguments.

    [..., channels, height, width] to [..., num_kernels, height, width].
    """

    dims = 2


class LogicConvTranspose3d(LogicConvTransposeNd):
    """Trees of gates that enlarge volumes; see `LogicConvTransposeNd` for the arguments.

    [..., channels, depth, height, width] to [..., num_kernels, depth, height, width].
    """

    dims = 3
