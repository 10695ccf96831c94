"""LogicConv2d and LogicConv3d: exact gates, exact gradients, wiring and messages."""

from itertools import product

import pytest
import torch
from conv_strategies import layers, randomized
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from training_threads import one_thread  # noqa: F401

from gatewright.frontend import FixedConvConnections, LogicConv2d, LogicConv3d
from gatewright.frontend.gates.functional import gate_tables
from gatewright.runtime.errors import InputError


def reference(layer, x, gates):
    """The definition, window by window; `gates` [batch, nodes, kernels, k] to answers a level."""
    x = F.pad(x, [layer.padding] * 2 * layer.dims)
    sizes = zip(x.shape[2:], layer.receptive_field_size, strict=True)
    starts = [range(0, size - field + 1, layer.stride) for size, field in sizes]
    found = [_tree(layer, x, start, gates) for start in product(*starts)]
    return torch.stack(found, dim=2).unflatten(2, [len(places) for places in starts])


def _tree(layer, x, start, gates):
    *spots, channel = layer.connections.indices.unbind(-1)
    at = [spot + first for spot, first in zip(spots, start, strict=True)]
    ends = x[(slice(None), channel, *at)].permute(0, 3, 2, 1)  # [batch, nodes, kernels, k]
    for level in gates[:-1]:
        ends = level(ends).unflatten(1, (-1, layer.lut_rank)).movedim(2, -1)
    return gates[-1](ends)[:, 0]


def discrete(table):
    """Gates of the truth tables [nodes, kernels, 2**k]."""
    return lambda ends: (rows_of(ends) * table).sum(-1)


def relaxed(layer, weight):
    """Gates in training, by the definition of each parametrisation."""
    name, rank = layer.parametrization.name, layer.lut_rank
    temperature, rows = layer.parametrization.temperature, 1 << rank
    if name == "raw":
        return discrete(torch.softmax(weight / temperature, -1) @ gate_tables(rank).double())
    if name == "light":
        return discrete(torch.sigmoid(weight / temperature))
    signs = [[(-1.0) ** (i & j).bit_count() for j in range(rows)] for i in range(rows)]
    logits = discrete(-(weight @ torch.tensor(signs, dtype=weight.dtype)))
    return lambda ends: torch.sigmoid(logits(ends) / temperature)


def rows_of(ends):
    """How much of each row of a truth table [..., 2**k] the inputs [..., k] are."""
    patterns = list(product([0, 1], repeat=ends.shape[-1]))
    at = torch.tensor(patterns, dtype=torch.bool)
    return torch.where(at, ends.unsqueeze(-2), 1 - ends.unsqueeze(-2)).prod(-1)


