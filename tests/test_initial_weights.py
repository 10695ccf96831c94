"""What gates compute before training, by initialisation."""

import pytest
import torch
from gate_layers import patterns

from gatewright.frontend import (
    LightLUTParametrization,
    RawLUTParametrization,
    WarpLUTParametrization,
)


@pytest.mark.parametrize("rank", [1, 2, 3, 6])
def test_residual_start_answers_the_first_input(rank):
    first = patterns(rank)[:, 0]
    warp = WarpLUTParametrization(rank, residual_probability=0.9, temperature=2.0)
    found = torch.sigmoid(warp.logits(warp.init_weights(3)) / 2.0)
    assert torch.allclose(found, torch.where(first == 1, 0.9, 0.1).expand(3, -1), atol=1e-6)
    torch.manual_seed(0)
    light = LightLUTParametrization(rank).init_weights(2000)
    assert light.mean(0).sub(6 * first - 3).abs().max() < 0.2


def test_random_start():
    torch.manual_seed(0)
    options = {"weight_init": "random"}
    warp = WarpLUTParametrization(4, **options).init_weights(1000)
    light = LightLUTParametrization(4, **options).init_weights(1000)
    assert warp.shape == light.shape == (1000, 16)
    assert abs(warp.std() - 1) < 0.1
    assert light.min() >= 0
    assert light.max() <= 1


@pytest.mark.parametrize("rank", [1, 2, 3, 6])
def test_a_catalog_starts_with_some_random_gates_among_residual_ones(rank):
    torch.manual_seed(0)
    options = {"weight_init": "residual-catalog", "residual_probability": 0.7}
    warp = WarpLUTParametrization(rank, **options)
    luts = warp.get_luts(warp.init_weights(2000))
    assert torch.equal(warp.logits(warp.init_weights(20)).abs(), torch.ones(20, 1 << rank))
    residual = (luts == (patterns(rank)[:, 0] == 1)).all(1)
    by_chance = 0.5 ** (1 << rank)
    assert abs(residual.float().mean() - (0.7 + 0.3 * by_chance)) < 0.03
    assert abs(luts[~residual].float().mean() - 0.5) < 0.1
    few = WarpLUTParametrization(rank, weight_init="residual-catalog").init_weights(3)
    assert (warp.get_luts(few) == (patterns(rank)[:, 0] == 1)).all()


def test_residual_start_of_the_functions_of_one_input():
    raw = RawLUTParametrization(1, residual_probability=0.9, temperature=2.0)
    weight = raw.init_weights(3)
    assert raw.get_ids(weight).tolist() == [1, 1, 1]
    assert torch.allclose(raw.table(weight, True), torch.tensor([[0.1], [0.9]]).expand(2, 3))
    assert raw.get_luts(torch.eye(4)).int().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
