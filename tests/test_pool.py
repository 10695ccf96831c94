"""OrPooling2d and OrPooling3d: an OR on bits, a maximum otherwise."""

import pytest
import torch
from torch.nn import functional as F

from gatewright.frontend import OrPooling2d, OrPooling3d
from gatewright.runtime.errors import InputError


@pytest.mark.parametrize(
    "arguments", [(2, 2, 0), (2, 2, 1), (3, 1, 1), ((2, 3), (1, 2), (0, 1)), (3,)]
)
def test_is_an_or_over_windows(arguments):
    x = torch.randint(2, (4, 3, 7, 8))
    found = OrPooling2d(*arguments)(x)
    assert found.dtype == torch.float32
    assert torch.equal(found, F.max_pool2d(x.float(), *arguments))
    assert torch.equal(OrPooling2d(*arguments)(x[0]), found[0])
    assert torch.equal(OrPooling2d(*arguments)(x.bool()), found)


def test_three_dimensions_and_relaxed_values():
    x = torch.rand(2, 3, 6, 5, 4, dtype=torch.float64, requires_grad=True)
    found = OrPooling3d(kernel_size=2, stride=2, padding=(1, 0, 1))(x)
    assert torch.equal(found, F.max_pool3d(x, 2, 2, (1, 0, 1)))
    found.sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OrPooling2d(0), "OrPooling2d: kernel_size 0; allowed is an integer from 1, or 2"),
        (lambda: OrPooling2d(2, 0), "stride 0; allowed is an integer from 1"),
        (lambda: OrPooling2d((2, 2, 2)), r"kernel_size \(2, 2, 2\)"),
        (lambda: OrPooling3d(2, 2, -1), "OrPooling3d: padding -1; allowed is an integer from 0"),
        (
            lambda: OrPooling2d((4, 3), 2, 2),
            r"padding \[2, 2\] for windows of \[4, 3\]; allowed is at most half the window",
        ),
        (lambda: OrPooling2d(2)(torch.rand(4, 4)), r"input of shape \[4, 4\]; allowed are a batch"),
        (lambda: OrPooling3d(2)(torch.rand(4, 4, 4)), "channels and 3 dimensions"),
        (
            lambda: OrPooling2d(3)(torch.rand(1, 1, 2, 5)),
            r"input of shape \[1, 1, 2, 5\] for windows of \[3, 3\]",
        ),
    ],
)
def test_messages(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_shows_its_arguments():
    assert repr(OrPooling2d(3, 2, 1)) == "OrPooling2d((3, 3), stride=(2, 2), padding=(1, 1))"
