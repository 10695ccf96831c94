"""What the ports of a circuit are called: a table beside encoder, netlist and decoder."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..runtime.errors import NetlistError


@dataclass(frozen=True)
class Names:
    """The names of inputs and outputs of the netlist, of features and of classes, in order.

    Files of netlists name inputs and outputs, users features and classes; what has no names is
    empty. They need not be unique or legal in any format; whoever writes them sees to that.
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            found = tuple(getattr(self, field.name))
            if not all(isinstance(name, str) and name for name in found):
                raise NetlistError(f"names: {field.name}: allowed are strings that are not empty")
            try:
                "".join(found).encode()
            except UnicodeEncodeError as error:
                wrong = error.object[error.start]
                raise NetlistError(f"names: {field.name}: {wrong!r} has no form in UTF-8") from None
            object.__setattr__(self, field.name, found)

    def check(self, **sizes: int) -> None:
        """Raise NetlistError unless there are so many names of each kind, or none."""
        for kind, size in sizes.items():
            found = len(getattr(self, kind))
            if found not in (0, size):
                raise NetlistError(f"names: {found} of {kind}; allowed are {size}, or none")


def bit_names(
    names: Names | None, n_inputs: int, n_outputs: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of inputs and outputs; x0, x1, ... and y0, y1, ... where there are none."""
    given = names or Names()
    return (
        given.inputs or tuple(f"x{i}" for i in range(n_inputs)),
        given.outputs or tuple(f"y{i}" for i in range(n_outputs)),
    )
