"""Wiring of convolutions that is learned."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..gates.wiring import Wiring, apart
from ..options import is_int
from .choosing import scale_gradient
from .conv_connections import FixedConvConnections, ravel, unravel
from .learned_connections import LearnedWiring


class LearnableConvConnections(LearnedWiring, FixedConvConnections):
    """Each leaf of a kernel's tree learns which position of the receptive field it reads.

    The choice is one for all places. What it is in evaluation mode and in training mode is as in
    `LearnableDenseConnections` (LILogicNet, arXiv:2511.12340); torchlogix learns wiring in dense
    layers only. In training mode the windows of all places are in memory, as in other
    convolutions.

    Args:
        in_dim, channels, num_kernels, tree_depth, receptive_field_size, stride, padding, lut_rank,
            device: as in `FixedConvConnections`.
        temperature, gumbel, forward_sampling: as in `LearnableDenseConnections`.
        num_candidates: candidates of each leaf; -1 makes every position that the kernel may read
            one.
        init_method: how candidates are drawn if they are not all: the first ones of all leaves are
            a wiring as `FixedConvConnections` draws it, and so are the second ones, and so on.
        channel_group_size: as in `FixedConvConnections`; limits what a kernel may read.
        indices: the candidates, in the shape of the buffer, instead of drawing them.

    Attributes:
        weights: float32 parameter [num_candidates, k, num_kernels, k**(tree_depth - 1)]; starts
            evenly drawn from [0, 1).
        indices: int64 buffer, the candidates as positions, in that shape with [dims + 1] more;
            [n, 1, 1, 1, dims + 1] if all n positions of the window are.

    Raises:
        InputError: an option is unknown or out of range.
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
        temperature: float = 0.001,
        num_candidates: int = -1,
        gumbel: bool = False,
        init_method: str = "random",
        channel_group_size: int | None = None,
        forward_sampling: str = "hard",
        indices: Any = None,
        device: Any = "cpu",
        lut_rank: int = 2,
    ) -> None:
        group = channel_group_size if is_int(channel_group_size) else channels
        most = prod(receptive_field_size) * min(group or channels, channels)
        self._learn(temperature, num_candidates, gumbel, forward_sampling, most)
        self._refuse_indices(indices)
        self._group_only = self.every and channel_group_size is not None
        self.every = self.every and not self._group_only
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
        self.weights = nn.Parameter(torch.rand(self.num_candidates, *self.ends, device=device))
        self._resolved: tuple[Tensor, list[Wiring]] | None = None
        self._above: list[Wiring] | None = None

    def _draw(self, init_method: str) -> Tensor:
        if self.every:
            return self._window().reshape(-1, 1, 1, 1, len(self.in_dim) + 1)
        if self._group_only:
            return self._of_groups()
        return torch.stack(
            [
                super(LearnableConvConnections, self)._draw(init_method)
                for _ in range(self.num_candidates)
            ]
        )

    def _of_groups(self) -> Tensor:
        """All positions of each kernel's channels, for each of its leaves."""
        group = self._group()
        found = unravel(torch.arange(self.num_candidates), (*self.receptive_field_size, group))
        found = found[:, None].repeat(1, self.num_kernels, 1)
        found[..., -1] += torch.arange(self.num_kernels) % (self.channels - group + 1)
        return found[:, None, :, None].expand(-1, *self.ends, -1).contiguous()

    def _checked(self, indices: Any, leading: tuple[int, ...] = ()) -> Tensor:
        return super()._checked(indices, (self.num_candidates, *leading))

    @property
    def _positions(self) -> int:
        return prod(self.receptive_field_size) * self.channels

    def _window(self) -> Tensor:
        """All positions of the receptive field, int64 [n, dims + 1]."""
        shape = (*self.receptive_field_size, self.channels)
        return unravel(torch.arange(self._positions), shape)

    def _numbers(self) -> Tensor:
        self._check_positions(self.indices)  # of a loaded state; numbers of wrong ones wrap around
        numbers = ravel(self.indices, (*self.receptive_field_size, self.channels))
        return numbers.transpose(2, 3).flatten(1)

    def _logits(self) -> Tensor:
        return self.weights.transpose(2, 3).flatten(1)

    def resolve_connections(self) -> Tensor:
        """The wiring of evaluation mode, int64 [k, num_kernels, k**(tree_depth - 1), dims + 1].

        Raises:
            InputError: NaN weights.
        """
        rank, kernels, gates = self.ends
        best = (
            self._chosen(self._candidates(self._positions))
            .reshape(rank, gates, kernels)
            .transpose(1, 2)
        )
        return unravel(best, (*self.receptive_field_size, self.channels))

    def levels(self) -> list[Wiring]:
        """The wiring of every tree level in evaluation mode, kept until the choice changes."""
        wiring = self.resolve_connections()
        kept = self._resolved
        if kept is None or kept[0].device != wiring.device or not torch.equal(kept[0], wiring):
            with torch.inference_mode(False):
                kept = (wiring.clone(), self._made_levels(wiring.clone()))
            self._resolved = kept
        return kept[1]

    def feed(self, features: Tensor, grad_factor: float) -> tuple[Tensor, list[Wiring], float]:
        """In training mode the leaves, which gates read apart; see `FixedConvConnections.feed`."""
        if not self.training:
            return features, self.levels(), grad_factor
        windows = self.features(self._window().to(features.device))
        rows = F.embedding(windows, scale_gradient(features, grad_factor))
        leaves = self._relaxed(rows.flatten(1), self._candidates(self._positions))
        rank, kernels, gates = self.ends
        first = apart(rank, kernels * gates * windows.shape[1], features.device)
        leaves = leaves.reshape(first.in_dim, features.shape[1])
        return leaves, [first, *self._upper(first)], 1.0

    def _upper(self, first: Wiring) -> list[Wiring]:
        kept = self._above
        if kept is None or (kept and kept[0].indices.device != first.indices.device):
            with torch.inference_mode(False):
                kept = self._levels_above(first)
            self._above = kept
        return kept

    def extra_repr(self) -> str:
        return f"{LearnedWiring.extra_repr(self)}, channel_group_size={self.channel_group_size}"
