"""Networks for data sets, each with the options that train it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...runtime.errors import InputError
from ..checks import as_tensor
from ..data import Dataset, load_dataset, split_indices
from ..layers.binarization import FixedBinarization
from ..options import is_int
from ..zoo import build_model, model_spec
from ..zoo.dense import dense
from . import History, fit
from .configuration import check_table


def dense_for(
    data: Dataset,
    *,
    layers: Sequence[int] | None = None,
    bits: int = 3,
    method: str = "uniform",
    one_per: str = "feature",
    thresholds: Sequence[float] | None = None,
    **options: Any,
) -> nn.Sequential:
    """A network of dense layers for a data set.

    Args:
        data: its shape, classes and, for thresholds, its training part are looked at.
        layers: gates of each layer.
        bits: thresholds a feature; none for data in bool, which is bits already.
        method, one_per: of FixedBinarization.get_initial_thresholds.
        thresholds: given ones instead.
        options: tau, weight_init, init_method and grad_factor as in `dense`.

    Raises:
        InputError: sizes that do not fit.
    """
    layers = () if layers is None else layers
    if not isinstance(layers, list | tuple) or not all(is_int(width) for width in layers):
        raise InputError(f"layers {layers!r}; allowed are sizes from 1, such as [2000, 2000]")
    found: Tensor | None = None
    if thresholds is not None:
        found = as_tensor(thresholds, "thresholds").to(torch.float32)
    elif bits and data.x_train.dtype != np.bool_:
        flat = data.x_train.reshape(len(data.x_train), -1)
        found = FixedBinarization.get_initial_thresholds(flat, bits, one_per, method)
    return dense(data.input_shape, layers, data.classes, thresholds=found, **options)


def _arguments(function: Any, *left_out: str) -> dict[str, Any]:
    """Keyword arguments of a function and their defaults."""
    found = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in found if p.kind is p.KEYWORD_ONLY and p.name not in left_out}


DATA = {"name": "digits", **_arguments(load_dataset)}
"""What data is described by: `load_dataset`'s arguments and defaults."""

NETWORK = {**_arguments(dense_for), **_arguments(dense, "thresholds")}
"""What a network of dense layers is described by, and the defaults."""

TRAINING = {**_arguments(fit, "validation", "progress", "resume"), "validation": 0.1}
"""What training is described by, and the defaults: arguments of `fit`, and a share for
`validation`, of the training part, which chooses the weights to keep; with 0 all of it trains, and
checks are made on what was trained on."""


@dataclass(frozen=True)
class Recipe:
    """A network and how to train it, as the tables [model] and [train] of a configuration.

    Args:
        network: either `name`, of a published network, and options of `build_model`, or keywords
            of `dense_for`.
        training: keywords of `fit`, but for validation, which is a share; see `TRAINING`.

    Raises:
        InputError: a key that is unknown, a value of another type, or bits beside thresholds.
    """

    network: Mapping[str, Any]
    training: Mapping[str, Any]

    def __post_init__(self) -> None:
        if "name" not in self.network:
            check_table("model", self.network, NETWORK, "name with options of a published network")
            if {"bits", "thresholds"} <= {*self.network}:
                raise InputError(
                    "[model] bits and thresholds; allowed is one of them: leave bits out to have "
                    "the given thresholds"
                )
        check_table("train", self.training, TRAINING)

    def build(self, data: Dataset, seed: int = 0) -> nn.Sequential:
        """The untrained network for `data`; thresholds come from its training part.

        Raises:
            InputError: sizes that do not fit, or a published network of other samples.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            make = _published if "name" in self.network else dense_for
            return make(data, **self.network)

    def train(
        self, data: Dataset, *, seed: int | None = None, progress: bool = True, **changed: Any
    ) -> tuple[nn.Sequential, History]:
        """Build and fit; the test part of `data` is not looked at.

        Args:
            data: what to learn.
            seed: of wiring, weights and batches; `training`'s, or 0, if None.
            progress: as in `fit`. changed: further keywords of `fit`, before those of `training`.
        """
        options = {**TRAINING, **self.training, **changed}
        share = options.pop("validation")
        seed = options["seed"] = options["seed"] if seed is None else seed
        model = self.build(data, seed)
        x, y, held = data.x_train, data.y_train, None
        if share != 0:
            kept, rest = split_indices(data.y_train, share, seed)
            x, y, held = x[kept], y[kept], (x[rest], y[rest])
        return model, fit(model, x, y, validation=held, progress=progress, **options)


def _published(data: Dataset, name: str, **options: Any) -> nn.Sequential:
    spec = model_spec(name)
    if spec.input_shape != data.input_shape or spec.classes < data.classes:
        raise InputError(
            f"model {name} takes samples {list(spec.input_shape)} of {spec.classes} classes; "
            f"data set {data.name} has {list(data.input_shape)} of {data.classes}"
        )
    return build_model(name, **options)


_GATES_A_CLASS, _STEPS = 200, 2000
WITHOUT_RECIPE = f"two layers of {_GATES_A_CLASS} gates a class, {_STEPS} steps"
"""What `recipe_for` takes for data sets that have no recipe, in words."""

RECIPES: dict[str, Recipe] = {
    "digits": Recipe(
        network={
            "layers": (3000, 3000, 3000),
            "thresholds": (2.0, 6.0, 10.0, 14.0),
            "tau": 15.0,
            "weight_init": "random",
        },
        training={
            "steps": 2000,
            "batch_size": 64,
            "lr": 0.03,
            "schedule": "cosine",
            "validation": 0.0,
        },
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


def recipe_for(data: Dataset, model: str | None = None) -> Recipe:
    """What a data set is trained with where nothing else is said.

    Args:
        data: what to learn.
        model: a published network, with its published training, instead of dense layers.

    Raises:
        InputError: there is no such network.
    """
    if model is not None:
        return Recipe({"name": model}, model_spec(model).training)
    width = _GATES_A_CLASS * data.classes
    return RECIPES.get(data.name, Recipe({"layers": (width, width)}, {"steps": _STEPS}))
