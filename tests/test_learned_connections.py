"""Learnable wiring of dense layers: the choice, its relaxations, gradients, files and messages."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from trace_helpers import check_bits, check_scores, samples
from training_threads import one_thread  # noqa: F401

from gatewright.frontend import (
    GroupSum,
    LearnableDenseConnections,
    LogicDense,
    load_model,
    save_model,
)
from gatewright.frontend.gates.wiring import Wiring
from gatewright.frontend.wiring.choosing import choose, mix
from gatewright.runtime.archive import read_archive, write_archive
from gatewright.runtime.errors import FileError, InputError


def learnable(in_dim, out_dim, rank=2, parametrization="raw", grad_factor=1.0, **options):
    return LogicDense(
        in_dim,
        out_dim,
        grad_factor=grad_factor,
        lut_rank=rank,
        parametrization=parametrization,
        parametrization_kwargs={"weight_init": "random"},
        connections="learnable",
        connections_kwargs=options,
    )


OPTIONS = st.fixed_dictionaries(
    {
        "num_candidates": st.sampled_from([-1, 1, 3]),
        "gumbel": st.booleans(),
        "init_method": st.sampled_from(["random", "random-unique"]),
        "forward_sampling": st.sampled_from(["hard", "soft"]),
        "temperature": st.sampled_from([0.001, 0.5]),
    }
)


@given(
    st.integers(12, 20),
    st.integers(1, 9),
    st.sampled_from([(2, "raw"), (1, "light"), (2, "warp"), (4, "warp"), (3, "light")]),
    OPTIONS,
    st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_evaluation_and_circuits_read_the_wires_of_the_largest_weights(
    in_dim, out_dim, kind, options, seed
):
    torch.manual_seed(seed)
    layer = learnable(in_dim, out_dim, *kind, **options).eval()
    wiring = layer.connections.resolve_connections()
    assert wiring.shape == (kind[0], out_dim)
    candidates = layer.connections.indices.expand_as(layer.connections.weights)
    largest = layer.connections.weights.argmax(0)
    for end in range(kind[0]):
        for gate in range(out_dim):
            assert wiring[end, gate] == candidates[largest[end, gate], end, gate]
    fixed = LogicDense(
        in_dim,
        out_dim,
        lut_rank=kind[0],
        parametrization=kind[1],
        connections_kwargs={"indices": wiring},
    ).eval()
    fixed.load_state_dict({"weight": layer.weight.detach(), "connections.indices": wiring})
    x = torch.randint(2, (20, in_dim)).float()
    assert torch.equal(layer(x), fixed(x))
    assert torch.equal(layer.connections(x), x[:, wiring])
    check_bits(layer, (in_dim,), dtype=torch.bool)


def test_a_hard_layer_trains_on_what_it_evaluates():
    torch.manual_seed(0)
    layer = learnable(30, 40, num_candidates=4)
    x = torch.randint(2, (16, 30)).float()
    ends = layer.connections.train()(x)
    assert ends.shape == (16, 2, 40)
    assert torch.equal(ends, layer.connections.eval()(x))


@pytest.mark.parametrize("every", [False, True])
def test_mixtures_and_their_gradients_are_exact(every):
    torch.manual_seed(1)
    candidates = None if every else Wiring(torch.randint(5, (3, 4)), 5)
    x = torch.rand(5, 6, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(5 if every else 3, 4, dtype=torch.float64, requires_grad=True)

    def mixture(x, weights):
        return mix(x, torch.softmax(weights / 0.3, 0), candidates)

    assert torch.autograd.gradcheck(mixture, (x, weights))
    shares = torch.softmax(weights / 0.3, 0)
    rows = x.unsqueeze(1).expand(-1, 4, -1) if every else x[candidates.indices]
    assert torch.allclose(mixture(x, weights), (rows * shares.unsqueeze(2)).sum(0))


@pytest.mark.parametrize("every", [False, True])
def test_gradients_of_choices_are_those_of_signs_and_of_the_mixture(every):
    torch.manual_seed(2)
    candidates = None if every else Wiring(torch.randint(5, (3, 4)), 5)
    x = torch.rand(5, 6, dtype=torch.float64, requires_grad=True)
    logits = torch.rand(5 if every else 3, 4, dtype=torch.float64, requires_grad=True)
    shares = torch.softmax(logits / 0.3, 0)
    grad = torch.randn(4, 6, dtype=torch.float64)
    found = torch.autograd.grad(choose(x, logits, 0.3, candidates), (x, logits), grad)
    rows = x.unsqueeze(1).expand(-1, 4, -1) if every else x[candidates.indices]
    mixed = (rows * shares.detach().unsqueeze(2)).sum(0)
    signed = ((2 * rows.detach() - 1) * logits.unsqueeze(2)).sum(0)
    assert torch.allclose(found[0], torch.autograd.grad(mixed, x, grad)[0])
    assert torch.allclose(found[1], torch.autograd.grad(signed, logits, grad)[0])


@pytest.mark.parametrize("sampling", ["hard", "soft"])
@pytest.mark.parametrize("candidates", [-1, 3])
def test_the_gradient_of_the_input_is_scaled_and_no_other(sampling, candidates):
    torch.manual_seed(4)
    options = {"num_candidates": candidates, "forward_sampling": sampling, "temperature": 0.5}
    layer = learnable(12, 7, **options)
    scaled = copy.deepcopy(layer)
    scaled.grad_factor = 2.5
    x = torch.rand(5, 12, requires_grad=True)

    def gradients(module):
        return torch.autograd.grad(
            module(x).square().sum(), (x, module.weight, module.connections.weights)
        )

    plain, other = gradients(layer), gradients(scaled)
    assert torch.allclose(other[0], 2.5 * plain[0])
    assert torch.equal(other[1], plain[1])
    assert torch.equal(other[2], plain[2])


@pytest.mark.parametrize("rank", [2, 4])
@pytest.mark.parametrize("candidates", [-1, 4])
@pytest.mark.parametrize("temperature", [0.001, 0.4])
def test_steps_are_those_of_torchlogix(rank, candidates, temperature):
    peer = pytest.importorskip(
        "torchlogix.layers",
        reason="torchlogix is not installed: pip install --no-deps torchlogix",
    )
    torch.manual_seed(11)
    options = {
        "lut_rank": rank,
        "parametrization": "raw" if rank == 2 else "warp",
        "parametrization_kwargs": {"weight_init": "random"},
        "grad_factor": 1.5,
        "connections": "learnable",
        "connections_kwargs": {"num_candidates": candidates, "temperature": temperature},
    }
    layer, theirs = LogicDense(20, 15, **options), peer.LogicDense(20, 15, **options)
    with torch.no_grad():
        theirs.weight.copy_(layer.weight)
        theirs.connections.weights.copy_(layer.connections.weights)
        theirs.connections.indices.copy_(layer.connections.indices)
    x = torch.rand(6, 20, requires_grad=True)
    parts = [
        (module(x), (x, module.weight, module.connections.weights)) for module in (layer, theirs)
    ]
    assert torch.allclose(parts[0][0], parts[1][0], atol=1e-6)
    found, expected = (torch.autograd.grad(y.square().sum(), inputs) for y, inputs in parts)
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)
    assert torch.equal(
        layer.connections.resolve_connections(), theirs.connections.resolve_connections()
    )


def test_gumbel_noise_draws_wires_as_often_as_the_softmax_says():
    torch.manual_seed(5)
    connections = LearnableDenseConnections(4, 4000, lut_rank=1, gumbel=True)
    with torch.no_grad():
        connections.weights.copy_(torch.tensor([0.0, 1.0, 2.0, -1.0]).reshape(4, 1, 1))
    drawn = connections(torch.eye(4))[:, 0].mean(1)
    expected = torch.softmax(torch.tensor([0.0, 1.0, 2.0, -1.0]), 0)
    assert torch.allclose(drawn, expected, atol=0.04)
    assert (connections.eval()(torch.eye(4))[2] == 1).all()


@pytest.mark.parametrize("sampling", ["hard", "soft"])
def test_wires_are_learned(sampling):
    torch.manual_seed(6)
    layer = learnable(10, 16, forward_sampling=sampling, temperature=1.0)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    x = torch.randint(2, (256, 10)).float()
    wanted = x[:, 3] * x[:, 8]
    for _ in range(150):
        optimizer.zero_grad()
        nn.functional.mse_loss(layer(x), wanted[:, None].expand(-1, 16)).backward()
        optimizer.step()
    right = (layer.eval()(x) == wanted[:, None]).all(0)
    assert right.sum() >= 6  # a random pair of wires is right once in 45
    read = layer.connections.resolve_connections()[:, right].sort(0).values
    assert (read == torch.tensor([[3], [8]])).all()


def test_drawn_candidates():
    torch.manual_seed(7)
    even = LearnableDenseConnections(10, 15, num_candidates=4)
    assert torch.bincount(even.indices.flatten()).tolist() == [12] * 10
    assert even.weights.shape == (4, 2, 15)
    assert even.weights.min() >= 0
    assert even.weights.max() < 1
    unique = LearnableDenseConnections(10, 15, num_candidates=4, init_method="random-unique")
    ordered = unique.indices.reshape(8, 15).sort(0).values
    assert (ordered[1:] != ordered[:-1]).all()
    every = LearnableDenseConnections(10, 15)
    assert every.indices.flatten().tolist() == list(range(10))


def test_same_seed_same_layer_and_step():
    def run():
        torch.manual_seed(8)
        layer = learnable(20, 9, num_candidates=5, gumbel=True)
        layer(torch.rand(7, 20)).sum().backward()
        return layer.connections.weights.grad

    assert torch.equal(run(), run())


def test_double_and_inference_mode():
    torch.manual_seed(9)
    layer = learnable(20, 9, num_candidates=5)
    with torch.inference_mode():
        layer(torch.rand(3, 20))
    assert layer.double()(torch.rand(3, 20)).dtype == torch.float64
    layer(torch.rand(3, 20)).sum().backward()


@pytest.mark.parametrize("candidates", [-1, 3])
@pytest.mark.parametrize("sampling", ["hard", "soft"])
def test_leading_dimensions_and_empty_batches(candidates, sampling):
    torch.manual_seed(13)
    layer = learnable(9, 5, num_candidates=candidates, forward_sampling=sampling, temperature=0.5)
    x = torch.rand(2, 3, 9)
    assert torch.allclose(layer(x)[1, 2], layer(x[1, 2]))
    empty = torch.zeros(0, 9, requires_grad=True)
    layer(empty).sum().backward()
    assert empty.grad.shape == (0, 9)
    assert not layer.connections.weights.grad.any()
    again = copy.deepcopy(layer)
    assert torch.equal(again.eval()(x), layer.eval()(x))


@pytest.mark.parametrize("candidates", [-1, 3])
def test_model_files_keep_weights_and_candidates(tmp_path, candidates):
    torch.manual_seed(10)
    model = nn.Sequential(
        learnable(12, 20, num_candidates=candidates, gumbel=True, temperature=0.25),
        LogicDense(20, 20),
        GroupSum(4),
    )
    save_model(model, tmp_path / "m.npz", input_shape=(12,))
    again = load_model(tmp_path / "m.npz")
    for key, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])
    kept = again[0].connections
    assert (kept.gumbel, kept.temperature, kept.every) == (True, 0.25, candidates == -1)
    assert kept.forward_sampling == "hard"
    check_scores(again, (12,), samples((12,), boolean=True))


HOSTILE = {
    "wiring": (lambda o, a: o.update(connections="any"), "connections is 'any', which is out of"),
    "claimed": (
        lambda o, a: o["connections"].update(num_candidates=10**9),
        r"weights is float32 \[3, 2, 5\]; its layer needs float32 \[1000000000, 2, 5\]",
    ),
    "option": (lambda o, a: o["connections"].update(x=1), "connections is {.*, which is out of"),
    "temperature": (lambda o, a: o["connections"].update(temperature=-1.0), "temperature -1.0"),
    "NaN": (
        lambda o, a: a.update({"connections.weights": a["connections.weights"] * float("nan")}),
        "connections.weights: 30 of 30 numbers are not finite",
    ),
    "index": (
        lambda o, a: a.update({"indices": a["indices"] + 9}),
        "indices from .* to .*; allowed are 0 to 8",
    ),
    "missing": (lambda o, a: a.pop("indices"), "array indices is missing"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(tmp_path, name):
    change, message = HOSTILE[name]
    save_model(learnable(9, 5, num_candidates=3), tmp_path / "m.npz", input_shape=(9,))
    manifest, arrays = read_archive(tmp_path / "m.npz", "model")
    manifest = {key: manifest[key] for key in ("input_shape", "model")}
    arrays = dict(arrays)
    change(manifest["model"]["options"], arrays)
    write_archive(tmp_path / "m.npz", "model", manifest, arrays)
    with pytest.raises(FileError, match=message):
        load_model(tmp_path / "m.npz")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature 0.0; allowed is above 0"),
        ({"num_candidates": 0}, "num_candidates 0; allowed are 1 to 9, or -1 for all"),
        ({"num_candidates": 10}, "num_candidates 10; allowed are 1 to 9"),
        ({"gumbel": 1}, "gumbel 1; allowed is True or False"),
        ({"forward_sampling": "gumbel"}, "forward_sampling='gumbel'; allowed is 'hard' or 'soft'"),
        ({"init_method": "grid"}, "init_method 'grid'; allowed are random, random-unique"),
        (
            {"num_candidates": 5, "init_method": "random-unique"},
            "random-unique for 10 candidates a gate on 9 features; allowed are at most 9",
        ),
        ({"indices": [[[0]]]}, "num_candidates -1, which makes everything one"),
        ({"num_candidates": 2, "indices": [[[0]]]}, r"shape \[1, 1, 1\]; allowed is \[2, 2, 5\]"),
        ({"seed": 1}, "connections_kwargs has seed; allowed are temperature, num_candidates"),
    ],
)
def test_messages(options, message):
    with pytest.raises(InputError, match=message):
        learnable(9, 5, **options)


def test_nan_weights_are_refused_in_evaluation():
    layer = learnable(9, 5).eval()
    with torch.no_grad():
        layer.connections.weights[2, 1, 3] = float("nan")
    with pytest.raises(InputError, match="1 of 10 ends have NaN weights"):
        layer(torch.zeros(1, 9))


@pytest.mark.parametrize("candidates", [-1, 3])
@pytest.mark.parametrize("sampling", ["hard", "soft"])
def test_mixed_precision_trains_the_wiring(candidates, sampling):
    torch.manual_seed(12)
    layer = learnable(9, 5, num_candidates=candidates, forward_sampling=sampling, temperature=0.5)
    x = torch.rand(4, 9, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = layer(x)
    mixed.float().sum().backward()
    assert torch.allclose(mixed.float(), layer(x), atol=0.02)
    assert torch.isfinite(layer.connections.weights.grad).all()
    assert x.grad.dtype == torch.float32