@settings(max_examples=25, deadline=None)
@given(layers(), st.integers(0, 3))
def test_gradients_equal_float64_autograd(layer, batch):
    x = torch.rand(batch, *layer.in_shape, requires_grad=True)
    wide = x.detach().double().requires_grad_()
    weights = [w.detach().double().requires_grad_() for w in layer.tree_weights]
    gates = [relaxed(layer, weight) for weight in weights]
    found, want = layer(x), reference(layer, wide, gates)
    up = torch.randn(found.shape)
    found.backward(up)
    want.backward(up.double())
    assert torch.allclose(found.double(), want, atol=1e-5)
    assert torch.allclose(x.grad.double(), layer.grad_factor * wide.grad, atol=1e-4)
    for mine, theirs in zip(layer.tree_weights, weights, strict=True):
        assert torch.allclose(mine.grad.double(), theirs.grad, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(layers(), st.sampled_from([torch.bool, torch.uint8, torch.float32, torch.float64]))
def test_evaluation_is_exact(layer, dtype):
    x = torch.randint(2, (5, *layer.in_shape)).to(dtype)
    gates = [discrete(torch.stack(level).float()) for level in layer.get_luts()]
    found = layer.eval()(x)
    assert found.dtype == torch.float32
    assert torch.equal(found, reference(layer, x.float(), gates))


@pytest.mark.parametrize("kind", ["raw", "warp", "light"])
def test_an_empty_batch_has_gradients_of_zero(kind):
    layer = LogicConv2d(4, 2, 3, 2, parametrization=kind)
    x = torch.rand(0, 2, 4, 4, requires_grad=True)
    found = layer(x)
    found.sum().backward()
    assert found.shape == (0, 3, 3, 3)
    assert all((weight.grad == 0).all() for weight in layer.parameters())
    assert x.grad.shape == x.shape


def sampled(how):
    torch.manual_seed(3)
    options = {"weight_init": "random", "forward_sampling": how}
    return LogicConv2d(5, 2, 4, 3, 3, padding=1, parametrization_kwargs=options)


def test_hard_sampling_answers_as_evaluation_and_learns_in_all_levels():
    layer = sampled("hard")
    x = torch.randint(2, (20, 2, 5, 5)).float()
    found = layer(x)
    assert torch.equal(found, layer.eval()(x))
    found.backward(torch.randn(found.shape))
    assert all(weight.grad.abs().sum() > 0 for weight in layer.tree_weights)


def test_hard_sampling_of_a_single_level_learns_as_soft():
    x, up = torch.randint(2, (20, 2, 5, 5)).float(), torch.randn(20, 4, 3, 3)
    grads = []
    for how in ("hard", "soft"):
        torch.manual_seed(3)
        options = {"weight_init": "random", "forward_sampling": how}
        layer = LogicConv2d(5, 2, 4, 1, 3, parametrization_kwargs=options)
        layer(x).backward(up)
        grads.append(layer.tree_weights[0].grad)
    assert torch.allclose(*grads, atol=1e-4)


@pytest.mark.parametrize("how", ["gumbel_soft", "gumbel_hard"])
def test_gumbel_sampling_is_one_draw_for_all_places(how):
    layer = sampled(how)
    x = torch.randint(2, (1, 2, 1, 1)).float().expand(7, 2, 5, 5)

    def answer(seed):
        torch.manual_seed(seed)
        return layer(x)

    found = answer(1)
    assert torch.equal(found, answer(1))
    assert not torch.equal(found, answer(2))
    inner = found[..., 1:-1, 1:-1]  # where no padding is read
    assert torch.equal(inner, inner[:1, :, :1, :1].expand_as(inner))
    found.sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in layer.tree_weights)
    layer.eval()
    assert torch.equal(answer(1), answer(2))


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 3])
def test_shapes_are_those_of_a_convolution(stride, padding):
    layer = LogicConv2d((9, 6), 2, 5, 2, (3, 4), stride=stride, padding=padding)
    want = nn.Conv2d(2, 5, (3, 4), stride=stride, padding=padding)(torch.rand(2, 2, 9, 6)).shape
    assert layer(torch.rand(2, 2, 9, 6)).shape == want
    assert (*layer.kernel_positions,) == want[2:]
    assert layer.n_kernel_positions == want[2] * want[3]
    solid = LogicConv3d(5, 2, 4, 1, 3, stride=stride, padding=padding)
    want = nn.Conv3d(2, 4, 3, stride=stride, padding=padding)(torch.rand(1, 2, 5, 5, 5)).shape
    assert solid(torch.rand(1, 2, 5, 5, 5)).shape == want


def test_leading_dimensions():
    layer = LogicConv2d(4, 2, 3, 2)
    x = torch.rand(2, 3, 2, 4, 4)
    assert layer(x).shape == (2, 3, 3, 3, 3)
    assert torch.allclose(layer(x)[1, 2], layer(x[1, 2]))
    assert layer(x[:, :0]).shape == (2, 0, 3, 3, 3)


def test_names_and_shapes_are_the_peers():
    layer = LogicConv2d(6, num_kernels=5, tree_depth=3, receptive_field_size=3)
    shapes = {name: tuple(value.shape) for name, value in layer.state_dict().items()}
    assert shapes == {
        "tree_weights.0": (4, 5, 16),
        "tree_weights.1": (2, 5, 16),
        "tree_weights.2": (1, 5, 16),
        "connections.indices": (2, 5, 4, 3),
    }
    luts, ids = layer.get_luts_and_ids()
    assert [[tuple(node.shape) for node in level] for level in luts] == [
        [(5, 4)] * 4, [(5, 4)] * 2, [(5, 4)],
    ]  # fmt: skip
    assert all((node == 3).all() for level in ids for node in level)  # "residual": the gate `a`


def test_ids_of_several_inputs():
    layer = randomized(conv(parametrization="light", lut_rank=3)())
    luts, ids = layer.get_luts_and_ids()
    read = [int("".join(map(str, row)), 2) for row in luts[0][2].int().tolist()]
    assert ids[0][2].tolist() == read
    assert [len(level) for level in ids] == [3, 1]


