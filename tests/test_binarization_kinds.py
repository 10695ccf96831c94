"""SoftBinarization and LearnableBinarization: relaxed bits, learned thresholds, circuits, files."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from trace_helpers import check_bits, check_scores
from training_threads import one_thread  # noqa: F401

from gatewright.frontend import (
    FixedBinarization,
    GroupSum,
    LearnableBinarization,
    LogicDense,
    SoftBinarization,
    fit,
    load_model,
    save_model,
)
from gatewright.frontend.tracing.trace import trace
from gatewright.runtime.archive import read_archive, write_archive
from gatewright.runtime.errors import FileError, InputError, TraceError

THRESHOLDS = [[0.2, 0.4, 0.7], [0.1, 0.5, 0.6]]
KINDS = [SoftBinarization, LearnableBinarization]
both = pytest.mark.parametrize("kind", KINDS)


@both
@pytest.mark.parametrize(
    ("thresholds", "feature_dim", "shape"),
    [
        (THRESHOLDS, -2, (5, 2)),
        ([0.1, 0.5], -2, (5, 3)),
        (THRESHOLDS, 1, (5, 2, 3, 4)),
        ([0.1, 0.5], -3, (5, 2, 3, 4)),
    ],
)
def test_evaluation_is_fixed_binarization(kind, thresholds, feature_dim, shape):
    layer = kind(thresholds, feature_dim=feature_dim).eval()
    fixed = FixedBinarization(layer.get_thresholds(), feature_dim)
    x = torch.rand(shape)
    assert torch.equal(layer(x), fixed(x))
    assert layer.train()(x).shape == fixed(x).shape


def test_soft_bits_are_sigmoids():
    layer = SoftBinarization([1.0, 3.0], 0.5)
    x = torch.tensor([[1.0, 2.0]], requires_grad=True)
    found = layer(x)
    want = torch.sigmoid(torch.tensor([[0.0, -4.0, 2.0, -2.0]]))
    assert torch.allclose(found, want)
    found.sum().backward()
    assert (x.grad > 0).all()
    assert layer(torch.tensor([[1, 2]], dtype=torch.uint8)).equal(found)
    assert not list(layer.parameters())
    assert set(layer.state_dict()) == {"thresholds"}


def test_learned_thresholds_start_near_the_given_ones():
    layer = LearnableBinarization(THRESHOLDS, temperature_softplus=0.01)
    assert torch.allclose(layer.get_thresholds(), torch.tensor(THRESHOLDS), atol=1e-4)
    assert set(layer.state_dict()) == {"thresholds", "raw_diffs"}
    steps = LearnableBinarization([0.5, 0.5, 1.0]).get_thresholds().diff()
    assert torch.allclose(steps, torch.tensor([0.069315, 0.50067]), atol=1e-4)
    assert LearnableBinarization([-3.0]).get_thresholds().tolist() == [-3.0]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.integers(0, 99))
def test_thresholds_stay_in_order_whatever_is_learned(bits, seed):
    torch.manual_seed(seed)
    layer = LearnableBinarization(torch.zeros(3, bits))
    with torch.no_grad():
        layer.raw_diffs.normal_(0, 3)
    assert (layer.get_thresholds().diff() >= 0).all()


def test_gradients_of_thresholds_equal_float64_and_are_limited():
    torch.manual_seed(0)
    x = torch.randn(50, 2)
    wide = LearnableBinarization(THRESHOLDS, max_grad_norm=1e9).double()
    layers = [LearnableBinarization(THRESHOLDS, max_grad_norm=m) for m in (1e9, 0.25)]
    for layer in (wide, *layers):
        layer(x).square().sum().backward()
    free, limited = (layer.raw_diffs.grad for layer in layers)
    assert torch.allclose(free.double(), wide.raw_diffs.grad, atol=1e-3)
    assert free.norm() > 1
    assert limited.norm().item() == pytest.approx(0.25, rel=1e-4)
    assert torch.allclose(limited / limited.norm(), free / free.norm(), atol=1e-5)


def test_a_copy_limits_its_gradient_too():
    torch.manual_seed(0)
    layer = copy.deepcopy(LearnableBinarization(THRESHOLDS, max_grad_norm=0.25))
    layer(torch.randn(50, 2)).sum().backward()
    assert layer.raw_diffs.grad.norm() < 0.2501


def test_sampling_of_learnable_bits():
    x = torch.rand(40, 2)
    hard = LearnableBinarization(THRESHOLDS, forward_sampling="hard")
    assert torch.equal(hard(x), hard.eval()(x))
    for how in ("gumbel_soft", "gumbel_hard"):
        layer = LearnableBinarization(THRESHOLDS, forward_sampling=how)
        found = []
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            found.append(layer(x))
        assert torch.equal(found[0], found[1])
        assert not torch.equal(found[0], found[2])
        found[0].sum().backward()
        assert layer.raw_diffs.grad.norm() > 0


def test_thresholds_are_learned():
    torch.manual_seed(0)
    x = torch.rand(512, 1)
    y = (x[:, 0] > 0.8).long()
    bits = LearnableBinarization([0.5], max_grad_norm=1.0)
    wiring = {"indices": [[0, 0], [0, 0]]}
    model = nn.Sequential(bits, LogicDense(1, 2, connections_kwargs=wiring), GroupSum(2, tau=0.2))
    fit(model, x, y, steps=400, lr=0.02, progress=False)
    assert bits.get_thresholds().item() == pytest.approx(0.8, abs=0.05)


# Circuits


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(KINDS), st.integers(1, 4), st.booleans(), st.integers(0, 99))
def test_circuits_compare_with_the_thresholds(kind, bits, shared, seed):
    torch.manual_seed(seed)
    layer = kind(torch.rand(*(() if shared else (3,)), bits).sort(-1).values)
    x = torch.rand(12, 3)
    circuit = check_bits(layer, (3,), x)
    assert circuit.netlist.n_inputs == len(circuit.encoder.threshold)
    want = layer.get_thresholds().detach().expand(3, bits)
    for feature in range(3):
        mine = circuit.encoder.threshold[circuit.encoder.feature == feature]
        np.testing.assert_array_equal(np.sort(mine), np.unique(want[feature].numpy()))


@both
def test_whole_models(kind):
    torch.manual_seed(1)
    thresholds = torch.rand(4, 3).sort(-1).values
    layer = LogicDense(12, 20, lut_rank=4, parametrization="light")
    check_scores(nn.Sequential(kind(thresholds), layer, GroupSum(4)), (4,))


def test_thresholds_that_are_not_numbers_are_not_traced():
    layer = LearnableBinarization(THRESHOLDS)
    with torch.no_grad():
        layer.raw_diffs[0, 0] = float("nan")
    with pytest.raises(TraceError, match="NaN"):
        trace(layer, (2,))


# Files


def saved(path):
    torch.manual_seed(2)
    model = nn.Sequential(
        SoftBinarization(THRESHOLDS, 0.3),
        nn.Unflatten(1, (6,)),
        LearnableBinarization(
            [0.25, 0.5],
            temperature_sampling=0.2,
            temperature_softplus=0.3,
            forward_sampling="gumbel_soft",
            max_grad_norm=0.5,
        ),
    )
    with torch.no_grad():
        model[2].raw_diffs.add_(0.01)
    save_model(model, path, input_shape=(2,))
    return model


def test_round_trip(tmp_path):
    model = saved(tmp_path / "m.npz")
    found = load_model(tmp_path / "m.npz")
    x = torch.rand(30, 2)
    assert torch.equal(found(x), model.eval()(x))
    answers = []
    for some in (model, found):
        torch.manual_seed(3)
        answers.append(some.train()(x))
    assert torch.equal(*answers)
    assert found[2].max_grad_norm == 0.5
    assert torch.equal(found[2].raw_diffs, model[2].raw_diffs)
    save_model(found, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "m.npz").read_bytes()


@pytest.mark.parametrize(
    ("at", "change", "message"),
    [
        (0, {"temperature": 0.0}, "SoftBinarization: temperature 0.0; allowed is above 0"),
        (0, {"temperature": "x"}, "temperature is 'x', which is out of range"),
        (2, {"forward_sampling": "x"}, "forward_sampling 'x'; allowed are soft, hard"),
        (2, {"max_grad_norm": -1.0}, "max_grad_norm -1.0; allowed is above 0"),
        (2, {"shape": [3]}, r"array 2.thresholds is float32 \[2\]; its layer needs float32 \[3\]"),
    ],
)
def test_hostile_files(tmp_path, at, change, message):
    path = tmp_path / "m.npz"
    saved(path)
    manifest, arrays = read_archive(path, "model")
    manifest["model"]["layers"][at][1]["options"].update(change)
    manifest = {key: manifest[key] for key in ("input_shape", "model")}
    write_archive(path, "model", manifest, dict(arrays))
    with pytest.raises(FileError, match=message):
        load_model(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SoftBinarization([]), r"SoftBinarization: thresholds of shape \[0\]"),
        (
            lambda: SoftBinarization([float("nan")]),
            "SoftBinarization: 1 of 1 thresholds are NaN; allowed are numbers",
        ),
        (
            lambda: SoftBinarization([0.5], -1.0),
            "SoftBinarization: temperature -1.0; allowed is above 0",
        ),
        (
            lambda: LearnableBinarization([0.5, 0.4]),
            "LearnableBinarization: thresholds that are infinite or fall; allowed are finite",
        ),
        (lambda: LearnableBinarization([0.5, float("inf")]), "thresholds that are infinite or"),
        (
            lambda: LearnableBinarization([0.5], temperature_sampling=0.0),
            "LearnableBinarization: temperature_sampling 0.0; allowed is above 0",
        ),
        (
            lambda: LearnableBinarization([0.5], temperature_softplus=0.0),
            "temperature_softplus 0.0; allowed is above 0",
        ),
        (
            lambda: LearnableBinarization([0.5], max_grad_norm=float("nan")),
            "max_grad_norm nan; allowed is above 0",
        ),
        (
            lambda: LearnableBinarization([0.5], forward_sampling="best"),
            "forward_sampling 'best'; allowed are soft, hard, gumbel_soft, gumbel_hard",
        ),
        (
            lambda: LearnableBinarization(THRESHOLDS)(torch.zeros(5, 4)),
            r"LearnableBinarization: input of shape \[5, 4\] for thresholds of shape \[2, 3\]",
        ),
        (
            lambda: SoftBinarization([0.5], feature_dim=-1)(torch.zeros(5, 4)),
            "SoftBinarization: feature_dim -1 for input of shape",
        ),
    ],
)
def test_messages(make, message):
    with pytest.raises(InputError, match=message):
        make()
