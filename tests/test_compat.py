"""difflogic's and convlogic's names on our layers: their arguments, wiring, answers and source."""

from __future__ import annotations

import ast
import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from peers import clone, imported, notebook_code, readme_code, run_on_ours  # noqa: E402
from torch import nn  # noqa: E402
from trace_helpers import check_bits, check_scores  # noqa: E402

from gatewright.frontend import LogicConv2d, LogicDense, load_model, save_model  # noqa: E402
from gatewright.frontend.compat import ConvLogicLayer, GroupSum, LogicLayer  # noqa: E402
from gatewright.frontend.compat.difflogic import unique_pairs  # noqa: E402
from gatewright.frontend.compat.selection import draw_selection, unpacked  # noqa: E402
from gatewright.runtime.archive import read_archive, write_archive  # noqa: E402
from gatewright.runtime.errors import FileError, InputError  # noqa: E402

CPU = not torch.cuda.is_available()


def conv_model(complete=True):
    torch.manual_seed(4)
    conv = ConvLogicLayer(2, 6, kernel=3, padding=1, complete=complete)
    features = 6 * 4 * 4 if complete else 6 * 8 * 8 * 4
    dense = LogicLayer(features, features + 4 - features % 4, device="cpu")
    return nn.Sequential(conv, nn.Flatten(), dense, GroupSum(k=4, tau=2.0))


# LogicLayer


def test_a_model_as_difflogic_writes_it():
    model = nn.Sequential(
        nn.Flatten(),
        LogicLayer(in_dim=49, out_dim=80, device="cpu", implementation="python", grad_factor=1.1),
        LogicLayer(80, 120, "cpu", 2.0, None, "unique"),
        LogicLayer(120, 120, device="cpu", connections="random"),
        GroupSum(k=10, tau=30),
    )
    x = (torch.rand(40, 1, 7, 7) > 0.5).float()
    loss = nn.CrossEntropyLoss()(model(x), torch.arange(40) % 10)
    loss.backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())
    assert model[1].num_neurons == model[1].num_weights == 80
    check_scores(model, (1, 7, 7), (x > 0).float())


def test_logic_layer_is_a_logic_dense_with_difflogic_names():
    layer = LogicLayer(6, 8, device="cpu")
    assert isinstance(layer, LogicDense)
    assert layer.weights is layer.weight
    first, second = layer.indices
    assert first.shape == second.shape == (8,)
    assert layer.parametrization.weight_init == "random"
    assert LogicLayer(6, 8).weight.device.type == ("cpu" if CPU else "cuda")


def test_residual_weights_are_convlogics():
    want = torch.zeros(8, 16)
    want[:, 3] = 5
    assert torch.equal(LogicLayer(6, 8, device="cpu", residual_init=True).weight, want)
    conv = ConvLogicLayer(2, 3, residual_init=True, complete=True)
    assert torch.equal(conv.weights, want[:1].expand(3, 7, 16))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 30), st.integers(1, 60))
def test_unique_pairs_are_different_and_near_ones_come_first(in_dim, out_dim):
    most = in_dim * (in_dim - 1) // 2
    if out_dim > most:
        with pytest.raises(InputError, match=f"at most {most} gates"):
            unique_pairs(in_dim, out_dim)
        return
    first, second = unique_pairs(in_dim, out_dim).tolist()
    pairs = set(zip(first, second, strict=True))
    assert len(pairs) == out_dim
    assert all(0 <= a < b < in_dim for a, b in pairs)
    by_distance = sorted(b - a for a, b in pairs)
    every = sorted(b - a for a in range(in_dim) for b in range(a + 1, in_dim))
    assert by_distance == every[:out_dim]


