"""Every layer with every parametrisation and rank: what is traced is what evaluation answers."""

import pytest
import torch
from conv_strategies import KINDS, randomized
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from trace_helpers import check_bits, check_scores
from training_threads import one_thread  # noqa: F401

from gatewright.frontend import (
    GroupSum,
    LogicConv2d,
    LogicConv3d,
    LogicDense,
    OrPooling2d,
    OrPooling3d,
    ResidualLogicBlock,
)
from gatewright.frontend.sampling import SAMPLING
from gatewright.frontend.table_parametrization import PARAMETRIZATIONS


def dense(**gates):
    return LogicDense(7, 7, **gates), (7,)


def conv2d(**gates):
    depth = 2 if gates["lut_rank"] < 5 else 1
    return LogicConv2d((4, 3), 2, 3, depth, (2, 3), padding=1, **gates), (2, 4, 3)


def conv3d(**gates):
    return LogicConv3d((3, 2, 3), 2, 2, 1, 2, stride=2, padding=1, **gates), (2, 3, 2, 3)


def block(**gates):
    return ResidualLogicBlock((5, 4), 2, 3, 1, downsample=True, **gates), (2, 5, 4)


LAYERS = {make.__name__: make for make in (dense, conv2d, conv3d, block)}


@st.composite
def gates(draw, name, rank):
    """Options of a layer of gates: each way to sample and to start."""
    inits = PARAMETRIZATIONS[name].inits
    torch.manual_seed(draw(st.integers(0, 99)))
    return {
        "lut_rank": rank,
        "parametrization": name,
        "parametrization_kwargs": {
            "forward_sampling": draw(st.sampled_from(SAMPLING)),
            "weight_init": draw(st.sampled_from(inits)),
            "residual_probability": draw(st.sampled_from([0.6, 0.951])),
            "temperature": draw(st.sampled_from([0.5, 1.0])),
        },
        "connections_kwargs": {"init_method": draw(st.sampled_from(["random", "random-unique"]))},
    }


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(("name", "rank"), KINDS)
@settings(max_examples=3, deadline=None)
@given(st.data())
def test_layers(layer, name, rank, data):
    module, shape = LAYERS[layer](**data.draw(gates(name, rank)))
    if data.draw(st.booleans()):
        randomized(module)
    module.train()(torch.rand(3, *shape))  # training leaves nothing behind
    check_bits(module, shape, dtype=torch.bool)


@pytest.mark.parametrize(("name", "rank"), KINDS)
@settings(max_examples=2, deadline=None)
@given(st.data())
def test_networks(name, rank, data):
    options = data.draw(gates(name, rank))
    dims = data.draw(st.sampled_from([2, 3]))
    conv, pool = ((LogicConv2d, OrPooling2d), (LogicConv3d, OrPooling3d))[dims - 2]
    model = nn.Sequential(
        conv(3, 2, 3, 1, 2, **options),
        pool(2, 1, 1),
        nn.Flatten(),
        LogicDense(3 * 3**dims, 12, **options),
        GroupSum(3, tau=2.0, beta=0.5),
    )
    x = torch.randint(2, (12, 2, *[3] * dims)).float()
    check_scores(randomized(model), x.shape[1:], x, dtype=torch.bool)
