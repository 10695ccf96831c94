"""What the inputs and outputs of a circuit are called: a table beside the netlist."""

from __future__ import annotations

from dataclasses import dataclass

from ..runtime.errors import NetlistError


@dataclass(frozen=True)
class Names:
    """The names of inputs and outputs, in order, as a file gave them.

    They need not be unique or legal in any format; whoever writes them sees to that.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __post_init__(self) -> None:
        for field in ("inputs", "outputs"):
            found = tuple(getattr(self, field))
            if not all(isinstance(name, str) and name for name in found):
                raise NetlistError(f"names: {field}: allowed are strings that are not empty")
            try:
                "".join(found).encode()
            except UnicodeEncodeError as error:
                wrong = error.object[error.start]
                raise NetlistError(f"names: {field}: {wrong!r} has no form in UTF-8") from None
            object.__setattr__(self, field, found)

    def check(self, n_inputs: int, n_outputs: int) -> None:
        """Raise NetlistError unless there are as many names as bits."""
        if (len(self.inputs), len(self.outputs)) != (n_inputs, n_outputs):
            raise NetlistError(
                f"names: {len(self.inputs)} of inputs, {len(self.outputs)} of outputs; "
                f"allowed are {n_inputs} and {n_outputs}"
            )