def test_random_connections_read_all_features_equally_often():
    torch.manual_seed(0)
    counts = torch.bincount(LogicLayer(30, 50, device="cpu").indices.flatten(), minlength=30)
    assert set(counts.tolist()) == {3, 4}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_dim": 0}, "in_dim 0"),
        ({"out_dim": 9}, r"9 gates on 20 features; allowed are at most 18 .* 10 gates or more"),
        ({"connections": "nearest"}, "connections='nearest'; allowed is 'random' or 'unique'"),
        ({"connections": [[0], [1]]}, r"indices of shape \[2, 1\]"),
        ({"implementation": "triton"}, "implementation='triton'"),
        ({"device": "nowhere"}, "device 'nowhere'; allowed are torch's devices"),
        ({"device": 1.5}, "better given by name"),
    ],
)
def test_impossible_logic_layers(arguments, message):
    with pytest.raises(InputError, match=message):
        LogicLayer(**{"in_dim": 20, "out_dim": 40, "device": "cpu", **arguments})


@pytest.mark.skipif(not CPU, reason="there is a GPU")
def test_a_missing_gpu_is_named():
    with pytest.raises(InputError, match=r"torch sees no GPU; .* leave the argument out"):
        LogicLayer(20, 40, device="cuda")


# ConvLogicLayer


def test_a_selection_reads_two_channels_of_the_group():
    torch.manual_seed(1)
    selection = draw_selection(7, 12, 3, (3, 2))
    rows, columns, channels = unpacked(selection).unbind(-1)
    assert selection.dtype == torch.int32
    assert rows.unique().tolist() == [0, 1, 2]
    assert columns.unique().tolist() == [0, 1]
    for kernel, group in enumerate([[0, 1, 2], [3, 4], [5, 6]]):
        for row in channels[kernel * 4 : kernel * 4 + 4].tolist():
            assert len(set(row)) <= 2
            assert set(row) <= set(group)
    pairs = selection.reshape(-1, 2)
    assert (pairs[:, 0] != pairs[:, 1]).all()


