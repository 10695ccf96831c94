"""Layers of two-input gates on CUDA devices, forward and backward.

A program makes a tile of gates and samples (lanes). Activations are feature-major, so a warp reads
neighbouring samples of one feature. Every sum has a fixed order and there are no atomics: a feature
sums its readers as `functional.readers_of` lists them. Sums are float32 in every dtype.
"""

# The checker may lack triton, and knows nothing of its language.
# pyright: reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportGeneralTypeIssues=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from .launch import blocks, lanes_of, run, tile


@triton.jit
def gates_forward(x, c, index, out, gates, batch, GATES: tl.constexpr, LANES: tl.constexpr):
    g = tl.program_id(0).to(tl.int64) * GATES + tl.arange(0, GATES)
    lane = tl.program_id(1) * LANES + tl.arange(0, LANES)
    known = g < gates
    here = known[:, None] & (lane < batch)[None, :]
    row_a = tl.load(index + g, mask=known, other=0)
    row_b = tl.load(index + gates + g, mask=known, other=0)
    c0 = tl.load(c + g, mask=known, other=0).to(tl.float32)[:, None]
    c1 = tl.load(c + gates + g, mask=known, other=0).to(tl.float32)[:, None]
    c2 = tl.load(c + 2 * gates + g, mask=known, other=0).to(tl.float32)[:, None]
    c3 = tl.load(c + 3 * gates + g, mask=known, other=0).to(tl.float32)[:, None]
    a = tl.load(x + row_a[:, None] * batch + lane[None, :], mask=here, other=0).to(tl.float32)
    b = tl.load(x + row_b[:, None] * batch + lane[None, :], mask=here, other=0).to(tl.float32)
    tl.store(out + g[:, None] * batch + lane[None, :], c0 + c2 * b + (c1 + c3 * b) * a, mask=here)


@triton.jit
def gates_backward_x(
    x, c, index, order, start, up, grad, features, gates, batch, factor, LANES: tl.constexpr
):
    f = tl.program_id(0).to(tl.int64)
    lane = tl.program_id(1) * LANES + tl.arange(0, LANES)
    here = lane < batch
    first = tl.load(start + f)
    end = tl.load(start + f + 1, mask=f + 1 < features, other=2 * gates)
    total = tl.zeros((LANES,), tl.float32)
    for k in range(first, end):
        place = tl.load(order + k)
        side = (place >= gates).to(tl.int64)
        g = place - side * gates
        row = tl.load(index + (1 - side) * gates + g)
        slope = tl.load(c + (1 + side) * gates + g).to(tl.float32)
        c3 = tl.load(c + 3 * gates + g).to(tl.float32)
        other = tl.load(x + row * batch + lane, mask=here, other=0).to(tl.float32)
        given = tl.load(up + g * batch + lane, mask=here, other=0).to(tl.float32)
        total += given * (slope + c3 * other)
    tl.store(grad + f * batch + lane, total * factor, mask=here)


@triton.jit
def gates_backward_c(x, index, up, grad, gates, batch, GATES: tl.constexpr, LANES: tl.constexpr):
    g = tl.program_id(0).to(tl.int64) * GATES + tl.arange(0, GATES)
    known = g < gates
    row_a = tl.load(index + g, mask=known, other=0)[:, None] * batch
    row_b = tl.load(index + gates + g, mask=known, other=0)[:, None] * batch
    s0 = tl.zeros((GATES, LANES), tl.float32)
    s1 = tl.zeros((GATES, LANES), tl.float32)
    s2 = tl.zeros((GATES, LANES), tl.float32)
    s3 = tl.zeros((GATES, LANES), tl.float32)
    for begin in range(0, batch, LANES):
        lane = begin + tl.arange(0, LANES)[None, :]
        here = known[:, None] & (lane < batch)
        a = tl.load(x + row_a + lane, mask=here, other=0).to(tl.float32)
        b = tl.load(x + row_b + lane, mask=here, other=0).to(tl.float32)
        given = tl.load(up + g[:, None] * batch + lane, mask=here, other=0).to(tl.float32)
        s0 += given
        s1 += given * a
        s2 += given * b
        s3 += given * a * b
    tl.store(grad + g, tl.sum(s0, 1), mask=known)
    tl.store(grad + gates + g, tl.sum(s1, 1), mask=known)
    tl.store(grad + 2 * gates + g, tl.sum(s2, 1), mask=known)
    tl.store(grad + 3 * gates + g, tl.sum(s3, 1), mask=known)


class TritonGates(torch.autograd.Function):
    """`functional.logic_gates` by the kernels; the arguments are the same."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        coefficients: Tensor,
        indices: Tensor,
        transpose: Callable[[], tuple[Tensor, Tensor]],
        grad_factor: float,
    ) -> Tensor:
        x, coefficients, indices = x.contiguous(), coefficients.contiguous(), indices.contiguous()
        ctx.save_for_backward(x, coefficients, indices)
        ctx.transpose, ctx.grad_factor = transpose, grad_factor
        gates, batch = indices.shape[1], x.shape[1]
        out = x.new_empty(gates, batch)
        rows, lanes = tile(batch)
        grid = (blocks(gates, rows), blocks(batch, lanes))
        given = (x, coefficients, indices, out, gates, batch)
        run(gates_forward, grid, x, *given, GATES=rows, LANES=lanes)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, coefficients, indices = ctx.saved_tensors
        grad = grad.contiguous()
        grad_x = grad_c = None
        if ctx.needs_input_grad[0]:
            readers = ctx.transpose()
            grad_x = _input_gradient(x, coefficients, indices, readers, grad, ctx.grad_factor)
        if ctx.needs_input_grad[1]:
            grad_c = torch.empty_like(coefficients)
            gates, batch = grad.shape
            rows, lanes = tile(batch)
            given = (x, indices, grad, grad_c, gates, batch)
            run(gates_backward_c, (blocks(gates, rows),), x, *given, GATES=rows, LANES=lanes)
        return grad_x, grad_c, None, None, None


def _input_gradient(
    x: Tensor,
    coefficients: Tensor,
    indices: Tensor,
    readers: tuple[Tensor, Tensor],
    grad: Tensor,
    factor: float,
) -> Tensor:
    found = torch.empty_like(x)
    features, batch = x.shape
    lanes = lanes_of(batch, 512)
    sizes = (features, indices.shape[1], batch, factor)
    run(
        gates_backward_x,
        (features, blocks(batch, lanes)),
        x,
        *(x, coefficients, indices, *readers, grad, found),
        *sizes,
        LANES=lanes,
        num_warps=max(1, lanes // 64),
    )
    return found
