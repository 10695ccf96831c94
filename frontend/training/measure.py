"""How good a model is, relaxed and discrete."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...runtime.errors import InputError
from ..checks import as_tensor, check_pair
from ..layers.conv import LogicConvNd
from ..layers.dense import LogicDense

MODES = ("relaxed", "discrete")
LOGIC_LAYERS = (LogicDense, LogicConvNd)
_BATCH = 1024


def evaluate(model: nn.Module, x: Any, y: Any, mode: str = "discrete") -> float:
    """Accuracy, 0 to 1; a tie between scores goes to the lowest class, as `torch.argmax`.

    Args:
        model: scores [n, classes] of samples; its own mode is restored.
        x: [n, ...], numpy or torch. y: integers [n].
        mode: "discrete" for the gates that are compiled, "relaxed" for the mixtures that train.

    Raises:
        InputError: unusable data, a label the model has no score for, or an unknown mode.
    """
    samples, labels = check_pair(x, y)
    limit_labels(model, samples, labels)
    return accuracy(model, samples, labels, mode)


def accuracy(model: nn.Module, x: Tensor, y: Tensor, mode: str) -> float:
    """`evaluate` for data that was checked before."""
    return count_right(model, x, y, mode) / len(x)


def count_right(model: nn.Module, x: Tensor, y: Tensor, mode: str) -> int:
    """How many samples are given their class; arguments as in `evaluate`, checked before."""
    device = device_of(model)
    with switched(model, mode), torch.no_grad():
        return sum(
            int((model(some.to(device)).argmax(1) == classes.to(device)).sum())
            for some, classes in zip(x.split(_BATCH), y.split(_BATCH), strict=True)
            if len(some)
        )


def answer(model: nn.Module, x: Any) -> NDArray[Any]:
    """What a model answers in evaluation mode, as a numpy array; its own mode is restored.

    Args:
        model: any module of one tensor. x: [n, ...], numpy or torch.
    """
    samples = as_tensor(x, "x")
    device = device_of(model)
    with switched(model, "discrete"), torch.no_grad():
        parts = [model(some.to(device)) for some in samples.split(_BATCH)]
        return torch.cat(parts).cpu().numpy()


def device_of(model: nn.Module) -> torch.device:
    """Where a model is; the CPU if it has neither parameters nor buffers."""
    return next((t.device for t in model.state_dict().values()), torch.device("cpu"))


def limit_labels(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """Check that the model answers [n, classes], with a class for every label.

    Raises:
        InputError: it does not.
    """
    with switched(model, "discrete"), torch.no_grad():
        scores = model(x[:1].to(device_of(model)))
    if scores.ndim != 2 or len(scores) != 1:
        raise InputError(
            f"model: scores of shape {list(scores.shape)} for one sample; allowed is [1, classes]; "
            "end it with GroupSum(classes)"
        )
    if int(y.max()) >= scores.shape[1]:
        raise InputError(
            f"y: label {int(y.max())} for a model of {scores.shape[1]} classes; "
            f"allowed are 0 to {scores.shape[1] - 1}"
        )


def warn_of_spare_scores(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """Warn where a model scores more classes than there are labels, as one of bare gates does."""
    with switched(model, "discrete"), torch.no_grad():
        scores = model(x[:1].to(device_of(model)))
    classes = int(y.max()) + 1
    if scores.shape[1] > classes:
        warnings.warn(
            f"fit: the model scores {scores.shape[1]} classes, and labels end at {classes - 1}; "
            f"if these are bits of gates, end it with GroupSum({classes})",
            stacklevel=3,
        )


def check_bits(model: nn.Module, x: Tensor) -> None:
    """Check that logic layers get bits in evaluation mode, as the compiled circuit will.

    Args:
        model: any module. x: samples to try.

    Raises:
        InputError: a layer gets something else than 0 and 1; the message names it.
    """
    handles = [
        module.register_forward_pre_hook(partial(_check_given, name))
        for name, module in model.named_modules()
        if isinstance(module, LOGIC_LAYERS)
    ]
    try:
        with switched(model, "discrete"), torch.no_grad():
            model(x.to(device_of(model)))
    finally:
        for handle in handles:
            handle.remove()


def _check_given(name: str, _: nn.Module, given: tuple[Any, ...]) -> None:
    wrong = given[0][(given[0] != 0) & (given[0] != 1)]
    if wrong.numel():
        raise InputError(
            f"layer `{name}` gets {wrong[0].item():g}; allowed are bits, 0 and 1, because that "
            "is what gates compute on; put FixedBinarization before it, or binarise the data"
        )


@contextmanager
def switched(model: nn.Module, mode: str) -> Iterator[None]:
    """Everything in evaluation mode; for "relaxed" all but the logic layers."""
    if mode not in MODES:
        raise InputError(f"evaluate: mode {mode!r}; allowed are {', '.join(MODES)}")
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    if mode == "relaxed":
        for module in model.modules():
            if isinstance(module, LOGIC_LAYERS):
                module.training = True
    try:
        yield
    finally:
        for module, training in before:
            module.training = training
