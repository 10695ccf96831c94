"""Which handler answers which torch function, for which kind of traced value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.nn import functional as F

from .net_tensor import Traced

# A handler gets the call, then the arguments of the torch function.
Handler = Callable[..., Any]
HANDLERS: dict[type[Traced], dict[Any, Handler]] = {}

_SPACES = {"torch": torch, "Tensor": torch.Tensor, "F": F, "nn": torch._C._nn}  # type: ignore[attr-defined]


def functions(name: str) -> Iterator[Any]:
    """Torch's functions of one name, as `__torch_function__` is told of them.

    `flip` means torch.flip, torch.Tensor.flip and so on; `Tensor.unfold` that one alone. An
    attribute such as `T` is its getter.
    """
    space, _, last = name.rpartition(".")
    for owner in [_SPACES[space]] if space else _SPACES.values():
        found = getattr(owner, last, None)
        if callable(found):
            yield found
        elif hasattr(type(found), "__get__"):
            yield found.__get__  # type: ignore[union-attr]


def handles(names: str, *kinds: type[Traced]) -> Callable[[Handler], Handler]:
    """Register a handler for the functions in `names`, separated by blanks."""

    def register(handler: Handler) -> Handler:
        for kind in kinds:
            table = HANDLERS.setdefault(kind, {})
            for name in names.split():
                table.update(dict.fromkeys(functions(name), handler))
        return handler

    return register


def name_of(func: Any) -> str:
    """What to call a torch function in a message."""
    name = getattr(func, "__name__", str(func))
    if name == "__get__":
        return getattr(func.__self__, "__name__", name)
    return name