def by_hand(layer, image, kernel, row, column):
    """The gates of a kernel at one place, from the packed selection and the largest weights."""
    height, width = image.shape[1:]
    values = []
    for packed in layer.selection[kernel].tolist():
        channel, y, x = packed >> 16, (packed >> 8) % 256, packed % 256
        y += row * layer.stride[0] - layer.padding[0]
        x += column * layer.stride[1] - layer.padding[1]
        inside = 0 <= y < height and 0 <= x < width
        values.append(int(image[channel, y, x]) if inside else 0)
    gates = layer.weights[kernel].argmax(-1).tolist()
    while gates:  # gate `id` answers bit `3 - (2 * a + b)`
        level, gates = gates[: len(values) // 2], gates[len(values) // 2 :]
        pairs = zip(values[::2], values[1::2], strict=True)
        values = [gate >> (3 - 2 * a - b) & 1 for gate, (a, b) in zip(level, pairs, strict=True)]
    return values


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("complete", [True, False])
def test_kernels_are_what_selection_and_weights_say(complete, stride):
    torch.manual_seed(8)
    layer = ConvLogicLayer(3, 4, stride, padding=1, kernel=(3, 2), complete=complete).eval()
    x = torch.randint(0, 2, (2, 3, 6, 5))
    found = layer(x)
    rows, columns = (6 + 2 - 3) // stride + 1, (5 + 2 - 2) // stride + 1
    want = torch.tensor(
        [
            [
                [[by_hand(layer, image, k, i, j) for j in range(columns)] for i in range(rows)]
                for k in range(4)
            ]
            for image in x
        ]
    ).float()
    if complete:
        want = nn.functional.max_pool2d(want[..., 0], 2)
    assert torch.equal(found, want)


@pytest.mark.parametrize("complete", [True, False])
def test_layers_say_the_same(complete):
    torch.manual_seed(2)
    layer = ConvLogicLayer(3, 5, kernel=(2, 3), padding=1, complete=complete).eval()
    plain = layer.layers((6, 7)).eval()
    assert isinstance(plain[0], LogicConv2d)
    x = torch.rand(4, 3, 6, 7)
    found, want = layer(x), plain(x)
    if not complete:
        found = found.permute(0, 1, 4, 2, 3).flatten(1, 2)
    assert torch.equal(found, want)
    relaxed = layer.train()(x)
    relaxed = relaxed if complete else relaxed.permute(0, 1, 4, 2, 3).flatten(1, 2)
    assert torch.equal(relaxed, plain.train()(x))


def test_one_layer_takes_images_of_any_size_and_trains():
    layer = ConvLogicLayer(2, 4, complete=True)
    for size in (5, 8, 5):
        layer.zero_grad()
        layer(torch.rand(3, 2, size, size)).sum().backward()
        assert layer.weights.grad.abs().sum() > 0
    copied = copy.deepcopy(layer).double()
    assert copied(torch.rand(1, 2, 5, 5).double()).dtype == torch.float64


@pytest.mark.parametrize("complete", [True, False])
def test_conv_models_trace_exactly(complete):
    x = (torch.rand(12, 2, 8, 8) > 0.5).float()
    check_scores(conv_model(complete), (2, 8, 8), x)
    check_bits(conv_model(complete)[:2], (2, 8, 8), x)


def test_wiring_that_is_replaced_is_used():
    torch.manual_seed(3)
    one, two = (ConvLogicLayer(2, 4, complete=True).eval() for _ in range(2))
    x = torch.rand(2, 2, 6, 6)
    assert not torch.equal(one(x), two(x))
    one.load_state_dict(two.state_dict())
    assert torch.equal(one(x), two(x))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stride": (1, 2)}, r"stride \(1, 2\); allowed are equal"),
        ({"padding": -1}, "padding -1"),
        ({"kernel": (3, 3, 3)}, "kernel"),
        ({"kernel_size": 1}, "could read one input twice"),
        ({"groups": 5}, "groups 5 for 4 input"),
        ({"kernel": 300}, r"at most 32768 channels and 256 rows"),
        ({"implementation": "triton"}, "implementation='triton'"),
        ({"return_indices": True}, "return_indices=1; allowed is 0"),
        ({"selection": torch.zeros(6, 8)}, r"selection of torch.float32 \[6, 8\]"),
        ({"selection": torch.zeros(6, 4).int()}, r"allowed are integers \[6, 8\]"),
        ({"selection": torch.full((6, 8), 4 << 16)}, r"\[0, 0, 4\]; allowed is below \[3, 3, 4\]"),
    ],
)
def test_impossible_convolutions(arguments, message):
    with pytest.raises(InputError, match=message):
        ConvLogicLayer(**{"in_channels": 4, "out_channels": 6, **arguments})


def test_other_channels_are_refused():
    with pytest.raises(InputError, match=r"\[1, 3, 8, 8\]; allowed is \[n, 2, height, width\]"):
        ConvLogicLayer(2, 4)(torch.rand(1, 3, 8, 8))


# Files


def test_files_keep_the_layers(tmp_path):
    model = conv_model()
    save_model(model, tmp_path / "model.npz", input_shape=(2, 8, 8))
    found = load_model(tmp_path / "model.npz")
    assert [type(part) for part in found] == [type(part) for part in model]
    x = torch.rand(6, 2, 8, 8)
    assert torch.equal(found(x), model.eval()(x))
    assert torch.equal(found.train()(x), model.train()(x))
    assert (found[2].residual_init, found[0].complete) == (False, True)


def test_files_that_contradict_themselves_are_refused(tmp_path):
    path = tmp_path / "model.npz"
    save_model(conv_model(), path, input_shape=(2, 8, 8))
    manifest, arrays = read_archive(path, "model")
    arrays["0.selection"] = np.full_like(arrays["0.selection"], 9 << 16)
    del manifest["gatewright"], manifest["version"]
    write_archive(path, "model", manifest, arrays)
    with pytest.raises(FileError, match=r"row, column, channel \[0, 0, 9\]"):
        load_model(path)


# The peers themselves


