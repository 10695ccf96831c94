"""What a layer of gates reads, as its kernels want it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .functional import readers_of


class Wiring:
    """Which features each gate reads, for one evaluation of a layer.

    Args:
        indices: int64 [k, gates], the features that each gate reads.
        in_dim: how many features there are.
        transposed: what `functional.readers_of` says of it, if that is known.
        zeros: how many features at the end are padding, zero; nobody needs their gradient.
    """

    def __init__(
        self,
        indices: Tensor,
        in_dim: int,
        transposed: tuple[Tensor, Tensor] | None = None,
        zeros: int = 0,
    ) -> None:
        self.indices = indices
        self.in_dim = in_dim
        self.zeros = zeros
        self._transposed = transposed

    def readers(self) -> tuple[Tensor, Tensor]:
        """The transposed wiring; needed by the backward pass only."""
        if self._transposed is None:
            self._transposed = readers_of(self.indices, self.in_dim)
        return self._transposed


def apart(rank: int, gates: int, device: Any) -> Wiring:
    """Wiring of gates that have a feature for every end: gate `i` reads `i`, `gates + i`, ..."""
    ends = torch.arange(rank * gates, device=device)
    return Wiring(ends.reshape(rank, gates), len(ends), (ends, ends))
