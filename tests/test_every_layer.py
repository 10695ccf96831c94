"""Every layer with every parametrisation and rank: as a circuit, and in a model file."""

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
    load_model,
    save_model,
)
from gatewright.frontend.gates.sampling import SAMPLING
from gatewright.frontend.gates.table_parametrization import PARAMETRIZATIONS


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


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(("name", "rank"), KINDS)
def test_model_files(tmp_path, layer, name, rank):
    mixture = {
        "forward_sampling": "gumbel_hard",
        "weight_init": PARAMETRIZATIONS[name].inits[-1],
        "residual_probability": 0.75,
        "temperature": 0.5,
    }
    made, shape = LAYERS[layer](
        lut_rank=rank, parametrization=name, parametrization_kwargs=mixture, grad_factor=2.0
    )
    module = randomized(made)
    save_model(module, tmp_path / "m.npz", input_shape=shape)
    found = load_model(tmp_path / "m.npz")
    x = torch.randint(2, (30, *shape)).float()
    assert torch.equal(found(x), module.eval()(x))
    torch.manual_seed(1)
    want = module.train()(x)
    torch.manual_seed(1)
    assert torch.equal(found.train()(x), want)
    for mine, theirs in zip(gate_layers(module), gate_layers(found), strict=True):
        assert type(mine) is type(theirs)
        assert mine.grad_factor == theirs.grad_factor
        assert repr(mine.parametrization) == repr(theirs.parametrization)
        options = {key: getattr(theirs.parametrization, key) for key in mixture}
        assert options == mixture
    save_model(found, tmp_path / "again.npz", input_shape=shape)
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "m.npz").read_bytes()


def gate_layers(module):
    return [child for child in module.modules() if hasattr(child, "parametrization")]
