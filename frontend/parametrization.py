"""How trainable numbers stand for gates."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ..runtime.errors import InputError
from .functional import gate_coefficients, gate_tables, mixture_coefficients

_FEED_A = 3  # the gate that answers `a`


class RawLUTParametrization(nn.Module):
    """One logit a gate for each of the 16 functions of two bits.

    Training mixes the functions by softmax (Petersen et al. 2022, arXiv:2210.08277); evaluation
    takes the one with the largest logit, the lowest id where several are equal, as `torch.argmax`.

    Args:
        lut_rank: inputs of a gate; 2.
        weight_init: "residual" starts near the function `a` (arXiv:2411.04732), "random" from a
            normal distribution.
        residual_probability: how probable the answer `a` is at the start, above 0.5, below 1.
        temperature: the softmax sees `weight / temperature`; positive.
        forward_sampling: "soft".

    Raises:
        InputError: an option is unknown or out of range.
    """

    tables: Tensor
    basis: Tensor

    def __init__(
        self,
        lut_rank: int = 2,
        weight_init: str = "residual",
        residual_probability: float = 0.951,
        temperature: float = 1.0,
        forward_sampling: str = "soft",
    ) -> None:
        super().__init__()
        _allow("lut_rank", lut_rank, (2,))
        _allow("weight_init", weight_init, ("residual", "random"))
        _allow("forward_sampling", forward_sampling, ("soft",))
        if not 0.5 < residual_probability < 1.0:
            raise InputError(
                f"parametrization: residual_probability {residual_probability}; "
                "allowed is above 0.5 and below 1"
            )
        if not (math.isfinite(temperature) and temperature > 0):
            raise InputError(f"parametrization: temperature {temperature}; allowed is above 0")
        self.lut_rank = lut_rank
        self.weight_init = weight_init
        self.residual_probability = residual_probability
        self.temperature = temperature
        self.forward_sampling = forward_sampling
        self.register_buffer("tables", gate_tables(), persistent=False)
        self.register_buffer("basis", gate_coefficients(), persistent=False)

    def init_weights(self, num_neurons: int, device: Any = "cpu") -> Tensor:
        """First logits, float32 [num_neurons, 16]."""
        if self.weight_init == "random":
            return torch.randn(num_neurons, 16, device=device)
        # Of the 15 other gates, 7 agree with `a` in any row of the truth table.
        p = self.residual_probability
        logits = torch.zeros(num_neurons, 16, device=device)
        logits[:, _FEED_A] = self.temperature * math.log((15 * p - 7) / (1 - p))
        return logits

    def coefficients(self, weight: Tensor, training: bool) -> Tensor:
        """Coefficients [4, gates] of `1, a, b, a*b`: of the mixture, or of the chosen gates.

        Raises:
            InputError: not training, and a logit is NaN.
        """
        if training:
            return mixture_coefficients(weight, self.basis, self.temperature)
        return self.basis[self.get_ids(weight)].t().contiguous()

    def get_ids(self, weight: Tensor) -> Tensor:
        """The chosen gates, int64 [gates]; ids are 8*f(0,0) + 4*f(0,1) + 2*f(1,0) + f(1,1).

        Raises:
            InputError: a logit is NaN.
        """
        bad = torch.isnan(weight).any(dim=1)
        if bad.any():
            raise InputError(
                f"parametrization: {int(bad.sum())} of {len(weight)} gates have NaN weights, the "
                f"first is gate {int(bad.nonzero()[0])}; allowed are numbers; train with a lower "
                "learning rate or load a sound checkpoint"
            )
        return weight.argmax(dim=1)

    def get_luts(self, weight: Tensor) -> Tensor:
        """Truth tables of the chosen gates: bool [gates, 4], columns AB = 00, 01, 10, 11."""
        return self.tables[self.get_ids(weight)]

    def get_luts_and_ids(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Truth tables bool [gates, 4] and gate ids int64 [gates]."""
        ids = self.get_ids(weight)
        return self.tables[ids], ids

    def extra_repr(self) -> str:
        return f"weight_init={self.weight_init}, temperature={self.temperature}"


def _allow(name: str, found: Any, allowed: tuple[Any, ...]) -> None:
    if found not in allowed:
        names = " or ".join(repr(value) for value in allowed)
        raise InputError(
            f"parametrization: {name}={found!r}; allowed is {names}; nothing else is there yet"
        )
