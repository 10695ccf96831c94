"""Trees of two-input gates at many places on CUDA devices, with or without OR pooling.

Nothing of a tree is stored but, with pooling, which place of the window won, one byte a sample. The
backward pass finds the values again, at the winning place only, and writes the gradients of the
leaves; then each feature sums those of its readers in order. There are no atomics.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from ..functional import Transpose
from ..windows import Windows
from ..wiring import Wiring
from .launch import blocks, lanes_of, run
from .tree_kernels import leaf_sums, tree_backward, tree_forward

_LANES = 128
_PROGRAMS = 4096  # that a device is kept busy with
_WORKSPACE = 1 << 27  # gradients of leaves that are kept at once


def triton_trees(
    x: Tensor,
    coefficients: Tensor,
    leaves: Wiring,
    depth: int,
    grad_factor: float,
    windows: Windows | None = None,
) -> Tensor:
    """`trees.logic_trees` by the kernels; with windows, the maximum over each.

    Args:
        x, leaves, grad_factor: as there.
        coefficients: those of all levels, [4, nodes * kernels], one level after the other.
        depth: levels.
        windows: of places.

    Returns:
        [kernels * places, batch], or [kernels * windows, batch].
    """
    features = len(x) - leaves.zeros
    transpose = leaves.readers if windows is None else partial(windows.readers, leaves)
    wiring = (leaves.indices, transpose)
    return TritonTrees.apply(x, coefficients, *wiring, depth, grad_factor, features, windows)  # type: ignore[no-any-return]


class TritonTrees(torch.autograd.Function):
    """`triton_trees`; features from `features` on are padding."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        coefficients: Tensor,
        leaves: Tensor,
        transpose: Transpose,
        depth: int,
        grad_factor: float,
        features: int,
        windows: Windows | None,
    ) -> Tensor:
        x, coefficients, leaves = x.contiguous(), coefficients.contiguous(), leaves.contiguous()
        kernels = coefficients.shape[1] // (2**depth - 1)
        places = leaves.numel() // (kernels * 2**depth)
        table = (
            torch.arange(places, device=x.device) if windows is None else windows.places.flatten()
        )
        window = 1 if windows is None else windows.size
        pooled, batch = len(table) // window, x.shape[1]
        out = x.new_empty(kernels * pooled, batch)
        winner = x.new_empty(out.shape if window > 1 else 0, dtype=torch.int8)
        lanes = lanes_of(batch, _LANES)
        run(
            tree_forward,
            (kernels * pooled, blocks(batch, lanes)),
            x,
            *(x, coefficients, leaves, table, out, winner),
            *(kernels, places, pooled, features, batch),
            WINDOW=window,
            LANES=lanes,
            LEAVES=1 << depth,
            num_warps=lanes // 32,
        )
        ctx.save_for_backward(x, coefficients, leaves, table, winner)
        ctx.sizes = kernels, places, pooled, features, batch
        ctx.constants = {"WINDOW": window, "LANES": lanes, "num_warps": lanes // 32}
        ctx.transpose, ctx.depth, ctx.grad_factor = transpose, depth, grad_factor
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, coefficients, _, _, winner = ctx.saved_tensors
        kernels, _, pooled, features, batch = ctx.sizes
        lanes = ctx.constants["LANES"]
        rows = kernels * pooled << ctx.depth
        width = min(batch, max(1, _WORKSPACE // (rows * lanes)) * lanes)
        ends = x.new_empty(rows, width, dtype=torch.float32)
        runs = min(pooled, blocks(_PROGRAMS, kernels * blocks(width, lanes)))
        length = blocks(pooled, runs)
        runs = blocks(pooled, length)
        sums = blocks(batch, lanes) * runs
        partial = x.new_zeros(sums, *coefficients.shape, dtype=torch.float32)
        grad_x = torch.zeros_like(x) if ctx.needs_input_grad[0] else None
        readers = None if grad_x is None else ctx.transpose()
        grad = grad.contiguous()
        for first in range(0, batch, max(width, 1)):
            part = blocks(min(width, batch - first), lanes)
            run(
                tree_backward,
                (kernels, runs, part),
                x,
                *(*ctx.saved_tensors, grad, ends, partial, *ctx.sizes, first, width, length),
                LEAVES=1 << ctx.depth,
                **ctx.constants,
            )
            if readers is not None:
                run(
                    leaf_sums,
                    (features, part),
                    x,
                    *(ends, winner, *readers, grad_x, len(readers[0]), len(readers[1])),
                    *(kernels * pooled, batch, first, width, ctx.grad_factor),
                    **ctx.constants,
                )
        grad_c = partial.sum(0).to(coefficients.dtype)
        return grad_x, grad_c, None, None, None, None, None, None
