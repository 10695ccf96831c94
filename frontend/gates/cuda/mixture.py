"""Softmax mixtures of the 16 functions of two bits on CUDA devices, forward and backward."""

# The checker may lack triton, and knows nothing of its language.
# pyright: reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportGeneralTypeIssues=false

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from .launch import blocks, run

_GATES = 64  # of one program


@triton.jit
def mixture_forward(logits, basis, mixture, c, gates, temperature, GATES: tl.constexpr):
    g = tl.program_id(0).to(tl.int64) * GATES + tl.arange(0, GATES)
    known = g < gates
    choice = tl.arange(0, 16)
    at = g[:, None] * 16 + choice[None, :]
    w = tl.load(logits + at, mask=known[:, None], other=0).to(tl.float32)
    e = tl.exp((w - tl.max(w, 1)[:, None]) / temperature)
    p = e / tl.sum(e, 1)[:, None]
    tl.store(mixture + at, p, mask=known[:, None])
    for q in tl.static_range(4):
        weight = tl.load(basis + 4 * choice + q).to(tl.float32)
        tl.store(c + q * gates + g, tl.sum(p * weight[None, :], 1), mask=known)


@triton.jit
def mixture_backward(mixture, basis, up, grad, gates, temperature, GATES: tl.constexpr):
    g = tl.program_id(0).to(tl.int64) * GATES + tl.arange(0, GATES)
    known = g < gates
    choice = tl.arange(0, 16)
    at = g[:, None] * 16 + choice[None, :]
    p = tl.load(mixture + at, mask=known[:, None], other=0).to(tl.float32)
    slope = tl.zeros((GATES, 16), tl.float32)
    for q in tl.static_range(4):
        weight = tl.load(basis + 4 * choice + q).to(tl.float32)
        given = tl.load(up + q * gates + g, mask=known, other=0).to(tl.float32)
        slope += weight[None, :] * given[:, None]
    mean = tl.sum(p * slope, 1)
    tl.store(grad + at, p * (slope - mean[:, None]) / temperature, mask=known[:, None])


class TritonMixture(torch.autograd.Function):
    """`functional.mixture_coefficients` by the kernels; the arguments are the same."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, basis: Tensor, temperature: float) -> Tensor:
        logits, basis = logits.contiguous(), basis.contiguous()
        mixture = torch.empty_like(logits)
        coefficients = logits.new_empty(4, len(logits))
        given = (logits, basis, mixture, coefficients, len(logits), temperature)
        run(mixture_forward, (blocks(len(logits), _GATES),), logits, *given, GATES=_GATES)
        ctx.save_for_backward(mixture, basis)
        ctx.temperature = temperature
        return coefficients

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        mixture, basis = ctx.saved_tensors
        found = torch.empty_like(mixture)
        given = (mixture, basis, grad.contiguous(), found, len(mixture), ctx.temperature)
        run(mixture_backward, (blocks(len(mixture), _GATES),), mixture, *given, GATES=_GATES)
        return found, None, None
