"""Transposed convolutions: the same trees on a spread input, traced, saved, and messages."""

import pytest
import torch
from conv_strategies import KINDS, randomized
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from trace_helpers import check_bits
from training_threads import one_thread  # noqa: F401

from gatewright.compiler import Tile
from gatewright.frontend import (
    LogicConv2d,
    LogicConv3d,
    LogicConvTranspose2d,
    LogicConvTranspose3d,
    load_model,
    save_model,
)
from gatewright.runtime.errors import InputError


@st.composite
def transposed(draw):
    """A transposed convolution of any shape and kind, with a window of equal sides."""
    dims = draw(st.sampled_from([2, 2, 3]))
    field, size = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    stride, padding = draw(st.integers(1, field)), draw(st.integers(0, field - 1))
    name, rank = draw(st.sampled_from([kind for kind in KINDS if kind[1] < 5]))
    more = draw(st.tuples(*[st.integers(0, stride - 1)] * dims))
    if (size - 1) * stride - 2 * padding + field < 1:
        padding = 0
    torch.manual_seed(draw(st.integers(0, 99)))
    return randomized(
        (LogicConvTranspose2d if dims == 2 else LogicConvTranspose3d)(
            (size, *[size + 1] * (dims - 1)), 2, 3, draw(st.integers(1, 2)), field, stride, padding,
            more, lut_rank=rank, parametrization=name,
        )
    )  # fmt: skip


def spread(layer, x):
    """The input with zeros between its values, and `output_padding` of them at the end."""
    sizes = [
        (size - 1) * layer.stride + 1 + more
        for size, more in zip(layer.in_dim, layer.output_padding, strict=True)
    ]
    found = x.new_zeros(*x.shape[:2], *sizes)
    steps = [slice(0, (size - 1) * layer.stride + 1, layer.stride) for size in layer.in_dim]
    found[(..., *steps)] = x
    return found


def plain(layer):
    """A convolution with the same trees, for the spread input."""
    zeros = torch.zeros(1, *layer.in_shape)
    found = (LogicConv2d if layer.dims == 2 else LogicConv3d)(
        tuple(spread(layer, zeros).shape[2:]),
        layer.channels,
        layer.num_kernels,
        layer.tree_depth,
        layer.receptive_field_size,
        padding=layer.receptive_field_size[0] - 1 - layer.padding,
        lut_rank=layer.lut_rank,
        parametrization=layer.parametrization.name,
    )
    found.load_state_dict(layer.state_dict())
    return found


@settings(max_examples=30, deadline=None)
@given(transposed(), st.booleans())
def test_it_is_a_convolution_of_the_spread_input(layer, training):
    layer.train(training)
    x = torch.rand(3, *layer.in_shape)
    x = (x if training else (x > 0.5).float()).requires_grad_()
    want = plain(layer).train(training)(spread(layer, x))
    found = layer(x)
    assert torch.allclose(found, want, atol=1e-6)
    if training:
        up = torch.rand(found.shape)
        (mine,), (theirs,) = (torch.autograd.grad(y, x, up) for y in (found, want))
        assert torch.allclose(mine, theirs, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(transposed())
def test_circuits_and_files(tmp_path_factory, layer):
    circuit = check_bits(layer, layer.in_shape, dtype=torch.bool)
    (tile,) = circuit.netlist.cells
    assert isinstance(tile, Tile)
    assert tile.places == layer.n_kernel_positions
    path = tmp_path_factory.mktemp("transposed") / "m.npz"
    save_model(layer, path, input_shape=layer.in_shape)
    x = torch.randint(2, (9, *layer.in_shape)).float()
    assert torch.equal(load_model(path)(x), layer.eval()(x))


@pytest.mark.parametrize(("stride", "padding", "more"), [(1, 0, 0), (2, 1, (1, 0)), (3, 2, 2)])
def test_shapes_are_those_of_a_transposed_convolution(stride, padding, more):
    layer = LogicConvTranspose2d((4, 5), 2, 3, 2, (3, 4), stride, padding, more)
    x = torch.rand(2, 2, 4, 5)
    want = nn.ConvTranspose2d(2, 3, (3, 4), stride, padding, more)(x).shape
    assert layer(x).shape == want
    assert (*layer.kernel_positions,) == want[2:]
    assert "output_padding=" in repr(layer)


def conv(**options):
    sizes = {"in_dim": 3, "tree_depth": 1, "receptive_field_size": (3, 2), "stride": 2}
    return lambda: LogicConvTranspose2d(**{**sizes, **options})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            conv(stride=3),
            r"LogicConvTranspose2d: stride 3 for a receptive field of \[3, 2\]; allow",
        ),
        (conv(padding=2), r"padding 2 for a receptive field of \[3, 2\]; allowed is at most 1"),
        (conv(output_padding=2), r"output_padding \[2, 2\] for stride 2; allowed is at most 1"),
        (conv(output_padding=-1), "output_padding -1; allowed is an integer from 0, or 2 of them"),
        (
            conv(in_dim=1, padding=1, stride=1),
            r"in_dim \[1, 1\] becomes \[1, 0\]; allowed are sizes from 1; use less padding",
        ),
        (conv(connections="learnable"), "connections='learnable'; allowed is 'fixed'"),
    ],
)
def test_messages(make, message):
    with pytest.raises(InputError, match=message):
        make()
