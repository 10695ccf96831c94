"""Traced layers: dense ones, subclasses, hooks, exporters of one's own."""

from __future__ import annotations

import pytest
import torch
from conv_strategies import KINDS
from gate_layers import layer_of
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from trace_helpers import Fn, check_bits, check_scores, samples

from gatewright.compiler import Luts, Popcount
from gatewright.frontend import FixedBinarization, GroupSum, LogicDense
from gatewright.frontend.tracing.net_tensor import NetTensor, Traced
from gatewright.frontend.tracing.trace import trace, trace_layer
from gatewright.frontend.tracing.tracer import Tracer
from gatewright.runtime.errors import TraceError


@pytest.mark.parametrize("shape", [(9,), (3, 9), (2, 2, 9)])
def test_logic_dense(shape):
    layer = LogicDense(9, 20, parametrization_kwargs={"weight_init": "random"})
    circuit = check_bits(layer, shape, samples(shape, boolean=True))
    assert [type(cell) for cell in circuit.netlist.cells] == [Luts]


def test_all_sixteen_gates():
    layer = LogicDense(2, 16, connections_kwargs={"indices": [[0] * 16, [1] * 16]})
    layer.weight.data = torch.eye(16)
    x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    circuit = check_bits(layer, (2,), x)
    assert circuit.bits(x)[2, 2]  # gate 2 is `a and not b`
    assert not circuit.bits(x)[1, 2]


def test_model():
    model = nn.Sequential(
        FixedBinarization(torch.rand(64, 2)),
        nn.Flatten(),
        LogicDense(128, 90),
        nn.Dropout(),
        LogicDense(90, 60, parametrization_kwargs={"weight_init": "random"}),
        GroupSum(10, tau=3, beta=0.5),
    )
    circuit = check_scores(model, (64,))
    assert [type(cell) for cell in circuit.netlist.cells] == [Luts, Luts, Popcount]


def test_layer_of_another_dtype():
    check_bits(LogicDense(4, 5).double(), (4,), samples((4,), boolean=True).double())
    layer = LogicDense(4, 5).eval()
    check_bits(lambda x: ~(layer(x.float()) > 0), (4,), dtype=torch.bool)
    with pytest.raises(TraceError, match="in Fn: TypeError: ~"):
        trace(Fn(lambda x: ~layer(x)), (4,))


class Inverted(LogicDense):
    def forward(self, x):
        return 1 - super().forward(x)


def test_subclass_with_its_own_forward():
    check_bits(Inverted(4, 5), (4,), samples((4,), boolean=True))


def test_hooks_run():
    layer = LogicDense(4, 5)
    layer.register_forward_hook(lambda module, args, output: 1 - output)
    check_bits(layer, (4,), samples((4,), boolean=True))


class Majority(nn.Module):
    def forward(self, x):
        return (x.sum(-1, keepdim=True) > x.shape[-1] / 2).sort().values


@trace_layer.register
def _majority(module: Majority, x: Traced, tracer: Tracer) -> NetTensor:
    nets = tracer.builder.luts(tracer.bits(x).nets.numpy(), 0b11101000)
    return NetTensor.make(tracer, torch.from_numpy(nets).long()[None], torch.bool)


def test_exporter_of_ones_own():
    check_bits(nn.Sequential(Majority()), (3,), samples((3,), boolean=True))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(KINDS), st.integers(1, 7), st.integers(1, 9), st.integers(0, 99))
def test_circuits_answer_as_the_layer(kind, in_dim, out_dim, seed):
    layer = layer_of(*kind, in_dim, out_dim, seed)
    x = torch.randint(2, (60, in_dim), generator=torch.Generator().manual_seed(seed)).float()
    circuit = check_bits(layer, (in_dim,), x)
    (cell,) = circuit.netlist.cells
    assert cell.fanin.shape == (out_dim, kind[1])


def test_a_model_of_several_kinds():
    model = nn.Sequential(
        layer_of("warp", 6, 12, 30),
        layer_of("light", 4, 30, 24),
        layer_of("raw", 2, 24, 20),
        GroupSum(4),
    )
    check_scores(model, (12,), torch.randint(2, (12, 12)).float())
