"""Fixed wiring of dense layers: random, random-unique, given."""

import numpy as np
import pytest
import torch

from gatewright.frontend import FixedDenseConnections, LogicDense


@pytest.mark.parametrize("rank", [1, 2, 3, 6])
def test_random_wiring_uses_features_evenly(rank):
    indices = FixedDenseConnections(10, 35, lut_rank=rank).indices
    counts = torch.bincount(indices.flatten(), minlength=10)
    assert indices.shape == (rank, 35)
    assert counts.max() - counts.min() <= 1
    assert indices.dtype == torch.int64
    assert FixedDenseConnections(100, 5, lut_rank=rank).indices.unique().numel() == 5 * rank


@pytest.mark.parametrize(
    ("in_dim", "out_dim", "rank"),
    [
        (5, 5, 1),
        *((2, 1, 2), (6, 15, 2), (6, 14, 2), (40, 100, 2), (300, 5000, 2)),
        *((6, 6, 5), (6, 1, 6), (8, 56, 3), (30, 500, 4), (20000, 3000, 6)),
    ],
)
def test_random_unique_sets(in_dim, out_dim, rank):
    indices = FixedDenseConnections(in_dim, out_dim, "random-unique", lut_rank=rank).indices
    assert indices.shape == (rank, out_dim)
    ordered = indices.sort(0).values
    assert (ordered[1:] != ordered[:-1]).all()
    assert ordered.unique(dim=1).shape[1] == out_dim
    assert int(indices.min()) >= 0
    assert int(indices.max()) < in_dim


def test_random_unique_puts_features_in_every_place():
    torch.manual_seed(0)
    indices = FixedDenseConnections(9, 84, "random-unique", lut_rank=3).indices
    assert (indices.double().mean(1) - 4).abs().max() < 1


def test_given_wiring_of_three_inputs():
    mine = np.array([[0, 1], [2, 2], [3, 0]])
    layer = LogicDense(
        4, 2, lut_rank=3, parametrization="warp", connections_kwargs={"indices": mine}
    )
    assert layer.connections.indices.tolist() == mine.tolist()
    assert layer.connections(torch.arange(4.0)[None]).tolist() == [mine.tolist()]


def test_given_wiring_is_copied():
    mine = np.array([[0, 1], [2, 2]], np.int32)
    layer = LogicDense(3, 2, connections_kwargs={"indices": mine})
    mine[:] = 0
    assert layer.connections.indices.tolist() == [[0, 1], [2, 2]]
    assert layer.connections(torch.arange(3.0)[None]).tolist() == [[[0, 1], [2, 2]]]
    assert "init_method=given" in repr(layer)
