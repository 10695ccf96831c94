"""FixedBinarization: where bits go, and where thresholds come from."""

import numpy as np
import pytest
import torch

from gatewright.frontend import FixedBinarization
from gatewright.runtime.errors import InputError

get = FixedBinarization.get_initial_thresholds


def test_bits_of_one_value_lie_side_by_side():
    found = FixedBinarization([0.0, 1.0, 2.0])(torch.tensor([[0.5, 3.0], [1.0, -1.0]]))
    assert found.tolist() == [[1, 0, 0, 1, 1, 1], [1, 0, 0, 0, 0, 0]]
    assert found.dtype == torch.float32


def test_thresholds_of_their_own_for_each_feature():
    found = FixedBinarization(np.array([[0.0, 1.0], [10.0, 20.0]]))(torch.tensor([[0.5, 15.0]]))
    assert found.tolist() == [[1, 0, 1, 0]]


def test_images_with_thresholds_for_each_channel():
    x = torch.rand(2, 3, 4, 5)
    thresholds = torch.rand(3, 2)
    found = FixedBinarization(thresholds, feature_dim=1)(x)
    assert found.shape == (2, 6, 4, 5)
    for channel in range(3):
        for bit in range(2):
            want = (x[:, channel] > thresholds[channel, bit]).float()
            assert torch.equal(found[:, 2 * channel + bit], want)


@pytest.mark.parametrize(
    ("feature_dim", "shape"), [(-2, (2, 3, 4, 10)), (1, (2, 6, 4, 5)), (-3, (2, 3, 8, 5))]
)
def test_images_with_shared_thresholds(feature_dim, shape):
    assert FixedBinarization([0.3, 0.6], feature_dim)(torch.rand(2, 3, 4, 5)).shape == shape


def test_thresholds_for_each_pixel():
    x = torch.rand(2, 1, 4, 5)
    thresholds = get(x, 3)
    assert thresholds.shape == (1, 4, 5, 3)
    assert FixedBinarization(thresholds)(x).shape == (2, 1, 4, 15)


def test_comparison_is_strict_exact_and_false_for_nan():
    layer = FixedBinarization([3.0])
    assert layer(torch.tensor([[3.0, float("nan"), 3.0000002]])).tolist() == [[0, 0, 1]]
    assert layer(torch.tensor([[3, 4]], dtype=torch.uint8)).tolist() == [[0, 1]]
    assert layer(torch.tensor([[3.0, 3.0 + 1e-12]], dtype=torch.float64)).tolist() == [[0, 1]]
    assert FixedBinarization([0.5])(torch.tensor([[True, False]])).tolist() == [[1, 0]]


def test_uniform_thresholds():
    x = torch.tensor([[0.0, -4.0], [8.0, 4.0]])
    assert get(x, 3).tolist() == [[2, 4, 6], [-2, 0, 2]]
    assert get(x, 1, "global").tolist() == [2]
    images = torch.stack([x, x + 10]).movedim(0, 1).reshape(2, 2, 1, 2)
    assert get(images, 1, "channel").tolist() == [[2], [12]]


def test_distributive_thresholds_cut_equal_shares():
    x = np.arange(90, dtype=np.float32).reshape(90, 1) ** 2
    thresholds = get(x, 2, "feature", "distributive")
    assert thresholds.shape == (1, 2)
    shares = FixedBinarization(thresholds)(torch.from_numpy(x)).mean(0)
    assert torch.allclose(shares, torch.tensor([2 / 3, 1 / 3]), atol=0.02)
    assert get(x, 2, "global", "distributive").shape == (2,)
    assert get(x.reshape(10, 3, 3, 1), 2, "channel", "distributive").shape == (3, 2)


def test_thresholds_are_kept_as_float32_and_copied():
    mine = torch.tensor([1, 2])
    layer = FixedBinarization(mine)
    mine[0] = 9
    assert layer.get_thresholds().tolist() == [1, 2]
    assert layer.thresholds.dtype == torch.float32
    assert set(layer.state_dict()) == {"thresholds"}
    assert repr(layer) == "FixedBinarization(thresholds=[1.0, 2.0], feature_dim=-2)"
    many = FixedBinarization(torch.arange(20).reshape(10, 2))
    assert repr(many) == "FixedBinarization(thresholds of 10x2, feature_dim=-2)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FixedBinarization([]), r"thresholds of shape \[0\]; allowed is \[bits\]"),
        (lambda: FixedBinarization(1.0), r"thresholds of shape \[\]"),
        (lambda: FixedBinarization([1.0, float("nan")]), "1 of 2 thresholds are NaN"),
        (
            lambda: FixedBinarization(torch.zeros(3, 2))(torch.zeros(5, 4)),
            r"input of shape \[5, 4\] for thresholds of shape \[3, 2\]",
        ),
        (
            lambda: FixedBinarization(torch.zeros(3, 2), 1)(torch.zeros(5, 4, 2, 2)),
            r"input of shape \[5, 4, 2, 2\] for thresholds of shape \[3, 2\]",
        ),
        (
            lambda: FixedBinarization([0.5], feature_dim=-1)(torch.zeros(5, 4)),
            "feature_dim -1 for input of shape",
        ),
        (
            lambda: FixedBinarization([0.5], feature_dim=2)(torch.zeros(5, 4)),
            "feature_dim 2 for input of shape .* allowed is 0 to 1 or -3 to -2",
        ),
        (lambda: get(torch.zeros(3, 2), 0), "0 bits; allowed is 1 or more"),
        (lambda: get(torch.zeros(3, 2), 1, "pixel"), "one_per 'pixel'; allowed are feature"),
        (lambda: get(torch.zeros(3, 2), 1, "feature", "k"), "method 'k'; allowed are uniform"),
        (lambda: get(torch.zeros(0, 2), 1), r"data of shape \[0, 2\]"),
        (lambda: get(torch.zeros(3), 1), r"data of shape \[3\]; allowed is \[n, features"),
        (lambda: get(torch.full((2, 2), float("nan")), 1), "4 of 4 values are NaN"),
    ],
)
def test_messages(make, message):
    with pytest.raises(InputError, match=message):
        make()
