"""How trainable numbers stand for gates: what the parametrisations share."""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ...runtime.errors import InputError
from ..options import check_choice
from .functional import logic_gates
from .lookup import lut_gates
from .sampling import SAMPLING


class Readable(Protocol):
    """What `LUTParametrization.evaluate` needs of wiring: `wiring.Wiring`, or fixed connections."""

    @property
    def indices(self) -> Tensor:
        """int64 [k, gates]: the features that each gate reads."""
        ...

    def readers(self) -> tuple[Tensor, Tensor]:
        """What `functional.readers_of` says of `indices`."""
        ...


class LUTParametrization(nn.Module):
    """What the parametrisations share: options, and how a layer is evaluated.

    Args:
        lut_rank: inputs of a gate, k.
        weight_init: "residual" starts near the gate that answers its first input
            (arXiv:2411.04732), "random" from a distribution around 0; "warp" also knows
            "residual-catalog".
        residual_probability: how probable the answer of the residual gate is at the start, above
            0.5, below 1.
        temperature: logits are divided by it in training; positive. It may be set at any time,
            see `schedules.set_temperature`; evaluation does not read it.
        forward_sampling: "soft" trains on probabilities, "hard" on the choice that evaluation
            makes, with the gradient of the probabilities. "gumbel_soft" and "gumbel_hard" add
            Gumbel noise to the logits first (arXiv:2506.07500), from torch's generator.

    Raises:
        InputError: an option is unknown or out of range.
    """

    ranks: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    inits: tuple[str, ...] = ("residual", "random")
    name = ""

    def __init__(
        self,
        lut_rank: int = 2,
        weight_init: str = "residual",
        residual_probability: float = 0.951,
        temperature: float = 1.0,
        forward_sampling: str = "soft",
    ) -> None:
        super().__init__()
        check_choice(
            "parametrization",
            "lut_rank",
            lut_rank,
            self.ranks,
            f" for parametrization {self.name!r}",
        )
        check_choice(
            "parametrization",
            "weight_init",
            weight_init,
            self.inits,
            f" for parametrization {self.name!r}",
        )
        check_choice("parametrization", "forward_sampling", forward_sampling, SAMPLING)
        if not 0.5 < residual_probability < 1.0:
            raise InputError(
                f"parametrization: residual_probability {residual_probability}; "
                "allowed is above 0.5 and below 1"
            )
        check_temperature("parametrization", temperature)
        self.lut_rank = lut_rank
        self.weight_init = weight_init
        self.residual_probability = residual_probability
        self.temperature = temperature
        self.forward_sampling = forward_sampling

    def init_weights(self, num_neurons: int, device: Any = "cpu") -> Tensor:
        """First weights, float32 [num_neurons, numbers a gate]."""
        raise NotImplementedError

    def get_luts(self, weight: Tensor) -> Tensor:
        """Truth tables of the chosen gates: bool [gates, 2**k].

        The first input is the most significant bit of the column number.

        Raises:
            InputError: NaN weights.
        """
        raise NotImplementedError

    def table(self, weight: Tensor, training: bool) -> Tensor:
        """What gates interpolate between, [2**k, gates]; 0 and 1 unless training."""
        raise NotImplementedError

    def answer(self, found: Tensor, training: bool) -> Tensor:
        """What a gate answers for what its interpolation found."""
        return found

    def is_bilinear(self, training: bool) -> bool:
        """Whether gates have two inputs and answer what `coefficients` says, no more."""
        return self.lut_rank == 2

    def coefficients(self, weight: Tensor, training: bool) -> Tensor:
        """Coefficients [4, gates] of `1, a, b, a*b` of gates of two inputs.

        Raises:
            InputError: not training, and a weight is NaN.
        """
        f00, f01, f10, f11 = self.table(weight, training).unbind(0)
        return torch.stack([f00, f10 - f00, f01 - f00, f11 - f10 - f01 + f00])

    def evaluate(
        self,
        features: Tensor,
        weight: Tensor,
        connections: Readable,
        grad_factor: float,
        training: bool,
        places: int = 1,
    ) -> Tensor:
        """All gates of a layer: [in_dim, batch] to [gates * places, batch].

        Args:
            features: what the gates read, in the dtype of `weight`.
            weight: [gates, numbers a gate].
            connections: holds `indices`, int64 [k, gates * places].
            grad_factor: scales the gradient for `features`.
            training: whether gates are relaxed.
            places: how many neighbouring columns of the wiring share a gate's numbers.

        Raises:
            InputError: not training, and a weight is NaN.
        """
        wiring = (connections.indices, connections.readers, grad_factor)
        if self.lut_rank == 2:
            numbers = _repeated(self.coefficients(weight, training), places)
            return self.answer(logic_gates(features, numbers, *wiring), training)
        numbers = _repeated(self.table(weight, training), places)
        return self.answer(lut_gates(features, numbers, *wiring), training)

    def get_luts_and_ids(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Truth tables bool [gates, 2**k] and gate ids int64 [gates].

        An id is the table read as a binary number, the column of all zeros first.

        Raises:
            InputError: NaN weights, or six inputs, whose ids need 64 bits.
        """
        if self.lut_rank > 5:
            raise InputError(
                f"parametrization: ids of gates with {self.lut_rank} inputs do not fit an int64; "
                "allowed are up to 5 inputs; use get_luts"
            )
        luts = self.get_luts(weight)
        places = torch.arange(luts.shape[1] - 1, -1, -1, device=luts.device)
        return luts, (luts.long() << places).sum(1)

    def extra_repr(self) -> str:
        return (
            f"weight_init={self.weight_init}, temperature={self.temperature}, "
            f"forward_sampling={self.forward_sampling}"
        )


def check_temperature(owner: str, temperature: float) -> None:
    """Raise InputError unless `temperature` is positive and finite."""
    if not (math.isfinite(temperature) and temperature > 0):
        raise InputError(f"{owner}: temperature {temperature}; allowed is above 0")


def _repeated(numbers: Tensor, places: int) -> Tensor:
    """Each column of [n, gates] for its places: [n, gates * places]."""
    return numbers.unsqueeze(2).expand(-1, -1, places).flatten(1)


def refuse_nan(weight: Tensor) -> None:
    """Raise InputError if a weight [gates, numbers] is NaN."""
    bad = torch.isnan(weight).any(dim=1)
    if bad.any():
        raise InputError(
            f"parametrization: {int(bad.sum())} of {len(weight)} gates have NaN weights, the "
            f"first is gate {int(bad.nonzero()[0])}; allowed are numbers; train with a lower "
            "learning rate or load a sound checkpoint"
        )
