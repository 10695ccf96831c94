"""Exporters of the logic layers: one cell for a whole layer."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..layers.dense import LogicDense
from ..layers.groupsum import GroupSum
from .calls import trace_layer
from .net_tensor import NetTensor, Traced
from .tracer import Tracer


@trace_layer.register
def _logic_dense(module: LogicDense, x: Traced, tracer: Tracer) -> NetTensor:
    """[..., in_dim] bits to [..., out_dim]."""
    if not x.ndim or x.shape[-1] != module.in_dim:
        tracer.refuse(
            f"LogicDense: input of shape {list(x.shape)}; allowed is [..., {module.in_dim}]; "
            "does in_dim fit the layer before, or is a Flatten missing?"
        )
    check_weight(module.weight, "LogicDense", tracer)
    nets = tracer.bits(x, torch.float32).nets.reshape(-1, module.in_dim)
    # Our tables have the first fanin as the least significant bit, theirs as the most.
    wiring = module.connections.resolve_connections().cpu().flip(0)
    fanin = nets[:, wiring].permute(0, 2, 1).reshape(-1, len(wiring))
    found = tracer.builder.luts(fanin.numpy(), np.tile(packed_tables(module.get_luts()), len(nets)))
    made = torch.from_numpy(found.astype(np.int64)).reshape(-1, module.out_dim)
    made = made.t().contiguous().t()  # in memory feature by feature, as the layer answers
    shape = (*x.shape[:-1], module.out_dim)
    return NetTensor.make(tracer, made.reshape(shape), module.weight.dtype)


def check_weight(weight: Tensor, owner: str, tracer: Tracer) -> None:
    """Refuse logits [gates, n] that are not all finite."""
    bad = ~torch.isfinite(weight).all(1)
    if bad.any():
        tracer.refuse(
            f"{owner}: {int(bad.sum())} of {len(bad)} gates have NaN or infinite weights, the "
            f"first is gate {int(bad.nonzero()[0])}; allowed are finite numbers; train with a "
            "lower learning rate or load a sound checkpoint"
        )


def packed_tables(luts: Tensor) -> np.ndarray:
    """Truth tables bool [gates, patterns] as uint64 [gates], bit `j` for pattern `j`."""
    rows = luts.cpu().numpy().astype(np.uint64)
    return (rows << np.arange(rows.shape[1], dtype=np.uint64)).sum(axis=1, dtype=np.uint64)


@trace_layer.register
def _group_sum(module: GroupSum, x: Traced, tracer: Tracer) -> Tensor:
    """[..., n] bits to [..., k] scores."""
    n, k = x.shape[-1], module.k
    if n % k:
        tracer.refuse(
            f"GroupSum: {n} features for {k} groups; allowed is a multiple of {k}; "
            f"make the layer before {n - n % k + k} wide"
        )
    bits = tracer.bits(x)
    return (bits.reshape(*x.shape[:-1], k, n // k).sum(-1) + module.beta) / module.tau
