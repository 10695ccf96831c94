"""The state of one trace: the netlist under construction, and where in the module we are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...compiler import Builder
from ...runtime.errors import TraceError
from .input_bits import InputBits
from .net_tensor import ClassTensor, CountTensor, FeatureTensor, NetTensor, Traced, find_traced
from .table import HANDLERS, name_of

BOOLEAN_CURE = "for Boolean input use trace(..., dtype=torch.bool)"
ALLOWED = {
    FeatureTensor: "allowed are x > t, which makes bits, and moving values about (reshape, index, "
    "pad, ...); fold scaling into the thresholds: x / 255 > t is x > 255 * t; " + BOOLEAN_CURE,
    NetTensor: "allowed are Boolean operations (& | ^ ~ where), comparisons, any, all, max, sum, "
    "argmax, max pooling and moving bits about (reshape, index, pad, ...); leave it out of "
    "the traced module, or register an exporter for the submodule with trace_layer",
    CountTensor: "allowed are + and - of a number, / by a number, sum, comparisons with a number, "
    "and argmax as the last operation; softmax keeps the order of scores: leave it out",
    ClassTensor: "allowed is nothing more; argmax must be the last operation of the module",
}
_OTHER = "allowed is leaving it unused"


@dataclass(frozen=True)
class Call:
    """One call of a torch function: what a handler needs to answer or refuse it."""

    tracer: Tracer
    func: Any
    kind: type[Traced]

    @property
    def name(self) -> str:
        return name_of(self.func)

    def refuse(self, found: str = "", cure: str = "") -> NoReturn:
        """Raise TraceError; `found` says what is wrong, `cure` what is allowed instead."""
        cure = cure or ALLOWED.get(self.kind, _OTHER)
        self.tracer.refuse(f"`{self.name}` on {self.kind.kind}{found and ' '}{found}; {cure}")


class Tracer:
    """Collects the netlist while a module runs on traced values.

    Attributes:
        builder: where cells go.
        inputs: where input bits are declared.
        closed: whether the trace is over; its values are of no use then.
    """

    def __init__(
        self, module: nn.Module, features: int, dtype: torch.dtype, name: str | None = None
    ) -> None:
        self.builder = Builder()
        self.inputs = InputBits(self.builder)
        self.dtype = dtype
        self.closed = False
        self.refused: TraceError | None = None
        self._failure: tuple[BaseException, str] | None = None
        self._root, self._root_name = module, name or type(module).__name__
        self._names = {id(child): name for name, child in module.named_modules()}
        self._stack: list[nn.Module] = []
        self._first_constant = 2 + features
        self._constants: dict[float, int] = {0.0: 0, 1.0: 1}
        self._values: list[float] = []

    # Where we are

    def enter(self, module: nn.Module) -> None:
        self._stack.append(module)

    def leave(self, error: BaseException | None = None) -> None:
        """Leave the innermost module, with an error if one comes through."""
        if error is not None and (self._failure is None or self._failure[0] is not error):
            self._failure = error, self.where()
        self._stack.pop()

    def where(self, error: BaseException | None = None) -> str:
        """The submodule that runs, or the one that raised `error`."""
        if error is not None and self._failure is not None and self._failure[0] is error:
            return self._failure[1]
        if not self._stack:
            return self._root_name
        module = self._stack[-1]
        if module is self._root:
            return f"in {self._root_name}"
        name = self._names.get(id(module), "")
        kind = type(module).__name__
        return f"in `{name}` ({kind})" if name else f"in {kind}"

    def refuse(self, text: str) -> NoReturn:
        """Raise TraceError, also at the end of the trace if the module swallows it here."""
        error = TraceError(f"trace: {self.where()}: {text}")
        self.refused = self.refused or error
        raise error

    # Torch functions

    def run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What `func` answers on traced values."""
        found = find_traced((args, kwargs))
        kind = type(max(found, key=lambda value: value.rank))
        call = Call(self, func, kind)
        if any(value.tracer.closed for value in found):
            self.refuse(f"`{call.name}` on a value of a trace that is over; keep no traced values")
        if any(value.tracer is not self for value in found):
            call.refuse("of two traces", "allowed is one trace at a time")
        args, kwargs = _normal(args, kwargs)
        handler = HANDLERS[kind].get(func)
        if handler is None:
            call.refuse()
        if kwargs.pop("out", None) is not None:
            call.refuse("with out=", "allowed is the form that returns its result")
        try:
            return handler(call, *args, **kwargs)
        except TypeError as error:
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise
            call.refuse(f"with arguments that are not supported ({error})")

    # Values

    def bits(self, x: Tensor, dtype: torch.dtype | None = None) -> NetTensor:
        """Any value as bits: raw input counts as Boolean, constants must be 0 and 1.

        Args:
            x: a traced value or an ordinary tensor, of any shape.
            dtype: of the result; that of `x` if left out.

        Raises:
            TraceError: counts, or constants other than 0 and 1.
        """
        dtype = dtype or x.dtype
        if isinstance(x, NetTensor):
            return x if x.dtype == dtype else x.like(x.ids.clone(), dtype)
        if isinstance(x, FeatureTensor):
            return NetTensor.make(self, self._implied(x.ids), dtype)
        if isinstance(x, Traced):
            self.refuse(f"{x.kind} where bits are wanted; {ALLOWED.get(type(x), _OTHER)}")
        return NetTensor.make(self, self.constant_bits(x), dtype)

    def constant_bits(self, x: Tensor) -> Tensor:
        """Nets 0 and 1 for an ordinary tensor of zeros and ones."""
        values = x.detach().cpu()
        nets = (values == 1).to(torch.int64)
        if not (values == nets).all():
            wrong = values[values != nets].flatten()[0].item()
            self.refuse(f"a constant {wrong:g} among bits; allowed are the constants 0 and 1")
        return nets

    def _implied(self, ids: Tensor) -> Tensor:
        numbers = ids.numpy()
        is_feature = self._is_feature(numbers)
        nets = np.zeros(numbers.shape, np.int64)
        nets[is_feature] = self.inputs.implied(numbers[is_feature] - 2)
        constants = torch.from_numpy(self.constant_values(numbers[~is_feature]))
        nets[~is_feature] = self.constant_bits(constants).numpy()
        return torch.from_numpy(nets)

    def compare(self, ids: Tensor, threshold: Tensor, wide: Tensor) -> Tensor:
        """Nets of `x > t`: raw input `ids`, float32 `threshold` for features and `wide`, float64,
        for constants; all of one shape."""
        numbers = ids.numpy()
        is_feature = self._is_feature(numbers)
        nets = np.empty(numbers.shape, np.int64)
        at = threshold.numpy()[is_feature]
        nets[is_feature] = self.inputs.nets(numbers[is_feature] - 2, at)
        constants = self.constant_values(numbers[~is_feature])
        nets[~is_feature] = constants > wide.numpy()[~is_feature]
        return torch.from_numpy(nets)

    def _is_feature(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        return (numbers >= 2) & (numbers < self._first_constant)

    def constant_ids(self, values: Tensor) -> Tensor:
        """Numbers for constants among raw input values, in the shape of `values`."""
        array = values.detach().cpu().to(torch.float64).numpy()
        unique, inverse = np.unique(array, return_inverse=True)
        numbers = [self._constant(float(value)) for value in unique]
        found = np.array(numbers, np.int64)[inverse.reshape(-1)]
        return torch.from_numpy(found.reshape(array.shape))

    def _constant(self, value: float) -> int:
        if value not in self._constants:
            self._constants[value] = self._first_constant + len(self._values)
            self._values.append(value)
        return self._constants[value]

    def constant_values(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """The constants behind the numbers that are no features."""
        table = np.array([0.0, 1.0, *self._values])
        return table[np.where(numbers < 2, numbers, numbers - self._first_constant + 2)]

    # Cells

    def gates(self, tables: Tensor, operands: list[Tensor]) -> Tensor:
        """Nets of gates, in the shape of `tables`.

        Args:
            tables: int64 truth tables; operand 0 is the least significant bit of the pattern.
            operands: 1 to 5 tensors of nets, in the shape of `tables`.
        """
        k = len(operands)
        nets = torch.where(tables == (1 << (1 << k)) - 1, 1, 0)
        todo = (tables != 0) & (nets == 0)
        for i, operand in enumerate(operands):
            is_buffer = tables == sum(1 << j for j in range(1 << k) if j >> i & 1)
            nets = torch.where(is_buffer, operand, nets)
            todo &= ~is_buffer
        if todo.any():
            fanin = torch.stack([operand[todo] for operand in operands], dim=1)
            found = self.builder.luts(fanin.numpy(), tables[todo].numpy())
            nets[todo] = torch.from_numpy(found.astype(np.int64))
        return nets


def _normal(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], Any]:
    """Positional first argument, and torch's names for those it knows under two."""
    kwargs = {_ALIASES.get(name, name): value for name, value in kwargs.items()}
    for first in ("input", "self", "tensors"):
        if not args and first in kwargs and "condition" not in kwargs:
            args = (kwargs.pop(first),)
    return args, kwargs


_ALIASES = {"axis": "dim", "keepdims": "keepdim"}