def compare_training(ours, theirs, x):
    """The relaxed answers of two layers, and the gradients of input and weights."""
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    found, want = ours(inputs[0]), theirs(inputs[1])
    assert torch.allclose(found, want, atol=1e-6)
    up = torch.randn(want.shape)
    found.backward(up)
    want.backward(up)
    assert torch.allclose(inputs[0].grad, inputs[1].grad, atol=1e-5)
    assert torch.allclose(ours.weights.grad, theirs.weights.grad, atol=1e-5)


@pytest.mark.parametrize("connections", ["random", "unique"])
@pytest.mark.parametrize("sizes", [(11, 17), (12, 12), (7, 21), (40, 20)])
def test_the_same_seed_is_difflogics_layer(connections, sizes):
    torch.manual_seed(5)
    options = {"device": "cpu", "connections": connections, "grad_factor": 1.5}
    want = imported(clone("difflogic"), "difflogic.difflogic").LogicLayer(*sizes, **options)
    torch.manual_seed(5)
    found = LogicLayer(*sizes, **options)
    assert torch.equal(found.weights, want.weights)
    assert torch.equal(found.indices, torch.stack(want.indices))
    x = torch.rand(9, sizes[0])
    compare_training(found, want, x)
    assert torch.equal(found.eval()(x.round()), want.eval()(x.round()))


def test_unique_pairs_are_difflogics():
    theirs = imported(clone("difflogic"), "difflogic.functional").get_unique_connections
    for in_dim, out_dim in [(8, 4), (9, 8), (9, 20), (10, 45), (7, 6)]:
        torch.manual_seed(6)
        want = torch.stack(theirs(in_dim, out_dim, device="cpu"))
        torch.manual_seed(6)
        assert torch.equal(unique_pairs(in_dim, out_dim), want)


def test_difflogics_readme_runs():
    names = run_on_ours(readme_code("difflogic", "torch.nn.Sequential("))
    model = names["model"]
    x = (torch.rand(4, 28, 28) > 0.5).float()
    assert model.to("cpu")(x).shape == (4, 10)
    assert [layer.weights.shape[0] for layer in model[1:-1]] == [16_000] * 5
    check_scores(model, (28, 28), x)


@pytest.mark.parametrize(
    "options",
    [
        {"complete": True},
        {"complete": True, "kernel": 2, "padding": 0, "residual_init": True},
        {"complete": False, "stride": 2, "groups": 2},
        {"complete": False, "kernel": (2, 3), "groups": 3, "grad_factor": 2.0},
    ],
)
def test_the_same_seed_is_convlogics_layer(options):
    theirs = imported(clone("convlogic") / "src", "convlogic.convlogic_layer").ConvLogicLayer
    torch.manual_seed(7)
    want = theirs(4, 6, implementation="python", **options)
    torch.manual_seed(7)
    found = ConvLogicLayer(4, 6, implementation="python", **options)
    assert torch.equal(found.weights, want.weights)
    assert torch.equal(found.selection, want.selection)
    x = torch.rand(2, 4, 5, 5)
    compare_training(found, want, x)
    assert torch.equal(found.eval()(x.round()), want.eval()(x.round()))


def test_convlogics_notebook_runs():
    path = clone("convlogic") / "notebooks" / "ConvLogic_Demo.ipynb"
    source = "import torch.nn as nn\n" + notebook_code(path, "class ConvLogicMnistModel")
    model = run_on_ours(source, ast.ClassDef)["ConvLogicMnistModel"](k_param=2)
    x = (torch.rand(12, 1, 28, 28) > 0.5).float()
    assert model.to("cpu").train()(x).shape == (12, 10)
    check_scores(model, (1, 28, 28), x)


def test_convlogics_models_run():
    source = (clone("convlogic") / "src" / "convlogic" / "model.py").read_text()
    names = run_on_ours(source, ast.ClassDef, only="nn.Module")
    for name, shape in (("ConvLogicMnistModel", (1, 28, 28)), ("ConvLogicCifarModel", (3, 32, 32))):
        model = names[name](k_param=2).to("cpu")
        x = (torch.rand(12, *shape) > 0.5).float()
        check_scores(model, shape, x)
