"""How weights move: learning rates, penalties, temperatures and the optimiser."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn

from ...runtime.errors import InputError
from ..gates.schedules import SCHEDULES, scheduled, set_temperature
from ..gates.weights import REGULARIZERS, RESCALINGS
from ..options import check_choice
from .arguments import check_number, check_whole

RATES = ("constant", "cosine")
Temperature = float | tuple[str, float, float] | Callable[[float], float]


@dataclass(frozen=True)
class Optimization:
    """The arguments of `fit` that say how weights move, under the same names; checked when made.

    Raises:
        InputError: one of them is out of range.
    """

    lr: float = 0.01
    schedule: str = "constant"
    warmup: int = 0
    weight_decay: float = 0.0
    clip_norm: float | None = None
    regularizer: str | None = None
    regularization: float = 0.0
    rescale: str | None = None
    temperature: Temperature | None = None

    def __post_init__(self) -> None:
        check_number("lr", self.lr)
        if self.schedule not in RATES:
            raise InputError(f"fit: schedule {self.schedule!r}; allowed are {', '.join(RATES)}")
        check_whole("warmup", self.warmup, 0)
        check_number("weight_decay", self.weight_decay, zero=True)
        if self.clip_norm is not None:
            check_number("clip_norm", self.clip_norm)
        check_choice("fit", "regularizer", self.regularizer, (*REGULARIZERS, None))
        check_choice("fit", "rescale", self.rescale, (*RESCALINGS, None))
        self._check_temperature()
        check_number("regularization", self.regularization, zero=True)
        if (self.regularizer is None) != (self.regularization == 0):
            raise InputError(
                f"fit: regularizer {self.regularizer!r} with regularization "
                f"{self.regularization}; allowed are both or neither, for example "
                "regularizer='L2', regularization=0.001"
            )

    def _check_temperature(self) -> None:
        found = self.temperature
        if found is None or callable(found):
            return
        if isinstance(found, tuple | list) and len(found) == 3:
            check_choice("fit", "temperature", found[0], SCHEDULES)
            for value in found[1:]:
                check_number("temperature", value)
        elif not isinstance(found, Real):
            raise InputError(
                f"fit: temperature {found!r}; allowed is a number, (schedule, start, end) such as "
                "('exponential', 2.0, 0.5), or a function of the share of training done"
            )
        else:
            check_number("temperature", found)

    def check_model(self, model: nn.Module, total: int) -> list[nn.Parameter]:
        """The trainable parameters of a model that takes these options for `total` steps.

        Raises:
            InputError: it has none, or no layer knows the penalty, or warmup never ends.
        """
        parameters = [p for p in model.parameters() if p.requires_grad]
        if not parameters:
            raise InputError("fit: the model has no trainable parameters; add a LogicDense")
        for option, method in (
            ("regularizer", "get_regularization_loss"),
            ("rescale", "rescale_weights"),
        ):
            found = getattr(self, option)
            if found is not None and not _methods(model, method):
                raise InputError(
                    f"fit: {option} {found!r}, but no layer of the model has {method}; "
                    f"use {option}=None"
                )
        if not self.set_temperature(model, 0, total) and self.temperature is not None:
            raise InputError(
                f"fit: temperature {self.temperature!r}, but the model has no gates; "
                "use temperature=None"
            )
        if self.warmup >= total:
            raise InputError(
                f"fit: warmup {self.warmup} of {total} steps; allowed are fewer than the steps"
            )
        return parameters

    def rate(self, step: int, total: int) -> float:
        """The learning rate of a step, counted from 0."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        if self.schedule == "constant":
            return self.lr
        done = math.pi * (step - self.warmup) / (total - self.warmup)
        return self.lr * 0.5 * (1 + math.cos(done))

    def set_temperature(self, model: nn.Module, step: int, total: int) -> int:
        """Set the temperature of a step, counted from 0; how many layers have gates.

        Raises:
            InputError: a function answered something that is not positive.
        """
        found = self.temperature
        if found is None:
            return 0
        if isinstance(found, tuple | list):
            name, start, end = found
            return set_temperature(model, scheduled(name, start, end, step / total))
        return set_temperature(model, found(step / total) if callable(found) else found)

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Adam, or AdamW where weights decay."""
        if self.weight_decay:
            return torch.optim.AdamW(
                parameters, lr=self.lr, weight_decay=self.weight_decay, fused=True
            )
        return torch.optim.Adam(parameters, lr=self.lr, fused=True)

    def loss(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        """Mean cross-entropy of a batch, and the penalty if there is one: a scalar."""
        loss = nn.functional.cross_entropy(model(x), y)
        if self.regularizer is None:
            return loss
        penalties = [
            torch.as_tensor(penalty(self.regularizer)).mean()
            for penalty in _methods(model, "get_regularization_loss")
        ]
        return loss + self.regularization * torch.stack(penalties).sum()

    def clip(self, parameters: Iterable[nn.Parameter]) -> None:
        """Scale gradients down to `clip_norm` where their norm is larger."""
        if self.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(parameters, self.clip_norm)

    def rescale_weights(self, model: nn.Module) -> None:
        """Scale weights as `rescale` says, after a step."""
        if self.rescale is not None:
            for method in _methods(model, "rescale_weights"):
                method(self.rescale)


def _methods(model: nn.Module, name: str) -> list[Any]:
    """The method of that name of every layer that has one."""
    return [getattr(layer, name) for layer in model.modules() if hasattr(layer, name)]
