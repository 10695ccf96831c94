"""Boolean operations on bits of every dtype, traced."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from trace_helpers import Fn, answers, check_bits, samples

from gatewright.frontend.tracing.trace import trace

I = torch.tensor  # noqa: E741

# Bits of any dtype, Boolean inputs [4].
BOOLEAN = {
    "and": lambda x: x[:, :2] & x[:, 2:],
    "or": lambda x: x[:, :2] | x[:, 2:],
    "xor": lambda x: x[:, :2] ^ x[:, 2:],
    "not": lambda x: ~x,
    "logical_and": lambda x: torch.logical_and(x, x.flip(1)),
    "logical_or": lambda x: x.logical_or(x.roll(1, 1)),
    "logical_xor": lambda x: torch.logical_xor(x, x.roll(1, 1)),
    "logical_not": torch.logical_not,
    "bitwise_and": lambda x: torch.bitwise_and(x, x.flip(1)),
    "bitwise_or": lambda x: x.bitwise_or(x.flip(1)),
    "bitwise_xor": lambda x: torch.bitwise_xor(x, x.flip(1)),
    "bitwise_not": torch.bitwise_not,
    "constant": lambda x: (x & I([True, False, True, False])) | I(False),
    "reversed constant": lambda x: I([True, False, True, False]) ^ x,
    "python constant": lambda x: (True & x) ^ (False | x.flip(1)) ^ True,
    "broadcast": lambda x: x[:, :, None] & x[:, None, :],
    "where bits": lambda x: torch.where(x, x.flip(1), ~x.roll(1, 1)),
    "any": lambda x: x.any(1, keepdim=True),
    "any all dims": lambda x: x.any()[None],
    "any dims": lambda x: x.reshape(1, 2, 2).any((1, 2)),
    "all": lambda x: torch.all(x, dim=1),
    "self": lambda x: torch.stack([x ^ x, x & x, x | ~x], 1),
    "scalar": lambda x: (x[0, 0] & x[0, 1])[None],
    "rebinding": lambda x: torch.stack(_rebound(x & True), 1),
}


BITS = {
    "eq": lambda x: x == x.flip(1),
    "ne": lambda x: x != x.roll(1, 1),
    "lt": lambda x: x < x.flip(1),
    "le": lambda x: torch.le(x, x.flip(1)),
    "gt": lambda x: x > x.flip(1),
    "ge": lambda x: x.ge(x.flip(1)),
    "above": lambda x: x > 0.5,
    "always": lambda x: torch.stack([x > -1, x < 1.5, x >= 0, x <= 1], 1),
    "never": lambda x: torch.stack([x > 1, x < 0, x == 2, x >= 1.5], 1),
    "is zero": lambda x: (x == 0) ^ (0 == x.flip(1)),
    "is not one": lambda x: x != 1,
    "reversed": lambda x: 0.5 > x,
    "each its own": lambda x: x >= I([-1.0, 0.5, 1.0, 2.0]),
    "where": lambda x: torch.where(x > 0, x.flip(1), x.roll(1, 1)),
    "method where": lambda x: x.where(x.flip(1) > 0, x.roll(1, 1)),
    "where numbers": lambda x: torch.where(x > 0, 0.0, 1.0),
    "where keywords": lambda x: torch.where(condition=x > 0, input=x.flip(1), other=I(1.0)),
    "constant where": lambda x: torch.where(I([True, False, True, False]), x, 1 - x),
    "mul": lambda x: x * x.flip(1),
    "one minus": lambda x: 1 - x,
    "times mask": lambda x: x * I([1.0, 0.0, 1.0, 1.0]),
    "minimum": lambda x: torch.minimum(x, x.flip(1)),
    "maximum": lambda x: torch.maximum(x, x.flip(1)),
    "fmin": lambda x: torch.fmin(x, x.flip(1)),
    "min of two": lambda x: torch.min(x, x.flip(1)),
    "max of two": lambda x: x.max(x.flip(1)),
    "max other": lambda x: torch.max(x, other=x.flip(1)),
    "amax": lambda x: x.amax(1),
    "amax dims": lambda x: x.reshape(1, 2, 2).amax((-1, 1), keepdim=True),
    "amin": lambda x: torch.amin(x, dim=-1),
    "max": lambda x: x.max()[None],
    "max dim": lambda x: x.max(1).values,
    "max unpacked": lambda x: torch.max(x.reshape(1, 2, 2), dim=2, keepdim=True)[0],
    "min dim": lambda x: x.min(dim=1)[0],
    "min": lambda x: x.min().reshape(1),
    "prod": lambda x: x.prod(1),
    "prod dtype": lambda x: torch.prod(x, dim=1, dtype=torch.float64),
    "relu": F.relu,
    "nn.ReLU": nn.ReLU(),
    "nn.ReLU in place": nn.ReLU(inplace=True),
    "relu6": F.relu6,
    "hardtanh": nn.Hardtanh(),
    "clamp": lambda x: x.clamp(0, 1),
    "clamp min": lambda x: torch.clamp(x, min=x.flip(1)),
    "clip": lambda x: x.clip(max=1),
    "abs": lambda x: x.abs(),
    "builtin abs": lambda x: abs(x),
    "round": torch.round,
    "floor": lambda x: x.floor(),
    "sign": torch.sign,
    "pow": lambda x: x**2,
    "sqrt": torch.sqrt,
    "divided": lambda x: x / 1,
    "masked_fill": lambda x: x.masked_fill(x.flip(1) > 0, 0.0),
    "masked_fill constant": lambda x: x.masked_fill(I([True, False, True, False]), 1.0),
    "isnan": torch.isnan,
    "casts": lambda x: x.bool().int().half().double().long().to(torch.uint8).float(),
    "to bool": lambda x: x.to(torch.bool),
    "type": lambda x: x.type(torch.int32) if x.type() == "torch.FloatTensor" else x,
    "max_pool1d": lambda x: F.max_pool1d(x[:, None], 2),
    "in place": lambda x: torch.stack(_in_place(x.clone()), 1),
    "subtract itself": lambda x: x - x,
    "mean of one": lambda x: (x.reshape(1, 4, 1) > 0).float().amax(2),
}


def _rebound(x):
    y = x
    x &= x.flip(1)
    x |= x.roll(1, 1)
    view = y[:, 2:]
    view ^= y[:, :2]
    return [x, y, view.repeat(1, 2)]


def _in_place(x):
    y = x
    x *= x.flip(1)
    x[:, :2].mul_(x[:, 2:])
    x.clamp_(0, 1).relu_().sub_(0)
    x.T[0].zero_()
    return [x, y]


@pytest.mark.parametrize("case", BOOLEAN)
def test_boolean_operations(case):
    function = BOOLEAN[case]
    check_bits(lambda x: function(x > 0.5), (4,))
    check_bits(function, (4,), dtype=torch.bool)


@pytest.mark.parametrize("case", [case for case in BOOLEAN if case != "rebinding"])
def test_raw_values_in_boolean_operations_are_boolean(case):
    module = Fn(BOOLEAN[case])
    x = samples((4,), boolean=True)
    circuit = trace(module, (4,))
    expected = answers(module, x.bool()).reshape(len(x), -1)
    assert (circuit.bits(x) == expected.numpy()).all()


@pytest.mark.parametrize("case", BITS)
def test_operations_on_float_bits(case):
    function = BITS[case]
    check_bits(lambda x: function((x > 0.5).float()), (4,))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float64, torch.float16])
@pytest.mark.parametrize("case", ["eq", "is zero", "mul", "one minus", "maximum", "amax", "pow"])
def test_operations_on_bits_of_other_dtypes(case, dtype):
    function = BITS[case]
    check_bits(lambda x: function((x > 0.5).to(dtype)), (4,))


def test_addition_of_bool_is_or():
    check_bits(lambda x: (x > 0.5) + (x.flip(1) > 0.25), (4,))
