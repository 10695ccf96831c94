"""Pooling of bits: true where any of a window is."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from ...runtime.errors import InputError
from ..gates.or_pool import or_pool
from ..options import each


class OrPoolingNd(nn.Module):
    """What two- and three-dimensional pooling share: the maximum, which on 0 and 1 is an OR.

    On values between 0 and 1 the maximum is the relaxation that trains best (arXiv:2411.04732).

    Args:
        kernel_size: size of the window, one integer or one a dimension.
        stride: distance of neighbouring windows, one or one a dimension; `kernel_size` if None.
        padding: zeros around the input, one or one a dimension, at most half the window.

    Raises:
        InputError: an argument is out of range.
    """

    dims: ClassVar[int]

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        owner = type(self).__name__
        stride = kernel_size if stride is None else stride
        self.kernel_size = each(owner, "kernel_size", kernel_size, self.dims)
        self.stride = each(owner, "stride", stride, self.dims)
        self.padding = each(owner, "padding", padding, self.dims, least=0)
        if any(2 * pad > size for pad, size in zip(self.padding, self.kernel_size, strict=True)):
            raise InputError(
                f"{owner}: padding {list(self.padding)} for windows of {list(self.kernel_size)}; "
                "allowed is at most half the window"
            )

    def check_shape(self, shape: tuple[int, ...]) -> str:
        """What is wrong with an input of this shape, or nothing."""
        owner = type(self).__name__
        if len(shape) not in (self.dims + 1, self.dims + 2):
            return (
                f"{owner}: input of shape {list(shape)}; allowed are a batch, channels and "
                f"{self.dims} dimensions, or these without a batch"
            )
        sizes = zip(shape[-self.dims :], self.padding, self.kernel_size, strict=True)
        if all(size + 2 * pad >= window for size, pad, window in sizes):
            return ""
        return (
            f"{owner}: input of shape {list(shape)} for windows of {list(self.kernel_size)} with "
            f"padding {list(self.padding)}; allowed is at least one window in each dimension"
        )

    def forward(self, x: Tensor) -> Tensor:
        """Pool each channel.

        Args:
            x: [n, channels, *sizes], or without `n`, of values from 0; float, bool or uint8.

        Returns:
            [n, channels, *(size + 2 * padding - kernel_size) // stride + 1], float32, or the dtype
            of `x` if that is a float.

        Raises:
            InputError: another number of dimensions, or no room for a window.
        """
        wrong = self.check_shape(tuple(x.shape))
        if wrong:
            raise InputError(wrong)
        x = x if x.is_floating_point() else x.float()
        return or_pool(x, self.kernel_size, self.stride, self.padding)

    def extra_repr(self) -> str:
        return f"{self.kernel_size}, stride={self.stride}, padding={self.padding}"


class OrPooling2d(OrPoolingNd):
    """OR over windows of images; see `OrPoolingNd` for the arguments."""

    dims = 2


class OrPooling3d(OrPoolingNd):
    """OR over windows of volumes; see `OrPoolingNd` for the arguments."""

    dims = 3
