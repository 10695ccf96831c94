"""Which inputs each kernel of a convolution reads."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from ...runtime.arguments import is_integer
from ...runtime.errors import InputError
from ..gates.wiring import Wiring
from .connections import INIT_METHODS, random_unique, unknown_method
from .kept import Kept


class FixedConvConnections(nn.Module):
    """Wiring of the kernels' trees, drawn once and never learned (arXiv:2411.04732).

    A kernel is a tree of gates of `lut_rank` inputs, whose `lut_rank**tree_depth` leaves are inputs
    within the receptive field; the same positions are read at every place.

    Args:
        in_dim: size of the input in each of its dimensions, two or three.
        channels: channels of the input.
        num_kernels: kernels.
        tree_depth: levels of each tree.
        receptive_field_size: size of the window in each dimension.
        stride: distance of neighbouring places.
        padding: zeros around the input, on every side.
        init_method: "random" draws every leaf evenly; "random-unique" gives the gates of a kernel's
            first level different sets of different inputs, or, with channel groups, different
            inputs to all leaves of a kernel.
        channel_group_size: kernel `i` reads this many neighbouring channels only, equally often,
            from channel `i % (channels - channel_group_size + 1)` on; 1 limits each kernel to one.
        indices: the wiring itself, in the shape of the buffer, instead of drawing it.
        device: where the buffer lives.
        lut_rank: inputs of a gate, k.

    Attributes:
        indices: int64 buffer [k, num_kernels, k**(tree_depth - 1), dims + 1], for each input of
            each gate of the first level its position in the receptive field, then its channel. It
            is what torchlogix keeps of the first place: `connections.indices[0][:, :, 0]`.
        places: how many places there are in each dimension.

    Draws come from torch's global generator: `torch.manual_seed` makes them repeatable.

    Raises:
        InputError: unknown method, an impossible group size, or unusable indices.
    """

    indices: Tensor

    def __init__(
        self,
        in_dim: tuple[int, ...],
        channels: int,
        num_kernels: int,
        tree_depth: int,
        receptive_field_size: tuple[int, ...],
        stride: int,
        padding: int,
        init_method: str = "random",
        channel_group_size: int | None = None,
        indices: Any = None,
        device: Any = "cpu",
        lut_rank: int = 2,
    ) -> None:
        super().__init__()
        self.in_dim = in_dim
        self.channels = channels
        self.num_kernels = num_kernels
        self.tree_depth = tree_depth
        self.receptive_field_size = receptive_field_size
        self.stride = stride
        self.padding = padding
        self.init_method = init_method if indices is None else "given"
        self.channel_group_size = channel_group_size
        self.lut_rank = lut_rank
        self.places = self._places()
        wiring = self._draw(init_method) if indices is None else self._checked(indices)
        self.register_buffer("indices", wiring.to(device))
        self._levels: Kept[list[Wiring]] = Kept()

    def _places(self) -> tuple[int, ...]:
        sizes = zip(self.in_dim, self.receptive_field_size, strict=True)
        return tuple((size + 2 * self.padding - field) // self.stride + 1 for size, field in sizes)

    @property
    def pads(self) -> bool:
        """Whether the input is followed by a zero, which stands for what is around it."""
        return self.padding > 0

    @property
    def n_features(self) -> int:
        """Inputs of one sample; also the number that stands for padding."""
        return self.channels * prod(self.in_dim)

    def features(self, positions: Tensor) -> Tensor:
        """Feature numbers of positions at every place, row by row.

        Args:
            positions: int64 [..., dims + 1], as in `indices`.

        Returns:
            int64 [..., n_places]: numbers into an input [channels, *in_dim], flattened;
            `n_features` where the position lies in the padding.
        """
        found = positions[..., -1:]
        real = torch.ones((), dtype=torch.bool, device=positions.device)
        places = torch.cartesian_prod(
            *(torch.arange(n, device=positions.device) for n in self.places)
        )
        for axis, size in enumerate(self.in_dim):
            at = self._at(axis, positions[..., axis, None], places[:, axis])
            real = real & (at >= 0) & (at < size)
            found = found * size + at
        return torch.where(real, found, self.n_features)

    def _at(self, axis: int, spot: Tensor, place: Tensor) -> Tensor:
        """Where along an axis of the input a spot of the window at a place is."""
        return spot + (place * self.stride - self.padding)

    def levels(self) -> list[Wiring]:
        """The wiring of every tree level, kept until `indices` changes.

        Features of the first level are those of the input and, with padding, one more, zero.
        Gates stand in order of node, kernel, place.
        """
        return self._levels.of(self.indices, lambda: self._made_levels(self.indices.clone()))

    @property
    def ends(self) -> tuple[int, int, int]:
        """(inputs of a gate, kernels, gates of a kernel's first level)."""
        return (self.lut_rank, self.num_kernels, self._leaves // self.lut_rank)

    def resolve_connections(self) -> Tensor:
        """The wiring of evaluation mode, in the shape of `indices`."""
        return self.indices

    def feed(self, features: Tensor, grad_factor: float) -> tuple[Tensor, list[Wiring], float]:
        """What the trees are evaluated on: features, the levels' wiring, and a factor.

        Args:
            features: [inputs, batch], and a row of zeros if there is padding.
            grad_factor: scales the gradient for `features`.

        Returns:
            What the first level reads, the wiring of all levels, and what scales the gradient of
            what the first level reads.
        """
        return features, self.levels(), grad_factor

    def _made_levels(self, indices: Tensor) -> list[Wiring]:
        self._check_positions(indices)  # a loaded state may say anything
        rank = self.lut_rank
        first = self.features(indices).transpose(1, 2).reshape(rank, -1)
        bottom = Wiring(first, self.n_features + self.pads, zeros=int(self.pads))
        return [bottom, *self._levels_above(bottom)]

    def _levels_above(self, bottom: Wiring) -> list[Wiring]:
        rank, levels = self.lut_rank, [bottom]
        for _ in range(1, self.tree_depth):
            below = levels[-1].indices.shape[1]
            nodes = torch.arange(below, device=bottom.indices.device)
            sets = nodes.reshape(-1, rank, self.num_kernels * prod(self.places))
            levels.append(Wiring(sets.transpose(0, 1).reshape(rank, -1), below))
        return levels[1:]

    def _draw(self, init_method: str) -> Tensor:
        if init_method not in INIT_METHODS:
            raise unknown_method(init_method)
        unique = init_method == "random-unique"
        leaves = self._sets(unique) if self.channel_group_size is None else self._groups(unique)
        shape = (self.num_kernels, -1, self.lut_rank, len(self.in_dim) + 1)
        return leaves.reshape(shape).permute(2, 0, 1, 3)

    @property
    def _leaves(self) -> int:
        return self.lut_rank**self.tree_depth

    def _sets(self, unique: bool) -> Tensor:
        """Leaves [num_kernels, leaves, dims + 1] from all channels."""
        shape = (*self.receptive_field_size, self.channels)
        if unique:
            sizes = (prod(shape), self._leaves // self.lut_rank, self.lut_rank)
            drawn = [random_unique(*sizes).t() for _ in range(self.num_kernels)]
            found = torch.stack(drawn).reshape(self.num_kernels, -1)
        else:
            found = torch.randint(prod(shape), (self.num_kernels, self._leaves))
        return unravel(found, shape)

    def _groups(self, unique: bool) -> Tensor:
        """Leaves [num_kernels, leaves, dims + 1] from a few channels each."""
        group, leaves = self._group(), self._leaves
        field, share = prod(self.receptive_field_size), leaves // group
        if unique and share > field:
            raise InputError(
                f"connections: random-unique for {share} leaves a channel in a receptive field of "
                f"{field}; allowed are at most {field}; use a smaller tree_depth, larger groups or "
                "init_method='random'"
            )
        kernels = (self.num_kernels, group)
        if unique:
            spots = torch.rand(*kernels, field).argsort(-1)[..., :share]
        else:
            spots = torch.randint(field, (*kernels, share))
        first = torch.arange(self.num_kernels) % (self.channels - group + 1)
        channel = (first[:, None] + torch.arange(group))[..., None].expand_as(spots)
        spots = unravel(spots, self.receptive_field_size)
        found = torch.cat([spots, channel[..., None]], dim=-1).flatten(1, 2)
        order = torch.rand(self.num_kernels, leaves).argsort(-1)
        return found.take_along_dim(order[..., None], dim=1)

    def _group(self) -> int:
        group, leaves = self.channel_group_size, self._leaves
        if group is None or not is_integer(group, 1, self.channels):
            raise InputError(
                f"connections: channel_group_size {group!r}; allowed are integers from 1 to "
                f"{self.channels}, the channels, or None"
            )
        if leaves % group:
            raise InputError(
                f"connections: channel_group_size {group} for {leaves} leaves a kernel; allowed "
                f"are divisors of {leaves}, so that every channel is read equally often"
            )
        return group

    def _checked(self, indices: Any, leading: tuple[int, ...] = ()) -> Tensor:
        wiring = torch.as_tensor(indices)
        if wiring.is_floating_point() or wiring.dtype == torch.bool or wiring.is_complex():
            raise InputError(f"connections: indices of {wiring.dtype}; allowed are integers")
        shape = [*leading, *self.ends, len(self.in_dim) + 1]
        if list(wiring.shape) != shape:
            raise InputError(
                f"connections: indices of shape {list(wiring.shape)}; allowed is {shape}, for each "
                "gate of the first level where in the receptive field, then which channel"
            )
        self._check_positions(wiring)
        return wiring.detach().to(torch.int64).clone()

    def _check_positions(self, indices: Tensor) -> None:
        limit = torch.tensor([*self.receptive_field_size, self.channels], device=indices.device)
        bad = ((indices < 0) | (indices >= limit)).any(-1)
        if bad.any():
            raise InputError(
                f"connections: indices name the position {indices[bad][0].tolist()}; "
                f"allowed is below {limit.tolist()}, and from 0"
            )

    def extra_repr(self) -> str:
        return f"init_method={self.init_method}, channel_group_size={self.channel_group_size}"


def ravel(positions: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Numbers [...] of positions [..., len(shape)] in an array of that shape, the last fastest."""
    found = positions[..., 0]
    for axis, size in enumerate(shape[1:], 1):
        found = found * size + positions[..., axis]
    return found


def unravel(numbers: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Positions [..., len(shape)] of numbers into an array of that shape, the last one fastest."""
    found: list[Tensor] = []
    for size in reversed(shape):
        found.insert(0, numbers % size)
        numbers = numbers // size
    return torch.stack(found, dim=-1)
