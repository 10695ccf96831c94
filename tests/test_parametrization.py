"""Parametrisations: tables, relaxations, gradients, sampling, wiring, tracing, files."""

import itertools

import numpy as np
import pytest
import torch
from conv_strategies import KINDS
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from trace_helpers import check_bits, check_scores
from training_threads import one_thread  # noqa: F401

from gatewright.frontend import (
    FixedDenseConnections,
    GroupSum,
    LightLUTParametrization,
    LogicDense,
    RawLUTParametrization,
    WarpLUTParametrization,
    evaluate,
    fit,
    load_model,
    save_model,
)
from gatewright.frontend.gates import lookup as lookup_module
from gatewright.frontend.gates.functional import logic_gates, readers_of
from gatewright.frontend.gates.lookup import lut_gates
from gatewright.frontend.gates.sampling import SAMPLING, sample_sigmoid, sample_softmax
from gatewright.frontend.gates.table_parametrization import walsh_hadamard
from gatewright.runtime.archive import read_archive, write_archive
from gatewright.runtime.errors import FileError, InputError

kinds = pytest.mark.parametrize(("name", "rank"), KINDS)


def layer_of(name, rank, in_dim=9, out_dim=14, seed=0, **options):
    """A layer with normal weights."""
    torch.manual_seed(seed)
    layer = LogicDense(
        in_dim, out_dim, lut_rank=rank, parametrization=name, parametrization_kwargs=options
    )
    with torch.no_grad():
        layer.weight.normal_()
    return layer


def patterns(rank):
    """All inputs of a gate, [2**rank, rank]; the first input is the most significant bit."""
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=rank)))


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


@pytest.mark.parametrize("rank", [1, 2, 3, 6])
def test_residual_start_answers_the_first_input(rank):
    first = patterns(rank)[:, 0]
    warp = WarpLUTParametrization(rank, residual_probability=0.9, temperature=2.0)
    found = torch.sigmoid(warp.logits(warp.init_weights(3)) / 2.0)
    assert torch.allclose(found, torch.where(first == 1, 0.9, 0.1).expand(3, -1), atol=1e-6)
    torch.manual_seed(0)
    light = LightLUTParametrization(rank).init_weights(2000)
    assert light.mean(0).sub(6 * first - 3).abs().max() < 0.2


def test_random_start():
    torch.manual_seed(0)
    options = {"weight_init": "random"}
    warp = WarpLUTParametrization(4, **options).init_weights(1000)
    light = LightLUTParametrization(4, **options).init_weights(1000)
    assert warp.shape == light.shape == (1000, 16)
    assert abs(warp.std() - 1) < 0.1
    assert light.min() >= 0
    assert light.max() <= 1


@pytest.mark.parametrize("rank", [1, 2, 3, 6])
def test_a_catalog_starts_with_some_random_gates_among_residual_ones(rank):
    torch.manual_seed(0)
    options = {"weight_init": "residual-catalog", "residual_probability": 0.7}
    warp = WarpLUTParametrization(rank, **options)
    luts = warp.get_luts(warp.init_weights(2000))
    assert torch.equal(warp.logits(warp.init_weights(20)).abs(), torch.ones(20, 1 << rank))
    residual = (luts == (patterns(rank)[:, 0] == 1)).all(1)
    by_chance = 0.5 ** (1 << rank)
    assert abs(residual.float().mean() - (0.7 + 0.3 * by_chance)) < 0.03
    assert abs(luts[~residual].float().mean() - 0.5) < 0.1
    few = WarpLUTParametrization(rank, weight_init="residual-catalog").init_weights(3)
    assert (warp.get_luts(few) == (patterns(rank)[:, 0] == 1)).all()


def test_residual_start_of_the_functions_of_one_input():
    raw = RawLUTParametrization(1, residual_probability=0.9, temperature=2.0)
    weight = raw.init_weights(3)
    assert raw.get_ids(weight).tolist() == [1, 1, 1]
    assert torch.allclose(raw.table(weight, True), torch.tensor([[0.1], [0.9]]).expand(2, 3))
    assert raw.get_luts(torch.eye(4)).int().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


