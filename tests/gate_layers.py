"""Dense layers of every parametrisation, with normal weights."""

from __future__ import annotations

import itertools

import pytest
import torch
from conv_strategies import KINDS

from gatewright.frontend import LogicDense

kinds = pytest.mark.parametrize(("name", "rank"), KINDS)


def layer_of(name, rank, in_dim=9, out_dim=14, seed=0, **options):
    """A layer with normal weights."""
    torch.manual_seed(seed)
    layer = LogicDense(
        in_dim, out_dim, lut_rank=rank, parametrization=name, parametrization_kwargs=options
    )
    with torch.no_grad():
        layer.weight.normal_()
    return layer


def patterns(rank):
    """All inputs of a gate, [2**rank, rank]; the first input is the most significant bit."""
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=rank)))
