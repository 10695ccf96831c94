"""Checks of the arguments of convolutions."""

from __future__ import annotations

from typing import Any

from ...runtime.errors import InputError
from ..options import check_size, is_int

DEEPEST = 16  # levels of a tree
_LEAVES = 1 << 16  # of a tree
_MOST = 2**31 - 1  # what a net number can count


def check_sizes(owner: str, layer: Any) -> None:
    """Refuse numbers of channels, kernels and padding that are none, and too large a stride."""
    for name in ("channels", "num_kernels", "stride"):
        setattr(layer, name, check_size(owner, name, getattr(layer, name)))
    layer.padding = check_size(owner, "padding", layer.padding, least=0)
    field = layer.receptive_field_size
    if layer.stride > min(field):
        raise InputError(
            f"{owner}: stride {layer.stride} for a receptive field of {list(field)}; "
            f"allowed is at most {min(field)}, so that nothing between places is left out"
        )


def check_window(owner: str, layer: Any) -> None:
    """Refuse a window that is larger than the input with its padding."""
    field = layer.receptive_field_size
    padded = [size + 2 * layer.padding for size in layer.in_dim]
    if any(size > most for size, most in zip(field, padded, strict=True)):
        raise InputError(
            f"{owner}: receptive_field_size {list(field)} on an input of {padded} with its "
            "padding; allowed is at most that; use a smaller window or more padding"
        )


def check_places(owner: str, layer: Any) -> None:
    """Refuse more inputs or outputs than a net number can count."""
    features = layer.connections.n_features
    made = layer.num_kernels * layer.n_kernel_positions
    if max(made, features) > _MOST:
        raise InputError(
            f"{owner}: {features} inputs and {made} outputs; allowed are at most {_MOST} of each"
        )


def checked_depth(owner: str, depth: Any, lut_rank: int) -> int:
    """The levels of a tree of at most 65,536 leaves.

    Raises:
        InputError: there are more, or the depth is no size.
    """
    deepest = max(d for d in range(1, DEEPEST + 1) if lut_rank**d <= _LEAVES)
    if not is_int(depth) or depth > deepest:
        raise InputError(
            f"{owner}: tree_depth {depth!r}; allowed are integers from 1 to {deepest}; "
            f"a kernel reads {lut_rank}**tree_depth inputs"
        )
    return depth
