"""Endless shuffled batches that can be taken up where they were left."""

from __future__ import annotations

import torch
from torch import Tensor

from .augment import Augment


class Batches:
    """Batches of samples and labels, shuffled anew at every pass.

    Args:
        x: [n, ...]. y: [n]. size: samples a batch, at most n of them; what is left over of a pass
            is dropped.
        change: augmentation, with this object's own generator. seed: of that generator.
    """

    def __init__(self, x: Tensor, y: Tensor, size: int, change: Augment | None, seed: int) -> None:
        self._x, self._y, self._change = x, y, change
        self._size = min(size, len(x))
        self._generator = torch.Generator().manual_seed(seed)
        self._order = torch.empty(0, dtype=torch.int64)
        self._start = 0

    def next(self) -> tuple[Tensor, Tensor]:
        """The next batch: [size, ...] and [size]."""
        if self._start + self._size > len(self._order):
            self._order = torch.randperm(len(self._x), generator=self._generator)
            self._start = 0
        some = self._order[self._start : self._start + self._size]
        self._start += self._size
        batch = self._x[some]
        if self._change is not None:
            batch = self._change(batch, self._generator)
        return batch, self._y[some]

    def state(self) -> dict[str, Tensor]:
        """Everything that says which batches follow."""
        return {
            "order": self._order,
            "start": torch.tensor(self._start),
            "generator": self._generator.get_state(),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on where `state` was taken; ValueError if it is of other batches."""
        self._order, self._start = state["order"], int(state["start"])
        every = torch.arange(len(self._x))
        if not torch.equal(self._order.sort().values, every) or not 0 <= self._start <= len(every):
            raise ValueError("order of samples")
        self._generator.set_state(state["generator"])
