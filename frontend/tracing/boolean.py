"""Operations element by element on bits, found out by trying them.

An operation on bits is a gate for each element if it answers 0 or 1 whatever the bits are. So the
handler runs the real torch function on every pattern of zeros and ones, in the real dtype, and
reads the truth table off. There is no second opinion on what a function means.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import torch
from torch import Tensor

from .moves import on_cpu
from .net_tensor import FeatureTensor, NetTensor, Traced, broadcast_shapes
from .table import handles
from .tracer import BOOLEAN_CURE, Call

BOOLEAN = """
    bitwise_and bitwise_or bitwise_xor bitwise_not __and__ __or__ __xor__ __rand__ __ror__ __rxor__
    __invert__ logical_and logical_or logical_xor logical_not
"""
NUMERIC = """
    eq ne lt le gt ge __eq__ __ne__ __lt__ __le__ __gt__ __ge__ not_equal less less_equal greater
    greater_equal add sub subtract rsub mul multiply div divide true_divide floor_divide remainder
    fmod pow __radd__ __rsub__ __rmul__ __rdiv__ __rtruediv__ __rfloordiv__ __rpow__ __add__ __sub__
    __mul__ __truediv__ __floordiv__ __mod__ __rmod__ __pow__ __div__ minimum maximum fmin fmax abs
    absolute __abs__ neg negative __neg__ relu relu6 F.hardtanh clamp clip clamp_min clamp_max round
    floor ceil trunc fix sign sgn square sqrt heaviside nan_to_num isnan isinf isfinite isposinf
    isneginf signbit
"""
IN_PLACE = """
    __iand__ __ior__ __ixor__ bitwise_and_ bitwise_or_ bitwise_xor_ bitwise_not_ logical_and_
    logical_or_ logical_xor_ logical_not_ __iadd__ __isub__ __imul__ __itruediv__ __ifloordiv__
    __imod__ __ipow__ add_ sub_ subtract_ mul_ multiply_ div_ divide_ true_divide_ floor_divide_
    remainder_ fmod_ pow_ abs_ absolute_ neg_ negative_ relu_ clamp_ clip_ clamp_min_ clamp_max_
    round_ floor_ ceil_ trunc_ fix_ sign_ sgn_ square_ sqrt_ eq_ ne_ lt_ le_ gt_ ge_ masked_fill_
    zero_ fill_
