"""What is found from wiring once, and kept until the wiring changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor

Found = TypeVar("Found")


class Kept(Generic[Found]):
    """A value that follows from a tensor. Copies and pickles of it hold nothing, since a copied
    tensor counts its changes anew."""

    def __init__(self) -> None:
        self._held: tuple[Tensor, int, tuple[object, ...], Found] | None = None

    def of(self, tensor: Tensor, find: Callable[[], Found], *also: object) -> Found:
        """The value, from `find` where it is not known.

        Args:
            tensor: what it follows from; an inference tensor, which does not count its changes,
                has its value found each time.
            find: called outside of inference mode, so that its tensors can be used to train.
            also: whatever else it follows from.
        """
        version = -1 if tensor.is_inference() else tensor._version
        held = self._held
        if held is None or held[0] is not tensor or held[1:3] != (version, also) or version < 0:
            with torch.inference_mode(False):
                held = (tensor, version, also, find())
            self._held = held
        return held[3]

    def __reduce__(self) -> tuple[type[Kept[Found]], tuple[()]]:
        return Kept, ()
