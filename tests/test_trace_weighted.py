"""Counts against counts, and sums of bits with integer weights."""

from __future__ import annotations

import operator

import pytest
import torch
import torch.nn.functional as F
from trace_helpers import Fn

from gatewright.frontend.tracing.trace import trace

RANDOM = torch.randint(-3, 4, (5, 6), generator=torch.Generator().manual_seed(1)).float()
X = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 6)


def bits(x):
    return x > 0.5


def check(function, predict=False):
    """The circuit answers what the function does, on all 64 patterns."""
    circuit = trace(Fn(function), (6,))
    wanted = function(X).numpy()
    if predict:
        assert (circuit.predict(X.numpy()) == wanted).all()
    else:
        assert (circuit.bits(X.numpy()).reshape(wanted.shape) == wanted).all()
    assert wanted.min() != wanted.max()


@pytest.mark.parametrize("ask", ["gt", "ge", "lt", "le", "eq", "ne"])
@pytest.mark.parametrize("split", [1, 2, 3, 5])
def test_count_against_count(ask, split):
    compare = getattr(operator, ask)
    check(lambda x: compare(bits(x)[:, :split].sum(1), bits(x)[:, split:].sum(1))[:, None])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: bits(x)[:, :3].sum(1)[:, None] > bits(x)[:, 3:],
        lambda x: bits(x)[:, :1] >= bits(x)[:, 1:].sum(1)[:, None],
        lambda x: (bits(x)[:, :2].sum(1) / 3 > bits(x)[:, 2:].sum(1) / 3)[:, None],
    ],
)
def test_bits_and_scaled_counts_compare(function):
    check(function)


@pytest.mark.parametrize("limit", [-2, 0, 1, 2.5])
def test_linear_against_numbers(limit):
    check(lambda x: F.linear(bits(x).float(), RANDOM) > limit)
    check(lambda x: F.linear(bits(x).float(), RANDOM, torch.full((5,), 0.5)) <= limit)
    check(lambda x: bits(x).float() @ RANDOM.T >= limit)


def test_classes_of_linear():
    check(lambda x: F.linear(bits(x).float(), RANDOM).argmax(1), predict=True)
    circuit = trace(Fn(lambda x: F.linear(bits(x).float(), RANDOM)), (6,))
    assert (circuit.scores(X.numpy()) == F.linear(X, RANDOM).numpy()).all()


def test_vector_of_weights():
    check(lambda x: (bits(x).float() @ torch.arange(6.0) > 7)[:, None])


def test_weighted_against_weighted():
    def flipped(x):
        scores = F.linear(bits(x).float(), RANDOM[:2])
        return scores > scores.flip(1)

    check(flipped)
