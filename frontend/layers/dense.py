"""A layer of gates whose functions are learned."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ...runtime.errors import InputError
from ..gates.table_parametrization import PARAMETRIZATIONS
from ..gates.weights import regularization_loss, rescale
from ..options import check_choice, check_factor, check_size, with_options
from ..wiring.connections import DenseConnections, FixedDenseConnections
from ..wiring.learned_connections import LearnableDenseConnections

CONNECTIONS: dict[str, type[DenseConnections]] = {
    "fixed": FixedDenseConnections,
    "learnable": LearnableDenseConnections,
}


class LogicDense(nn.Module):
    """Gates that learn their function on random wiring (arXiv:2210.08277), or their wiring too.

    In training mode a gate is a relaxation of Boolean functions to [0, 1]; in evaluation mode it
    is the function that was chosen, exact on 0 and 1, and reads the features that were chosen.

    Args:
        in_dim: features of the input.
        out_dim: gates, the features of the output.
        device: where parameters and buffers live.
        grad_factor: scales the gradient that goes back to the input; deep stacks train better with
            1 to 2.
        lut_rank: inputs of a gate, k: 1 or 2 for "raw", else 1 to 6.
        parametrization: "raw", one logit for each of the 16 functions of two inputs, or of the 4 of
            one; "warp", 2**k Walsh-Hadamard coefficients; "light", a logit for each row of the
            truth table.
        parametrization_kwargs: options of `LUTParametrization`: weight_init, residual_probability,
            temperature, forward_sampling.
        connections: "fixed", or "learnable" (arXiv:2511.12340).
        connections_kwargs: options of `FixedDenseConnections`: init_method or indices; or of
            `LearnableDenseConnections`: num_candidates, temperature, gumbel, init_method,
            forward_sampling or indices. Options of the other kind have no effect.

    Attributes:
        weight: float32 [out_dim, 16] for "raw" ([out_dim, 4] for k = 1), else [out_dim, 2**k].
        connections: `connections.resolve_connections()` is what gates read in evaluation mode,
            int64 [k, out_dim]; fixed wiring holds it as `indices`.

    Raises:
        InputError: an option is unknown or impossible.
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        device: Any = "cpu",
        grad_factor: float = 1.0,
        lut_rank: int = 2,
        parametrization: str = "raw",
        parametrization_kwargs: dict[str, Any] | None = None,
        connections: str = "fixed",
        connections_kwargs: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        in_dim = check_size("LogicDense", "in_dim", in_dim)
        out_dim = check_size("LogicDense", "out_dim", out_dim)
        check_choice("LogicDense", "parametrization", parametrization, PARAMETRIZATIONS)
        check_choice("LogicDense", "connections", connections, CONNECTIONS)
        self.in_dim = in_dim
        self.out_dim = out_dim
        self.device = device
        self.grad_factor = check_factor("LogicDense", "grad_factor", grad_factor)
        self.lut_rank = lut_rank
        self.num_neurons = self.num_weights = out_dim
        self.parametrization = with_options(
            "LogicDense",
            PARAMETRIZATIONS[parametrization],
            parametrization_kwargs,
            "parametrization_kwargs",
            lut_rank=lut_rank,
        ).to(device)
        self.weight = nn.Parameter(self.parametrization.init_weights(out_dim, device))
        self.connections = with_options(
            "LogicDense",
            CONNECTIONS[connections],
            connections_kwargs,
            "connections_kwargs",
            CONNECTIONS.values(),
            in_dim=in_dim,
            out_dim=out_dim,
            lut_rank=lut_rank,
        ).to(device)

    def forward(self, x: Tensor) -> Tensor:
        """Evaluate the gates.

        Args:
            x: [..., in_dim] of values in [0, 1]: float, bool or uint8.

        Returns:
            [..., out_dim] in the dtype of `weight`, float32 unless the module was converted.

        Raises:
            InputError: another last dimension; in evaluation mode, NaN weights.
        """
        if x.ndim < 1 or x.shape[-1] != self.in_dim:
            raise InputError(
                f"LogicDense: input of shape {list(x.shape)}; allowed is [..., {self.in_dim}]; "
                "does in_dim fit the layer before, or is a Flatten missing?"
            )
        features = x.reshape(-1, self.in_dim).t().to(self.weight.dtype).contiguous()
        features, wiring, factor = self.connections.feed(features, self.grad_factor)
        found = self.parametrization.evaluate(features, self.weight, wiring, factor, self.training)
        return found.t().reshape(*x.shape[:-1], self.out_dim)

    def get_luts(self) -> Tensor:
        """Truth tables of the chosen gates: bool [out_dim, 2**k].

        The first input is the most significant bit of the column: AB = 00, 01, 10, 11.

        Raises:
            InputError: NaN weights.
        """
        return self.parametrization.get_luts(self.weight)

    def get_luts_and_ids(self) -> tuple[Tensor, Tensor]:
        """Truth tables bool [out_dim, 2**k] and gate ids int64 [out_dim].

        An id is the table as a binary number: `8*f(0,0) + 4*f(0,1) + 2*f(1,0) + f(1,1)`. Of equal
        logits of "raw" the lowest id wins.

        Raises:
            InputError: NaN weights, or six inputs, whose ids need 64 bits.
        """
        return self.parametrization.get_luts_and_ids(self.weight)

    def get_regularization_loss(self, regularizer: str | None) -> Tensor | float:
        """A penalty on `weight`: "L2" or "abs_sum", [out_dim], "warp", a scalar, or None, 0.0.

        Raises:
            InputError: another regularizer.
        """
        return regularization_loss(self.weight, regularizer)

    def rescale_weights(self, method: str | None) -> None:
        """Scale `weight` in place by "clip", "abs_sum" or "L2"; None does nothing.

        Raises:
            InputError: another method.
        """
        rescale(self.weight, method)

    def extra_repr(self) -> str:
        return (
            f"{self.in_dim}, {self.out_dim}, grad_factor={self.grad_factor}, "
            f"lut_rank={self.lut_rank}"
        )
