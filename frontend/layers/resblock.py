"""A block of two convolutions with a shortcut around them."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ...runtime.errors import InputError
from ..options import check_size, each
from .conv import LogicConv2d, LogicConvNd
from .pool import OrPooling2d

_OWNER = "ResidualLogicBlock"


class ResidualLogicBlock(nn.Module):
    """Two convolutions and a shortcut, joined by OR: a residual block of gates.

    In training the OR is `a + b - a * b`. The shortcut hands the input on; where the number of
    channels changes, or the size, a gate of one input answers for one channel at each place:
    kernel `i` reads channel `i % in_channels`.

    Args:
        in_dim: height and width of the input, or one integer for both.
        in_channels: channels of the input.
        out_channels: channels of the output.
        tree_depth: levels of the kernels' trees.
        receptive_field_size: size of the convolutions' window; odd, one or two integers.
        padding: zeros around the input of each convolution, `(receptive_field_size - 1) / 2`, so
            that they keep the size.
        downsample: whether each convolution is followed by OR pooling of 2 x 2, so that height and
            width of the output are a quarter of the input's, rounded down.
        parametrization, lut_rank, parametrization_kwargs, connections, connections_kwargs,
            grad_factor, device: of both convolutions, as in `LogicConv2d`; the shortcut's gates
            have the same parametrization, but one input each.

    Attributes:
        main: convolution, pooling or nothing, convolution, pooling or nothing.
        shortcut: nothing, or pooling of 4 x 4, a convolution, or both.

    Raises:
        InputError: an option is unknown or impossible, or both ways make different sizes.
    """

    def __init__(
        self,
        in_dim: int | tuple[int, ...],
        in_channels: int,
        out_channels: int,
        tree_depth: int = 3,
        receptive_field_size: int | tuple[int, ...] = 3,
        padding: int = 1,
        downsample: bool = False,
        parametrization: str = "raw",
        *,
        lut_rank: int = 2,
        parametrization_kwargs: dict[str, Any] | None = None,
        connections: str = "fixed",
        connections_kwargs: dict[str, Any] | None = None,
        grad_factor: float = 1.0,
        device: Any = "cpu",
    ) -> None:
        super().__init__()
        parts = block_parts(
            in_dim, in_channels, out_channels, tree_depth, receptive_field_size, padding,
            downsample, lut_rank,
        )  # fmt: skip
        self.in_channels, self.out_channels = in_channels, out_channels
        self.downsample = downsample
        common = {
            "parametrization": parametrization,
            "parametrization_kwargs": parametrization_kwargs,
            "connections": connections,
            "grad_factor": grad_factor,
            "device": device,
        }
        first, second = (
            LogicConv2d(**parts[name], **common, connections_kwargs=connections_kwargs)
            for name in ("main.0", "main.2")
        )
        self.in_dim, self.padding = first.in_dim, padding
        self.tree_depth, self.lut_rank = tree_depth, lut_rank
        self.receptive_field_size = first.receptive_field_size
        self.main = nn.Sequential(first, _pooling(downsample), second, _pooling(downsample))
        ways: list[nn.Module] = [OrPooling2d(4, 4)] if downsample else []
        one = {"connections": "fixed", "connections_kwargs": {"channel_group_size": 1}}
        ways += [
            LogicConv2d(**part, **{**common, **one})
            for name, part in parts.items()
            if name.startswith("shortcut")
        ]
        self.shortcut = nn.Sequential(*ways) if ways else nn.Identity()

    def convolutions(self) -> dict[str, LogicConvNd]:
        """The convolutions by name: "main.0", "main.2" and, if there, the shortcut's."""
        found = self.named_modules()
        return {name: module for name, module in found if isinstance(module, LogicConvNd)}

    def forward(self, x: Tensor) -> Tensor:
        """Evaluate both ways, and join them.

        Args:
            x: [n, in_channels, height, width], or without `n`, of values in [0, 1]: float, bool or
                uint8.

        Returns:
            [n, out_channels, height, width], a quarter as high and wide with `downsample`; in the
            dtype of the weights.

        Raises:
            InputError: other dimensions; in evaluation mode, NaN weights.
        """
        out = self.main(x)
        identity = self.shortcut(x).to(out.dtype)
        return out + identity - out * identity

    def extra_repr(self) -> str:
        return (
            f"{self.in_dim}, {self.in_channels}, {self.out_channels}, downsample={self.downsample}"
        )


def _pooling(downsample: bool) -> nn.Module:
    return OrPooling2d(2, 2) if downsample else nn.Identity()


def block_parts(
    in_dim: Any,
    in_channels: int,
    out_channels: int,
    tree_depth: int,
    receptive_field_size: Any,
    padding: int,
    downsample: bool,
    lut_rank: int,
) -> dict[str, dict[str, Any]]:
    """The arguments of a block's convolutions, by name, that differ between them.

    Raises:
        InputError: a size is no size, or both ways make different sizes.
    """
    for name, size in (("in_channels", in_channels), ("out_channels", out_channels)):
        check_size(_OWNER, name, size)
    check_size(_OWNER, "padding", padding, least=0)
    sizes = each(_OWNER, "in_dim", in_dim, 2)
    field = each(_OWNER, "receptive_field_size", receptive_field_size, 2)
    step = 2 if downsample else 1
    grown = [2 * padding + 1 - window for window in field]
    half = tuple((size + more) // step for size, more in zip(sizes, grown, strict=True))
    made = tuple((size + more) // step for size, more in zip(half, grown, strict=True))
    kept = tuple(size // step**2 for size in sizes)
    if made != kept or min(kept) < 1:
        raise InputError(
            f"{_OWNER}: {list(sizes)} become {list(made)} by the convolutions and {list(kept)} by "
            "the shortcut; allowed are equal sizes from 1; use an odd receptive_field_size and "
            "padding=(receptive_field_size - 1) // 2"
        )
    tree = {"tree_depth": tree_depth, "receptive_field_size": field, "padding": padding}
    common = {"num_kernels": out_channels, "stride": 1}
    parts: dict[str, dict[str, Any]] = {
        "main.0": {"in_dim": sizes, "channels": in_channels, "lut_rank": lut_rank, **tree},
        "main.2": {"in_dim": half, "channels": out_channels, "lut_rank": lut_rank, **tree},
    }
    if downsample or in_channels != out_channels:
        one = {"tree_depth": 1, "receptive_field_size": (1, 1), "padding": 0, "lut_rank": 1}
        name = "shortcut.1" if downsample else "shortcut.0"
        parts[name] = {"in_dim": kept, "channels": in_channels, **one}
    return {name: {**part, **common} for name, part in parts.items()}
