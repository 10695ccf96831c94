"""Gates as one number for each function of their inputs."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from .functional import gate_coefficients, gate_tables, mixed_gates, mixture_coefficients
from .parametrization import LUTParametrization, Readable, refuse_nan
from .sampling import sample_softmax


class RawLUTParametrization(LUTParametrization):
    """One logit a gate for each of the 16 functions of two bits, or of the 4 of one bit.

    Training mixes the functions by softmax (Petersen et al. 2022, arXiv:2210.08277); evaluation
    takes the one with the largest logit, the lowest id where several are equal, as `torch.argmax`.

    Arguments and errors are those of `LUTParametrization`; lut_rank is 1 or 2. Random weights are
    normal.
    """

    ranks = (1, 2)
    name = "raw"
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
        super().__init__(lut_rank, weight_init, residual_probability, temperature, forward_sampling)
        self.register_buffer("tables", gate_tables(lut_rank), persistent=False)
        self.register_buffer("basis", gate_coefficients(), persistent=False)

    def init_weights(self, num_neurons: int, device: Any = "cpu") -> Tensor:
        """First logits, float32 [num_neurons, 16], or [num_neurons, 4] for gates of one input."""
        functions, rows = self.tables.shape
        if self.weight_init == "random":
            return torch.randn(num_neurons, functions, device=device)
        # Of the other gates, `agreeing` answer as `a` in any one row of the truth table.
        others, agreeing = functions - 1, functions // 2 - 1
        p = self.residual_probability
        logits = torch.zeros(num_neurons, functions, device=device)
        feed_a = (1 << rows // 2) - 1
        logits[:, feed_a] = self.temperature * math.log((others * p - agreeing) / (1 - p))
        return logits

    def coefficients(self, weight: Tensor, training: bool) -> Tensor:
        """Coefficients [4, gates] of `1, a, b, a*b`: of the mixture, or of the chosen gates.

        Raises:
            InputError: not training, and a logit is NaN.
        """
        if training:
            if self.forward_sampling == "soft":
                return mixture_coefficients(weight, self.basis, self.temperature)
            shares = sample_softmax(weight, self.temperature, self.forward_sampling)
            return self.basis.t() @ shares.t()
        return self.basis[self.get_ids(weight)].t().contiguous()

    def evaluate(
        self,
        features: Tensor,
        weight: Tensor,
        connections: Readable,
        grad_factor: float,
        training: bool,
        places: int = 1,
    ) -> Tensor:
        soft = training and self.forward_sampling == "soft"
        if not soft or places > 1 or self.lut_rank != 2:
            return super().evaluate(features, weight, connections, grad_factor, training, places)
        wiring = (connections.indices, connections.readers, grad_factor)
        return mixed_gates(features, weight, self.basis, self.temperature, *wiring)

    def table(self, weight: Tensor, training: bool) -> Tensor:
        """The mixed or chosen truth tables, [2**k, gates]."""
        if training:
            shares = sample_softmax(weight, self.temperature, self.forward_sampling)
            return self.tables.to(weight.dtype).t() @ shares.t()
        return self.get_luts(weight).to(weight.dtype).t()

    def get_ids(self, weight: Tensor) -> Tensor:
        """The chosen gates, int64 [gates]; ids are 8*f(0,0) + 4*f(0,1) + 2*f(1,0) + f(1,1).

        Raises:
            InputError: a logit is NaN.
        """
        refuse_nan(weight)
        return weight.argmax(dim=1)

    def get_luts(self, weight: Tensor) -> Tensor:
        """Truth tables of the chosen gates: bool [gates, 2**k]; AB = 00, 01, 10, 11."""
        return self.tables[self.get_ids(weight)]
