"""Convolutions whose kernels are trees of gates that are learned."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...runtime.errors import InputError
from ..gates.table_parametrization import PARAMETRIZATIONS
from ..gates.trees import logic_trees, served
from ..gates.weights import regularization_loss, rescale
from ..options import check_choice, check_factor, each, with_options
from ..wiring.conv_connections import FixedConvConnections
from ..wiring.learned_conv_connections import LearnableConvConnections
from .conv_checks import check_places, check_sizes, check_window, checked_depth

CONNECTIONS: dict[str, type[FixedConvConnections]] = {
    "fixed": FixedConvConnections,
    "learnable": LearnableConvConnections,
}


class LogicConvNd(nn.Module):
    """What the two- and the three-dimensional convolution share.

    Each kernel is a tree of gates over inputs in a window that moves over the input (Petersen et
    al. 2024, arXiv:2411.04732). In training mode a gate is a relaxation of Boolean functions to
    [0, 1], the same at every place; in evaluation mode it is the function that was chosen, exact on
    0 and 1.

    Args:
        in_dim: size of the input, one integer or one a dimension.
        channels: channels of the input.
        num_kernels: kernels, the channels of the output.
        tree_depth: levels of each kernel's tree, from 1; a kernel reads `lut_rank**tree_depth`
            inputs, at most 65,536.
        receptive_field_size: size of the window, one integer or one a dimension.
        stride: distance of neighbouring places, at most the size of the window.
        padding: zeros around the input, on every side.
        device: where parameters and buffers live.
        grad_factor: scales the gradient that goes back to the input, once for the whole tree.
        lut_rank: inputs of a gate, k: 1 or 2 for "raw", else 1 to 6.
        parametrization: "raw", "warp" or "light", as in `LogicDense`.
        parametrization_kwargs: options of `LUTParametrization`: weight_init, residual_probability,
            temperature, forward_sampling.
        connections: "fixed", or "learnable" (arXiv:2511.12340).
        connections_kwargs: options of `FixedConvConnections`: init_method ("random" or
            "random-unique"), channel_group_size, indices; of `LearnableConvConnections` also
            num_candidates, temperature, gumbel, forward_sampling, which do nothing to fixed ones.

    Attributes:
        tree_weights: float32 [k**(tree_depth - 1 - i), num_kernels, numbers a gate] for level `i`;
            node `j` of a level reads nodes `k * j` to `k * j + k - 1` of the level before. A gate
            has 16 numbers ("raw"; 4 for k = 1) or 2**k.
        connections: `connections.resolve_connections()` is what the first level reads in evaluation
            mode; fixed wiring holds it as `indices`.
        kernel_positions: the output's size in each dimension,
            `(in_dim + 2 * padding - receptive_field_size) // stride + 1`.

    Raises:
        InputError: an option is unknown or impossible.
    """

    dims: ClassVar[int]
    wirings: ClassVar[dict[str, type[FixedConvConnections]]] = CONNECTIONS

    def __init__(
        self,
        in_dim: int | tuple[int, ...],
        channels: int = 1,
        num_kernels: int = 16,
        tree_depth: int | None = None,
        receptive_field_size: int | tuple[int, ...] = 2,
        stride: int = 1,
        padding: int = 0,
        device: Any = "cpu",
        grad_factor: float = 1.0,
        lut_rank: int = 2,
        parametrization: str = "raw",
        parametrization_kwargs: dict[str, Any] | None = None,
        connections: str = "fixed",
        connections_kwargs: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        self.conv_dimension = self.dims
        self.in_dim = each(owner, "in_dim", in_dim, self.dims)
        self.receptive_field_size = each(
            owner, "receptive_field_size", receptive_field_size, self.dims
        )
        self.channels, self.num_kernels = channels, num_kernels
        check_choice(owner, "parametrization", parametrization, PARAMETRIZATIONS)
        check_choice(owner, "connections", connections, self.wirings)
        self.stride, self.padding = stride, padding
        self.device = device
        self.grad_factor = check_factor(owner, "grad_factor", grad_factor)
        self.lut_rank = lut_rank
        check_sizes(owner, self)
        self._check_window(owner)
        self.parametrization = with_options(
            owner,
            PARAMETRIZATIONS[parametrization],
            parametrization_kwargs,
            "parametrization_kwargs",
            lut_rank=lut_rank,
        ).to(device)
        self.tree_depth = checked_depth(owner, tree_depth, lut_rank)
        self.tree_weights = self._init_weights()
        self.connections = self._init_connections(owner, connections, connections_kwargs)
        self.kernel_positions = list(self.connections.places)
        self.n_kernel_positions = prod(self.kernel_positions)
        check_places(owner, self)

    def _check_window(self, owner: str) -> None:
        check_window(owner, self)

    def _init_weights(self) -> nn.ParameterList:
        sizes = [self.lut_rank**level for level in reversed(range(self.tree_depth))]
        levels = [
            self.parametrization.init_weights(nodes * self.num_kernels, self.device)
            for nodes in sizes
        ]
        return nn.ParameterList(
            nn.Parameter(weight.reshape(nodes, self.num_kernels, -1))
            for nodes, weight in zip(sizes, levels, strict=True)
        )

    def _init_connections(
        self, owner: str, connections: str, options: dict[str, Any] | None
    ) -> FixedConvConnections:
        return with_options(
            owner,
            self.wirings[connections],
            options,
            "connections_kwargs",
            CONNECTIONS.values(),
            in_dim=self.in_dim,
            channels=self.channels,
            num_kernels=self.num_kernels,
            tree_depth=self.tree_depth,
            receptive_field_size=self.receptive_field_size,
            lut_rank=self.lut_rank,
            **self._window_options(),
        ).to(self.device)

    def _window_options(self) -> dict[str, Any]:
        """Where the windows are, for the connections."""
        return {"stride": self.stride, "padding": self.padding}

    @property
    def in_shape(self) -> tuple[int, ...]:
        """(channels, *in_dim): the last dimensions of the input."""
        return (self.channels, *self.in_dim)

    def check_shape(self, shape: tuple[int, ...]) -> str:
        """What is wrong with an input of this shape, or nothing."""
        if tuple(shape[-self.dims - 1 :]) == self.in_shape:
            return ""
        allowed = ", ".join(map(str, self.in_shape))
        return (
            f"{type(self).__name__}: input of shape {list(shape)}; allowed is [..., {allowed}]; "
            "do channels and in_dim fit the layer before? "
            "FixedBinarization makes channels with feature_dim=1"
        )

    def forward(self, x: Tensor) -> Tensor:
        """Evaluate every kernel at every place.

        Args:
            x: [..., channels, *in_dim] of values in [0, 1]: float, bool or uint8.

        Returns:
            [..., num_kernels, *kernel_positions] in the dtype of the weights, float32 unless the
            module was converted.

        Raises:
            InputError: other last dimensions; in evaluation mode, NaN weights.
        """
        wrong = self.check_shape(tuple(x.shape))
        if wrong:
            raise InputError(wrong)
        found = self._trees(self._features(x))
        leading = x.shape[: x.ndim - self.dims - 1]
        return found.t().reshape(*leading, self.num_kernels, *self.kernel_positions)

    def _features(self, x: Tensor) -> Tensor:
        """[features, batch], with a row of zeros at the end if there is padding."""
        rows = x.reshape(-1, prod(self.in_shape)).t().to(self.tree_weights[0].dtype)
        if self.connections.pads:
            rows = nn.functional.pad(rows, (0, 0, 0, 1))
        return rows.contiguous()

    def _trees(self, features: Tensor) -> Tensor:
        """All kernels at all places: [features, batch] to [num_kernels * places, batch]."""
        features, levels, factor = self.connections.feed(features, self.grad_factor)
        if self.parametrization.is_bilinear(self.training) and served(features, len(levels)):
            weights = [weight.flatten(0, 1) for weight in self.tree_weights]
            numbers = [self.parametrization.coefficients(w, self.training) for w in weights]
            return logic_trees(features, numbers, levels[0], factor)
        for i, level in enumerate(levels):
            features = self.parametrization.evaluate(
                features,
                self.tree_weights[i].flatten(0, 1),
                level,
                1.0 if i else factor,
                self.training,
                self.n_kernel_positions,
            )
        return features

    def get_luts(self) -> list[list[Tensor]]:
        """Truth tables of the chosen gates: for each level and node bool [num_kernels, 2**k].

        Raises:
            InputError: NaN weights.
        """
        return [[self.parametrization.get_luts(w) for w in level] for level in self.tree_weights]

    def get_luts_and_ids(self) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
        """Truth tables as in `get_luts` and gate ids: for each level and node int64 [num_kernels].

        Raises:
            InputError: NaN weights, or six inputs, whose ids need 64 bits.
        """
        found = [
            [self.parametrization.get_luts_and_ids(weight) for weight in level]
            for level in self.tree_weights
        ]
        luts = [[luts for luts, _ in level] for level in found]
        return luts, [[ids for _, ids in level] for level in found]

    def get_regularization_loss(self, regularizer: str | None) -> Tensor | float:
        """A penalty on all levels: "L2" or "abs_sum", [gates], "warp", a scalar, or None, 0.0.

        Raises:
            InputError: another regularizer.
        """
        weights = [weight.flatten(0, 1) for weight in self.tree_weights]
        return regularization_loss(torch.cat(weights), regularizer)

    def rescale_weights(self, method: str | None) -> None:
        """Scale the weights of each gate in place by "clip", "abs_sum" or "L2"; None does nothing.

        Raises:
            InputError: another method.
        """
        for weight in self.tree_weights:
            rescale(weight, method)

    def extra_repr(self) -> str:
        return (
            f"{self.in_dim}, channels={self.channels}, num_kernels={self.num_kernels}, "
            f"tree_depth={self.tree_depth}, receptive_field_size={self.receptive_field_size}, "
            f"stride={self.stride}, padding={self.padding}, lut_rank={self.lut_rank}"
        )


class LogicConv2d(LogicConvNd):
    """Kernels that are trees of gates, over images; see `LogicConvNd` for the arguments.

    [..., channels, height, width] to [..., num_kernels, height, width] (arXiv:2411.04732).
    """

    dims = 2


class LogicConv3d(LogicConvNd):
    """Kernels that are trees of gates, over volumes; see `LogicConvNd` for the arguments.

    [..., channels, depth, height, width] to [..., num_kernels, depth, height, width]; torchlogix's
    extension of arXiv:2411.04732 to three dimensions.
    """

    dims = 3
