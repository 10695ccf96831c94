"""A layer of two-input gates whose functions are learned."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..runtime.errors import InputError
from .connections import FixedDenseConnections
from .functional import logic_gates
from .options import check_choice, check_size, with_options
from .parametrization import RawLUTParametrization


class LogicDense(nn.Module):
    """Gates on a fixed random wiring, each learning one of 16 functions (arXiv:2210.08277).

    In training mode a gate is the softmax mixture of the functions on [0, 1]; in evaluation mode
    it is the most probable function, exact on 0 and 1.

    Args:
        in_dim: features of the input.
        out_dim: gates, the features of the output.
        device: where parameters and buffers live.
        grad_factor: scales the gradient that goes back to the input; deep stacks train better with
            1 to 2.
        lut_rank: inputs of a gate; 2.
        parametrization: "raw", one logit for each of the 16 functions.
        parametrization_kwargs: options of `RawLUTParametrization`: weight_init,
            residual_probability, temperature, forward_sampling.
        connections: "fixed".
        connections_kwargs: options of `FixedDenseConnections`: init_method or indices.

    Attributes:
        weight: logits, float32 [out_dim, 16].
        connections: holds `indices`, int64 [2, out_dim].

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
        check_size("LogicDense", "in_dim", in_dim)
        check_size("LogicDense", "out_dim", out_dim)
        check_choice("LogicDense", "parametrization", parametrization, "raw")
        check_choice("LogicDense", "connections", connections, "fixed")
        self.in_dim = in_dim
        self.out_dim = out_dim
        self.device = device
        self.grad_factor = grad_factor
        self.lut_rank = lut_rank
        self.num_neurons = self.num_weights = out_dim
        self.parametrization = with_options(
            "LogicDense",
            RawLUTParametrization,
            parametrization_kwargs,
            "parametrization_kwargs",
            lut_rank,
        ).to(device)
        self.weight = nn.Parameter(self.parametrization.init_weights(out_dim, device))
        self.connections = with_options(
            "LogicDense",
            FixedDenseConnections,
            connections_kwargs,
            "connections_kwargs",
            in_dim,
            out_dim,
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
        coefficients = self.parametrization.coefficients(self.weight, self.training)
        found = logic_gates(
            features,
            coefficients,
            self.connections.indices,
            self.connections.readers,
            self.grad_factor,
        )
        return found.t().reshape(*x.shape[:-1], self.out_dim)

    def get_luts(self) -> Tensor:
        """Truth tables of the chosen gates: bool [out_dim, 4], columns AB = 00, 01, 10, 11.

        Raises:
            InputError: NaN weights.
        """
        return self.parametrization.get_luts(self.weight)

    def get_luts_and_ids(self) -> tuple[Tensor, Tensor]:
        """Truth tables bool [out_dim, 4] and gate ids int64 [out_dim].

        Ids are `8*f(0,0) + 4*f(0,1) + 2*f(1,0) + f(1,1)`; of equal logits the lowest id wins.

        Raises:
            InputError: NaN weights.
        """
        return self.parametrization.get_luts_and_ids(self.weight)

    def extra_repr(self) -> str:
        return f"{self.in_dim}, {self.out_dim}, grad_factor={self.grad_factor}"
