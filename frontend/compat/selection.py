"""Which inputs convlogic's kernels read, packed as convlogic packs them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...runtime.errors import InputError

LEAVES = 8  # inputs of a kernel
_MOST = (1 << 15, 1 << 8, 1 << 8)  # channels, rows, columns that fit an int32


def draw_selection(channels: int, kernels: int, groups: int, window: tuple[int, int]) -> Tensor:
    """A selection in which each kernel reads at most two channels of its group.

    Groups are of neighbouring channels and of neighbouring kernels. The two inputs of a gate
    differ. Draws come from torch's global generator, in convlogic's order.

    Args:
        channels: channels of the input. kernels: channels of the output.
        groups: parts that channels and kernels are split into, at most as many as either.
        window: height and width of the kernels.

    Returns:
        int32 [kernels, 8], `channel << 16 | row << 8 | column`.

    Raises:
        InputError: sizes that cannot be drawn or packed.
    """
    _check_sizes(channels, kernels, groups, window)
    pair = torch.cat([_two(channels, kernels, groups, number) for number in range(groups)])
    which = torch.randint(0, 2, (kernels, LEAVES), dtype=torch.int32)
    channel = pair.gather(1, which.long())
    rows, columns = (
        torch.randint(0, size, (kernels, LEAVES), dtype=torch.int32) for size in window
    )
    _separate(channel, rows, columns, window)
    return channel << 16 | rows << 8 | columns


def _two(channels: int, kernels: int, groups: int, number: int) -> Tensor:
    """Two channels, int32 [kernels of the group, 2], for the kernels of one group."""
    size, larger = divmod(channels, groups)
    first = number * size + min(number, larger)
    each = kernels // groups
    count = each if number < groups - 1 else kernels - each * (groups - 1)
    drawn = [torch.randint(0, size + (number < larger), (count,)) for _ in range(2)]
    return (first + torch.stack(drawn, dim=1)).int()


def _separate(channel: Tensor, rows: Tensor, columns: Tensor, window: tuple[int, int]) -> None:
    """Draw the second input of a gate again, in place, where it is the first one."""
    for leaf in range(0, LEAVES, 2):
        same = torch.ones(len(rows), dtype=torch.bool)
        for part in (channel, rows, columns):
            same &= part[:, leaf] == part[:, leaf + 1]
        for kernel in same.nonzero().flatten().tolist():
            old = (int(rows[kernel, leaf]), int(columns[kernel, leaf]))
            new = old
            while new == old:
                new = tuple(int(torch.randint(0, n, (1,), dtype=torch.int32)) for n in window)
            rows[kernel, leaf + 1], columns[kernel, leaf + 1] = new


def _check_sizes(channels: int, kernels: int, groups: int, window: tuple[int, int]) -> None:
    found = (channels, *window)
    if any(size > most for size, most in zip(found, _MOST, strict=True)):
        raise InputError(
            f"ConvLogicLayer: {channels} channels and a kernel of {list(window)}; allowed are at "
            f"most {_MOST[0]} channels and {_MOST[1]} rows and columns; use LogicConv2d"
        )
    if groups > min(channels, kernels):
        raise InputError(
            f"ConvLogicLayer: groups {groups} for {channels} input and {kernels} output channels; "
            f"allowed are at most {min(channels, kernels)}"
        )
    if window == (1, 1):
        raise InputError(
            "ConvLogicLayer: a kernel of [1, 1], whose gates could read one input twice; allowed "
            "are larger kernels, or a selection of your own"
        )


def checked_selection(
    selection: Any, channels: int, kernels: int, window: tuple[int, int]
) -> Tensor:
    """The selection as int32 [kernels, 8].

    Raises:
        InputError: another shape, no integers, or positions outside the window or the channels.
    """
    found = torch.as_tensor(selection)
    integers = not (found.is_floating_point() or found.is_complex() or found.dtype == torch.bool)
    if not integers or list(found.shape) != [kernels, LEAVES]:
        raise InputError(
            f"ConvLogicLayer: selection of {found.dtype} {list(found.shape)}; allowed are integers "
            f"[{kernels}, {LEAVES}], channel << 16 | row << 8 | column"
        )
    positions = unpacked(found)
    limit = torch.tensor([*window, channels], device=found.device)
    bad = ((positions >= limit) | (found < 0).unsqueeze(-1)).any(-1)
    if bad.any():
        raise InputError(
            f"ConvLogicLayer: selection names row, column, channel {positions[bad][0].tolist()}; "
            f"allowed is below {limit.tolist()}"
        )
    return found.detach().to(torch.int32).clone()


def unpacked(selection: Tensor) -> Tensor:
    """Rows, columns and channels, int64 [..., 3], of packed positions [...]."""
    wide = selection.long()
    return torch.stack([wide >> 8 & 0xFF, wide & 0xFF, wide >> 16 & 0xFFFF], dim=-1)
