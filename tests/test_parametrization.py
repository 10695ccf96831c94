"""Parametrisations: tables, relaxations, gradients, messages."""

import pytest
import torch
from conv_strategies import KINDS
from gate_layers import kinds, layer_of, patterns
from hypothesis import given, settings
from hypothesis import strategies as st
from training_threads import one_thread  # noqa: F401

from gatewright.frontend import FixedDenseConnections, LogicDense, WarpLUTParametrization
from gatewright.frontend.gates import lookup as lookup_module
from gatewright.frontend.gates.functional import logic_gates, readers_of
from gatewright.frontend.gates.lookup import lut_gates
from gatewright.frontend.gates.table_parametrization import walsh_hadamard
from gatewright.runtime.errors import InputError


def extension(table, ends):
    """The multilinear extension as a sum over patterns: [2**k, gates], [k, gates, batch]."""
    found = 0
    for row, pattern in zip(table, patterns(len(ends)), strict=True):
        factors = [end if bit else 1 - end for end, bit in zip(ends, pattern, strict=True)]
        found = found + row.unsqueeze(1) * torch.stack(factors).prod(0)
    return found


def reference(layer, x, weight):
    """What "soft" training answers, by definition; x [batch, in_dim]."""
    ends = x.t()[layer.connections.indices]
    name, rank = layer.parametrization.name, layer.lut_rank
    temperature = layer.parametrization.temperature
    if name == "light":
        return extension(torch.sigmoid(weight / temperature).t(), ends).t()
    if name == "raw":
        shares = torch.softmax(weight / temperature, dim=1)
        return extension((shares @ layer.parametrization.tables.to(x.dtype)).t(), ends).t()
    total = 0
    for j in range(1 << rank):
        factors = [1 - 2 * ends[i] for i in range(rank) if j >> (rank - 1 - i) & 1]
        total = total + weight[:, j : j + 1] * torch.stack(
            [torch.ones_like(ends[0]), *factors]
        ).prod(0)
    return torch.sigmoid(-total / temperature).t()


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(KINDS), st.integers(1, 6), st.sampled_from([0.5, 1.0, 2.0]), st.integers(0, 9)
)
def test_values_and_gradients_equal_float64(kind, batch, factor, seed):
    layer = layer_of(*kind, seed=seed, temperature=0.7)
    layer.grad_factor = factor
    x = torch.rand(batch, 9, requires_grad=True)
    wide = x.detach().double().requires_grad_()
    weight = layer.weight.detach().double().requires_grad_()
    up = torch.randn(batch, 14)
    found, want = layer(x), reference(layer, wide, weight)
    found.backward(up)
    want.backward(up.double())
    assert torch.allclose(found.double(), want, atol=1e-5)
    assert torch.allclose(x.grad.double(), factor * wide.grad, atol=1e-4)
    assert torch.allclose(layer.weight.grad.double(), weight.grad, atol=1e-4)


@pytest.mark.parametrize("rank", [1, 2, 3, 6])
def test_gradcheck_of_the_arithmetic(rank):
    torch.manual_seed(rank)
    indices = torch.randint(5, (rank, 4))
    x = torch.rand(5, 3, dtype=torch.float64, requires_grad=True)
    table = torch.randn(1 << rank, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, table: lut_gates(x, table, indices, lambda: readers_of(indices, 5)), (x, table)
    )


def test_chunks_of_gates_answer_as_the_whole(monkeypatch):
    def step():
        layer = layer_of("light", 3)
        x = torch.rand(4, 9, generator=torch.Generator().manual_seed(1)).requires_grad_()
        found = layer(x)
        found.square().sum().backward()
        return found, x.grad, layer.weight.grad

    whole = step()
    monkeypatch.setattr(lookup_module, "_CHUNK", 50)
    for a, b in zip(whole, step(), strict=True):
        assert torch.equal(a, b)


def test_two_inputs_are_a_special_case():
    torch.manual_seed(2)
    indices, table, x = torch.randint(5, (2, 7)), torch.rand(4, 7), torch.rand(5, 3)
    f00, f01, f10, f11 = table
    coefficients = torch.stack([f00, f10 - f00, f01 - f00, f11 - f10 - f01 + f00])
    found = lut_gates(x, table, indices, lambda: readers_of(indices, 5))
    want = logic_gates(x, coefficients, indices, lambda: readers_of(indices, 5))
    assert torch.allclose(found, want, atol=1e-6)


@kinds
def test_evaluation_is_the_table(name, rank):
    layer = layer_of(name, rank, rank, 20)
    layer.connections.indices.copy_(torch.arange(rank).unsqueeze(1).expand(rank, 20))
    luts = layer.get_luts()
    assert luts.dtype == torch.bool
    assert luts.shape == (20, 1 << rank)
    assert torch.equal(layer.eval()(patterns(rank)), luts.t().float())
    assert 0 < luts.float().mean() < 1


