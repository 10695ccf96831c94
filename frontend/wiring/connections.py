"""Which features each gate reads."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ...runtime.errors import InputError
from ..gates.functional import readers_of
from .kept import Kept

INIT_METHODS = ("random", "random-unique")


class DenseConnections(nn.Module):
    """What the wirings of dense layers share.

    Attributes:
        indices: int64 buffer of features, of the shape that the subclass says.
    """

    indices: Tensor

    def __init__(self, in_dim: int, out_dim: int, lut_rank: int) -> None:
        super().__init__()
        self.in_dim = in_dim
        self.out_dim = out_dim
        self.lut_rank = lut_rank
        self._readers: Kept[tuple[Tensor, Tensor]] = Kept()

    def resolve_connections(self) -> Tensor:
        """The wiring of evaluation mode, int64 [k, out_dim]."""
        raise NotImplementedError

    def feed(self, features: Tensor, grad_factor: float) -> tuple[Tensor, Any, float]:
        """What gates are evaluated on: features, a wiring on those, and a factor of their gradient.

        Args:
            features: [in_dim, batch].
            grad_factor: scales the gradient for `features`.
        """
        raise NotImplementedError

    def readers(self) -> tuple[Tensor, Tensor]:
        """The transposed `indices` of `functional.readers_of`, kept until they change."""
        return self._readers.of(self.indices, lambda: readers_of(self.indices, self.in_dim))

    def _checked(self, indices: Any, shape: tuple[int, ...]) -> Tensor:
        wiring = torch.as_tensor(indices)
        if wiring.is_floating_point() or wiring.dtype == torch.bool or wiring.is_complex():
            raise InputError(f"connections: indices of {wiring.dtype}; allowed are integers")
        if tuple(wiring.shape) != shape:
            raise InputError(
                f"connections: indices of shape {list(wiring.shape)}; "
                f"allowed is {list(shape)}, one column a gate"
            )
        low, high = int(wiring.min()), int(wiring.max())
        if low < 0 or high >= self.in_dim:
            raise InputError(
                f"connections: indices from {low} to {high}; allowed are 0 to {self.in_dim - 1}"
            )
        return wiring.detach().to(torch.int64).clone()


class FixedDenseConnections(DenseConnections):
    """Wiring that is drawn once and never learned.

    Args:
        in_dim: features of the input.
        out_dim: gates.
        init_method: "random" uses every feature equally often, up to one; a gate may read one
            feature twice. "random-unique" gives each gate two different features, and no two gates
            the same pair.
        indices: the wiring itself, integers [2, out_dim] below `in_dim`, instead of drawing it.
        device: where the buffer lives.

    Attributes:
        indices: int64 buffer [k, out_dim]; row 0 is each gate's `a`, row 1 its `b`, and so on.

    Draws come from torch's global generator: `torch.manual_seed` makes them repeatable.

    Raises:
        InputError: unknown method, impossible sizes or unusable indices.
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        init_method: str = "random",
        indices: Any = None,
        device: Any = "cpu",
        lut_rank: int = 2,
    ) -> None:
        super().__init__(in_dim, out_dim, lut_rank)
        self.init_method = init_method if indices is None else "given"
        if indices is None:
            wiring = self._draw(init_method)
        else:
            wiring = self._checked(indices, (lut_rank, out_dim))
        self.register_buffer("indices", wiring.to(device))

    def _draw(self, init_method: str) -> Tensor:
        if init_method == "random":
            return draw_even(self.in_dim, self.out_dim, self.lut_rank)
        if init_method == "random-unique":
            return random_unique(self.in_dim, self.out_dim, self.lut_rank)
        raise unknown_method(init_method)

    def resolve_connections(self) -> Tensor:
        """The wiring, int64 [k, out_dim]: `indices`."""
        return self.indices

    def feed(self, features: Tensor, grad_factor: float) -> tuple[Tensor, Any, float]:
        """The features themselves and this wiring; see `DenseConnections.feed`."""
        return features, self, grad_factor

    def forward(self, x: Tensor) -> Tensor:
        """Gather: [batch, in_dim] to [batch, k, out_dim]."""
        return x[:, self.indices]

    def extra_repr(self) -> str:
        return f"{self.in_dim}, {self.out_dim}, init_method={self.init_method}"


def unknown_method(init_method: Any) -> InputError:
    """The error for an `init_method` that there is not."""
    return InputError(
        f"connections: init_method {init_method!r}; allowed are "
        f"{', '.join(INIT_METHODS)}, or indices= with a wiring of your own"
    )


def draw_even(in_dim: int, out_dim: int, rank: int) -> Tensor:
    """Features [rank, out_dim], all drawn equally often, up to one."""
    ends = rank * out_dim
    order = torch.randperm(max(ends, in_dim))
    return (order[:ends] % in_dim).reshape(rank, out_dim)


def random_unique(in_dim: int, out_dim: int, rank: int = 2) -> Tensor:
    """Sets [rank, out_dim] of different features, no two alike.

    Raises:
        InputError: there are fewer sets.
    """
    sets = math.comb(in_dim, rank)
    if out_dim > sets:
        raise InputError(
            f"connections: random-unique for {out_dim} gates of {rank} inputs on {in_dim} "
            f"features; allowed are at most {sets} gates, one a set of features; use fewer gates "
            "or init_method='random'"
        )
    if 3 * out_dim > sets:
        rows = torch.combinations(torch.arange(in_dim), rank)[torch.randperm(sets)[:out_dim]]
        return rows.gather(1, torch.rand(out_dim, rank).argsort(1)).t().contiguous()
    return _draw_sets(in_dim, out_dim, rank)


def _draw_sets(in_dim: int, out_dim: int, rank: int) -> Tensor:
    """Few of many sets: draw evenly, drop repeats, draw the rest again."""
    found = torch.empty(rank, 0, dtype=torch.int64)
    while found.shape[1] < out_dim:
        found = torch.cat([found, draw_even(in_dim, out_dim, rank)], dim=1)
        ordered = found.sort(0).values
        distinct = (ordered[1:] != ordered[:-1]).all(0)
        found = found[:, distinct]
        found = found[:, _first_of_each(_set_keys(ordered[:, distinct], in_dim))]
    return found[:, :out_dim].contiguous()


def _set_keys(ordered: Tensor, in_dim: int) -> Tensor:
    """Numbers [n] that are equal where columns of `ordered` [rank, n] are."""
    key = ordered[0]
    for row in ordered[1:]:  # renumbered each time, so that no rank overflows an int64
        key = torch.unique(key * in_dim + row, return_inverse=True)[1]
    return key


def _first_of_each(key: Tensor) -> Tensor:
    """Positions, ascending, of the first occurrence of each value in `key` [n]."""
    order = torch.argsort(key, stable=True)
    ranked = key[order]
    fresh = torch.ones_like(ranked, dtype=torch.bool)
    fresh[1:] = ranked[1:] != ranked[:-1]
    return order[fresh].sort().values
