"""Windows of a convolution's places, over which it is pooled."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from .wiring import Wiring


class Windows:
    """Windows of places that do not overlap, such as OR pooling's.

    Args:
        places: how many places there are in each dimension.
        size: of a window in each dimension; what is left over at the ends is in no window.
        device: where the tables live.

    Attributes:
        places: int64 [windows, places of one], row by row. home: int64 [places], a window times
            its size plus the place in it, or -1.
        size: places of one window.
    """

    def __init__(self, places: tuple[int, ...], size: tuple[int, ...], device: Any) -> None:
        table = torch.arange(prod(places), device=device).reshape(places)
        for axis, length in enumerate(size):
            table = table.unfold(axis, length, length)
        self.size = prod(size)
        self.places = table.reshape(-1, self.size).contiguous()
        self.home = torch.full((prod(places),), -1, device=device)
        self.home[self.places.flatten()] = torch.arange(self.places.numel(), device=device)
        self._kept: tuple[Wiring, tuple[Tensor, Tensor]] | None = None

    def readers(self, leaves: Wiring) -> tuple[Tensor, Tensor]:
        """The readers of `functional.readers_of` that are in a window, as sources; kept.

        A source is the number of its leaf among [2, gates, kernels, windows], times the size of a
        window, plus the place in it.
        """
        if self._kept is None or self._kept[0] is not leaves:
            self._kept = (leaves, self._sources(*leaves.readers()))
        return self._kept[1]

    def _sources(self, order: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
        leaf, place = order // len(self.home), order % len(self.home)
        home = self.home[place]
        kept = home >= 0
        before = torch.cumsum(kept, 0) - kept.long()
        ends = torch.cat([before, kept.sum().reshape(1)])
        sources = leaf * self.places.numel() + home
        return sources[kept], ends[start]