@kinds
def test_saturated_relaxation_equals_discrete(name, rank):
    layer = layer_of(name, rank, temperature=1e-4)
    x = torch.randint(2, (30, 9)).float()
    assert torch.allclose(layer.train()(x), layer.eval()(x), atol=1e-2)


@pytest.mark.parametrize(("name", "rank"), [kind for kind in KINDS if kind[1] < 6])
def test_ids_are_tables_as_binary_numbers(name, rank):
    luts, ids = layer_of(name, rank).get_luts_and_ids()
    read = [int("".join(map(str, row)), 2) for row in luts.int().tolist()]
    assert ids.dtype == torch.int64
    assert ids.tolist() == read


def test_walsh_hadamard_is_the_matrix_and_its_own_inverse():
    x = torch.randn(3, 16)
    matrix = torch.tensor([[(-1.0) ** (i & j).bit_count() for i in range(16)] for j in range(16)])
    assert torch.allclose(walsh_hadamard(x), x @ matrix, atol=1e-5)
    assert torch.allclose(walsh_hadamard(walsh_hadamard(x)) / 16, x, atol=1e-6)
    parity = torch.zeros(1, 8)
    parity[0, 7] = 1.0
    luts = WarpLUTParametrization(3).get_luts(parity)[0]
    assert luts.tolist() == [bool(j.bit_count() % 2) for j in range(8)]


@kinds
def test_state_and_repr(name, rank):
    layer = layer_of(name, rank)
    assert set(layer.state_dict()) == {"weight", "connections.indices"}
    assert layer.weight.shape == (14, 1 << (1 << rank) if name == "raw" else 1 << rank)
    assert layer.connections.indices.shape == (rank, 14)
    assert f"lut_rank={rank}" in repr(layer)
    assert "forward_sampling=soft" in repr(layer)


def options(name="light", **kwargs):
    return lambda: LogicDense(9, 3, parametrization=name, **kwargs)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (options("raw", lut_rank=3), "lut_rank=3; allowed is 1 or 2 for parametrization 'raw'"),
        (
            options(lut_rank=7),
            "lut_rank=7; allowed is 1, 2, 3, 4, 5 or 6 for parametrization 'light'",
        ),
        (options("warp", lut_rank=0), "lut_rank=0; allowed is 1, 2"),
        (options("warp", lut_rank=True), "lut_rank=True; allowed is 1, 2"),
        (options([]), r"parametrization=\[\]; allowed is 'raw', 'warp' or 'light'"),
        (
            options(parametrization_kwargs={"lut_rank": 3}),
            "parametrization_kwargs has lut_rank; allowed are weight_init, residual_probability, "
            "temperature, forward_sampling",
        ),
        (
            options(connections_kwargs={"lut_rank": 3}),
            "connections_kwargs has lut_rank; allowed are init_method, indices",
        ),
        (
            options(parametrization_kwargs={"residual_probability": 0.5}),
            "residual_probability 0.5; allowed is above 0.5 and below 1",
        ),
        (
            options(parametrization_kwargs={"weight_init": "residual-catalog"}),
            "weight_init='residual-catalog'; allowed is 'residual' or 'random' for parametrization "
            "'light'",
        ),
        (
            options("warp", parametrization_kwargs={"weight_init": "zeros"}),
            "weight_init='zeros'; allowed is 'residual', 'random' or 'residual-catalog' for",
        ),
        (
            options("warp", parametrization_kwargs={"temperature": -1.0}),
            "temperature -1.0; allowed",
        ),
        (
            options(lut_rank=3, connections_kwargs={"indices": [[0, 1, 2]] * 2}),
            r"indices of shape \[2, 3\]; allowed is \[3, 3\]",
        ),
        (
            lambda: FixedDenseConnections(4, 5, "random-unique", lut_rank=3),
            "random-unique for 5 gates of 3 inputs on 4 features; allowed are at most 4 gates",
        ),
        (layer_of("light", 6).get_luts_and_ids, "ids of gates with 6 inputs do not fit an int64"),
        (
            lambda: layer_of("warp", 2).get_regularization_loss("l1"),
            "regularizer 'l1'; allowed are L2, abs_sum, warp or None",
        ),
        (
            lambda: layer_of("warp", 2).rescale_weights("max"),
            "method 'max'; allowed are clip, abs_sum, L2 or None",
        ),
    ],
)
def test_messages(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(("name", "rank"), [("warp", 2), ("warp", 3), ("light", 2), ("light", 5)])
def test_nan_weights_are_refused_in_evaluation(name, rank):
    layer = layer_of(name, rank).eval()
    with torch.no_grad():
        layer.weight[1, 1] = float("nan")
    for ask in (lambda: layer(torch.ones(1, 9)), layer.get_luts):
        with pytest.raises(InputError, match="1 of 14 gates have NaN weights, the first is gate 1"):
            ask()