@kinds
def test_state_and_repr(name, rank):
    layer = layer_of(name, rank)
    assert set(layer.state_dict()) == {"weight", "connections.indices"}
    assert layer.weight.shape == (14, 1 << (1 << rank) if name == "raw" else 1 << rank)
    assert layer.connections.indices.shape == (rank, 14)
    assert f"lut_rank={rank}" in repr(layer)
    assert "forward_sampling=soft" in repr(layer)


# Sampling


@kinds
def test_hard_sampling_answers_as_evaluation_and_learns_as_soft(name, rank):
    hard, soft = (layer_of(name, rank, forward_sampling=how) for how in ("hard", "soft"))
    x = torch.randint(2, (40, 9)).float()
    assert torch.equal(hard(x), hard.eval()(x))
    up = torch.randn(40, 14)
    hard.train()(x).backward(up)
    soft(x).backward(up)
    assert torch.allclose(hard.weight.grad, soft.weight.grad, atol=1e-4)


@pytest.mark.parametrize("name", ["raw", "warp", "light"])
@pytest.mark.parametrize("how", ["gumbel_soft", "gumbel_hard"])
def test_gumbel_sampling_is_repeatable_noise_in_training_only(name, how):
    layer = layer_of(name, 2, forward_sampling=how)
    x = torch.randint(2, (40, 9)).float()

    def answer(seed):
        torch.manual_seed(seed)
        return layer(x)

    assert torch.equal(answer(1), answer(1))
    assert not torch.equal(answer(1), answer(2))
    assert set(answer(1).unique().tolist()) <= {0.0, 1.0} or how == "gumbel_soft"
    answer(3).sum().backward()
    assert layer.weight.grad.abs().sum() > 0
    layer.eval()
    assert torch.equal(answer(1), answer(2))


def test_gumbel_choices_have_the_probabilities_of_the_relaxation():
    torch.manual_seed(0)
    logits = torch.tensor([[1.0, 0.0, -1.0]]).expand(40000, 3)
    chosen = sample_softmax(logits, 0.3, "gumbel_hard")
    assert set(chosen.unique().tolist()) == {0.0, 1.0}
    assert torch.allclose(chosen.mean(0), torch.softmax(logits[0], 0), atol=0.01)
    bits = sample_sigmoid(logits, 0.3, "gumbel_hard").mean(0)
    assert torch.allclose(bits, torch.sigmoid(logits[0]), atol=0.01)


def test_hard_sampling_breaks_ties_as_evaluation():
    assert sample_sigmoid(torch.tensor([0.0, 1e-30]), 1.0, "hard").tolist() == [0.0, 1.0]
    assert sample_softmax(torch.zeros(1, 3), 1.0, "hard").tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize("how", SAMPLING)
def test_fit_is_the_same_for_one_seed(how):
    x = torch.randint(2, (64, 6)).float()
    y = (x[:, 0] != x[:, 1]).long()

    def run():
        torch.manual_seed(5)
        model = nn.Sequential(
            LogicDense(
                6, 40, lut_rank=3, parametrization="light",
                parametrization_kwargs={"forward_sampling": how},
            ),
            LogicDense(
                40, 20, parametrization="warp", parametrization_kwargs={"forward_sampling": how}
            ),
            GroupSum(2, tau=3.0),
        )  # fmt: skip
        fit(model, x, y, steps=20, batch_size=32, progress=False, seed=3)
        return model

    first, second = run(), run()
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(("name", "rank"), [("warp", 2), ("warp", 4), ("light", 4), ("light", 3)])
def test_gates_learn_a_parity(name, rank):
    torch.manual_seed(0)
    x = torch.randint(2, (256, rank)).float()
    y = (x.sum(1) % 2).long()
    wiring = torch.arange(rank).unsqueeze(1).expand(rank, 40)
    layer = LogicDense(
        rank,
        40,
        lut_rank=rank,
        parametrization=name,
        parametrization_kwargs={"weight_init": "random"},
        connections_kwargs={"indices": wiring},
    )
    model = nn.Sequential(layer, GroupSum(2, tau=4.0))
    fit(model, x, y, steps=200, lr=0.1, progress=False)
    assert evaluate(model, x, y) == 1.0


