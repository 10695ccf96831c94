"""Wiring of networks in parts that share nothing but the input and the scores."""

from __future__ import annotations

import torch
from torch import Tensor

from .spec import Block


def tree_wiring(block: Block, channels: int, per_tree: int, groups: int) -> Tensor:
    """What kernels read: a few channels of their group each, no position twice if that is possible.

    Args:
        block: of kernels; groups are of neighbouring kernels and of neighbouring channels.
        channels: of the input.
        per_tree: channels that one kernel reads, equally often; fewer where a group has fewer.
        groups: how many; 1 for kernels that may read every channel.

    Returns:
        `indices` of FixedConvConnections, int64 [2, kernels, gates of the first level, 3].
    """
    kernels, leaves = block.kernels, 2**block.depth
    own = channels // groups
    count = min(per_tree, own)
    first = torch.arange(kernels) // (kernels // groups) * own
    channel = first[:, None] + torch.rand(kernels, own).argsort(1)[:, :count]
    share, spots = leaves // count, block.window**2
    drawn = torch.rand(kernels, count, max(share, spots)).argsort(2)[:, :, :share] % spots
    chosen = channel[:, :, None].expand_as(drawn)
    found = torch.stack([drawn // block.window, drawn % block.window, chosen], dim=-1).flatten(1, 2)
    order = torch.rand(kernels, leaves).argsort(1)
    found = found.take_along_dim(order[..., None], dim=1)
    return found.reshape(kernels, leaves // 2, 2, 3).permute(2, 0, 1, 3)


def dense_wiring(in_dim: int, gates: int, groups: int, classes: int = 1) -> Tensor:
    """What gates read: features of their group, each equally often, up to one.

    Args:
        in_dim: features; groups are of neighbouring ones.
        gates: of the layer; a multiple of `groups * classes`.
        groups: how many.
        classes: parts of the gates that each hold gates of every group; within them groups are of
            neighbouring gates.

    Returns:
        `indices` of FixedDenseConnections, int64 [2, gates].
    """
    own, ends = in_dim // groups, 2 * gates // groups
    drawn = torch.rand(groups, max(ends, own)).argsort(1)[:, :ends] % own
    found = drawn + torch.arange(groups)[:, None] * own
    return found.reshape(groups, 2, classes, -1).permute(1, 2, 0, 3).reshape(2, gates)
