"""The same as `test_importing`, with the libraries themselves, where they are installed."""

import contextlib
import importlib
import io
import warnings

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn

import gatewright as gw
from gatewright.frontend.importing import convert, load_peer_state


def peer(name, *parts):
    """Names of another library; skips where it is not installed."""
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            module = importlib.import_module(name)
    except (ImportError, SyntaxError) as error:
        pytest.skip(f"{name} is not installed: {error}")
    return [getattr(module, part) for part in parts]


def bits(*shape):
    return torch.randint(0, 2, shape).float()


def compare(model, x):
    model.eval()
    made = convert(model)
    with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
        wanted = model(x)
        assert torch.equal(made(x), wanted)
        assert torch.allclose(made.train()(x), model.train()(x), atol=1e-5)
    model.eval()
    circuit = gw.trace(model, input_shape=tuple(x.shape[1:]))
    assert np.array_equal(circuit.scores(x.numpy()), wanted.numpy())
    return made


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("kind", "rank"), [("raw", 2), ("warp", 4), ("light", 6)])
def test_torchlogix_dense(kind, rank, seed):
    dense, total = peer("torchlogix.layers", "LogicDense", "GroupSum")
    torch.manual_seed(seed)
    options = {"parametrization": kind, "lut_rank": rank}
    options["parametrization_kwargs"] = {"weight_init": "random"}
    learned = {"connections": "learnable", "connections_kwargs": {"num_candidates": 3}}
    model = nn.Sequential(
        dense(20, 40, **options, **learned), dense(40, 30, **options), total(3, tau=3.0, beta=2.0)
    )
    made = compare(model, bits(200, 20))
    state = model.state_dict()
    fresh = convert(model)
    for parameter in fresh.parameters():
        parameter.data.normal_()
    x = bits(100, 20)
    assert torch.equal(load_peer_state(fresh, state)(x), made.eval()(x))


@pytest.mark.parametrize("seed", range(3))
def test_torchlogix_convolutions(seed):
    conv, pool, dense, total = peer(
        "torchlogix.layers", "LogicConv2d", "OrPooling2d", "LogicDense", "GroupSum"
    )
    (block,) = peer("torchlogix.modules.resblock", "ResidualLogicBlock")
    torch.manual_seed(seed)
    drawn = {"parametrization_kwargs": {"weight_init": "random"}}
    grouped = {"connections_kwargs": {"channel_group_size": 2}}
    model = nn.Sequential(
        conv(8, 3, 6, 2, 3, padding=1, **drawn, **grouped),
        block(8, 6, 6, tree_depth=2, **drawn),
        pool(2, 2),
        nn.Flatten(),
        dense(96, 60, **drawn),
        total(3),
    )
    compare(model, bits(20, 3, 8, 8))


def test_torchlogix_circuits(tmp_path):
    dense, total = peer("torchlogix.layers", "LogicDense", "GroupSum")
    (kind,) = peer("torchlogix.circuit", "Circuit")
    torch.manual_seed(0)
    drawn = {"parametrization_kwargs": {"weight_init": "random"}}
    model = nn.Sequential(dense(12, 30, **drawn), dense(30, 20, **drawn), total(4, 2.0, -3.0))
    x = bits(300, 12)
    wanted = model.eval()(x).detach().numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        circuit = kind.from_model(model, [12])
    for _ in range(2):
        circuit.write_json(str(tmp_path / "c.json"))
        assert np.array_equal(gw.read(tmp_path / "c.json").scores(x.numpy()), wanted)
        circuit.simplify()


def test_difflogic():
    layer, total = peer("difflogic", "LogicLayer", "GroupSum")
    if "device" not in layer.__init__.__code__.co_varnames:
        pytest.skip("difflogic on the path is convlogic's copy")
    torch.manual_seed(0)
    model = nn.Sequential(
        layer(30, 60, device="cpu", connections="unique"),
        layer(60, 40, device="cpu", grad_factor=2.0),
        total(4, 10.0, device="cpu"),
    )
    compare(model, bits(300, 30))


def test_convlogic():
    (conv,) = peer("convlogic.convlogic_layer", "ConvLogicLayer")
    layer, total = peer("difflogic", "LogicLayer", "GroupSum")
    torch.manual_seed(0)
    own = {"implementation": "python"}
    model = nn.Sequential(
        conv(3, 8, complete=True, groups=2, **own),
        nn.Flatten(),
        layer(72, 60, **own),
        total(3, 6.5),
    )
    compare(model, bits(3, 3, 6, 6))
