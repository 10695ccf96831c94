"""Moving values about, traced: bits, raw values and counts."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from trace_helpers import check_bits, check_scores, samples

I = torch.tensor  # noqa: E741

# Each works on bits and on raw values of the given shape, without the batch.
MOVES = {
    "reshape": ((6,), lambda x: x.reshape(1, 2, 3)),
    "torch.reshape": ((6,), lambda x: torch.reshape(x, (1, 3, 2))),
    "view": ((6,), lambda x: x.view(-1, 2)[None]),
    "view_as": ((6,), lambda x: x.view_as(torch.empty(1, 3, 2))),
    "reshape_as": ((6,), lambda x: x.reshape_as(x[:, None])),
    "expand_as": ((6,), lambda x: x[:, None].expand_as(torch.empty(1, 2, 6))),
    "flatten": ((2, 3), lambda x: x.flatten(1)),
    "nn.Flatten": ((2, 3), nn.Flatten()),
    "nn.Unflatten": ((6,), nn.Unflatten(1, (2, 3))),
    "nn.Identity": ((6,), nn.Identity()),
    "nn.Dropout": ((6,), nn.Dropout().eval()),
    "nn.Dropout2d": ((2, 2, 2), nn.Dropout2d().eval()),
    "nn.AlphaDropout": ((6,), nn.AlphaDropout().eval()),
    "ravel": ((6,), lambda x: x.ravel()[None]),
    "unflatten": ((6,), lambda x: x.unflatten(1, (3, 2))),
    "permute": ((2, 3), lambda x: x.permute(0, 2, 1)),
    "transpose": ((2, 3), lambda x: x.transpose(1, 2)),
    "swapaxes": ((2, 3), lambda x: torch.swapaxes(x, 1, 2)),
    "T": ((3,), lambda x: x.T[None]),
    "mT": ((2, 3), lambda x: x.mT),
    "t": ((3,), lambda x: x.t()[None]),
    "movedim": ((2, 3, 2), lambda x: torch.movedim(x, 1, -1)),
    "moveaxis": ((2, 3, 2), lambda x: x.moveaxis(-1, 1)),
    "squeeze": ((1, 3), lambda x: x.squeeze(1)),
    "unsqueeze": ((3,), lambda x: x.unsqueeze(-1)),
    "expand": ((3,), lambda x: x[:, None].expand(-1, 2, -1)),
    "repeat": ((3,), lambda x: x.repeat(1, 2)),
    "repeat_interleave": ((3,), lambda x: x.repeat_interleave(2, dim=1)),
    "repeat_interleave tensor": ((3,), lambda x: torch.repeat_interleave(x, I([0, 2, 1]), 1)),
    "tile": ((3,), lambda x: torch.tile(x, (1, 3))),
    "broadcast_to": ((3,), lambda x: torch.broadcast_to(x[:, None], (1, 2, 3))),
    "broadcast_tensors": ((3,), lambda x: torch.broadcast_tensors(x[:, None], x[:, :, None])[0]),
    "cat": ((3,), lambda x: torch.cat([x, x.flip(1)], dim=1)),
    "cat axis": ((3,), lambda x: torch.cat([x, x.flip(1)], axis=1)),
    "cat zeros": ((3,), lambda x: torch.cat([x, torch.zeros(1, 2), torch.ones(1, 1)], 1)),
    "concat": ((3,), lambda x: torch.concat((x, x), -1)),
    "stack": ((3,), lambda x: torch.stack([x, x.roll(1, 1)], dim=2)),
    "hstack": ((3,), lambda x: torch.hstack([x, x])),
    "vstack": ((3,), lambda x: torch.vstack([x, x.flip(1)])[None]),
    "dstack": ((3,), lambda x: torch.dstack([x, x])),
    "column_stack": ((3,), lambda x: torch.column_stack([x, x])),
    "split": ((5,), lambda x: torch.cat(x.split([2, 3], dim=1)[::-1], 1)),
    "torch.split": ((5,), lambda x: torch.split(x, 2, 1)[1]),
    "chunk": ((5,), lambda x: x.chunk(2, dim=1)[1]),
    "tensor_split": ((5,), lambda x: torch.tensor_split(x, 3, dim=1)[0]),
    "unbind": ((2, 3), lambda x: x.unbind(1)[1]),
    "iteration": ((2, 3), lambda x: torch.stack([row for row in x[0]][::-1])[None]),
    "unpacking": ((2,), lambda x: torch.stack([*x.T][::-1], 1)),
    "select": ((2, 3), lambda x: x.select(1, 1)),
    "narrow": ((5,), lambda x: x.narrow(1, 1, 3)),
    "index_select": ((5,), lambda x: x.index_select(1, I([4, 0, 0]))),
    "gather": ((2, 3), lambda x: torch.gather(x, 2, I([[[0, 2], [1, 1]]]))),
    "take": ((5,), lambda x: x.take(I([[4, 1]]))),
    "take_along_dim": ((5,), lambda x: torch.take_along_dim(x, I([[3, 3, 0]]), dim=1)),
    "int index": ((2, 3), lambda x: x[:, 1]),
    "slice index": ((2, 5), lambda x: x[:, :, 1::2]),
    "None and Ellipsis": ((2, 3), lambda x: x[..., None, 0]),
    "tensor index": ((5,), lambda x: x[:, I([[0, 1], [4, 3]])]),
    "list index": ((5,), lambda x: x[:, [3, 1]]),
    "two tensor indices": ((3, 3), lambda x: x[:, I([0, 2]), I([1, 1])]),
    "mask index": ((4,), lambda x: x[:, I([True, False, True, True])]),
    "negative index": ((2, 3), lambda x: x[:, -1, -2:]),
    "pad": ((3,), lambda x: F.pad(x, (1, 2))),
    "pad circular": ((2, 3, 3), lambda x: F.pad(x, (1, 1, 2, 0), mode="circular")),
    "pad crop": ((5,), lambda x: F.pad(x, (-1, 1))),
    "nn.ZeroPad2d": ((2, 2, 2), nn.ZeroPad2d(1)),
    "Tensor.unfold": ((6,), lambda x: x.unfold(1, 3, 2)),
    "flip": ((2, 3), lambda x: x.flip(1, 2)),
    "fliplr": ((3,), lambda x: torch.fliplr(x)),
    "flipud": ((2, 3), lambda x: torch.flipud(x[0])[None]),
    "roll": ((2, 3), lambda x: x.roll((1, 2), (1, 2))),
    "torch.roll": ((3,), lambda x: torch.roll(x, -1)),
    "rot90": ((2, 3), lambda x: torch.rot90(x, 1, (1, 2))),
    "diagonal": ((3, 3), lambda x: x.diagonal(0, 1, 2)),
    "tril": ((3, 3), lambda x: x.tril()),
    "triu": ((3, 3), lambda x: torch.triu(x, diagonal=1)),
    "clone": ((3,), lambda x: x.clone().detach().contiguous()),
    "data": ((3,), lambda x: x.data),
    "atleast_3d": ((3,), torch.atleast_3d),
    "pixel_unshuffle": ((1, 4, 4), nn.PixelUnshuffle(2)),
    "pixel_shuffle": ((4, 2, 2), nn.PixelShuffle(2)),
    "channel_shuffle": ((4, 2, 2), nn.ChannelShuffle(2)),
    "size": ((2, 3), lambda x: x.reshape(x.size(0), x.shape[1] * x.size()[2])),
    "queries": ((2, 3), lambda x: x.reshape(len(x), x.numel() // x.dim() * x.ndim)),
    "strides": ((2, 3), lambda x: x if x.is_contiguous() and x.stride() == (6, 3, 1) else x[0]),
    "device": ((2,), lambda x: torch.cat([x, torch.ones(1, 1, device=x.device)], 1)),
    "to device": ((2,), lambda x: x.to("cpu").cpu().to(x.device)),
    "requires_grad": ((2,), lambda x: x.requires_grad_(False)),
}
# Where torch wants floats, or makes float constants.
FLOAT_MOVES = {
    "pad reflect": ((5,), lambda x: F.pad(x, (2, 1), mode="reflect")),
    "pad replicate": ((2, 3, 3), lambda x: F.pad(x, (1, 2, 0, 1), mode="replicate")),
    "nn.ReflectionPad2d": ((2, 3, 3), nn.ReflectionPad2d(1)),
    "F.unfold": ((2, 4, 4), lambda x: F.unfold(x, 2, padding=1, stride=2)),
    "nn.Unfold": ((1, 4, 4), nn.Unfold(3, dilation=1)),
    "nearest": ((1, 2, 2), nn.Upsample(scale_factor=2)),
    "interpolate": ((1, 3), lambda x: F.interpolate(x, size=5)),
    "pad one": ((3,), lambda x: F.pad(x, (1, 1), value=1.0)),
    "nn.ConstantPad1d": ((3,), nn.ConstantPad1d((0, 2), 1.0)),
    "masked_fill": ((3,), lambda x: x.masked_fill(I([True, False, False]), 1.0)),
    "constant where": ((3,), lambda x: torch.where(I([True, False, True]), x, x.flip(1))),
    "where zero": ((3,), lambda x: torch.where(I([True, False, True]), x, 0.0)),
    "Tensor.where": ((3,), lambda x: x.where(I([True, False, True]), x.flip(1))),
    "zeros_like": ((3,), lambda x: torch.cat([torch.zeros_like(x), x, torch.ones_like(x)], 1)),
    "full_like": ((3,), lambda x: torch.stack([x, torch.full_like(x, 1)], 1)),
    "new_zeros": ((3,), lambda x: torch.cat([x, x.new_zeros(1, 2), x.new_ones(1, 1)], 1)),
    "new_full": ((3,), lambda x: torch.cat([x, x.new_full((1, 1), 1)], 1)),
    "float": ((3,), lambda x: x.float().to(torch.float64).type(torch.float64).type_as(x)),
    "to everything": ((3,), lambda x: x.to("cpu", torch.float64, True).to(torch.ones(1), True)),
    "to float64": ((3,), lambda x: x.double().to(dtype=torch.float64, copy=True)),
}


@pytest.mark.parametrize("case", MOVES)
def test_moving_bits(case):
    shape, function = MOVES[case]
    check_bits(lambda x: function(x > 0.5), shape)
    circuit = check_bits(function, shape, dtype=torch.bool)
    assert circuit.netlist.cells == ()


@pytest.mark.parametrize("case", [*MOVES, *FLOAT_MOVES])
def test_moving_raw_values(case):
    shape, function = (MOVES | FLOAT_MOVES)[case]
    check_bits(lambda x: function(x) > 0.4, shape)


@pytest.mark.parametrize("case", [*MOVES, *FLOAT_MOVES])
def test_moving_float_bits(case):
    shape, function = (MOVES | FLOAT_MOVES)[case]
    circuit = check_bits(lambda x: function((x > 0.5).float()), shape)
    assert circuit.netlist.cells == ()


COUNT_MOVES = [case for case in MOVES if "pad" not in case.lower() and case not in {
    "tril", "triu", "broadcast_tensors", "device", "cat zeros", "nn.Dropout", "nn.Dropout2d",
    "nn.AlphaDropout",
}]  # fmt: skip


@pytest.mark.parametrize("case", COUNT_MOVES)
def test_moving_counts(case):
    shape, function = MOVES[case]
    check_scores(lambda x: function((x > 0.5).sum(-1) * 2 + 1).flatten(1), (*shape, 3),
                 samples((*shape, 3)))  # fmt: skip
