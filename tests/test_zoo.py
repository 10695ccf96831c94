"""Networks by name: their sizes against what was published, and what they answer."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from trace_helpers import check_scores  # noqa: E402

from gatewright.cli.main import main  # noqa: E402
from gatewright.frontend import (  # noqa: E402
    MODELS,
    FixedBinarization,
    LogicConv2d,
    LogicDense,
    OrPooling2d,
    build_model,
    fit,
    load_model,
    save_model,
)
from gatewright.frontend.data.load import NAMES  # noqa: E402
from gatewright.frontend.zoo import Block, model_spec  # noqa: E402
from gatewright.frontend.zoo.wiring import dense_wiring, tree_wiring  # noqa: E402
from gatewright.runtime.errors import InputError  # noqa: E402

DOCUMENT = Path(__file__).parent.parent / "docs" / "models.md"
ADDER = 7  # gates a counted output takes in a tree of adders (arXiv:2411.04732, appendix A.3)
every = pytest.mark.parametrize("name", MODELS)


def gates_of(model):
    """Gates with weights at all places, ORs of the pooling: counted from the layers."""
    learned = ors = 0
    channels = size = None
    for layer in model:
        if isinstance(layer, LogicDense):
            learned += layer.out_dim
        elif isinstance(layer, LogicConv2d):
            nodes = sum(len(weight) for weight in layer.tree_weights)
            learned += nodes * layer.num_kernels * layer.n_kernel_positions
            channels, size = layer.num_kernels, layer.kernel_positions[0]
        elif isinstance(layer, OrPooling2d):
            ors += 3 * channels * (size // 2) ** 2
    return learned, ors


@every
def test_every_network_has_the_size_that_was_published(name):
    spec = MODELS[name]
    model = build_model(name, seed=0, device="meta")
    assert isinstance(model, nn.Sequential)
    assert all(value.is_meta for value in model.state_dict().values())
    assert model.input_shape == spec.input_shape
    assert model.classes == spec.classes == model[-1].k
    assert gates_of(model) == (spec.learned_gates, spec.or_gates)
    assert sum(parameter.numel() for parameter in model.parameters()) == spec.parameters
    assert set(spec.training) <= set(inspect.signature(fit).parameters)
    assert spec.data in NAMES
    if name.startswith("difflogic"):
        assert spec.learned_gates == spec.published_gates
    elif spec.published_gates:  # after synthesis, with the adders
        assert spec.published_gates < spec.learned_gates + spec.or_gates + ADDER * spec.widths[-1]


def test_the_gates_of_logictreenet_l_are_those_of_its_appendix():
    spec = MODELS["logictreenet-mnist-l"]
    assert spec.learned_gates + spec.or_gates == 3_216_128
    left = 697_758  # after synthesis, as the paper says
    assert round(left + ADDER * spec.widths[-1], -4) == spec.published_gates


@pytest.mark.parametrize(("name", "bits"), [("mnist-s", 1), ("cifar10-s", 2), ("cifar10-b", 5)])
def test_thresholds_count_the_highest_bits_of_a_byte(name, bits):
    spec = MODELS[f"logictreenet-{name}"]
    assert spec.thresholds is not None
    values = torch.arange(256, dtype=torch.uint8)
    counts = FixedBinarization(list(spec.thresholds))(values[:, None]).sum(1)
    assert torch.equal(counts.int(), values.int() >> (8 - bits))


@pytest.mark.parametrize(
    ("name", "conv", "dense"),
    [
        ("difflogic-adult", None, "random"),
        ("logictreenet-mnist-s", "residual", "residual"),
        ("convlogic-notebook", "residual", "random"),
    ],
)
def test_weights_start_as_published(name, conv, dense):
    for layer in build_model(name, device="meta"):
        if isinstance(layer, LogicConv2d | LogicDense):
            want = conv if isinstance(layer, LogicConv2d) else dense
            assert layer.parametrization.weight_init == want


OUTPUTS = {  # of the last layer for each class, in thousands: table 6 of arXiv:2411.04732
    "mnist": {"s": 1, "m": 4, "l": 8},
    "cifar10": {"s": 1, "m": 8, "b": 32, "l": 64, "g": 80},
}


def test_outputs_a_class_are_those_of_the_paper():
    for data, sizes in OUTPUTS.items():
        for size, outputs in sizes.items():
            spec = MODELS[f"logictreenet-{data}-{size}"]
            assert spec.widths[-1] == spec.classes * outputs * 1024


SMALL = [name for name, spec in MODELS.items() if spec.learned_gates < 300_000]


@pytest.mark.parametrize("name", SMALL)
def test_small_networks_answer_and_train(name):
    spec = MODELS[name]
    model = build_model(name, seed=1)
    x = torch.randint(0, 256, (4, *spec.input_shape), dtype=torch.uint8)
    x = x > 127 if spec.thresholds is None else x
    scores = model.train()(x)
    assert scores.shape == (4, spec.classes)
    scores.square().sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("name", ["difflogic-monk1", "torchlogix-readme", "logictreenet-mnist-s"])
def test_small_networks_trace_exactly_and_fit_a_file(name, tmp_path):
    spec = MODELS[name]
    model = build_model(name, seed=2, weight_init="random")
    x = torch.randint(0, 256, (12, *spec.input_shape)).float()
    x = x > 127 if spec.thresholds is None else x
    options = {"dtype": torch.bool} if spec.thresholds is None else {}
    check_scores(model, spec.input_shape, x, **options)
    save_model(model, tmp_path / "model.npz")
    found = load_model(tmp_path / "model.npz")
    assert torch.equal(found(x), model.eval()(x))


def monk_1():
    """All rows of the MONK-1 problem, bool [432, 17], and their classes, half of them 1."""
    values = (3, 3, 2, 3, 4, 2)
    rows = torch.cartesian_prod(*map(torch.arange, values))
    parts = [nn.functional.one_hot(column, n) for column, n in zip(rows.t(), values, strict=True)]
    labels = (rows[:, 0] == rows[:, 1]) | (rows[:, 4] == 0)
    return torch.cat(parts, dim=1).bool(), labels.long()


def test_monk_1_is_learned():
    training = {**MODELS["difflogic-monk1"].training, "steps": 400}
    model = build_model("difflogic-monk1", seed=1)
    history = fit(model, *monk_1(), progress=False, **training)
    assert history.best.discrete > 0.85


def test_the_command_trains_a_network_by_name(tmp_path, capsys):
    x, y = monk_1()
    np.savez(tmp_path / "monk.npz", x=x.numpy(), y=y.numpy())
    command = ["train", "--model", "difflogic-monk1", "--data", str(tmp_path / "monk.npz")]
    path = tmp_path / "model.npz"
    assert main([*command, "--steps", "20", "--quiet", "-o", str(path)]) == 0
    widths = [layer.out_dim for layer in load_model(path) if isinstance(layer, LogicDense)]
    assert widths == [24] * 6


def test_a_seed_is_a_network():
    first, second, other = (build_model("convlogic-notebook", seed=seed) for seed in (3, 3, 4))
    torch.manual_seed(3)
    state = torch.get_rng_state()
    for one, two in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(one, two)
    assert not torch.equal(first[1].connections.indices, other[1].connections.indices)
    build_model("difflogic-monk1", seed=5)
    assert torch.equal(torch.get_rng_state(), state)
    drawn = build_model("difflogic-monk1")
    assert not torch.equal(torch.get_rng_state(), state)
    assert isinstance(drawn[0], LogicDense)


def test_options_change_the_network():
    model = build_model(
        "difflogic-mnist-small",
        seed=0,
        thresholds=[50.0, 100.0, 150.0],
        tau=3.5,
        grad_factor=2.0,
        parametrization="light",
        weight_init="residual",
        connections="random",
    )
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert model[0].thresholds.tolist() == [50.0, 100.0, 150.0]
    assert model[2].in_dim == 3 * 784
    assert model[2].grad_factor == 2.0
    assert model[2].parametrization.name == "light"
    assert model[-1].tau == 3.5
    boolean = build_model("logictreenet-mnist-s", seed=0, thresholds=None)
    assert not any(isinstance(layer, FixedBinarization) for layer in boolean)


def test_unique_connections_are_all_different():
    model = build_model("difflogic-mnist-small", seed=0)
    for layer in model:
        if isinstance(layer, LogicDense):
            assert len(layer.connections.indices.unique(dim=1).t()) == layer.out_dim


def test_kernels_read_two_channels_of_their_group():
    torch.manual_seed(0)
    indices = tree_wiring(Block(24, 3, 1), channels=16, per_tree=2, groups=4)
    assert indices.shape == (2, 24, 4, 3)
    for kernel, leaves in enumerate(indices.permute(1, 0, 2, 3).reshape(24, 8, 3)):
        assert len(leaves.unique(dim=0)) == 8  # no position twice
        channels, counts = leaves[:, 2].unique(return_counts=True)
        assert counts.tolist() == [4, 4]
        assert set((channels // 4).tolist()) == {kernel // 6}
    alone = tree_wiring(Block(2, 2, 0), channels=1, per_tree=2, groups=1)
    assert alone[..., 2].unique().tolist() == [0]


def test_dense_groups_read_their_own_features_equally_often():
    torch.manual_seed(0)
    indices = dense_wiring(12, 80, groups=4, classes=5)
    assert torch.bincount(indices.flatten()).unique().tolist() in ([13, 14], [13])
    group = (torch.arange(80) // 4) % 4  # 5 classes of 16 gates, each of 4 groups
    assert torch.equal(indices // 3, group.expand(2, 80))


def test_groups_share_nothing_but_the_input_and_the_scores():
    model = build_model("logictreenet-mnist-s", seed=6).train()
    x = (torch.rand(2, 1, 28, 28) > 0.5).float() * 255
    first = model[:3](x).detach().requires_grad_()
    outputs = model[3:-1](first).unflatten(1, (10, 2, -1))
    outputs[:, :, 0].square().sum().backward()
    read = first.grad.abs().sum((0, 2, 3)) > 0
    assert read[:8].any()
    assert not read[8:].any()
    joined = build_model("logictreenet-mnist-s", seed=6, groups=1)
    assert (joined[3].connections.indices[..., 2] // 8).unique(dim=0).shape[0] > 1
    channels = joined[3].connections.indices[..., 2].permute(1, 0, 2).flatten(1)
    assert any(len(row.div(8, rounding_mode="floor").unique()) == 2 for row in channels)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("lenet", {}, r"model 'lenet'; allowed are difflogic-mnist-small, .*, convlogic-notebook"),
        ("difflogic-monk1", {"taus": 1}, "option taus; allowed are connections, device, "),
        ("difflogic-monk1", {"groups": 2}, "groups=2; allowed is 1"),
        ("logictreenet-mnist-s", {"groups": 3}, "groups=3; allowed is 1, 2, 4"),
        ("logictreenet-mnist-s", {"groups": 2, "connections": "unique"}, "allowed is groups=1"),
        ("difflogic-monk1", {"connections": "near"}, "connections='near'; allowed is 'random'"),
        ("difflogic-monk1", {"tau": 0.0}, "tau 0.0"),
    ],
)
def test_impossible_networks(name, options, message):
    with pytest.raises(InputError, match=message):
        build_model(name, **options)


# The command line and the document


def test_the_command_lists_and_describes(capsys):
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *MODELS]
    found = lines[1 + list(MODELS).index("logictreenet-mnist-l")].split()
    assert found[1:7] == ["1x28x28", "784", "2,960,384", "255,744", "1,270,000", "9,547,776"]
    assert main(["models", "logictreenet-mnist-l"]) == 0
    text = capsys.readouterr().out
    assert "2,960,384 learned, 255,744 ORs; 1,270,000 published" in text
    assert "gatewright train --model logictreenet-mnist-l --data mnist" in text
    assert main(["models", "torchlogix-readme"]) == 0
    assert "not published" in capsys.readouterr().out
    assert main(["models", "lenet"]) == 2
    assert "model 'lenet'; allowed are" in capsys.readouterr().err


@every
def test_the_document_says_the_same(name):
    spec = model_spec(name)
    row = next(row for row in DOCUMENT.read_text().splitlines() if row.startswith(f"| `{name}` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    numbers = [int(re.sub(r"\D", "", cell) or -1) for cell in cells[3:7]]
    published = -1 if spec.published_gates is None else spec.published_gates
    assert cells[2] == str(spec)
    assert numbers == [spec.parameters, spec.learned_gates, spec.or_gates, published]
