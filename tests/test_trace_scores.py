"""Traced thresholds, counts, pooling, layers and whole modules."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from trace_helpers import Fn, answers, check_bits, check_scores, samples

from gatewright.compiler import Luts, Popcount
from gatewright.frontend import FixedBinarization, GroupSum, LogicDense
from gatewright.frontend.tracing.moves import MOVES
from gatewright.frontend.tracing.net_tensor import NetTensor, Traced
from gatewright.frontend.tracing.table import functions
from gatewright.frontend.tracing.trace import trace, trace_layer
from gatewright.frontend.tracing.tracer import Tracer
from gatewright.runtime.errors import TraceError

# Thresholds


@pytest.mark.parametrize(
    "compare",
    [
        lambda x: x > 0.3,
        lambda x: 0.3 < x,
        lambda x: torch.gt(x, 0.3),
        lambda x: torch.lt(torch.tensor(0.3), x),
        lambda x: torch.tensor([0.1, 0.2, 0.3]) < x,
        lambda x: x > torch.tensor([0.1, 0.5, 0.9]),
        lambda x: x > torch.tensor([0, 1, 0]),
        lambda x: x > 0,
        lambda x: x > True,
        lambda x: x > nn.Parameter(torch.tensor(0.25)),
        lambda x: x.unsqueeze(-1) > torch.linspace(0, 1, 5),
        lambda x: x[0, 0] > torch.tensor([[0.1, 0.5]]),
        lambda x: x > torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64),
        lambda x: x.double() > 0.1,
        lambda x: x > np.float32(0.5),
        lambda x: x.greater(0.5),
        lambda x: x > torch.tensor([torch.inf, -torch.inf, -0.0]),
    ],
)
def test_thresholds(compare):
    values = torch.tensor([0.0, -0.0, 0.1, 0.2, 0.25, 0.3, 0.5, 0.9, torch.inf, -torch.inf])
    values = torch.cat(
        [values, torch.nextafter(values, torch.tensor(2.0)), torch.tensor([torch.nan])]
    )
    check_bits(compare, (3,), torch.cartesian_prod(values[:12:2], values, values[::4]))


def test_inputs_are_shared_and_in_order_of_appearance():
    circuit = check_bits(lambda x: torch.cat([x.flip(1) > 0.5, x > 0.5, x[:, 1:] > -0.0], 1), (3,))
    assert circuit.encoder.feature.tolist() == [2, 1, 0, 1, 2]
    assert circuit.encoder.threshold.tolist() == [0.5, 0.5, 0.5, 0, 0]


def test_only_features_that_are_met_become_inputs():
    circuit = check_bits(lambda x: x[:, 5:6] > 0.5, (100,))
    assert circuit.encoder.feature.tolist() == [5]


@given(st.floats(allow_nan=False), st.lists(st.floats(width=32, allow_nan=False), min_size=1))
@settings(max_examples=60)
def test_float64_thresholds_are_rounded_only_where_nothing_changes(threshold, values):
    narrow = torch.tensor(threshold).to(torch.float32)
    near = torch.stack(
        [torch.nextafter(narrow, torch.tensor(to)) for to in (-torch.inf, torch.inf)]
    )
    x = torch.cat([torch.tensor(values), near, narrow[None]])[:, None]
    wide = torch.tensor([threshold], dtype=torch.float64)
    circuit = trace(Fn(lambda x: x > wide), (1,))
    np.testing.assert_array_equal(circuit.bits(x), (x > wide).numpy())


def test_float64_input_keeps_its_thresholds():
    circuit = trace(Fn(lambda x: x > 0.25), (1,), dtype=torch.float64)
    x = torch.tensor([[0.25], [0.25 + 1e-12]], dtype=torch.float64)
    assert circuit.bits(x).tolist() == [[False], [True]]


def test_uint8_data():
    circuit = trace(Fn(lambda x: x > 127), (2,))
    x = torch.tensor([[0, 127], [128, 255]], dtype=torch.uint8)
    assert circuit.bits(x).tolist() == [[False, False], [True, True]]


def test_constants_among_raw_values():
    check_bits(lambda x: F.pad(x, (1, 1), value=0.4) > 0.3, (3,))
    check_bits(lambda x: torch.cat([x, torch.tensor([[0.1, 0.9, 0.1]])], 1) > 0.3, (3,))
    check_bits(lambda x: torch.where(torch.tensor([True, False]), x, 0.7) > 0.5, (2,))
    check_bits(lambda x: torch.cat([x, torch.full((1, 1), torch.nan)], 1) > 0.5, (2,))
    circuit = trace(Fn(lambda x: F.pad(x, (0, 1)) & True), (1,))
    assert circuit.bits(torch.tensor([[1.0]])).tolist() == [[True, False]]


@pytest.mark.parametrize("thresholds", [(5,), (3, 5)])
@pytest.mark.parametrize("feature_dim", [-2, 1, -3])
def test_fixed_binarization_of_images(thresholds, feature_dim):
    check_bits(FixedBinarization(torch.rand(*thresholds), feature_dim), (3, 4, 2))


def test_fixed_binarization_of_rows():
    check_bits(FixedBinarization(torch.rand(4, 3)), (4,))
    check_bits(FixedBinarization([0.25, 0.5]), (4,))


# Counts


def bits(x):
    return x > 0.5


COUNTS = {
    "sum": lambda x: bits(x).sum(-1),
    "float sum": lambda x: bits(x).float().sum(-1),
    "torch.sum": lambda x: torch.sum(bits(x), dim=2),
    "axis": lambda x: torch.sum(bits(x), axis=2),
    "keepdim": lambda x: bits(x).sum(2, keepdim=True).flatten(1),
    "two dims": lambda x: bits(x).unflatten(2, (2, 3)).sum((2, 3)),
    "other dim": lambda x: bits(x).sum(1),
    "dtype": lambda x: bits(x).sum(2, dtype=torch.float32),
    "count_nonzero": lambda x: torch.count_nonzero(bits(x), dim=2),
    "plus": lambda x: bits(x).sum(-1) + 1.5,
    "reversed plus": lambda x: 0.1 + bits(x).sum(-1),
    "minus": lambda x: bits(x).sum(-1) - 0.3,
    "over": lambda x: bits(x).sum(-1) / 7,
    "plus over": lambda x: (bits(x).float().sum(-1) + 0.7) / 3.3,
    "two steps": lambda x: (bits(x).float().sum(-1) + 1 + 2) / 2 / 8,
    "over plus, exact": lambda x: bits(x).sum(-1) / 8 + 1,
    "times, exact": lambda x: bits(x).sum(-1) * 0.25,
    "reversed times": lambda x: 2 * bits(x).sum(-1),
    "times one over": lambda x: bits(x).sum(-1) * (1 / 4),
    "tensor": lambda x: (bits(x).sum(-1) + torch.ones(4)) / nn.Parameter(torch.tensor(3.0)),
    "torch functions": lambda x: torch.div(torch.add(bits(x).sum(-1), 2), 3),
    "mean": lambda x: bits(x).float().mean(-1),
    "mean, keepdim": lambda x: torch.mean(bits(x).float(), 2, keepdim=True).squeeze(2),
    "casts": lambda x: (bits(x).sum(-1).float() + 1).double().float() / 2,
    "sum of sums": lambda x: bits(x).unflatten(2, (2, 3)).sum(2).sum(2),
    "sum of sums, keepdim": lambda x: bits(x).unflatten(2, (2, 3)).sum(3).sum(2, True).flatten(1),
    "sum of two": lambda x: bits(x)[..., :2].sum(2) + bits(x)[..., 2:].sum(2),
    "builtin sum": lambda x: sum([bits(x)[..., i:].sum(2) for i in range(5)]),
    "sum and bits": lambda x: bits(x).sum(2) + bits(x)[..., 0],
    "cat": lambda x: torch.cat([bits(x).sum(2), bits(x)[..., :2].sum(2)], 1),
    "stack": lambda x: torch.stack([bits(x).sum(2) / 2, bits(x).sum(2) / 2], 2).flatten(1),
    "moves": lambda x: (bits(x).sum(2)[:, [2, 2, 1]] / 3).flip(1).clone().contiguous(),
    "empty": lambda x: bits(x)[..., :0].sum(2),
    "constants": lambda x: F.pad(bits(x), (1, 1)).sum(2),
    "int": lambda x: (bits(x).sum(2) + 1).int(),
    "mean of all but one": lambda x: bits(x).double().mean((2,), dtype=torch.float32),
}


@pytest.mark.parametrize("case", COUNTS)
def test_counts(case):
    check_scores(COUNTS[case], (4, 6))


@pytest.mark.parametrize("tau", [1, 3, 10.0, 7.7, 1e-3, 1e3])
@pytest.mark.parametrize("beta", [0, 1, -5.5, 0.1, -100])
def test_group_sum(tau, beta):
    model = nn.Sequential(FixedBinarization([0.3, 0.6]), GroupSum(5, tau=tau, beta=beta))
    circuit = check_scores(model, (40,))
    assert (circuit.decoder.groups, circuit.decoder.tau, circuit.decoder.beta) == (5, tau, beta)
    assert [type(cell) for cell in circuit.netlist.cells] == [Popcount]


CLASSES = {
    "argmax": lambda x: bits(x).sum(-1).argmax(dim=-1),
    "torch.argmax": lambda x: torch.argmax(bits(x).sum(-1), 1),
    "max": lambda x: bits(x).sum(-1).max(1)[1],
    "max, indices": lambda x: torch.max(bits(x).sum(-1) / 3, dim=1).indices,
    "not affine but growing": lambda x: (bits(x).sum(-1) * 0.1 - 2).argmax(1),
    "square root": lambda x: (bits(x).sum(-1) + 2).float().sqrt().argmax(1),
    "cast": lambda x: bits(x).sum(-1).argmax(1).to(torch.int32).long(),
    "of bits": lambda x: bits(x)[..., 0].float().argmax(1),
}


@pytest.mark.parametrize("case", CLASSES)
def test_classes(case):
    module = Fn(CLASSES[case])
    x = samples((4, 6))
    circuit = trace(module, (4, 6))
    assert (circuit.predict(x) == answers(module, x).numpy()).all()


COMPARISONS = {
    "majority": lambda x: bits(x).sum(-1) > 10,
    "equal": lambda x: bits(x).sum(-1) == 9,
    "reversed": lambda x: 10 <= bits(x).sum(-1),
    "tensor": lambda x: bits(x).sum(-1) < torch.tensor([8.5, 9, 10, 30]),
    "thermometer": lambda x: bits(x).sum(-1)[..., None] > torch.arange(7, 13),
    "few bits": lambda x: bits(x)[..., :3].sum(-1) != 2,
    "one": lambda x: bits(x)[..., :1].sum(-1) >= 1,
    "never": lambda x: bits(x).sum(-1) > 20,
    "always": lambda x: bits(x).sum(-1) >= 0,
    "63": lambda x: torch.cat([bits(x)] * 4, 2)[..., :63].sum(-1) > 31,
    "64": lambda x: torch.cat([bits(x)] * 4, 2)[..., :64].sum(-1) > 31,
    "parity": lambda x: bits(x).sum(-1) % 2 == 1,
    "reversed difference": lambda x: 20 - bits(x).sum(-1) > bits(x).shape[-1] / 2,
    "reversed tensor": lambda x: torch.tensor(20) - bits(x).sum(-1) <= 9.5,
    "one over": lambda x: 1 / (bits(x).sum(-1) + 1) < 0.1,
    "alpha": lambda x: torch.add(bits(x).sum(-1), 3, alpha=2) > 15.5,
    "square": lambda x: bits(x).sum(-1) * 0 == 0,
    "itself": lambda x: torch.maximum(-bits(x).sum(-1), torch.tensor(-11)) > -11,
    "clamped": lambda x: bits(x).sum(-1).clamp(8, max=12) == 12,
    "to bool": lambda x: bits(x)[..., :3].sum(-1).bool(),
    "float64": lambda x: bits(x).sum(-1).double() / 3 > 0.1 + 0.2,
    "very wide": lambda x: torch.cat([bits(x)] * 60, 2).sum(-1) > 601,
    "scaled": lambda x: (bits(x).sum(-1) + 1) / 3 > 3.4,
    "used again": lambda x: (bits(x).sum(-1) > 10) & (bits(x).sum(-1) < 12),
}


@pytest.mark.parametrize("case", COMPARISONS)
def test_counts_compared_with_numbers(case):
    check_bits(COMPARISONS[case], (4, 20))


@pytest.mark.parametrize("m", [1, 3, 7, 10, 30, 49, 100, 784])
def test_mean(m):
    x = (torch.rand(40, 3, m) > torch.rand(40, 1, 1)).float()
    check_scores(lambda x: (x > 0.5).float().mean(-1), (3, m), x)


# Pooling

POOLS = [
    (F.max_pool2d, (2, 5, 6), {"kernel_size": 2}),
    (F.max_pool2d, (2, 5, 6), {"kernel_size": (2, 3), "stride": (2, 1), "padding": 1}),
    (F.max_pool2d, (1, 7, 7), {"kernel_size": 3, "stride": 2, "dilation": 2, "padding": 1}),
    (F.max_pool1d, (3, 9), {"kernel_size": 4, "stride": 3, "padding": 2}),
    (F.max_pool3d, (1, 4, 4, 4), {"kernel_size": 2, "stride": 1}),
    (torch.max_pool2d, (1, 4, 4), {"kernel_size": 2}),
    (lambda x, **k: nn.MaxPool2d(**k)(x), (2, 4, 4), {"kernel_size": 2}),
    (lambda x, **k: F.max_pool2d(x[0], **k)[None], (2, 4, 4), {"kernel_size": 2}),
]


@pytest.mark.parametrize(("pool", "shape", "options"), POOLS)
def test_max_pooling(pool, shape, options):
    circuit = check_bits(lambda x: pool((x > 0.8).float(), **options), shape)
    assert all(isinstance(cell, Luts) for cell in circuit.netlist.cells)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_max_pooling_of_any_shape(data):
    kernel = data.draw(st.integers(1, 4))
    dilation = data.draw(st.integers(1, 2))
    options = {
        "kernel_size": kernel,
        "stride": data.draw(st.integers(1, 3)),
        "padding": data.draw(st.integers(0, kernel // 2)),
        "dilation": dilation,
    }
    side = st.integers(dilation * (kernel - 1) + 1, 9)
    shape = (data.draw(st.integers(1, 2)), data.draw(side), data.draw(side))
    x = samples(shape)[:8]
    check_bits(lambda x: F.max_pool2d((x > 0.8).float(), **options), shape, x)


# Layers


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


# Whole modules


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
    start = time.perf_counter()
    circuit = trace(model, (4,))
    assert time.perf_counter() - start < 20
    assert len(circuit.netlist.cells) == 3000


def test_three_thousand_operations():
    def chain(x):
        for _ in range(3000):
            x = x ^ x.roll(1, 1)
        return x

    x = samples((5,), boolean=True)[:4]
    check_bits(chain, (5,), x, dtype=torch.bool)


def test_large_model_is_fast():
    layers = [LogicDense(784 if i == 0 else 8000, 8000) for i in range(6)]
    model = nn.Sequential(nn.Flatten(), *layers, GroupSum(10, tau=30))
    start = time.perf_counter()
    trace(model, (28, 28))
    assert time.perf_counter() - start < 10  # 0.2 s on an idle machine


def test_tracing_twice_gives_the_same():
    model = nn.Sequential(FixedBinarization([0.2, 0.4]), LogicDense(16, 30), GroupSum(3))
    assert trace(model, (8,)).digest() == trace(model, (8,)).digest()


def test_every_name_in_the_table_is_known_to_torch():
    assert [name for name in MOVES.split() if not list(functions(name))] == []


# Any shape


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_moves_of_any_shape(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    seed = data.draw(st.integers(0, 1000))

    def function(x):
        torch.manual_seed(seed)
        for _ in range(4):
            x = _random_move(x)
        return x

    x = samples(shape)[:6]
    check_bits(lambda x: function(x > 0.5), shape, x)
    check_bits(lambda x: function(x) > 0.5, shape, x)


def _random_move(x):
    dim = int(torch.randint(1, x.ndim, ()))
    size = x.shape[dim]
    moves = [
        lambda: x.flip(dim),
        lambda: x.roll(2, dim),
        lambda: x.transpose(dim, -1),
        lambda: x.index_select(dim, torch.randint(size, (3,))),
        lambda: x.unsqueeze(dim) if x.ndim < 5 else x,
        lambda: x.flatten(1),
        lambda: x.reshape(1, size, -1),
        lambda: F.pad(x, (1, 0)),
        lambda: torch.cat([x, x.flip(dim)], dim) if x.numel() < 200 else x,
        lambda: x.narrow(dim, 0, (size + 1) // 2),
        lambda: x.unfold(dim, 1, 1).squeeze(-1),
        lambda: x.expand(x.shape).clone(),
        lambda: torch.stack(x.unbind(dim), -1),
        lambda: x.movedim(dim, 1),
    ]
    return moves[int(torch.randint(len(moves), ()))]()


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_gates_of_any_shape(data):
    seed = data.draw(st.integers(0, 1000))
    width = data.draw(st.integers(1, 6))

    def function(x):
        torch.manual_seed(seed)
        values = [x]
        for _ in range(6):
            first, second, third = (values[int(i)] for i in torch.randint(len(values), (3,)))
            values.append(_random_gate(first, second, third))
        return torch.stack(values, 1)

    check_bits(function, (width,), dtype=torch.bool)


def _random_gate(a, b, c):
    gates = [
        lambda: a & b,
        lambda: a | ~b,
        lambda: a ^ c,
        lambda: torch.where(a, b, c),
        lambda: a.any(1, keepdim=True) ^ b,
        lambda: a.all(1, keepdim=True) | b,
        lambda: (a.sum(1, keepdim=True) > 1) ^ c,
        lambda: torch.maximum(a, b) == c,
        lambda: a.flip(1) <= b,
        lambda: (1 - a.float()) * b.float() > 0,
    ]
    return gates[int(torch.randint(len(gates), ()))]()