"""


@handles(BOOLEAN, FeatureTensor, NetTensor)
def _boolean(call: Call, *args: Any, **kwargs: Any) -> NetTensor:
    if any(isinstance(value, FeatureTensor) for value in args):
        _check_boolean(call, args)
        args = tuple(_as_bool(call, value) for value in args)
    return elementwise(call, *args, **kwargs)


def _as_bool(call: Call, value: Any) -> Any:
    return call.tracer.bits(value, torch.bool) if isinstance(value, FeatureTensor) else value


def _check_boolean(call: Call, args: tuple[Any, ...]) -> None:
    for value in args:
        dtype = value.dtype if isinstance(value, Tensor) else type(value)
        if dtype not in (bool, torch.bool) and not isinstance(value, Traced):
            call.refuse("and numbers", f"allowed are Boolean constants; {BOOLEAN_CURE}")


@handles(NUMERIC, NetTensor)
def elementwise(call: Call, *args: Any, inplace: bool = False, **kwargs: Any) -> NetTensor:
    """Gates for a function of bits and constants, tensors or numbers, that broadcasts.

    Raises:
        TraceError: the function answers something else than 0 and 1 for some pattern.
    """
    slots = _Slots(call, args, kwargs)
    dtype, tables = _truth_tables(call, slots)
    shape = slots.shape
    operands = [operand.ids.expand(shape) for operand in slots.operands]
    nets = call.tracer.gates(tables.expand(shape), operands)
    if inplace:
        args[0].ids.copy_(nets)
        return args[0]
    return NetTensor.make(call.tracer, laid_out(nets, slots.tensors), dtype)


def laid_out(nets: Tensor, tensors: list[Tensor]) -> Tensor:
    """`nets` with the strides that torch gives the answer of an operation on `tensors`.

    Strides decide whether a later reshape is a view, which in-place operations can tell.
    """
    if all(tensor.is_contiguous() for tensor in tensors):
        return nets.contiguous()
    shadows = [torch.empty_strided(tensor.shape, tensor.stride()).bool() for tensor in tensors]
    strides = reduce(torch.logical_or, shadows, torch.zeros((), dtype=torch.bool)).stride()
    return torch.empty_strided(nets.shape, strides, dtype=torch.int64).copy_(nets)


@handles(IN_PLACE, NetTensor)
def _in_place(call: Call, *args: Any, **kwargs: Any) -> NetTensor:
    if not isinstance(args[0], NetTensor):
        call.refuse("assigned to a tensor that is not traced", "allowed is the form without `_`")
    return elementwise(call, *args, inplace=True, **kwargs)


@handles(IN_PLACE, FeatureTensor)
def _in_place_on_input(call: Call, *args: Any, **kwargs: Any) -> NetTensor:
    call.refuse("in place", f"allowed is a new value, x = x & y; {BOOLEAN_CURE}")


class _Slots:
    """The arguments of one call, with a slot for each different traced operand."""

    def __init__(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._args, self._kwargs = on_cpu_constants(args), on_cpu_constants(kwargs)
        values = [*self._args, *self._kwargs.values()]
        self.tensors = tensors = [value for value in values if isinstance(value, Tensor)]
        self.operands = list(
            {id(value): value for value in tensors if isinstance(value, Traced)}.values()
        )
        if not all(isinstance(operand, NetTensor) for operand in self.operands):
            call.refuse(
                "and raw input values together", f"compare them first, x > t; {BOOLEAN_CURE}"
            )
        self.shape = broadcast_shapes(*(value.shape for value in tensors))
        # One element stands for all, unless a constant differs from place to place.
        self._whole = any(value.numel() != 1 for value in tensors if not isinstance(value, Traced))

    def filled(self, pattern: int) -> tuple[list[Any], dict[str, Any]]:
        """The arguments with operand `i` holding bit `i` of `pattern` everywhere."""
        bit = {id(operand): pattern >> i & 1 for i, operand in enumerate(self.operands)}

        def real(value: Any) -> Any:
            if id(value) not in bit:
                return value
            shape = value.shape if self._whole else [1] * value.ndim
            return torch.full(shape, bit[id(value)], dtype=value.dtype)

        args = [real(value) for value in self._args]
        return args, {name: real(value) for name, value in self._kwargs.items()}


def on_cpu_constants(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: on_cpu_constants(value) for name, value in tree.items()}
    if isinstance(tree, tuple):
        return tuple(on_cpu_constants(value) for value in tree)
    return tree if isinstance(tree, Traced) else on_cpu(tree)


def _truth_tables(call: Call, slots: _Slots) -> tuple[torch.dtype, Tensor]:
    """The dtype of the answer and its truth tables, int64, of one element or all."""
    tables = torch.zeros((), dtype=torch.int64)
    dtype = torch.bool
    for pattern in range(1 << len(slots.operands)):
        args, kwargs = slots.filled(pattern)
        answer = call.func(*args, **kwargs)
        bits = answer == 1
        if not (answer == bits).all():
            _refuse_value(call, answer[answer != bits], pattern, len(slots.operands))
        tables = tables | bits.to(torch.int64) << pattern
        dtype = answer.dtype
    return dtype, tables


def _refuse_value(call: Call, wrong: Tensor, pattern: int, k: int) -> None:
    bits = ", ".join(str(pattern >> i & 1) for i in range(k))
    call.refuse(
        f"answers {wrong.flatten()[0].item():g} for {bits}",
        "allowed is what answers 0 or 1 for bits; write it with & | ^ ~ and torch.where, "
        "or count with sum",
    )


@handles("torch.where Tensor.where", FeatureTensor, NetTensor)
def _where(call: Call, *args: Any, **kwargs: Any) -> Any:
    if len(args) + len(kwargs) == 1:
        call.refuse("alone asks for positions: shape would depend on data", "give both choices")
    condition, *choices = _operands(call, args, kwargs)
    if isinstance(condition, FeatureTensor):  # torch takes a Boolean condition, so the input is
        condition, *choices = (_as_bool(call, value) for value in (condition, *choices))
    if not any(isinstance(choice, FeatureTensor) for choice in choices):
        return elementwise(_plain_where(call), condition, *choices)
    if isinstance(condition, Traced) or call.kind is NetTensor:
        call.refuse("as choices", f"compare them first, x > t; {BOOLEAN_CURE}")
    return _select_features(call, condition, *choices)


def _plain_where(call: Call) -> Call:
    return Call(call.tracer, torch.where, call.kind)


def _operands(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Condition and both choices, of torch.where or of x.where(condition, other)."""
    method = call.func is not torch.where
    names = ("input", "condition", "other") if method else ("condition", "input", "other")
    found = {**dict(zip(names, args, strict=False)), **kwargs}
    return found["condition"], found["input"], found["other"]


def _select_features(call: Call, condition: Tensor, *choices: Any) -> FeatureTensor:
    dtype = torch.result_type(*(_shadow(choice) for choice in choices))
    numbers = [
        choice.ids
        if isinstance(choice, FeatureTensor)
        else call.tracer.constant_ids(torch.as_tensor(choice, dtype=dtype))
        for choice in choices
    ]
    return FeatureTensor.make(call.tracer, torch.where(on_cpu(condition), *numbers), dtype)


def _shadow(value: Any) -> Any:
    """A real tensor, or number, that promotes as `value` does."""
    return torch.empty([1] * value.ndim, dtype=value.dtype) if isinstance(value, Traced) else value


@handles("masked_fill", NetTensor)
def _masked_fill(call: Call, *args: Any, **kwargs: Any) -> NetTensor:
    return elementwise(call, *args, **kwargs)
