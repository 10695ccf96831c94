"""GroupSum: counts, shift and temperature, messages."""

import pytest
import torch

from gatewright.frontend import GroupSum
from gatewright.runtime.errors import InputError


@pytest.mark.parametrize(("tau", "beta"), [(1.0, 0.0), (8.0, 1.0), (0.5, -3.0)])
def test_sum_then_shift_then_divide(tau, beta):
    x = torch.randint(2, (5, 12)).float()
    want = (torch.stack([x[:, 4 * g : 4 * g + 4].sum(1) for g in range(3)], 1) + beta) / tau
    assert torch.equal(GroupSum(3, tau=tau, beta=beta)(x), want)


def test_any_leading_dimensions_and_layouts():
    x = torch.rand(12, 2, 5).permute(2, 1, 0)
    found = GroupSum(k=4)(x)
    assert found.shape == (5, 2, 4)
    assert torch.equal(found, GroupSum(4, 1.0, 0.0, "cpu")(x.contiguous()))


def test_indivisible_features_are_refused_at_the_call():
    head = GroupSum(10)
    with pytest.raises(InputError, match="25 features for 10 groups; allowed is a multiple of 10"):
        head(torch.rand(2, 25))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "k 0; allowed are integers from 1"),
        ({"k": 2.0}, "k 2.0"),
        ({"k": 2, "tau": 0.0}, "tau 0.0, beta 0.0; allowed are a positive finite tau"),
        ({"k": 2, "tau": float("nan")}, "tau nan"),
        ({"k": 2, "beta": float("inf")}, "beta inf"),
        ({"k": 2, "tau": "high"}, "tau 'high', beta 0.0; allowed"),
    ],
)
def test_messages(arguments, message):
    with pytest.raises(InputError, match=message):
        GroupSum(**arguments)


def test_shows_its_arguments():
    assert repr(GroupSum(3, tau=2.0, beta=1.0)) == "GroupSum(k=3, tau=2.0, beta=1.0)"
