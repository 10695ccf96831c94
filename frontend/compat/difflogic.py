"""difflogic's layer of gates."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ...runtime.errors import InputError
from ..layers.dense import LogicDense
from ..options import check_choice, check_size
from ..wiring.connections import FixedDenseConnections

CONNECTIONS = ("random", "unique")
IMPLEMENTATIONS = (None, "cuda", "python")
_RESIDUAL = 5.0  # convlogic's logit of the gate that answers `a`; the others are 0


class LogicLayer(LogicDense):
    """Gates under the name and arguments of difflogic, and of its copy in convlogic.

    On the CPU, the same seed draws the weights and the wiring that difflogic draws.

    Args:
        in_dim: features of the input, at most `2 * out_dim`, so that all of them can be read.
        out_dim: gates.
        device: where the layer lives; if None, a GPU where there is one, as difflogic does.
        grad_factor: scales the gradient that goes back to the input.
        implementation: None, "cuda" or "python", and without effect: what computes follows from the
            device.
        connections: "random" reads every feature equally often, up to one, and may give a gate one
            feature twice. "unique" gives all gates different pairs: neighbours first, then features
            2, 3, ... apart, in random order of gates. Integers [2, out_dim] are the wiring itself.
        residual_init: weights that start at the gate that answers its first input, logit 5 against
            0 (arXiv:2411.04732), instead of normal ones.

    Attributes:
        weights: difflogic's name of `weight`, float32 [out_dim, 16]; gates are numbered alike,
            `8*f(0,0) + 4*f(0,1) + 2*f(1,0) + f(1,1)`.
        indices: what gates read, int64 [2, out_dim]; unpacks into difflogic's two tensors.
        residual_init: as given.

    Raises:
        InputError: an argument is out of range, or there is no GPU to put the layer on.
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        device: Any = None,
        grad_factor: float = 1.0,
        implementation: str | None = None,
        connections: Any = "random",
        residual_init: bool = False,
    ) -> None:
        _check_sizes(in_dim, out_dim)
        check_choice("LogicLayer", "implementation", implementation, IMPLEMENTATIONS)
        device = usable_device("LogicLayer", device)
        weight = first_weights((out_dim,), residual_init, device)
        super().__init__(
            in_dim,
            out_dim,
            device=device,
            grad_factor=grad_factor,
            connections_kwargs={"indices": _wiring(connections, in_dim, out_dim)},
        )
        with torch.no_grad():
            self.weight.copy_(weight)
        self.implementation = implementation
        self.residual_init = residual_init
        self.parametrization.weight_init = "residual" if residual_init else "random"

    @property
    def weights(self) -> Tensor:
        """Logits [out_dim, 16], as difflogic calls them."""
        return self.weight

    @property
    def indices(self) -> Tensor:
        """int64 [2, out_dim]: the features that each gate reads."""
        assert isinstance(self.connections, FixedDenseConnections)
        return self.connections.indices


def usable_device(owner: str, device: Any) -> torch.device:
    """The device asked for; of None a GPU where there is one.

    Raises:
        InputError: a GPU is asked for and torch sees none.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):
        raise InputError(
            f"{owner}: device {device!r}; allowed are torch's devices, such as 'cpu' or 'cuda'; "
            "what follows it is better given by name"
        ) from None
    if found.type == "cuda" and not torch.cuda.is_available():
        raise InputError(
            f"{owner}: device {device!r}, and torch sees no GPU; allowed here is 'cpu'; leave the "
            "argument out to use a GPU only where there is one"
        )
    return found


def first_weights(shape: tuple[int, ...], residual: bool, device: Any) -> Tensor:
    """Logits [*shape, 16] of an untrained layer."""
    if not residual:
        return torch.randn(*shape, 16, device=device)
    weight = torch.zeros(*shape, 16, device=device)
    weight[..., 3] = _RESIDUAL
    return weight


def unique_pairs(in_dim: int, out_dim: int) -> Tensor:
    """Different pairs [2, out_dim] of features: (0, 1), (2, 3), ..., then (1, 2), (3, 4), ..., then
    (0, 2), (1, 3), ... and so on with growing distance, put in random order.

    Raises:
        InputError: there are fewer pairs.
    """
    most = math.comb(in_dim, 2)
    if out_dim > most:
        raise InputError(
            f"LogicLayer: connections='unique' for {out_dim} gates on {in_dim} features; allowed "
            f"are at most {most} gates, one a pair of features; use fewer gates or "
            "connections='random'"
        )
    features = torch.arange(in_dim)
    evens, odds = features[: in_dim - 1 : 2], features[1 : in_dim - 1 : 2]
    firsts, distances = [evens, odds], [torch.ones_like(evens), torch.ones_like(odds)]
    made, distance = in_dim - 1, 1
    while made < out_dim:
        distance += 1
        firsts.append(features[: in_dim - distance])
        distances.append(torch.full_like(firsts[-1], distance))
        made += in_dim - distance
    first = torch.cat(firsts)[:out_dim]
    pairs = torch.stack([first, first + torch.cat(distances)[:out_dim]])
    return pairs[:, torch.randperm(out_dim)]


def _wiring(connections: Any, in_dim: int, out_dim: int) -> Any:
    if not isinstance(connections, str):
        return connections
    also = ", or integers [2, out_dim]"
    check_choice("LogicLayer", "connections", connections, CONNECTIONS, also)
    if connections == "unique":
        return unique_pairs(in_dim, out_dim)
    ends = torch.randperm(2 * out_dim) % in_dim
    return torch.randperm(in_dim)[ends].reshape(2, out_dim)


def _check_sizes(in_dim: int, out_dim: int) -> None:
    check_size("LogicLayer", "in_dim", in_dim)
    check_size("LogicLayer", "out_dim", out_dim)
    if in_dim > 2 * out_dim:
        raise InputError(
            f"LogicLayer: {out_dim} gates on {in_dim} features; allowed are at most {2 * out_dim} "
            f"features, so that all are read; use {-(-in_dim // 2)} gates or more, or LogicDense"
        )
