"""ResidualLogicBlock: both ways and their OR, traced, saved, and its messages."""

import numpy as np
import pytest
import torch
from conv_strategies import KINDS, randomized
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from trace_helpers import check_bits
from training_threads import one_thread  # noqa: F401

import gatewright as gw
from gatewright.compiler import Luts, Tile
from gatewright.frontend import (
    LogicConv2d,
    OrPooling2d,
    ResidualLogicBlock,
    load_model,
    save_model,
)
from gatewright.runtime.archive import read_archive, write_archive
from gatewright.runtime.errors import FileError, InputError, TraceError


@st.composite
def blocks(draw):
    """A block of any kind, its weights normal."""
    downsample = draw(st.booleans())
    name, rank = draw(st.sampled_from([kind for kind in KINDS if kind[1] in (1, 2, 3, 6)]))
    pad = draw(st.integers(0, 2))
    least = 4 if downsample else 1
    channels = st.sampled_from([1, 2, 3])
    torch.manual_seed(draw(st.integers(0, 99)))
    block = ResidualLogicBlock(
        (least + draw(st.integers(0, 4)), least + draw(st.integers(0, 4))),
        draw(channels),
        draw(channels),
        1 if rank == 6 else 2,
        2 * pad + 1,
        pad,
        downsample,
        name,
        lut_rank=rank,
    )
    return randomized(block)


def parts(block):
    return (block.main, block.shortcut)


@settings(max_examples=15, deadline=None)
@given(blocks(), st.sampled_from([torch.bool, torch.float32]))
def test_evaluation_is_an_or_of_both_ways(block, dtype):
    x = torch.randint(2, (5, block.in_channels, *block.in_dim)).to(dtype)
    main, shortcut = (way(x).bool() for way in parts(block.eval()))
    assert torch.equal(block(x), (main | shortcut).float())
    step = 4 if block.downsample else 1
    sizes = [size // step for size in block.in_dim]
    assert main.shape == (5, block.out_channels, *sizes)


@settings(max_examples=15, deadline=None)
@given(blocks())
def test_circuits_answer_as_the_block(block):
    shape = (block.in_channels, *block.in_dim)
    circuit = check_bits(block, shape, dtype=torch.bool)
    tiles = [cell for cell in circuit.netlist.cells if isinstance(cell, Tile)]
    moved = [m for m in block.modules() if isinstance(m, OrPooling2d | LogicConv2d)]
    assert len(tiles) == len(moved)
    luts = [cell for cell in circuit.netlist.cells if isinstance(cell, Luts)]
    assert sum(len(cell.table) for cell in luts) == np.prod(block.eval()(torch.ones(shape)).shape)


def test_training_is_the_relaxed_or_and_reaches_every_weight():
    torch.manual_seed(0)
    block = randomized(ResidualLogicBlock(8, 2, 4, 2, downsample=True, parametrization="light"))
    x = torch.rand(6, 2, 8, 8, requires_grad=True)
    found = block(x)
    a, b = (way(x) for way in parts(block))
    assert torch.allclose(found, 1 - (1 - a) * (1 - b), atol=1e-6)
    assert 0 <= float(found.detach().min()) < float(found.detach().max()) <= 1
    found.sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in block.parameters())
    assert x.grad.abs().sum() > 0


def test_shortcuts():
    assert isinstance(ResidualLogicBlock(5, 3, 3).shortcut, nn.Identity)
    wider = ResidualLogicBlock(5, 3, 7).eval()
    x = torch.randint(2, (4, 3, 5, 5)).float()
    channels = torch.arange(7) % 3
    assert torch.equal(wider.shortcut(x), x[:, channels])  # "residual": gates answer their input
    smaller = ResidualLogicBlock(9, 3, 3, downsample=True)
    assert [type(layer) for layer in smaller.shortcut] == [OrPooling2d, LogicConv2d]


def test_names_and_shapes_are_the_peers():
    state = ResidualLogicBlock(8, 3, 5, 2, downsample=True).state_dict()
    assert {name: tuple(value.shape) for name, value in state.items()} == {
        "main.0.tree_weights.0": (2, 5, 16),
        "main.0.tree_weights.1": (1, 5, 16),
        "main.0.connections.indices": (2, 5, 2, 3),
        "main.2.tree_weights.0": (2, 5, 16),
        "main.2.tree_weights.1": (1, 5, 16),
        "main.2.connections.indices": (2, 5, 2, 3),
        "shortcut.1.tree_weights.0": (1, 5, 4),
        "shortcut.1.connections.indices": (1, 5, 1, 3),
    }


def test_the_options_reach_both_convolutions():
    block = ResidualLogicBlock(
        4, 4, 4, 2, parametrization="warp", lut_rank=4, grad_factor=2.0,
        parametrization_kwargs={"temperature": 0.5},
        connections_kwargs={"channel_group_size": 2},
    )  # fmt: skip
    for layer in block.convolutions().values():
        assert (layer.lut_rank, layer.grad_factor) == (4, 2.0)
        assert layer.parametrization.temperature == 0.5
        assert layer.connections.channel_group_size == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"padding": 0}, r"\[8, 8\] become \[0, 0\] by the convolutions"),
        ({"downsample": 1}, "downsample is 1, which is out of range"),
        ({"out_channels": 2**31 - 1}, r"array main.0.tree_weights.0 .* needs .* \[2, 2147483647"),
        ({"in_channels": 1}, "indices name the position"),
        ({"tree_depth": 3}, r"tree_weights.0 is float32 \[2, 5, 16\]; its layer needs .* \[4, 5"),
    ],
)
def test_files_that_contradict_themselves(tmp_path, change, message):
    torch.manual_seed(0)
    path = tmp_path / "m.npz"
    save_model(ResidualLogicBlock(8, 3, 5, 2, downsample=True), path, input_shape=(3, 8, 8))
    manifest, arrays = read_archive(path, "model")
    manifest["model"]["options"].update(change)
    write_archive(
        path, "model", {key: manifest[key] for key in ("input_shape", "model")}, dict(arrays)
    )
    with pytest.raises(FileError, match=message):
        load_model(path)


def block(**options):
    return lambda: ResidualLogicBlock(
        **{"in_dim": 8, "in_channels": 2, "out_channels": 3} | options
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (block(in_dim=(8, 8, 8)), r"ResidualLogicBlock: in_dim \(8, 8, 8\); allowed is an integer"),
        (block(in_channels=0), "ResidualLogicBlock: in_channels 0; allowed are integers from 1"),
        (block(out_channels=2.0), "out_channels 2.0; allowed are integers from 1"),
        (block(padding=-1), "padding -1; allowed are integers from 0"),
        (
            block(receptive_field_size=2),
            r"\[8, 8\] become \[10, 10\] by the convolutions and \[8, 8\] by the shortcut; .* odd",
        ),
        (block(in_dim=3, downsample=True), r"\[3, 3\] become \[0, 0\] by .* and \[0, 0\]"),
        (block(tree_depth=0), "LogicConv2d: tree_depth 0; allowed are integers from 1"),
        (block(parametrization="x"), "LogicConv2d: parametrization='x'; allowed is 'raw'"),
    ],
)
def test_messages(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_wrong_input_is_refused():
    with pytest.raises(InputError, match=r"LogicConv2d: input of shape \[2, 3, 8, 8\]"):
        block()()(torch.zeros(2, 3, 8, 8))
    with pytest.raises(
        TraceError, match=r"in `main.0` \(LogicConv2d\): LogicConv2d: input of shape"
    ):
        gw.trace(block()(), (3, 8, 8), dtype=torch.bool)
