"""Temperatures: their schedules, and that evaluation never sees them."""

import math

import pytest
import torch
from conv_strategies import KINDS, randomized
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gatewright.frontend import GroupSum, LogicConv2d, LogicDense, scheduled, set_temperature
from gatewright.frontend.gates.schedules import SCHEDULES
from gatewright.runtime.errors import InputError

names = st.sampled_from(sorted(SCHEDULES))
positive = st.floats(1e-3, 1e3)


@given(names, positive, positive, st.floats(0, 1), st.floats(0, 1))
def test_schedules_go_from_start_to_end(name, start, end, a, b):
    assert scheduled(name, start, end, 0.0) == pytest.approx(start)
    assert scheduled(name, start, end, 1.0) == pytest.approx(
        start if name == "constant" else end, rel=1e-6
    )
    low, high = (scheduled(name, start, end, at) for at in sorted((a, b)))
    slack = 1e-9 * max(start, end)
    assert low <= high + slack if start <= end else low >= high - slack
    assert min(start, end) - slack <= low <= max(start, end) + slack


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("constant", 4.0),
        ("linear", 3.25),
        ("exponential", 4.0 * 0.25**0.25),
        ("cosine", 1.0 + 1.5 * (1 + math.sqrt(0.5))),
    ],
)
def test_values_a_quarter_of_the_way(name, want):
    assert scheduled(name, 4.0, 1.0, 0.25) == pytest.approx(want)


@pytest.mark.parametrize(("name", "rank"), [kind for kind in KINDS if kind[1] <= 2])
def test_temperature_acts_in_training_only(name, rank):
    torch.manual_seed(0)
    options = {"lut_rank": rank, "parametrization": name}
    model = nn.Sequential(
        LogicConv2d(4, 1, 3, 2, 2, **options), nn.Flatten(), LogicDense(27, 8, **options)
    )
    model = randomized(nn.Sequential(model, GroupSum(2)))
    x = torch.randint(2, (9, 1, 4, 4)).float()
    soft, hard = model.train()(x), model.eval()(x)
    assert set_temperature(model, 0.25) == 2
    assert model[0][0].parametrization.temperature == 0.25
    assert torch.equal(model.eval()(x), hard)
    assert not torch.allclose(model.train()(x), soft)
    set_temperature(model, 1e-5)
    assert torch.allclose(model.train()(x), hard, atol=1e-2)
    set_temperature(model, 1)
    assert torch.equal(model.train()(x), soft)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: set_temperature(LogicDense(2, 2), 0.0), "set_temperature: temperature 0.0; allow"),
        (lambda: set_temperature(nn.Identity(), float("nan")), "temperature nan; allowed is above"),
        (lambda: scheduled("step", 1, 1, 0), "scheduled: name='step'; allowed is 'constant', 'li"),
        (lambda: scheduled("linear", 1, 1, 1.5), "progress 1.5; allowed is 0 to 1"),
        (lambda: scheduled("linear", 1, 1, float("nan")), "progress nan; allowed is 0 to 1"),
        (lambda: scheduled("exponential", 1, 0, 0.5), "exponential from 1 to 0; allowed are value"),
    ],
)
def test_messages(ask, message):
    with pytest.raises(InputError, match=message):
        ask()
