"""The arithmetic of learned wiring: each end of a gate has candidates, one of which it becomes.

An end's candidates are weighed by logits. Memory and time go with the candidates, never with
features times ends, unless every feature is a candidate: then it is one matrix product.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..gates.functional import sum_rows
from ..gates.wiring import Wiring


def gumbel_noise(like: Tensor) -> Tensor:
    """Gumbel variables in the shape and dtype of a tensor, from torch's generator."""
    uniform = torch.rand_like(like).clamp_(min=torch.finfo(like.dtype).tiny)
    return -torch.log(-torch.log(uniform).clamp_(max=-torch.finfo(like.dtype).tiny))


def scale_gradient(x: Tensor, factor: float) -> Tensor:
    """`x`, whose gradient is multiplied by a factor."""
    if factor == 1.0 or not (x.requires_grad and torch.is_grad_enabled()):
        return x
    x = x.view_as(x)
    x.register_hook(lambda grad: grad * factor)
    return x


def mix(x: Tensor, shares: Tensor, candidates: Wiring | None) -> Tensor:
    """Ends that are mixtures of their candidates (arXiv:2511.12340).

    Args:
        x: [features, batch].
        shares: [n, ends], what each candidate counts, in the dtype of `x`.
        candidates: its `indices` are int64 [n, ends], features; None if all are, in order.

    Returns:
        [ends, batch].
    """
    if candidates is None:
        return (shares.t() @ x).to(x.dtype)  # autocast multiplies in fewer bits
    return _Mix.apply(x, shares, candidates)  # type: ignore[no-any-return]


def choose(x: Tensor, logits: Tensor, temperature: float, candidates: Wiring | None) -> Tensor:
    """Ends that are their candidate of the largest logit, with a surrogate gradient.

    The gradient for `x` is that of the mixture by the softmax of the logits. A logit's is that of a
    weight which multiplies its candidate as a sign, `2 * x - 1`, as in torchlogix: candidates that
    were not chosen learn too, whatever their share.

    Args:
        x: [features, batch].
        logits: [n, ends], in the dtype of `x`.
        temperature: logits are divided by it before the softmax.
        candidates: as in `mix`.

    Returns:
        [ends, batch].
    """
    return _Choose.apply(x, logits, temperature, candidates)  # type: ignore[no-any-return]


def chosen(logits: Tensor, candidates: Wiring | None) -> Tensor:
    """The features, int64 [ends], of the largest logits [n, ends], the first of equal ones."""
    best = logits.argmax(0)
    if candidates is None:
        return best
    return candidates.indices.gather(0, best.unsqueeze(0)).squeeze(0)


class _Mix(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, shares: Tensor, candidates: Wiring) -> Tensor:
        ctx.save_for_backward(x, shares)
        ctx.candidates = candidates
        return _mixed(x, shares.t().contiguous(), candidates)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, shares = ctx.saved_tensors
        grad = grad.contiguous()
        grad_x = _spread(grad, shares, ctx.candidates) if ctx.needs_input_grad[0] else None
        grad_shares = _products(x, grad, ctx.candidates) if ctx.needs_input_grad[1] else None
        return grad_x, grad_shares, None


class _Choose(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, logits: Tensor, temperature: float, candidates: Wiring | None
    ) -> Tensor:
        ctx.save_for_backward(x, logits)
        ctx.temperature, ctx.candidates = temperature, candidates
        return x.index_select(0, chosen(logits, candidates))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, logits = ctx.saved_tensors
        grad = grad.contiguous()
        grad_x = grad_logits = None
        if ctx.needs_input_grad[0]:
            shares = torch.softmax(logits / ctx.temperature, dim=0)
            grad_x = _spread(grad, shares, ctx.candidates)
        if ctx.needs_input_grad[1]:
            grad_logits = _products(x, grad, ctx.candidates).mul_(2).sub_(grad.sum(1))
        return grad_x, grad_logits, None, None


def _mixed(x: Tensor, shares: Tensor, candidates: Wiring) -> Tensor:
    """Mixtures [ends, batch], by `shares` [ends, n]."""
    numbers = candidates.indices.t().reshape(-1)
    offsets = torch.arange(0, len(numbers), shares.shape[1], device=x.device)
    return sum_rows(x, numbers, offsets, shares.reshape(-1))


def _spread(grad: Tensor, shares: Tensor, candidates: Wiring | None) -> Tensor:
    """The gradient [features, batch] of a mixture whose own is `grad` [ends, batch]."""
    if candidates is None:
        return shares @ grad
    order, offsets = candidates.readers()
    return sum_rows(grad, order % len(grad), offsets, shares.reshape(-1)[order])


def _products(x: Tensor, grad: Tensor, candidates: Wiring | None) -> Tensor:
    """Inner products [n, ends] of each candidate's row of `x` with its end's row of `grad`."""
    if candidates is None:
        return x @ grad.t()
    if not grad.shape[1]:
        return grad.new_zeros(candidates.indices.shape)
    with torch.enable_grad():  # they are the gradient of a mixture's shares
        shares = x.new_zeros(candidates.indices.t().shape, requires_grad=True)
        mixed = _mixed(x, shares, candidates)
    return torch.autograd.grad(mixed, shares, grad)[0].t()
