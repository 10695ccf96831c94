"""Parametrisations with one number for each row of a truth table, for gates of 1 to 6 inputs."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from .parametrization import LUTParametrization, refuse_nan
from .raw_parametrization import RawLUTParametrization
from .sampling import sample_sigmoid

_LIGHT_START = 3.0  # distance of the first logits from 0, as in torchlogix


class _SignedTables(LUTParametrization):
    """Gates whose table has a logit for each row; a row answers 1 where it is above 0."""

    def logits(self, weight: Tensor) -> Tensor:
        """One logit for each row of the truth tables, [gates, 2**k]."""
        raise NotImplementedError

    def get_luts(self, weight: Tensor) -> Tensor:
        refuse_nan(weight)
        return self.logits(weight) > 0

    def _chosen(self, weight: Tensor) -> Tensor:
        return self.get_luts(weight).to(weight.dtype).t().contiguous()


class WarpLUTParametrization(_SignedTables):
    """Walsh-Hadamard coefficients, 2^k a gate (arXiv:2602.03527).

    With inputs counted as +1 for 0 and -1 for 1, coefficient `j` belongs to the product of the
    inputs whose bits are set in `j`, the first input the most significant. Training answers the
    sigmoid of minus the sum, so the logits are interpolated and the sigmoid comes last; sampling
    takes place there too, anew for each gate and sample. Evaluation answers 1 where the sum is
    negative.

    Arguments and errors are those of `LUTParametrization`; lut_rank is 1 to 6. Random weights are
    normal. "residual-catalog" starts with discrete gates, coefficients of the table of +1 and -1:
    the share `1 - residual_probability` of them, drawn anew, answers random functions, the others
    their first input.
    """

    inits = (*LUTParametrization.inits, "residual-catalog")
    name = "warp"

    def init_weights(self, num_neurons: int, device: Any = "cpu") -> Tensor:
        """First coefficients, float32 [num_neurons, 2**k]."""
        size = 1 << self.lut_rank
        if self.weight_init == "random":
            return torch.randn(num_neurons, size, device=device)
        p, weight = self.residual_probability, torch.zeros(num_neurons, size, device=device)
        if self.weight_init == "residual":
            weight[:, size // 2] = self.temperature * math.log(p / (1 - p))
            return weight
        weight[:, size // 2] = 1.0
        others = torch.randperm(num_neurons, device=device)[: round(num_neurons * (1 - p))]
        signs = 1.0 - 2.0 * torch.randint(0, 2, (len(others), size), device=device)
        weight[others] = walsh_hadamard(signs) / size
        return weight

    def logits(self, weight: Tensor) -> Tensor:
        return -walsh_hadamard(weight)

    def table(self, weight: Tensor, training: bool) -> Tensor:
        """Logits of the rows if training, else the chosen truth tables: [2**k, gates]."""
        return self.logits(weight).t().contiguous() if training else self._chosen(weight)

    def is_bilinear(self, training: bool) -> bool:
        return super().is_bilinear(training) and not training

    def answer(self, found: Tensor, training: bool) -> Tensor:
        if not training:
            return found
        return sample_sigmoid(found, self.temperature, self.forward_sampling)


class LightLUTParametrization(_SignedTables):
    """A logit for each row of the truth table, the indicator polynomial's (arXiv:2510.03250).

    Training interpolates between the sigmoids of the logits; evaluation answers 1 where the logit
    of the row is positive.

    Arguments and errors are those of `LUTParametrization`; lut_rank is 1 to 6. As in torchlogix,
    residual weights are normal around -3 and 3, whatever residual_probability says, and random
    ones uniform from 0 to 1, so that all gates start as the constant 1.
    """

    name = "light"

    def init_weights(self, num_neurons: int, device: Any = "cpu") -> Tensor:
        """First logits, float32 [num_neurons, 2**k]."""
        size = 1 << self.lut_rank
        if self.weight_init == "random":
            return torch.rand(num_neurons, size, device=device)
        weight = torch.randn(num_neurons, size, device=device)
        weight[:, : size // 2] -= _LIGHT_START
        weight[:, size // 2 :] += _LIGHT_START
        return weight

    def logits(self, weight: Tensor) -> Tensor:
        return weight

    def table(self, weight: Tensor, training: bool) -> Tensor:
        """Probabilities of 1 if training, else the chosen truth tables: [2**k, gates]."""
        if not training:
            return self._chosen(weight)
        found = sample_sigmoid(weight, self.temperature, self.forward_sampling)
        return found.t().contiguous()


def walsh_hadamard(x: Tensor) -> Tensor:
    """The Walsh-Hadamard transform of the last dimension, a power of two; its own inverse but for
    the factor 1 / size. Rows and columns are in natural order."""
    shape, half = x.shape, x.shape[-1]
    while half > 1:
        blocks, half = shape[-1] // half, half // 2
        a, b = x.reshape(*shape[:-1], blocks, 2, half).unbind(-2)
        x = torch.stack([a + b, a - b], -2)
    return x.reshape(shape)


PARAMETRIZATIONS: dict[str, type[LUTParametrization]] = {
    kind.name: kind
    for kind in (RawLUTParametrization, WarpLUTParametrization, LightLUTParametrization)
}
"""Parametrisations by the name that LogicDense takes."""
