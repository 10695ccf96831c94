"""Exporters of convolutions and pooling: one tile for a whole layer."""

from __future__ import annotations

from math import prod

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...compiler import Builder, Netlist
from ..layers.conv import LogicConvNd
from ..layers.pool import OrPoolingNd
from ..layers.resblock import ResidualLogicBlock
from .calls import trace_layer
from .layers import check_weight, packed_tables
from .net_tensor import NetTensor, Traced
from .pool import windows
from .reductions import OR
from .tracer import Tracer


@trace_layer.register
def _logic_conv(module: LogicConvNd, x: Traced, tracer: Tracer) -> NetTensor:
    """[..., channels, *in_dim] bits to [..., num_kernels, *kernel_positions].

    One tile, whose body holds all kernels and whose inputs are what any kernel reads of the window.
    A body for each kernel would store the same gates, but the places of an input once for each
    kernel that reads it; here every place names each of its inputs once.
    """
    wrong = module.check_shape(tuple(x.shape))
    if wrong:
        tracer.refuse(wrong)
    for level, weight in enumerate(module.tree_weights):
        check_weight(weight.flatten(0, 1), f"{type(module).__name__}, level {level}", tracer)
    body, positions = _kernels(module)
    leading = x.shape[: x.ndim - module.dims - 1]
    nets = tracer.bits(x, torch.float32).nets.reshape(-1, prod(module.in_shape))
    nets = F.pad(nets, (0, 1))  # the number that stands for padding is net 0
    fanin = nets[:, module.connections.features(positions).t()].flatten(0, 1)
    found = torch.from_numpy(tracer.builder.tile(body, fanin.numpy()).astype(np.int64))
    made = found.reshape(-1, module.n_kernel_positions, module.num_kernels).permute(2, 1, 0)
    made = made.contiguous().flatten(0, 1).t()  # in memory as the layer answers
    shape = (*leading, module.num_kernels, *module.kernel_positions)
    return NetTensor.make(tracer, made.reshape(shape), module.tree_weights[0].dtype)


def _kernels(module: LogicConvNd) -> tuple[Netlist, Tensor]:
    """All kernels of one place as a netlist [inputs] to [num_kernels], and its inputs' positions,
    int64 [inputs, dims + 1]."""
    wiring = module.connections.resolve_connections().cpu()
    positions, at = torch.unique(wiring.flatten(0, 2), dim=0, return_inverse=True)
    builder = Builder()
    nets = builder.inputs(len(positions))[at.reshape(wiring.shape[:3]).transpose(1, 2).numpy()]
    rank, kernels = module.lut_rank, module.num_kernels
    for luts in module.get_luts():
        # Our tables have the first fanin as the least significant bit, theirs as the most.
        fanin = nets[::-1].reshape(rank, -1).T
        made = builder.luts(fanin, packed_tables(torch.cat(luts)))
        nets = made.reshape(-1, min(rank, len(luts)), kernels).swapaxes(0, 1)
    return builder.build(nets), positions


@trace_layer.register
def _or_pooling(module: OrPoolingNd, x: Traced, tracer: Tracer) -> NetTensor:
    """[..., *sizes] bits to one bit a window: one tile, whose body is the OR of a window."""
    wrong = module.check_shape(tuple(x.shape))
    if wrong:
        tracer.refuse(wrong)
    bits = tracer.bits(x, x.dtype if x.is_floating_point() else torch.float32)
    ids = windows(bits.nets, module.kernel_size, module.stride, module.padding)
    rows = ids.flatten(0, -2)
    if rows.shape[1] == 1:
        return bits.like(ids[..., 0].clone())
    found = tracer.builder.tile(_any(rows.shape[1]), rows.numpy())
    return bits.like(torch.from_numpy(found.astype(np.int64)).reshape(ids.shape[:-1]))


@trace_layer.register
def _residual_block(module: ResidualLogicBlock, x: Traced, tracer: Tracer) -> Tensor:
    """Both ways as their layers are traced, joined by a level of OR gates."""
    bits = tracer.bits(x, torch.float32)
    out = module.main(bits)
    return (out.bool() | module.shortcut(bits).bool()).to(out.dtype)


def _any(count: int) -> Netlist:
    """The OR of `count` inputs as a balanced tree."""
    builder = Builder()
    nets = builder.inputs(count)
    while len(nets) > 1:
        half = len(nets) // 2
        made = builder.luts(np.stack([nets[:half], nets[half : 2 * half]], axis=1), OR)
        nets = np.concatenate([made, nets[2 * half :]])
    return builder.build(nets)
