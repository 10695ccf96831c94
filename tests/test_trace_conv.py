"""Convolutions and pooling as circuits: exact, and one tile a layer."""

import numpy as np
import pytest
import torch
from conv_strategies import layers, randomized
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from trace_helpers import check_bits, check_scores

import gatewright as gw
from gatewright.compiler import Tile
from gatewright.frontend import (
    FixedBinarization,
    GroupSum,
    LogicConv2d,
    LogicConv3d,
    LogicDense,
    OrPooling2d,
    OrPooling3d,
    ResidualLogicBlock,
    load_model,
    save_model,
)
from gatewright.runtime.errors import TraceError

RANDOM = {"weight_init": "random"}


@settings(max_examples=40, deadline=None)
@given(layers())
def test_any_convolution(layer):
    circuit = check_bits(layer, layer.in_shape, dtype=torch.bool)
    (tile,) = circuit.netlist.cells
    assert isinstance(tile, Tile)
    assert tile.places == layer.n_kernel_positions
    assert len(tile.body.outputs) == layer.num_kernels


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_pooling(data):
    dims = data.draw(st.sampled_from([2, 3]))
    kernel = data.draw(st.tuples(*[st.integers(1, 3)] * dims))
    stride = data.draw(st.tuples(*[st.integers(1, 3)] * dims))
    padding = tuple(data.draw(st.integers(0, size // 2)) for size in kernel)
    sizes = [size + data.draw(st.integers(0, 3)) for size in kernel]
    pool = (OrPooling2d if dims == 2 else OrPooling3d)(kernel, stride, padding)
    circuit = check_bits(pool, (2, *sizes), dtype=torch.bool)
    assert all(isinstance(cell, Tile) for cell in circuit.netlist.cells)


def small():
    """Padding, strides, channel groups, pooling, a block and a head on a 2 x 9 x 8 image."""
    torch.manual_seed(5)
    grouped = {"channel_group_size": 2}
    model = nn.Sequential(
        FixedBinarization([0.3, 0.6], feature_dim=1),
        LogicConv2d((9, 8), 4, 6, 2, 3, padding=1, connections_kwargs=grouped),
        OrPooling2d(kernel_size=2, stride=2, padding=1),
        ResidualLogicBlock(5, 6, 6, 1, parametrization="warp", lut_rank=3),
        LogicConv2d((5, 5), 6, 8, 2, (2, 3), stride=2, parametrization="light", lut_rank=3),
        nn.Flatten(),
        LogicDense(8 * 2 * 2, 60, parametrization="light", lut_rank=4),
        GroupSum(3, tau=2.0),
    )
    return randomized(model)


def test_small_network_by_every_target(tmp_path):
    model = small()
    circuit = check_scores(model, (2, 9, 8))
    x = torch.rand(100, 2, 9, 8)
    want = model(x).detach().numpy()
    for target in ("c", "numpy"):
        np.testing.assert_array_equal(gw.compile(circuit, target).scores(x), want)
    assert gw.equivalent(circuit, gw.optimize(circuit))
    paths = gw.emit(gw.optimize(circuit), "verilog", tmp_path, vectors=x[:3], feature_bits=0)
    text = "".join(path.read_text() for path in paths)
    assert text.count("endmodule") > 3  # the design, its testbench, and a module a body


def test_model_files(tmp_path):
    model = small()
    save_model(model, tmp_path / "m.npz", input_shape=(2, 9, 8))
    found = load_model(tmp_path / "m.npz")
    x = torch.rand(20, 2, 9, 8)
    assert torch.equal(found(x), model.eval()(x))
    assert torch.equal(found.train()(x), model.train()(x))
    save_model(found, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "m.npz").read_bytes()
    solid = nn.Sequential(
        LogicConv3d(4, 2, 3, 2, 2, padding=1, grad_factor=2.0, parametrization_kwargs=RANDOM),
        OrPooling3d(2, 1, 1),
    )
    save_model(solid, tmp_path / "solid.npz", input_shape=(2, 4, 4, 4))
    found = load_model(tmp_path / "solid.npz")
    x = torch.randint(2, (5, 2, 4, 4, 4)).float()
    assert torch.equal(found(x), solid.eval()(x))
    assert found[0].grad_factor == 2.0


def test_the_readme_model_of_torchlogix():
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        FixedBinarization(thresholds=[0.0]),
        LogicConv2d(in_dim=28, channels=1, num_kernels=16, tree_depth=2, receptive_field_size=3),
        OrPooling2d(kernel_size=2, stride=2, padding=0),
        torch.nn.Flatten(),
        LogicDense(16 * 13 * 13, 4_000),
        LogicDense(4_000, 4_000),
        GroupSum(k=10, tau=8),
    )
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn_like(weight))  # as if trained: not all gates answer `a`
    x = (torch.rand(30, 1, 28, 28) - 0.7).clamp(min=0)
    circuit = check_scores(model, (1, 28, 28), x)
    tiles = [cell for cell in circuit.netlist.cells if isinstance(cell, Tile)]
    assert [(tile.places, len(tile.body.outputs)) for tile in tiles] == [(676, 16), (2704, 1)]
    compiled = gw.compile(circuit, "numpy")
    np.testing.assert_array_equal(compiled.scores(x), model(x).detach().numpy())


def test_several_images_at_once_and_views():
    class Pairs(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = LogicConv2d(4, 1, 3, 2, 2, parametrization_kwargs=RANDOM)

        def forward(self, x):
            halves = x.unflatten(1, (2, 1))  # [n, 2, 1, 4, 4]
            found = self.conv(halves)
            return found.transpose(1, 2) * self.conv(halves).transpose(1, 2)

    circuit = check_bits(Pairs(), (2, 4, 4), dtype=torch.bool)
    assert isinstance(circuit.netlist.cells[0], Tile)
    assert circuit.netlist.cells[0].places == 2 * 9


def test_padding_is_net_0():
    circuit = gw.trace(LogicConv2d(1, tree_depth=2, receptive_field_size=3, padding=1), (1, 1, 1))
    (tile,) = circuit.netlist.cells
    assert set(tile.fanin.ravel().tolist()) <= {0, 2}


def broken():
    layer = LogicConv2d(4, tree_depth=2)
    with torch.no_grad():
        layer.tree_weights[1][0, 5, 0] = float("inf")
    return layer


@pytest.mark.parametrize(
    ("module", "shape", "message"),
    [
        (
            LogicConv2d(4, 2, tree_depth=1),
            (2, 4, 5),
            r"LogicConv2d: input of shape \[1, 2, 4, 5\]; allowed is \[\.\.\., 2, 4, 4\]",
        ),
        (broken(), (1, 4, 4), "LogicConv2d, level 1: 1 of 16 gates .* the first is gate 5"),
        (OrPooling2d(3), (1, 2, 2), r"OrPooling2d: input of shape \[1, 1, 2, 2\] for windows of"),
        (nn.Sequential(GroupSum(4), nn.Unflatten(1, (1, 2, 2)), OrPooling2d(2)), (8,), "counts"),
    ],
)
def test_refusals(module, shape, message):
    with pytest.raises(TraceError, match=message):
        gw.trace(module, shape, dtype=torch.bool)
