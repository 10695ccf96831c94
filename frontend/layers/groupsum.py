"""From bits to scores."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from torch import Tensor, nn

from ...runtime.errors import InputError
from ..gates.group_sums import group_sums
from ..options import check_size


class GroupSum(nn.Module):
    """Count the true outputs of each class: `(sum of the group + beta) / tau`.

    Args:
        k: groups, one score each; consecutive features form a group.
        tau: temperature of the softmax behind it; positive, finite.
        beta: added to every count; finite.
        device: kept for torchlogix's users; there is nothing to place.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(self, k: int, tau: float = 1.0, beta: float = 0.0, device: Any = "cpu") -> None:
        super().__init__()
        k = check_size("GroupSum", "k", k)
        if not (_is_number(tau) and tau > 0 and _is_number(beta)):
            raise InputError(
                f"GroupSum: tau {tau!r}, beta {beta!r}; allowed are a positive finite tau "
                "and a finite beta"
            )
        self.k = k
        self.tau = tau
        self.beta = beta
        self.device = device

    def forward(self, x: Tensor) -> Tensor:
        """Scores [..., k] of features [..., n], n a multiple of k.

        Raises:
            InputError: n is no multiple of k.
        """
        n = x.shape[-1]
        if n % self.k:
            raise InputError(
                f"GroupSum: {n} features for {self.k} groups; allowed is a multiple of {self.k}; "
                f"make the layer before {n - n % self.k + self.k} wide"
            )
        rows = x.movedim(-1, 0)  # what a logic layer hands on lies in memory like this
        counts = group_sums(rows, self.k).movedim(0, -1)
        return (counts + self.beta if self.beta else counts) / self.tau

    def extra_repr(self) -> str:
        return f"k={self.k}, tau={self.tau}, beta={self.beta}"


def _is_number(found: Any) -> bool:
    return isinstance(found, Real) and math.isfinite(found)
