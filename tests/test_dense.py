"""LogicDense: exact gates, exact gradients, wiring and messages."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from training_threads import one_thread  # noqa: F401

from gatewright.frontend import LogicConv2d, LogicDense, RawLUTParametrization
from gatewright.frontend.gates.functional import (
    gate_coefficients,
    gate_tables,
    logic_gates,
    readers_of,
)
from gatewright.runtime.errors import GatewrightError, InputError


def layer_of(ids, in_dim=2, indices=None):
    """A layer with the given gates, all on features 0 and 1 unless told."""
    indices = indices if indices is not None else [[0] * len(ids), [1] * len(ids)]
    layer = LogicDense(in_dim, len(ids), connections_kwargs={"indices": indices})
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[torch.arange(len(ids)), torch.tensor(ids)] = 40.0
    return layer


def reference(x, weight, indices):
    """The mixture as a sum over 16 truth tables; x [batch, in_dim], any dtype."""
    a, b = x[:, indices[0]], x[:, indices[1]]
    rows = torch.stack([(1 - a) * (1 - b), (1 - a) * b, a * (1 - b), a * b], dim=2)
    tables = torch.softmax(weight, dim=1) @ gate_tables().to(x.dtype)
    return (rows * tables).sum(2)


def test_gate_ids_and_columns():
    tables = gate_tables()
    values = (tables.long() * torch.tensor([8, 4, 2, 1])).sum(1)
    assert values.tolist() == list(range(16))
    a, b = torch.tensor([0.0, 0, 1, 1]), torch.tensor([0.0, 1, 0, 1])
    basis = torch.stack([torch.ones(4), a, b, a * b])
    assert torch.equal(gate_coefficients() @ basis, tables.float())


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32, torch.float64])
def test_evaluation_is_exact_for_every_gate_and_dtype(dtype):
    layer = layer_of(list(range(16))).eval()
    x = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=dtype)
    found = layer(x)
    assert found.dtype == torch.float32
    assert torch.equal(found, gate_tables().float().t())
    assert torch.equal(layer.get_luts(), gate_tables())
    assert layer.get_luts_and_ids()[1].tolist() == list(range(16))


def test_saturated_mixture_equals_discrete():
    torch.manual_seed(3)
    layer = layer_of(torch.randint(16, (200,)).tolist(), 30, torch.randint(30, (2, 200)))
    x = torch.randint(2, (50, 30)).float()
    relaxed = layer.train()(x)
    assert torch.allclose(relaxed, layer.eval()(x), atol=1e-6)


def test_ties_go_to_the_lowest_gate_as_argmax():
    layer = LogicDense(4, 3)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[1, 5] = layer.weight[1, 9] = 1.0
    assert layer.get_luts_and_ids()[1].tolist() == [0, 5, 0]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 20), st.integers(1, 9), st.sampled_from([1.0, 0.5, 2.0]))
def test_gradients_equal_float64_autograd(in_dim, out_dim, batch, factor):
    torch.manual_seed(in_dim * 1000 + out_dim * 10 + batch)
    layer = LogicDense(
        in_dim,
        out_dim,
        grad_factor=factor,
        parametrization_kwargs={"weight_init": "random"},
        connections_kwargs={"indices": torch.randint(in_dim, (2, out_dim))},
    )
    x = torch.rand(batch, in_dim, requires_grad=True)
    wide = x.detach().double().requires_grad_()
    weight = layer.weight.detach().double().requires_grad_()
    up = torch.randn(batch, out_dim)
    found = layer(x)
    want = reference(wide, weight, layer.connections.indices)
    found.backward(up)
    want.backward(up.double())
    assert torch.allclose(found.double(), want, atol=1e-5)
    assert torch.allclose(x.grad.double(), factor * wide.grad, atol=1e-4)
    assert torch.allclose(layer.weight.grad.double(), weight.grad, atol=1e-4)


def test_gradcheck_of_the_arithmetic():
    torch.manual_seed(0)
    indices = torch.randint(5, (2, 7))
    x = torch.rand(5, 3, dtype=torch.float64, requires_grad=True)
    c = torch.randn(4, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, c: logic_gates(x, c, indices, lambda: readers_of(indices, 5)), (x, c)
    )


def test_gradient_follows_wiring_that_is_replaced():
    layer = LogicDense(6, 8)
    x = torch.rand(4, 6)
    for seed in (1, 2):
        torch.manual_seed(seed)
        other = LogicDense(6, 8, parametrization_kwargs={"weight_init": "random"})
        layer.load_state_dict(other.state_dict())
        first, second = x.clone().requires_grad_(), x.clone().requires_grad_()
        layer(first).sum().backward()
        other(second).sum().backward()
        assert torch.equal(first.grad, second.grad)


def test_only_the_gradients_asked_for():
    layer = LogicDense(6, 8)
    layer.weight.requires_grad_(False)
    x = torch.rand(4, 6, requires_grad=True)
    layer(x).sum().backward()
    assert layer.weight.grad is None
    assert x.grad is not None


def test_leading_dimensions_and_empty_batches():
    layer = LogicDense(6, 8)
    x = torch.rand(3, 5, 6)
    assert torch.equal(layer(x)[1], layer(x[1]))
    assert layer(x[0, 0]).shape == (8,)
    assert layer(x[:, :0]).shape == (3, 0, 8)
    assert layer(torch.rand(6, 4).t()).shape == (4, 8)


def test_double_and_inference_mode():
    layer = LogicDense(6, 8).double()
    assert layer(torch.rand(2, 6)).dtype == torch.float64
    with torch.inference_mode():
        assert layer.eval()(torch.ones(2, 6)).shape == (2, 8)


def test_same_seed_same_layer_and_step():
    def step():
        torch.manual_seed(7)
        model = nn.Sequential(LogicDense(20, 64), LogicDense(64, 40))
        model(torch.rand(9, 20)).square().sum().backward()
        return [p.grad.clone() for p in model.parameters()]

    for first, second in zip(step(), step(), strict=True):
        assert torch.equal(first, second)


def test_residual_start_answers_a_with_the_probability_asked_for():
    mixture = RawLUTParametrization(residual_probability=0.9, temperature=2.0)
    c = mixture.coefficients(mixture.init_weights(1), training=True)[:, 0]
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        found = float(c @ torch.tensor([1.0, a, b, a * b]))
        assert found == pytest.approx(0.9 if a else 0.1, abs=1e-6)


def test_state_dict_has_the_peer_names():
    assert set(LogicDense(4, 3).state_dict()) == {"weight", "connections.indices"}


def options(**kwargs):
    return lambda: LogicDense(4, 3, **kwargs)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LogicDense(0, 3), "in_dim 0; allowed are integers from 1"),
        (lambda: LogicDense(4, 2.5), "out_dim 2.5"),
        (options(lut_rank=4), r"lut_rank=4; allowed is 1 or 2 for parametrization 'raw'"),
        (
            options(parametrization="walsh"),
            "parametrization='walsh'; allowed is 'raw', 'warp' or 'light'",
        ),
        (
            options(connections="grid"),
            "connections='grid'; allowed is 'fixed' or 'learnable'",
        ),
        (
            options(parametrization_kwargs={"forward_sampling": "gumbel"}),
            "forward_sampling='gumbel'; allowed is 'soft', 'hard', 'gumbel_soft' or 'gumbel_hard'",
        ),
        (
            options(parametrization_kwargs={"weight_init": "zeros"}),
            "weight_init='zeros'; allowed is 'residual' or 'random'",
        ),
        (
            options(parametrization_kwargs={"residual_probability": 1.0}),
            "residual_probability 1.0; allowed is above 0.5 and below 1",
        ),
        (options(parametrization_kwargs={"temperature": 0.0}), "temperature 0.0"),
        (
            options(parametrization_kwargs={"tau": 1.0}),
            "parametrization_kwargs has tau; allowed are weight_init",
        ),
        (options(connections_kwargs={"seed": 1}), "connections_kwargs has seed; allowed are init"),
        (
            options(connections_kwargs={"init_method": "grid"}),
            "init_method 'grid'; allowed are random, random-unique",
        ),
        (
            lambda: LogicDense(3, 4, connections_kwargs={"init_method": "random-unique"}),
            "4 gates of 2 inputs on 3 features; allowed are at most 3 gates",
        ),
        (
            options(connections_kwargs={"indices": [[0, 1], [1, 2]]}),
            r"indices of shape \[2, 2\]; allowed is \[2, 3\]",
        ),
        (
            options(connections_kwargs={"indices": [[0, 1, 4], [1, 2, 3]]}),
            "indices from 0 to 4; allowed are 0 to 3",
        ),
        (
            options(connections_kwargs={"indices": [[0.0] * 3] * 2}),
            "indices of torch.float32; allowed are integers",
        ),
    ],
)
def test_messages(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert isinstance(caught.value, GatewrightError)


def test_wrong_input_is_refused():
    with pytest.raises(InputError, match=r"input of shape \[2, 5\]; allowed is \[\.\.\., 4\]"):
        LogicDense(4, 3)(torch.rand(2, 5))


def test_nan_weights_are_refused_in_evaluation():
    layer = LogicDense(4, 3).eval()
    with torch.no_grad():
        layer.weight[1, 2] = float("nan")
    for ask in (lambda: layer(torch.ones(1, 4)), layer.get_luts, layer.get_luts_and_ids):
        with pytest.raises(InputError, match="1 of 3 gates have NaN weights, the first is gate 1"):
            ask()


@pytest.mark.parametrize("factor", [0, -1, math.inf, math.nan, "1", True])
def test_gradient_factors_are_positive_numbers(factor):
    with pytest.raises(InputError, match=r"LogicDense: grad_factor .*allowed are positive numbers"):
        LogicDense(10, 10, grad_factor=factor)
    with pytest.raises(InputError, match=r"grad_factor .*allowed are positive numbers"):
        LogicConv2d((5, 5), 1, 3, tree_depth=1, receptive_field_size=3, grad_factor=factor)
