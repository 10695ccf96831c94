"""Changes of a training batch that leave its classes alone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ...runtime.errors import InputError

Augment = Callable[[Tensor, torch.Generator], Tensor]


def shift(x: Tensor, generator: torch.Generator) -> Tensor:
    """Move every image by -1, 0 or 1 pixel along both axes, filling with 0.

    x: [n, ..., height, width]; the answer has the same shape and dtype.

    Raises:
        InputError: `x` has no two axes to move along.
    """
    if x.ndim < 3:
        raise InputError(
            f"augment shift: samples of shape {list(x.shape[1:])}; allowed is [..., height, width]"
        )
    height, width = x.shape[-2:]
    images = x.reshape(len(x), -1, height, width)
    padded = images.new_zeros(len(x), images.shape[1], height + 2, width + 2)
    padded[:, :, 1:-1, 1:-1] = images
    dy, dx = torch.randint(0, 3, (2, len(x), 1), generator=generator)
    rows = (torch.arange(height) + dy).unsqueeze(2)
    columns = (torch.arange(width) + dx).unsqueeze(1)
    sample = torch.arange(len(x)).reshape(-1, 1, 1)
    moved = padded[sample, :, rows, columns]
    return moved.movedim(-1, 1).reshape(x.shape)


AUGMENTS: dict[str, Augment] = {"shift": shift}


def named(augment: str | Augment | None) -> Augment | None:
    """The function behind a name; a function itself and None pass.

    Raises:
        InputError: an unknown name, or neither name nor function.
    """
    if augment is None or callable(augment):
        return augment
    if not isinstance(augment, str) or augment not in AUGMENTS:
        raise InputError(
            f"augment {augment!r}; allowed are {', '.join(AUGMENTS)}, "
            "or a function (x, generator) -> x"
        )
    return AUGMENTS[augment]