# Wiring


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_random_wiring_uses_features_evenly(rank):
    indices = FixedDenseConnections(10, 35, lut_rank=rank).indices
    counts = torch.bincount(indices.flatten(), minlength=10)
    assert indices.shape == (rank, 35)
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(
    ("in_dim", "out_dim", "rank"),
    [(5, 5, 1), (6, 6, 6 - 1), (6, 1, 6), (8, 56, 3), (30, 500, 4), (20000, 3000, 6)],
)
def test_random_unique_sets(in_dim, out_dim, rank):
    indices = FixedDenseConnections(in_dim, out_dim, "random-unique", lut_rank=rank).indices
    assert indices.shape == (rank, out_dim)
    ordered = indices.sort(0).values
    assert (ordered[1:] != ordered[:-1]).all()
    assert ordered.unique(dim=1).shape[1] == out_dim
    assert int(indices.min()) >= 0
    assert int(indices.max()) < in_dim


def test_random_unique_puts_features_in_every_place():
    torch.manual_seed(0)
    indices = FixedDenseConnections(9, 84, "random-unique", lut_rank=3).indices
    assert (indices.double().mean(1) - 4).abs().max() < 1


def test_given_wiring_of_three_inputs():
    mine = np.array([[0, 1], [2, 2], [3, 0]])
    layer = LogicDense(
        4, 2, lut_rank=3, parametrization="warp", connections_kwargs={"indices": mine}
    )
    assert layer.connections.indices.tolist() == mine.tolist()
    assert layer.connections(torch.arange(4.0)[None]).tolist() == [mine.tolist()]


# Tracing


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


# Files


def changed(tmp_path, layer, change):
    """The path of a file of `layer` whose options `change` has edited."""
    path = tmp_path / "m.npz"
    save_model(layer, path, input_shape=(9,))
    manifest, arrays = read_archive(path, "model")
    change(manifest["model"]["options"])
    manifest = {key: manifest[key] for key in ("input_shape", "model")}
    write_archive(path, "model", manifest, dict(arrays))
    return path


def test_files_from_before_there_was_a_choice(tmp_path):
    def strip(options):
        for key in ("lut_rank", "parametrization", "forward_sampling"):
            del options[key]

    layer = layer_of("raw", 2).eval()
    found = load_model(changed(tmp_path, layer, strip))
    x = torch.randint(2, (30, 9)).float()
    assert torch.equal(found(x), layer(x))
    assert found.parametrization.forward_sampling == "soft"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lut_rank": 7}, "lut_rank is 7, which is out of range"),
        ({"lut_rank": 2}, r"array weight is float32 \[14, 8\]; its layer needs float32 \[14, 4\]"),
        ({"parametrization": "os"}, "parametrization='os'; allowed is 'raw', 'warp' or 'light'"),
        ({"parametrization": ["raw"]}, r"parametrization is \['raw'\], which is out of range"),
        ({"forward_sampling": 1}, "forward_sampling is 1, which is out of range"),
        ({"forward_sampling": "x"}, "forward_sampling='x'; allowed is 'soft'"),
    ],
)
def test_files_that_contradict_themselves(tmp_path, change, message):
    path = changed(tmp_path, layer_of("warp", 3), lambda options: options.update(change))
    with pytest.raises(FileError, match=message):
        load_model(path)


# Regularizers


def test_regularization_losses():
    layer = layer_of("warp", 2, 4, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -2, 0, 2], [0, 0, 0, -1]]))
    assert layer.get_regularization_loss(None) == 0.0
    assert layer.get_regularization_loss("L2").tolist() == [64.0, 0.0]
    assert layer.get_regularization_loss("abs_sum").tolist() == [0.0, 0.0]
    want = (np.exp(-2.0) + np.exp(1.0)) / 2
    assert layer.get_regularization_loss("warp").item() == pytest.approx(want)
    layer.get_regularization_loss("warp").backward()
    assert layer.weight.grad[0, 3] < 0


@pytest.mark.parametrize(
    ("method", "want"),
    [
        (None, [[3.0, -4.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]),
        ("clip", [[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]),
        ("abs_sum", [[3.0, -4.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]),
        ("L2", [[0.6, -0.8, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]),
    ],
)
def test_rescaling(method, want):
    layer = layer_of("light", 2, 4, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, -4, 0, 0], [0, 0, 0, 0]]))
    layer.rescale_weights(method)
    assert torch.allclose(layer.weight, torch.tensor(want))


# Messages


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
