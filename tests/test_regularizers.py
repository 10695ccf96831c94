"""Regularisation losses and rescaling of weights."""

import numpy as np
import pytest
import torch
from gate_layers import layer_of


def test_regularization_losses():
    layer = layer_of("warp", 2, 4, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -2, 0, 2], [0, 0, 0, -1]]))
    assert layer.get_regularization_loss(None) == 0.0
    assert layer.get_regularization_loss("L2").tolist() == [64.0, 0.0]
    assert layer.get_regularization_loss("abs_sum").tolist() == [0.0, 0.0]
    want = (np.exp(-2.0) + np.exp(1.0)) / 2
    assert layer.get_regularization_loss("warp").item() == pytest.approx(want)
    layer.get_regularization_loss("warp").backward()
    assert layer.weight.grad[0, 3] < 0


@pytest.mark.parametrize(
    ("method", "want"),
    [
        (None, [[3.0, -4.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]),
        ("clip", [[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]),
        ("abs_sum", [[3.0, -4.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]),
        ("L2", [[0.6, -0.8, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]),
    ],
)
def test_rescaling(method, want):
    layer = layer_of("light", 2, 4, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, -4, 0, 0], [0, 0, 0, 0]]))
    layer.rescale_weights(method)
    assert torch.allclose(layer.weight, torch.tensor(want))