def test_penalties_and_scaling_reach_all_levels():
    layer = randomized(conv(parametrization="warp")())
    every = torch.cat([weight.flatten(0, 1) for weight in layer.tree_weights])  # [gates, 4]
    want = (1 - every.square().sum(1)).square()
    assert torch.allclose(layer.get_regularization_loss("L2"), want)
    layer.get_regularization_loss("warp").backward()
    assert all((weight.grad[..., 3] < 0).all() for weight in layer.tree_weights)
    assert layer.get_regularization_loss(None) == 0.0
    layer.rescale_weights("L2")
    assert torch.allclose(layer.get_regularization_loss("L2"), torch.zeros(6), atol=1e-6)


def test_same_seed_same_layer_and_step():
    def step():
        torch.manual_seed(7)
        model = nn.Sequential(LogicConv2d(6, 2, 5, 2, 3), LogicConv2d(4, 5, 4, 2, 2, padding=1))
        model(torch.rand(9, 2, 6, 6)).square().sum().backward()
        return [p.grad.clone() for p in model.parameters()]

    for first, second in zip(step(), step(), strict=True):
        assert torch.equal(first, second)


def test_wiring_made_in_inference_mode_serves_training():
    layer = LogicConv2d(5, 2, 3, 2, padding=1)
    x = torch.rand(2, 2, 5, 5, requires_grad=True)
    with torch.inference_mode():
        before = layer(x)
        born = LogicConv2d(5, 2, 3, 2)
        born(torch.rand(2, 2, 5, 5))
    after = layer(x)
    after.sum().backward()
    assert torch.equal(before, after)
    assert x.grad is not None


def test_wiring_follows_what_is_loaded():
    layer, other = LogicConv2d(5, 2, 3, 2), LogicConv2d(5, 2, 3, 2)
    x = torch.rand(2, 2, 5, 5)
    assert not torch.equal(layer(x), other(x))
    layer.load_state_dict(other.state_dict())
    assert torch.equal(layer(x), other(x))
    assert layer.double()(x).dtype == torch.float64


def connections(**options):
    sizes = {"in_dim": (5, 5), "channels": 6, "num_kernels": 40, "tree_depth": 3}
    window = {"receptive_field_size": (2, 3), "stride": 1, "padding": 0}
    return FixedConvConnections(**{**sizes, **window, **options})


def test_random_wiring_reaches_all_of_the_window():
    found = connections(num_kernels=400).indices
    assert found.dtype == torch.int64
    assert found.flatten(0, 2).unique(dim=0).shape[0] == 2 * 3 * 6


def test_random_unique_pairs():
    found = connections(init_method="random-unique", channels=1).indices
    numbers = found[..., 0] * 3 + found[..., 1]  # [2, kernels, gates]
    low, high = numbers.sort(0).values
    assert (low < high).all()
    for pairs in (low * 6 + high).tolist():
        assert len(set(pairs)) == len(pairs)


@pytest.mark.parametrize("method", ["random", "random-unique"])
@pytest.mark.parametrize("group", [1, 2, 4])
def test_channel_groups(method, group):
    depth = 2 if group == 1 else 3
    wiring = connections(channel_group_size=group, init_method=method, tree_depth=depth).indices
    for k in range(40):
        leaves = wiring[:, k].flatten(0, 1)
        first = k % (6 - group + 1)
        counts = torch.bincount(leaves[:, 2], minlength=6)
        assert counts.tolist() == [
            2**depth // group if first <= channel < first + group else 0 for channel in range(6)
        ]
        if method == "random-unique":
            assert leaves.unique(dim=0).shape == leaves.shape


def conv(dims=2, **options):
    sizes = {"in_dim": 4, "channels": 3, "num_kernels": 2, "tree_depth": 2}
    return lambda: (LogicConv2d if dims == 2 else LogicConv3d)(**{**sizes, **options})


