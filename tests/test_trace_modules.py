"""Traced modules: control flow, training flags, threads, size."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import nn
from trace_helpers import check_bits, samples

from gatewright.compiler.stats import n_gates
from gatewright.frontend import FixedBinarization, GroupSum, LogicDense
from gatewright.frontend.tracing.moves import MOVES
from gatewright.frontend.tracing.table import functions
from gatewright.frontend.tracing.trace import trace
from gatewright.runtime.errors import TraceError


class Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return (x > 0.5).float()

    @staticmethod
    def backward(ctx, grad):
        return grad


class Branching(nn.Module):
    """Control flow, lists, dictionaries and shared submodules."""

    def __init__(self, blocks=3):
        super().__init__()
        self.blocks = nn.ModuleList(LogicDense(8, 8) for _ in range(blocks))
        self.shared = LogicDense(8, 8)

    def forward(self, x):
        assert isinstance(x, torch.Tensor)
        x = Step.apply(x)
        parts = {}
        for i, block in enumerate(self.blocks):
            x = block(x) if i % 2 else self.shared(x)
            parts[i] = x
        if x.shape[1] != 8 or x.dtype != torch.float32:
            raise RuntimeError
        return torch.cat([*parts.values(), self.shared(self.shared(x))], dim=1)


def test_branching_module():
    check_bits(Branching(), (8,))


def _strides(y):
    """In-place operations reach what they reach in torch: here a copy, there a view."""
    y = y.permute(0, 2, 1) ^ True
    flat = y.reshape(1, -1)
    flat &= False
    wide = y.permute(0, 2, 1).reshape(1, -1)
    wide[:, :2].logical_not_()
    return torch.cat([flat, wide, y.reshape(1, -1)], 1)


def test_strides():
    check_bits(_strides, (2, 3), dtype=torch.bool)
    check_bits(lambda x: _strides(x > 0.5), (2, 3))
    t = torch.rand(3, 2).mT
    check_bits(lambda x: _strides(x.permute(0, 2, 1) > t), (3, 2))
    layer = LogicDense(4, 3)
    check_bits(lambda x: _strides(layer.eval()(x) > 0), (2, 4), samples((2, 4), boolean=True))


def test_constant_output():
    check_bits(lambda x: torch.tensor([[1.0, 0.0, 1.0]]), (3,))


def test_output_of_input_bits_alone():
    circuit = check_bits(lambda x: x > 0.5, (2, 2))
    assert circuit.encoder.shape == (2, 2)
    assert circuit.decoder is None


def test_scalar_samples():
    check_bits(lambda x: x[:, None] > 0.5, (), torch.rand(12))


def test_training_flags_and_forward_stay():
    model = nn.Sequential(LogicDense(4, 4), nn.Dropout(), nn.Sequential(nn.Dropout(), GroupSum(2)))
    model.train()
    model[2].eval()
    before = [module.training for module in model.modules()]
    call, forward = nn.Module.__call__, LogicDense.forward
    trace(model, (4,))
    with pytest.raises(TraceError):
        trace(model, (5,))
    assert [module.training for module in model.modules()] == before
    assert (nn.Module.__call__, LogicDense.forward) == (call, forward)
    assert torch.is_grad_enabled()


class Fused(nn.Module):
    """Does something of its own on `train`."""

    def train(self, mode=True):
        self.mode = "training" if mode else "evaluation"
        return super().train(mode)

    def forward(self, x):
        return (x > 0.5) if self.mode == "evaluation" else x * 2


def test_modules_with_a_train_of_their_own():
    model = nn.Sequential(Fused()).train()
    trace(model, (3,))
    assert model[0].mode == "training"


def test_other_threads_are_left_alone():
    model = nn.Sequential(LogicDense(16, 16), GroupSum(4)).eval()
    x = samples((16,), boolean=True)
    expected = model(x)
    wrong = []

    def work(job):
        for _ in range(20):
            if job % 2:
                wrong.append(not (trace(model, (16,)).scores(x) == expected.detach().numpy()).all())
            else:
                wrong.append(not torch.equal(model(x), expected))

    threads = [threading.Thread(target=work, args=(job,)) for job in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wrong) == 80
    assert not any(wrong)


def test_three_thousand_layers():
    model = nn.Sequential(*(LogicDense(4, 4) for _ in range(3000)))
    circuit = trace(model, (4,))
    assert len(circuit.netlist.cells) == 3000


def test_three_thousand_operations():
    def chain(x):
        for _ in range(3000):
            x = x ^ x.roll(1, 1)
        return x

    x = samples((5,), boolean=True)[:4]
    check_bits(chain, (5,), x, dtype=torch.bool)


def test_large_model():
    layers = [LogicDense(784 if i == 0 else 8000, 8000) for i in range(6)]
    model = nn.Sequential(nn.Flatten(), *layers, GroupSum(10, tau=30))
    assert n_gates(trace(model, (28, 28)).netlist) == 48_000


def test_tracing_twice_gives_the_same():
    model = nn.Sequential(FixedBinarization([0.2, 0.4]), LogicDense(16, 30), GroupSum(3))
    assert trace(model, (8,)).digest() == trace(model, (8,)).digest()


def test_every_name_in_the_table_is_known_to_torch():
    assert [name for name in MOVES.split() if not list(functions(name))] == []
