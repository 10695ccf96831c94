"""The values that flow through a module while it is traced.

They are tensors without data: shape, strides and dtype are what the real tensor would have, and
`ids` says what each element is. Every torch operation on them arrives at `__torch_function__`, so
no operation can slip by; one that does not is stopped by `__torch_dispatch__`.

Since `ids` is a real tensor that torch itself reshapes, slices and permutes, views of it alias as
the views of the real tensor would, and in-place operations reach exactly what they would reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from .tracer import Tracer

Self = TypeVar("Self", bound="Traced")


class Traced(Tensor):
    """A tensor whose elements are known by number only.

    Attributes:
        ids: int64, the shape of the value; what the numbers mean is for the subclass to say.
        tracer: the trace that the value belongs to.
    """

    ids: Tensor
    tracer: Tracer
    kind = "traced values"
    rank = 0  # which subclass's rules hold where several meet: the highest

    @classmethod
    def make(cls: type[Self], tracer: Tracer, ids: Tensor, dtype: torch.dtype) -> Self:
        """A value of `dtype` whose elements are `ids`, int64 of any shape."""
        assert ids.dtype == torch.int64
        assert type(ids) is Tensor
        value = Tensor._make_wrapper_subclass(
            cls, ids.shape, strides=ids.stride(), dtype=dtype, device=torch.device("cpu")
        )
        value.ids = ids
        value.tracer = tracer
        return value

    def like(self: Self, ids: Tensor, dtype: torch.dtype | None = None) -> Self:
        """The same kind of value with other elements."""
        return type(self).make(self.tracer, ids, dtype or self.dtype)

    def __repr__(self, *, tensor_contents: object = None) -> str:
        return f"<{type(self).__name__} {list(self.shape)} {self.dtype}>"

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        tracer = find_traced((args, kwargs))[0].tracer
        return tracer.run(func, args, kwargs)

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        find_traced((args, kwargs or {}))[0].tracer.refuse(
            f"`{func}`: called on traced values below torch's Python interface; allowed are "
            "torch's own functions and methods; use torch.stack instead of torch.tensor"
        )


class FeatureTensor(Traced):
    """Raw input values. Number 0 is the constant 0.0, 1 the constant 1.0, then come the features
    of the sample, flattened, and then what other constants were met."""

    kind = "raw input values"


class NetTensor(Traced):
    """Bits: the numbers are nets of the tracer's builder; nets 0 and 1 are false and true."""

    kind = "bits"
    rank = 1

    @property
    def nets(self) -> Tensor:
        """int64, the shape of the value."""
        return self.ids


@dataclass(frozen=True, eq=False)
class Counts:
    """Popcounts, not yet emitted, and the score that stands for each count.

    addends: int64 [n, m] nets. scores: [m + 1], the score of counts 0 to m, as torch computed it.
    tau, beta: the score is meant to be `(count + beta) / tau`; the tracer checks it at the end.
    where: what made the score, for messages.
    """

    addends: Tensor
    scores: Tensor
    tau: float = 1.0
    beta: float = 0.0
    where: str = ""


class CountTensor(Traced):
    """Scores of counts: number `i` is the score of the true nets in row `i` of `counts.addends`."""

    counts: Counts
    kind = "counts"
    rank = 2

    @classmethod
    def of(cls, tracer: Tracer, ids: Tensor, counts: Counts) -> CountTensor:
        value = cls.make(tracer, ids, counts.scores.dtype)
        value.counts = counts
        return value

    def like(self, ids: Tensor, dtype: torch.dtype | None = None) -> CountTensor:
        assert dtype in (None, self.dtype)
        return CountTensor.of(self.tracer, ids, self.counts)

    @property
    def plain(self) -> bool:
        """Whether the score is the count itself."""
        scores = self.counts.scores
        return bool((scores.double() == torch.arange(len(scores))).all())


class ClassTensor(Traced):
    """The index of the largest score: [1] when it answers for a circuit.

    ids: int64 zeros; there is nothing to say of the elements.
    """

    source: CountTensor
    kind = "the result of argmax"
    rank = 3

    def like(self, ids: Tensor, dtype: torch.dtype | None = None) -> ClassTensor:
        value = ClassTensor.make(self.tracer, ids, dtype or self.dtype)
        value.source = self.source
        return value


class LostTensor(Traced):
    """What has no Boolean meaning, such as the positions of maxima; using it is refused.

    It exists so that `values, _ = bits.max(dim)` works.
    """

    kind = "values without a Boolean meaning"
    rank = 4


def broadcast_shapes(*shapes: torch.Size) -> torch.Size:
    """As torch.broadcast_shapes, which when first called imports sympy, for half a second."""
    return torch.Size(np.broadcast_shapes(*shapes))


def find_traced(tree: Any) -> list[Traced]:
    """Every traced value in nested tuples, lists and dicts, in order."""
    if isinstance(tree, Traced):
        return [tree]
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, (tuple, list)):
        return []
    return [value for branch in tree for value in find_traced(branch)]