def wired(**options):
    return conv(connections_kwargs=options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (conv(in_dim=0), "LogicConv2d: in_dim 0; allowed is an integer from 1, or 2 of them"),
        (conv(in_dim=(4, 4, 4)), r"in_dim \(4, 4, 4\); allowed"),
        (conv(3, in_dim=(4, 4)), r"LogicConv3d: in_dim \(4, 4\); .* or 3 of them"),
        (conv(in_dim=4.0), "in_dim 4.0"),
        (conv(channels=0), "channels 0; allowed are integers from 1"),
        (conv(num_kernels=True), "num_kernels True; allowed are integers from 1"),
        (conv(tree_depth=None), "tree_depth None; allowed are integers from 1 to 16"),
        (conv(tree_depth=17), "tree_depth 17"),
        (conv(tree_depth=0), "tree_depth 0"),
        (conv(receptive_field_size=0), "receptive_field_size 0; allowed"),
        (
            conv(receptive_field_size=(7, 3), padding=1),
            r"receptive_field_size \[7, 3\] on an input of \[6, 6\] with its padding; allowed is",
        ),
        (conv(stride=0), "stride 0; allowed are integers from 1"),
        (conv(stride=(1, 1)), r"stride \(1, 1\); allowed are integers from 1"),
        (
            conv(receptive_field_size=(3, 2), stride=3),
            r"stride 3 for a receptive field of \[3, 2\]; allowed is at most 2",
        ),
        (conv(padding=-1), "padding -1; allowed are integers from 0"),
        (conv(in_dim=2**15), "3221225472 inputs and .* outputs; allowed are at most 2147483647"),
        (conv(padding=2**15), "outputs; allowed are at most 2147483647"),
        (conv(lut_rank=4), "lut_rank=4; allowed is 1 or 2 for parametrization 'raw'"),
        (conv(parametrization="x"), "LogicConv2d: parametrization='x'; allowed is 'raw', 'warp'"),
        (
            conv(lut_rank=6, tree_depth=7, parametrization="warp"),
            r"tree_depth 7; allowed are integers from 1 to 6; a kernel reads 6\*\*tree_depth",
        ),
        (
            conv(parametrization_kwargs={"forward_sampling": "x"}),
            "forward_sampling='x'; allowed is 'soft', 'hard', 'gumbel_soft' or 'gumbel_hard'",
        ),
        (conv(connections="grid"), "connections='grid'; allowed is 'fixed' or 'learnable'"),
        (
            conv(3, parametrization_kwargs={"tau": 1.0}),
            "LogicConv3d: parametrization_kwargs has tau; allowed are weight_init",
        ),
        (wired(seed=1), "connections_kwargs has seed; allowed are init_method, channel_group_size"),
        (wired(init_method="grid"), "init_method 'grid'; allowed are random, random-unique"),
        (
            conv(
                channels=1,
                receptive_field_size=(1, 2),
                connections_kwargs={"init_method": "random-unique"},
            ),
            "2 gates of 2 inputs on 2 features; allowed are at most 1 gates",
        ),
        (
            wired(channel_group_size=4),
            "channel_group_size 4; allowed are integers from 1 to 3, the channels, or None",
        ),
        (wired(channel_group_size=0), "channel_group_size 0"),
        (
            wired(channel_group_size=3),
            "channel_group_size 3 for 4 leaves a kernel; allowed are div",
        ),
        (
            conv(
                tree_depth=3,
                connections_kwargs={"channel_group_size": 1, "init_method": "random-unique"},
            ),
            "random-unique for 8 leaves a channel in a receptive field of 4; allowed are at most 4",
        ),
        (
            wired(indices=torch.zeros(2, 2, 3, 3, dtype=torch.int64)),
            r"indices of shape \[2, 2, 3, 3\]; allowed is \[2, 2, 2, 3\]",
        ),
        (wired(indices=torch.zeros(2, 2, 2, 3)), "indices of torch.float32; allowed are integers"),
        (
            wired(indices=torch.full((2, 2, 2, 3), 2)),
            r"the position \[2, 2, 2\]; allowed is below \[2, 2, 3\], and from 0",
        ),
        (wired(indices=torch.full((2, 2, 2, 3), -1)), r"the position \[-1, -1, -1\]"),
    ],
)
def test_messages(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (2, 1, 4, 4), (4, 4), ()])
def test_wrong_input_is_refused(shape):
    with pytest.raises(InputError, match=r"LogicConv2d: input of shape .* \[\.\.\., 3, 4, 4\]"):
        conv()()(torch.zeros(shape))


def test_nan_weights_are_refused_in_evaluation():
    layer = conv()().eval()
    with torch.no_grad():
        layer.tree_weights[1][0, 1, 3] = float("nan")
    for ask in (lambda: layer(torch.ones(1, 3, 4, 4)), layer.get_luts, layer.get_luts_and_ids):
        with pytest.raises(InputError, match="1 of 2 gates have NaN weights, the first is gate 1"):
            ask()


def test_shows_its_arguments():
    text = repr(conv(receptive_field_size=(2, 3))())
    assert "(4, 4), channels=3, num_kernels=2, tree_depth=2, receptive_field_size=(2, 3)" in text
    assert "init_method=random, channel_group_size=None" in text
