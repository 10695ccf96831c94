"""The temperature of a model's gates, and how it changes while training goes on."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import nn

from ...runtime.errors import InputError
from ..options import check_choice
from .parametrization import LUTParametrization, check_temperature


def set_temperature(model: nn.Module, value: float) -> int:
    """Set the temperature of every gate of a model, in training only.

    Evaluation, and what the model compiles to, stay as they are: the choice of the largest logit,
    or of its sign, does not depend on a scale.

    Args:
        model: any module; other layers are left alone.
        value: the new temperature, above 0.

    Returns:
        How many layers of gates there are.

    Raises:
        InputError: the value is not positive and finite.
    """
    check_temperature("set_temperature", value)
    found = [module for module in model.modules() if isinstance(module, LUTParametrization)]
    for parametrization in found:
        parametrization.temperature = float(value)
    return len(found)


def _constant(start: float, end: float, progress: float) -> float:
    return start


def _linear(start: float, end: float, progress: float) -> float:
    return start + (end - start) * progress


def _exponential(start: float, end: float, progress: float) -> float:
    return start * (end / start) ** progress


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


SCHEDULES: dict[str, Callable[[float, float, float], float]] = {
    "constant": _constant,
    "linear": _linear,
    "exponential": _exponential,
    "cosine": _cosine,
}
"""Ways from `start` to `end`, by name; functions of start, end and progress."""


def scheduled(name: str, start: float, end: float, progress: float) -> float:
    """A value on the way from `start` to `end`.

    Args:
        name: "constant" stays at `start`; "linear" has the same difference in every step,
            "exponential" the same factor; "cosine" starts and ends slowly, on half a wave
            (Loshchilov and Hutter 2017, arXiv:1608.03983).
        start: the value at progress 0.
        end: the value at progress 1.
        progress: how much of training is done, from 0 to 1.

    Raises:
        InputError: another name, a progress out of range, or "exponential" between values that are
            not both positive.
    """
    check_choice("scheduled", "name", name, SCHEDULES)
    if not 0 <= progress <= 1:
        raise InputError(f"scheduled: progress {progress}; allowed is 0 to 1")
    if name == "exponential" and not (start > 0 and end > 0):
        raise InputError(
            f"scheduled: exponential from {start} to {end}; allowed are values above 0; use linear"
        )
    return SCHEDULES[name](start, end, progress)
