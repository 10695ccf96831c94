"""Learnable wiring of convolutions: the choice, gradients, circuits, files and messages."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from trace_helpers import check_bits, samples
from training_threads import one_thread  # noqa: F401

from gatewright.frontend import (
    LogicConv2d,
    LogicConv3d,
    OrPooling2d,
    ResidualLogicBlock,
    load_model,
    save_model,
)
from gatewright.runtime.archive import read_archive, write_archive
from gatewright.runtime.errors import FileError, InputError


@st.composite
def layers(draw):
    """A convolution of any shape with learnable wiring, its numbers random."""
    dims = draw(st.sampled_from([2, 2, 3]))
    field = draw(st.tuples(*[st.integers(1, 3)] * dims))
    padding = draw(st.integers(0, 1))
    sizes = tuple(max(1, size - 2 * padding) + draw(st.integers(0, 2)) for size in field)
    rank, kind = draw(st.sampled_from([(2, "raw"), (2, "warp"), (3, "light"), (1, "light")]))
    depth, channels = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    torch.manual_seed(draw(st.integers(0, 99)))
    group = draw(st.sampled_from([None, 1]))
    most = math.prod(field) * (group or channels)
    options = {
        "num_candidates": draw(st.sampled_from([-1, 1, min(3, most)])),
        "gumbel": draw(st.booleans()),
        "forward_sampling": draw(st.sampled_from(["hard", "soft"])),
        "temperature": 0.5,
        "channel_group_size": group,
    }
    return (LogicConv2d if dims == 2 else LogicConv3d)(
        sizes,
        channels,
        draw(st.integers(1, 3)),
        depth,
        field,
        stride=draw(st.integers(1, min(field))),
        padding=padding,
        grad_factor=draw(st.sampled_from([1.0, 0.5])),
        lut_rank=rank,
        parametrization=kind,
        parametrization_kwargs={"weight_init": "random"},
        connections="learnable",
        connections_kwargs=options,
    )


def fixed(layer, wiring):
    """The same gates on fixed wiring."""
    found = type(layer)(
        layer.in_dim,
        layer.channels,
        layer.num_kernels,
        layer.tree_depth,
        layer.receptive_field_size,
        layer.stride,
        layer.padding,
        grad_factor=layer.grad_factor,
        lut_rank=layer.lut_rank,
        parametrization=layer.parametrization.name,
        connections_kwargs={"indices": wiring},
    )
    found.tree_weights = layer.tree_weights
    return found


@given(layers())
@settings(max_examples=30, deadline=None)
def test_evaluation_and_circuits_read_the_positions_of_the_largest_weights(layer):
    layer.eval()
    connections = layer.connections
    wiring = connections.resolve_connections()
    places = connections.indices.expand(*connections.weights.shape, layer.dims + 1)
    largest = connections.weights.argmax(0)
    for at in torch.cartesian_prod(*(torch.arange(size) for size in largest.shape)).tolist():
        assert torch.equal(wiring[tuple(at)], places[(largest[tuple(at)], *at)])
    x = samples(layer.in_shape, boolean=True)
    assert torch.equal(layer(x), fixed(layer, wiring).eval()(x))
    check_bits(layer, layer.in_shape, dtype=torch.bool)


@given(layers())
@settings(max_examples=20, deadline=None)
def test_gradients_equal_autograd_of_the_plain_formula(layer):
    connections = layer.double().train().connections
    connections.gumbel = False
    x = torch.rand(3, *layer.in_shape, dtype=torch.float64, requires_grad=True)
    out = layer(x)
    grad = torch.randn_like(out)
    found = torch.autograd.grad(out, (x, connections.weights), grad)

    rows = nn.functional.pad(x.flatten(1).t(), (0, 0, 0, 1))
    shape = (*connections.weights.shape, layer.dims + 1)
    read = rows[connections.features(connections.indices.expand(shape))]
    weights = connections.weights[..., None, None]
    shares = torch.softmax(weights / 0.5, 0)
    mixed = (read * shares).sum(0)
    leaves = mixed
    if connections.forward_sampling == "hard":
        best = connections.weights.argmax(0)[None, ..., None, None].expand(1, *mixed.shape)
        signed = ((2 * read.detach() - 1) * (weights - weights.detach())).sum(0)
        mixed = (read * shares.detach()).sum(0)
        leaves = read.gather(0, best)[0].detach() + mixed - mixed.detach() + signed
    leaves = leaves.transpose(1, 2).flatten(0, 3)
    levels = connections.levels()
    rank, many = levels[0].indices.shape
    levels[0] = type(levels[0])(torch.arange(rank * many).reshape(rank, many), rank * many)
    for level, weight in zip(levels, layer.tree_weights, strict=True):
        leaves = layer.parametrization.evaluate(
            leaves, weight.flatten(0, 1), level, 1.0, True, layer.n_kernel_positions
        )
    expected = torch.autograd.grad(
        leaves.t().reshape(out.shape), (x, connections.weights), grad, allow_unused=True
    )
    assert torch.allclose(out, leaves.t().reshape(out.shape))
    assert torch.allclose(found[0], layer.grad_factor * expected[0])
    assert torch.allclose(found[1], expected[1])


def conv(channels=4, **options):
    return LogicConv2d(
        6, channels, 3, 2, 3, padding=1, connections="learnable", connections_kwargs=options
    )


def test_candidates_stay_in_the_channels_of_their_kernel():
    torch.manual_seed(1)
    for candidates in (-1, 7):
        layer = conv(num_candidates=candidates, channel_group_size=2)
        assert len(layer.connections.weights) == (18 if candidates < 0 else 7)
        for kernel in range(3):
            found = layer.connections.indices[:, :, kernel, :, -1].unique()
            assert found.tolist() == [kernel, kernel + 1]


def test_positions_are_learned():
    torch.manual_seed(2)
    layer = LogicConv2d(
        5, 2, 8, 1, 2, connections="learnable", connections_kwargs={"init_method": "random"}
    )
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    x = torch.randint(2, (128, 2, 5, 5)).float()
    wanted = (x[:, 0, :-1, :-1] * x[:, 1, 1:, 1:]).unsqueeze(1).expand(-1, 8, -1, -1)
    for _ in range(100):
        optimizer.zero_grad()
        nn.functional.mse_loss(layer(x), wanted).backward()
        optimizer.step()
    right = (layer.eval()(x) == wanted).flatten(2).all(2).all(0)
    assert right.sum() >= 3  # a random pair of positions is right once in 28


def test_wiring_changes_with_the_weights_and_the_mode():
    torch.manual_seed(3)
    layer = conv().eval()
    x = samples(layer.in_shape, boolean=True)
    with torch.inference_mode():
        before = layer(x)
    layer.connections.weights.data.neg_()
    assert not torch.equal(layer(x), before)
    layer.train()(x).sum().backward()
    wiring = layer.connections.resolve_connections()
    assert torch.equal(layer.eval()(x), fixed(layer, wiring).eval()(x))


@pytest.mark.parametrize("sampling", ["hard", "soft"])
@pytest.mark.parametrize("candidates", [-1, 3])
def test_empty_batches(sampling, candidates):
    layer = conv(num_candidates=candidates, forward_sampling=sampling)
    empty = torch.zeros(0, 4, 6, 6, requires_grad=True)
    out = layer(empty)
    assert out.shape == (0, 3, 6, 6)
    out.sum().backward()
    assert empty.grad.shape == (0, 4, 6, 6)


@pytest.mark.parametrize("options", [{}, {"num_candidates": 4}, {"channel_group_size": 2}])
def test_model_files_keep_weights_and_candidates(tmp_path, options):
    torch.manual_seed(4)
    model = nn.Sequential(conv(**options), OrPooling2d(2), nn.Flatten())
    save_model(model, tmp_path / "m.npz", input_shape=(4, 6, 6))
    again = load_model(tmp_path / "m.npz")
    for key, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])
    x = samples((4, 6, 6), boolean=True)
    assert torch.equal(model.eval()(x), again(x))


def test_residual_blocks_learn_wiring_but_on_the_shortcut(tmp_path):
    torch.manual_seed(5)
    block = ResidualLogicBlock(
        4, 2, 4, 1, connections="learnable", connections_kwargs={"num_candidates": 3}
    )
    learned = [name for name, _ in block.named_parameters() if "connections" in name]
    assert learned == ["main.0.connections.weights", "main.2.connections.weights"]
    save_model(block, tmp_path / "m.npz", input_shape=(2, 4, 4))
    x = samples((2, 4, 4), boolean=True)
    assert torch.equal(block.eval()(x), load_model(tmp_path / "m.npz")(x))


def test_a_damaged_file(tmp_path):
    save_model(conv(), tmp_path / "m.npz", input_shape=(4, 6, 6))
    manifest, arrays = read_archive(tmp_path / "m.npz", "model")
    arrays = {**arrays, "connections.weights": arrays["connections.weights"][1:]}
    manifest = {key: manifest[key] for key in ("input_shape", "model")}
    write_archive(tmp_path / "m.npz", "model", manifest, arrays)
    with pytest.raises(FileError, match=r"\[35, 2, 3, 2\]; its layer needs float32 \[36, 2, 3, 2"):
        load_model(tmp_path / "m.npz")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_candidates": 37}, "num_candidates 37; allowed are 1 to 36, or -1 for all"),
        ({"num_candidates": 10, "channel_group_size": 1}, "num_candidates 10; allowed are 1 to 9"),
        ({"channel_group_size": "x"}, "channel_group_size 'x'; allowed are integers from 1 to 4"),
        ({"channel_group_size": 9}, "channel_group_size 9; allowed are integers from 1 to 4"),
        ({"init_method": "grid", "num_candidates": 2}, "init_method 'grid'; allowed are random"),
        ({"indices": [0]}, "makes everything one"),
        ({"indices": [0], "num_candidates": 2}, r"shape \[1\]; allowed is \[2, 2, 3, 2, 3\]"),
        ({"seed": 1}, "connections_kwargs has seed; allowed are temperature, num_candidates"),
    ],
)
def test_messages(options, message):
    with pytest.raises(InputError, match=message):
        conv(**options)


def test_nan_weights_are_refused_in_evaluation():
    layer = conv().eval()
    with torch.no_grad():
        layer.connections.weights[2, 1, 1, 1] = float("nan")
    with pytest.raises(InputError, match="1 of 12 ends have NaN weights"):
        layer(torch.zeros(1, 4, 6, 6))


@pytest.mark.parametrize("position", [[0, 4, 0], [0, 0, 4], [1, -1, 2], [3, 0, 0]])
@pytest.mark.parametrize("training", [True, False])
def test_candidates_beyond_the_window_are_refused(position, training):
    """They do not wrap around to other positions of it."""
    layer = conv(num_candidates=3)
    state = layer.state_dict()
    state["connections.indices"][1, 0, 2, 1] = torch.tensor(position)
    layer = conv(num_candidates=3).train(training)
    layer.load_state_dict(state)
    with pytest.raises(InputError, match=r"position \[.*\]; allowed is below \[3, 3, 4\]"):
        layer(torch.zeros(1, 4, 6, 6))
