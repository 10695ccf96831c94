"""Convolutions keep their function through every level and the passes on tiles."""

from __future__ import annotations

import numpy as np
import pytest

import gatewright as gw
from gatewright.compiler import Netlist
from gatewright.compiler.netlist import Tile
from gatewright.compiler.optimize import optimize
from gatewright.compiler.passes.specialize import Specialize
from gatewright.compiler.passes.unroll import UnrollSmall
from gatewright.compiler.simulate import simulate_words
from gatewright.compiler.stats import n_gates

torch = pytest.importorskip("torch", reason="needs PyTorch")

RANDOM = {"weight_init": "random"}
PASSES = {
    "specialize": [Specialize()],
    "unroll": [UnrollSmall()],
    "both": [UnrollSmall(500), Specialize(), UnrollSmall(500)],
}


def network(size: int, kernels: int, threshold: float):
    """Two padded convolutions of random gates with pooling behind each, of square images."""
    from gatewright.frontend import FixedBinarization, GroupSum, LogicDense, OrPooling2d

    torch.manual_seed(0)
    return torch.nn.Sequential(
        FixedBinarization([threshold], feature_dim=1),
        convolution(size, 1, kernels),
        OrPooling2d(2),
        convolution(size // 2, kernels, 2 * kernels),
        OrPooling2d(2),
        torch.nn.Flatten(),
        LogicDense(2 * kernels * (size // 4) ** 2, 200, parametrization_kwargs=RANDOM),
        GroupSum(10),
    ).eval()


def convolution(size: int, channels: int, kernels: int):
    from gatewright.frontend import LogicConv2d

    window = {"receptive_field_size": 3, "padding": 1, "tree_depth": 3}
    return LogicConv2d(size, channels, kernels, **window, parametrization_kwargs=RANDOM)


def after(netlist: Netlist, passes: str) -> Netlist:
    for one in PASSES[passes]:
        netlist = one(netlist)
    return netlist


@pytest.mark.parametrize("level", range(4))
def test_a_convolution_of_digits_keeps_its_answers(level: int) -> None:
    pytest.importorskip("sklearn", reason="holds the digits")
    from gatewright.frontend import load_dataset

    images = load_dataset("digits").x_test.reshape(-1, 1, 8, 8)
    module = network(8, 6, 7.5)
    with torch.no_grad():
        wanted = module(torch.from_numpy(images).float()).numpy()
    circuit = optimize(gw.trace(module, (1, 8, 8)), level)
    np.testing.assert_array_equal(circuit.scores(images), wanted)
    for passes in PASSES:
        small = circuit.with_netlist(after(circuit.netlist, passes))
        assert level >= 2 or small.netlist is not circuit.netlist
        np.testing.assert_array_equal(small.scores(images), wanted)


def test_a_million_images_of_noise() -> None:
    module = network(8, 5, 0.5)
    netlist = gw.trace(module, (1, 8, 8)).netlist
    cleaned = optimize(netlist, 1)
    small = optimize(after(cleaned, "both"), 1)
    assert n_gates(small) < n_gates(cleaned)
    random = np.random.default_rng(0)
    for _ in range(16):
        words = random.integers(0, 1 << 64, (netlist.n_inputs, 1024), dtype=np.uint64)
        np.testing.assert_array_equal(simulate_words(small, words), simulate_words(netlist, words))


def test_layers_that_read_each_other_stay_tiles() -> None:
    module = network(64, 4, 0.5)
    netlist = gw.trace(module, (1, 64, 64)).netlist
    places = [cell.places for cell in netlist.cells if isinstance(cell, Tile)]
    assert places == [64 * 64, 4 * 32 * 32, 32 * 32, 8 * 16 * 16]
    kept = [cell.places for cell in UnrollSmall()(netlist).cells if isinstance(cell, Tile)]
    assert kept == [64 * 64, 32 * 32]  # 4 * 32 * 32 ORs of four bits are 12,288 gates
