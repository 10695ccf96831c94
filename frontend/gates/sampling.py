"""From logits to what a training step computes with: probabilities, choices, or noisy ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

SAMPLING = ("soft", "hard", "gumbel_soft", "gumbel_hard")


def sample_sigmoid(logits: Tensor, temperature: float, how: str) -> Tensor:
    """Relaxed bits, in the shape of `logits`.

    Args:
        logits: any shape.
        temperature: what logits are divided by; positive.
        how: "soft" is the sigmoid; "hard" is 0 or 1 with the sigmoid's gradient. "gumbel_soft" and
            "gumbel_hard" add logistic noise, the difference of two Gumbel variables, to the logits
            first (arXiv:2506.07500). Noise comes from torch's generator.
    """
    if how.startswith("gumbel"):
        uniform = torch.rand_like(logits).clamp_(min=torch.finfo(logits.dtype).tiny)
        logits = logits + torch.logit(uniform)
    soft = torch.sigmoid(logits / temperature)
    return _through(logits > 0, soft) if how.endswith("hard") else soft


def sample_softmax(logits: Tensor, temperature: float, how: str) -> Tensor:
    """Weights [n, choices] that sum to 1 in each row; arguments as in `sample_sigmoid`.

    The "hard" ones are 1 for the first of the largest logits and 0 for the others.
    """
    if how.startswith("gumbel"):
        soft = F.gumbel_softmax(logits, tau=temperature, dim=1)
    else:
        soft = torch.softmax(logits / temperature, dim=1)
    if not how.endswith("hard"):
        return soft
    ranked = soft if how.startswith("gumbel") else logits
    return _through(F.one_hot(ranked.argmax(1), soft.shape[1]), soft)


def _through(hard: Tensor, soft: Tensor) -> Tensor:
    return _StraightThrough.apply(hard.to(soft.dtype), soft)  # type: ignore[no-any-return]


class _StraightThrough(torch.autograd.Function):
    """The first argument exactly, with the gradient of the second."""

    @staticmethod
    def forward(ctx: Any, hard: Tensor, soft: Tensor) -> Tensor:
        return hard.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return None, grad
