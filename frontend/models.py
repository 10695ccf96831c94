"""Named networks, each with the options that train it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..runtime.errors import InputError
from .binarization import FixedBinarization
from .data import Dataset, split_indices
from .dense import LogicDense
from .groupsum import GroupSum
from .training import History, fit


def dense(
    input_shape: int | Sequence[int],
    widths: Sequence[int],
    classes: int,
    *,
    thresholds: Any = None,
    tau: float = 10.0,
    weight_init: str = "residual",
    init_method: str = "random",
    grad_factor: float = 1.0,
) -> nn.Sequential:
    """A network of dense logic layers: Flatten, FixedBinarization, LogicDense..., GroupSum.

    Args:
        input_shape: of one sample; an integer is a vector.
        widths: gates of each layer; the last is a multiple of `classes`.
        classes: scores of the answer.
        thresholds: [bits] or [features, bits] for FixedBinarization; without them the samples must
            be Boolean, and no binarisation is put in.
        tau: temperature of the scores.
        weight_init, init_method, grad_factor: as in LogicDense.

    Returns:
        The model; its attribute `input_shape` says what a sample is.

    Raises:
        InputError: sizes that do not fit.
    """
    shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
    _check_widths(widths, classes)
    features = int(torch.Size(shape).numel())
    parts: list[nn.Module] = [nn.Flatten()] if len(shape) > 1 else []
    if thresholds is not None:
        encoder = FixedBinarization(thresholds)
        parts.append(encoder)
        features *= encoder.get_thresholds().shape[-1]
    for width in widths:
        layer = LogicDense(
            features,
            width,
            grad_factor=grad_factor,
            parametrization_kwargs={"weight_init": weight_init},
            connections_kwargs={"init_method": init_method},
        )
        parts.append(layer)
        features = width
    model = nn.Sequential(*parts, GroupSum(classes, tau=tau))
    model.input_shape = shape  # type: ignore[assignment]
    return model


def _check_widths(widths: Sequence[int], classes: int) -> None:
    if not widths:
        raise InputError("dense: no layers; allowed are one width or more, such as 2000,2000")
    if classes < 1 or widths[-1] < 1 or widths[-1] % classes:
        nearest = max(1, round(widths[-1] / max(classes, 1))) * classes
        raise InputError(
            f"dense: last layer of {widths[-1]} gates for {classes} classes; "
            f"allowed is a multiple of {classes}, such as {nearest}"
        )


@dataclass(frozen=True)
class Recipe:
    """A dense network and how to train it.

    layers: gates of each layer. bits: thresholds a feature; 0 for Boolean data.
    method, one_per: of FixedBinarization.get_initial_thresholds. thresholds: given ones instead.
    tau, weight_init, init_method, grad_factor: as in `dense`.
    steps, batch_size, lr, schedule, augment: as in `fit`.
    validation: share of the training part that chooses the weights to keep; with 0 all of it
        trains, and checks are made on what was trained on.
    """

    layers: tuple[int, ...]
    bits: int = 3
    method: str = "uniform"
    one_per: str = "feature"
    thresholds: tuple[float, ...] | None = None
    tau: float = 10.0
    weight_init: str = "residual"
    init_method: str = "random"
    grad_factor: float = 1.0
    steps: int = 2000
    batch_size: int = 128
    lr: float = 0.01
    schedule: str = "constant"
    augment: str | None = None
    validation: float = 0.1

    def build(self, data: Dataset, seed: int = 0) -> nn.Sequential:
        """The untrained network for `data`; thresholds come from its training part."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return dense(
                data.input_shape,
                self.layers,
                data.classes,
                thresholds=self._thresholds(data),
                tau=self.tau,
                weight_init=self.weight_init,
                init_method=self.init_method,
                grad_factor=self.grad_factor,
            )

    def _thresholds(self, data: Dataset) -> Tensor | None:
        if self.thresholds is not None:
            return torch.tensor(self.thresholds)
        if self.bits == 0:
            return None
        flat = data.x_train.reshape(len(data.x_train), -1)
        return FixedBinarization.get_initial_thresholds(flat, self.bits, self.one_per, self.method)

    def train(
        self, data: Dataset, *, seed: int = 0, progress: bool = True
    ) -> tuple[nn.Sequential, History]:
        """Build and fit; the test part of `data` is not looked at.

        Args:
            data: what to learn. seed: of wiring, weights and batches.
            progress: as in `fit`.
        """
        model = self.build(data, seed)
        x, y, held = data.x_train, data.y_train, None
        if self.validation > 0:
            kept, rest = split_indices(data.y_train, self.validation, seed)
            x, y, held = x[kept], y[kept], (x[rest], y[rest])
        history = fit(
            model,
            x,
            y,
            validation=held,
            steps=self.steps,
            batch_size=self.batch_size,
            lr=self.lr,
            schedule=self.schedule,
            augment=self.augment,
            seed=seed,
            progress=progress,
        )
        return model, history


RECIPES: dict[str, Recipe] = {
    "digits": Recipe(
        layers=(3000, 3000, 3000),
        thresholds=(2.0, 6.0, 10.0, 14.0),
        tau=15.0,
        weight_init="random",
        steps=2000,
        batch_size=64,
        lr=0.03,
        schedule="cosine",
        validation=0.0,
    ),
}
"""Recipes by the name of their data set."""


def recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        InputError: there is none.
    """
    if name not in RECIPES:
        raise InputError(f"recipe {name!r}; allowed are {', '.join(RECIPES)}")
    return RECIPES[name]
