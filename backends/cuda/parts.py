"""The operations of a tile body in parts, by outputs, for compilers take more than linear time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .operations import Operation

LONG = 6000  # instructions of a kernel, above which parts are faster to compile
_ACCESS = 2.25  # instructions of a word that a place lists: a quarter of a load, address, access
_REPEATED = 1.1


@dataclass
class Part:
    """positions: of its outputs. nets: that it computes or reads. size: instructions, about."""

    positions: list[int] = field(default_factory=list)
    nets: set[int] = field(default_factory=set)
    size: float = 0


def parts_of(operations: Sequence[Operation], outputs: Sequence[int], words: int) -> list[Part]:
    """As many outputs each as make a kernel that is not long; one part of all outputs where it is
    not, or where parts would repeat over a tenth of the operations.

    Args:
        outputs: the net of each. words: that a thread evaluates.
    """
    made = {operation.net: operation for operation in operations}
    (whole,) = _parts(made, outputs, words, 1, 0)
    count = int(-(-whole.size // LONG))
    if count <= 1:
        return [whole]
    found = _parts(made, outputs, words, count, whole.size / count)
    computed = sum(len(part.nets & made.keys()) for part in found)
    return found if computed <= _REPEATED * len(made) else [whole]


def _parts(
    made: dict[int, Operation], outputs: Iterable[int], words: int, count: int, size: float
) -> list[Part]:
    """At most `count` parts of about that size."""
    found = [Part()]
    for position, net in enumerate(outputs):
        if len(found) < count and sum(part.size for part in found) >= size * len(found):
            found.append(Part())
        part = found[-1]
        part.positions.append(position)
        part.size += _ACCESS
        stack = [net]
        while stack:
            net = stack.pop()
            if net not in part.nets:
                part.nets.add(net)
                part.size += words if net in made else _ACCESS
                stack += made[net].operands if net in made else ()
    return found
