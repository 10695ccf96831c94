"""Building a layer of ours and giving it another's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ...runtime.errors import InputError

Layer = TypeVar("Layer", bound=nn.Module)


def quietly(make: Callable[[], Layer]) -> Layer:
    """`make()` without touching torch's random generator."""
    with torch.random.fork_rng(devices=[]):
        return make()


def fill(made: Layer, like: nn.Module, numbers: dict[str, Any]) -> Layer:
    """Give a fresh layer the numbers, device, dtype and mode of the layer it stands for.

    Args:
        made: the layer.
        like: the other library's.
        numbers: its tensors by the names of `made`.

    Raises:
        InputError: a tensor has another shape than its name needs.
    """
    wanted = dict(made.named_parameters()) | dict(made.named_buffers())
    first = next(iter(numbers.values()))
    made.to(first.device, first.dtype if first.is_floating_point() else None)
    with torch.no_grad():
        for name, tensor in numbers.items():
            copy_into(wanted[name], tensor, name)
            wanted[name].requires_grad_(tensor.requires_grad)
    return made.train(like.training)


def copy_into(target: Tensor, tensor: Any, name: str) -> None:
    """Copy a tensor; InputError if it is none, or of another shape."""
    if not isinstance(tensor, Tensor) or tensor.shape != target.shape:
        found = list(tensor.shape) if isinstance(tensor, Tensor) else type(tensor).__name__
        raise InputError(f"{name} is {found}; needed is a tensor {list(target.shape)}")
    with torch.no_grad():
        target.copy_(tensor)
