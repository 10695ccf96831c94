"""Wiring of dense layers that is learned."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ...runtime.errors import InputError
from ..gates.wiring import Wiring, apart
from ..options import check_choice, is_int
from .choosing import choose, chosen, gumbel_noise, mix, scale_gradient
from .connections import DenseConnections, draw_even, unknown_method
from .kept import Kept

SAMPLING = ("hard", "soft")
_ROWS = 1 << 22  # random numbers that are drawn at a time


class LearnedWiring:
    """What learnable wirings share: options, weights, and how ends are relaxed.

    Attributes:
        weights: float32 parameter [num_candidates, *ends].
        indices: buffer, the candidates, of the same shape or one that broadcasts to it.
        every: whether everything that could be read is a candidate.
    """

    weights: nn.Parameter
    indices: Tensor
    every: bool
    num_candidates: int

    def _learn(
        self,
        temperature: float,
        num_candidates: int,
        gumbel: bool,
        forward_sampling: str,
        most: int,
    ) -> None:
        """Check and keep the options; there can be `most` candidates.

        Raises:
            InputError: one is unknown or out of range.
        """
        if not (math.isfinite(temperature) and temperature > 0):
            raise InputError(f"connections: temperature {temperature}; allowed is above 0")
        self.every = is_int(num_candidates, -1) and num_candidates == -1
        if not self.every and not (is_int(num_candidates) and num_candidates <= most):
            raise InputError(
                f"connections: num_candidates {num_candidates!r}; allowed are 1 to {most}, or -1 "
                "for all"
            )
        if not isinstance(gumbel, bool):
            raise InputError(f"connections: gumbel {gumbel!r}; allowed is True or False")
        check_choice("connections", "forward_sampling", forward_sampling, SAMPLING)
        self.temperature = temperature
        self.num_candidates = most if self.every else num_candidates
        self.gumbel = gumbel
        self.forward_sampling = forward_sampling
        self._kept: Kept[Wiring] = Kept()

    def _refuse_indices(self, indices: Any) -> None:
        if self.every and indices is not None:
            raise InputError(
                "connections: indices of candidates, and num_candidates -1, which makes everything "
                "one; allowed is one of the two"
            )

    def _numbers(self) -> Tensor:
        """The candidates as features, int64 [num_candidates, ends]."""
        raise NotImplementedError

    def _candidates(self, features: int) -> Wiring | None:
        """The candidates among so many features, kept until they change; None if all are."""
        if self.every:
            return None
        return self._kept.of(self.indices, lambda: Wiring(self._numbers().clone(), features))

    def _logits(self) -> Tensor:
        """The weights as [num_candidates, ends]."""
        return self.weights.flatten(1)

    def _chosen(self, candidates: Wiring | None) -> Tensor:
        """The candidates [ends] of the largest weights; arguments as in `choosing.chosen`.

        Raises:
            InputError: NaN weights.
        """
        weights = self._logits().detach()
        bad = torch.isnan(weights).any(0)
        if bad.any():
            raise InputError(
                f"connections: {int(bad.sum())} of {len(bad)} ends have NaN weights; allowed are "
                "numbers; train with a lower learning rate or load a sound checkpoint"
            )
        return chosen(weights, candidates)

    def _relaxed(self, features: Tensor, candidates: Wiring | None) -> Tensor:
        """Ends [ends, batch] in training mode; arguments as in `choosing.mix`."""
        logits = self._logits()
        if self.gumbel:
            logits = logits + gumbel_noise(logits)
        if self.forward_sampling == "soft":
            shares = torch.softmax(logits / self.temperature, dim=0)
            return mix(features, shares, candidates)
        return choose(features, logits, self.temperature, candidates)

    def extra_repr(self) -> str:
        return (
            f"num_candidates={self.num_candidates}, temperature={self.temperature}, "
            f"gumbel={self.gumbel}, forward_sampling={self.forward_sampling}"
        )


class LearnableDenseConnections(LearnedWiring, DenseConnections):
    """Each end of a gate learns which of its candidate features it reads.

    In evaluation mode the candidate of the largest weight is read, as by fixed wiring. In training
    mode an end is that candidate ("hard"), or the softmax mixture of all of them ("soft",
    LILogicNet, arXiv:2511.12340); see `choosing.choose` and `choosing.mix` for the gradients.

    Args:
        in_dim: features of the input.
        out_dim: gates.
        lut_rank: inputs of a gate, k.
        temperature: weights are divided by it before the softmax; positive. At the default, which
            is torchlogix's, a softmax is all but a choice; give 0.1 to 1 to "soft".
        num_candidates: candidates of each end; -1 makes every feature one.
        gumbel: add Gumbel noise to the weights in training mode, from torch's generator.
        device: where parameters and buffers live.
        init_method: how candidates are drawn if they are not all: "random" uses every feature
            equally often, up to one, and may give an end one twice; "random-unique" gives all ends
            of a gate different ones.
        forward_sampling: "hard", as in torchlogix, or "soft".
        indices: the candidates, integers [num_candidates, k, out_dim], instead of drawing them.

    Attributes:
        weights: float32 parameter [num_candidates, k, out_dim]; starts evenly drawn from [0, 1).
        indices: int64 buffer, the candidates in the same shape; [in_dim, 1, 1] if all are.

    Raises:
        InputError: an option is unknown, out of range, or has too few features.
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        lut_rank: int = 2,
        temperature: float = 0.001,
        num_candidates: int = -1,
        gumbel: bool = False,
        device: Any = "cpu",
        init_method: str = "random",
        forward_sampling: str = "hard",
        indices: Any = None,
    ) -> None:
        super().__init__(in_dim, out_dim, lut_rank)
        self._learn(temperature, num_candidates, gumbel, forward_sampling, in_dim)
        self._refuse_indices(indices)
        self.init_method = init_method if indices is None else "given"
        shape = (self.num_candidates, lut_rank, out_dim)
        drawn = self._draw(init_method) if indices is None else self._checked(indices, shape)
        self.register_buffer("indices", drawn.to(device))
        self.weights = nn.Parameter(torch.rand(shape, device=device))

    def _draw(self, init_method: str) -> Tensor:
        if init_method not in ("random", "random-unique"):
            raise unknown_method(init_method)
        if self.every:
            return torch.arange(self.in_dim).reshape(-1, 1, 1)
        ends = self.num_candidates * self.lut_rank
        if init_method == "random":
            found = draw_even(self.in_dim, self.out_dim, ends)
        else:
            found = _draw_different(self.in_dim, self.out_dim, ends)
        return found.reshape(self.num_candidates, self.lut_rank, self.out_dim)

    def resolve_connections(self) -> Tensor:
        """The wiring of evaluation mode, int64 [k, out_dim]: candidates of the largest weight.

        Raises:
            InputError: NaN weights.
        """
        return self._chosen(self._candidates(self.in_dim)).reshape(self.lut_rank, self.out_dim)

    def _numbers(self) -> Tensor:
        return self.indices.flatten(1)

    def feed(self, features: Tensor, grad_factor: float) -> tuple[Tensor, Any, float]:
        """In training mode the ends, which gates read apart; see `DenseConnections.feed`."""
        if not self.training:
            return features, Wiring(self.resolve_connections(), self.in_dim), grad_factor
        ends = self._relaxed(scale_gradient(features, grad_factor), self._candidates(self.in_dim))
        return ends, apart(self.lut_rank, self.out_dim, features.device), 1.0

    def forward(self, x: Tensor) -> Tensor:
        """What gates read: [batch, in_dim] to [batch, k, out_dim]."""
        if not self.training:
            return x[:, self.resolve_connections()]
        ends = self._relaxed(x.t().contiguous(), self._candidates(self.in_dim))
        return ends.t().reshape(len(x), self.lut_rank, self.out_dim)

    def extra_repr(self) -> str:
        return f"{self.in_dim}, {self.out_dim}, {super().extra_repr()}"


def _draw_different(in_dim: int, gates: int, count: int) -> Tensor:
    """Features [count, gates], those of one gate all different."""
    if count > in_dim:
        raise InputError(
            f"connections: random-unique for {count} candidates a gate on {in_dim} features; "
            f"allowed are at most {in_dim}; use fewer candidates or init_method='random'"
        )
    found = torch.empty(gates, count, dtype=torch.int64)
    for some in found.split(max(1, _ROWS // in_dim)):
        some.copy_(torch.rand(len(some), in_dim).argsort(1)[:, :count])
    return found.t().contiguous()
