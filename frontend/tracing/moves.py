"""Operations that move values about: torch itself does them, on the numbers."""

from __future__ import annotations

from functools import reduce
from typing import Any

import torch
from torch import Tensor

from .net_tensor import ClassTensor, CountTensor, FeatureTensor, NetTensor, Traced, find_traced
from .table import handles
from .tracer import BOOLEAN_CURE, Call

ELEMENTS = (FeatureTensor, NetTensor, CountTensor)
VALUES = (FeatureTensor, NetTensor)

# On none of these does the value of an element matter, and each takes int64.
MOVES = """
    reshape view flatten ravel unflatten permute transpose swapaxes swapdims t adjoint movedim
    moveaxis squeeze unsqueeze expand repeat tile broadcast_to split split_with_sizes tensor_split
    hsplit vsplit dsplit chunk unbind select narrow index_select gather take take_along_dim
    __getitem__ Tensor.unfold flip fliplr flipud roll rot90 diagonal clone detach contiguous
    positive __pos__ atleast_1d atleast_2d atleast_3d pixel_shuffle pixel_unshuffle channel_shuffle
    native_channel_shuffle T mT H mH data real
"""


@handles(MOVES, *ELEMENTS)
def _move(call: Call, x: Any, *args: Any, **kwargs: Any) -> Any:
    if not isinstance(x, Traced) or find_traced((args, kwargs)):
        call.refuse("as an index or size", "allowed are indices and sizes that are constants")
    if any(isinstance(value, torch.dtype) for value in (*args, *kwargs.values())):
        call.refuse("as another dtype", "allowed is a conversion, x.to(dtype)")
    return moved(x, call.func(x.ids, *on_cpu(args), **on_cpu(kwargs)))


@handles("detach contiguous clone", ClassTensor)
def _keep(call: Call, x: ClassTensor, **kwargs: Any) -> ClassTensor:
    return x


def moved(x: Traced, result: Any) -> Any:
    """The value, or tuple of values, that torch's answer on `x.ids` stands for."""
    if isinstance(result, (tuple, list)):
        return tuple(moved(x, part) for part in result)
    return x if result is x.ids else x.like(result)


def on_cpu(tree: Any) -> Any:
    """Arguments with their tensors on the CPU, where the numbers are."""
    if isinstance(tree, Tensor):
        return tree.detach().cpu()
    if isinstance(tree, dict):
        return {name: on_cpu(value) for name, value in tree.items()}
    if type(tree) in (tuple, list):
        return type(tree)(map(on_cpu, tree))
    return tree


@handles("repeat_interleave", *ELEMENTS)
def _repeat_interleave(call: Call, x: Any, *args: Any, **kwargs: Any) -> Any:
    if not args and "repeats" not in kwargs:
        call.refuse("as repeats", "allowed are repeats that are constants")
    return _move(call, x, *args, **kwargs)


@handles("view_as reshape_as expand_as", *ELEMENTS)
def _move_as(call: Call, x: Tensor, other: Tensor) -> Any:
    if not isinstance(x, Traced):
        return call.func(x, torch.empty(other.shape, device=x.device))
    return moved(x, call.func(x.ids, torch.empty(other.shape)))


@handles("Tensor.__iter__", *ELEMENTS)
def _iterate(call: Call, x: Traced) -> Any:
    return iter(moved(x, x.ids.unbind(0)))


@handles(
    "cat concat concatenate stack hstack vstack dstack column_stack row_stack broadcast_tensors",
    *VALUES,
)
def _join(call: Call, *args: Any, **kwargs: Any) -> Any:
    loose = call.name == "broadcast_tensors" and isinstance(args[0], Tensor)
    parts, rest = (args, ()) if loose else (tuple(args[0]), args[1:])
    if find_traced((rest, kwargs)):
        call.refuse("as a dimension")
    dtype = reduce(torch.promote_types, (part.dtype for part in parts))
    values = [_part(call, part, dtype) for part in parts]
    found = call.func(*values) if loose else call.func(values, *rest, **kwargs)
    if isinstance(found, Tensor):
        return call.kind.make(call.tracer, found, dtype)
    pairs = zip(found, parts, strict=True)
    return tuple(call.kind.make(call.tracer, ids, part.dtype) for ids, part in pairs)


def _part(call: Call, part: Tensor, dtype: torch.dtype) -> Tensor:
    if type(part) is call.kind:
        return part.ids  # type: ignore[attr-defined]
    if isinstance(part, FeatureTensor):
        call.refuse("and raw input values together", f"compare them first, x > t; {BOOLEAN_CURE}")
    if call.kind is FeatureTensor:
        return call.tracer.constant_ids(part.to(dtype))
    return call.tracer.constant_bits(part)


@handles("cat concat concatenate stack hstack vstack dstack column_stack", CountTensor)
def _join_counts(call: Call, parts: Any, *args: Any, **kwargs: Any) -> Any:
    if not all(isinstance(part, CountTensor) for part in parts):
        call.refuse("and other tensors together", "allowed are counts alone")
    widest = max((part.counts for part in parts), key=lambda counts: len(counts.scores))
    ids, rows = [], []
    for part in parts:
        if not torch.equal(part.counts.scores, widest.scores[: len(part.counts.scores)]):
            call.refuse("of different scales together", "add and divide after joining")
        ids.append(part.ids + sum(map(len, rows)))
        missing = widest.addends.shape[1] - part.counts.addends.shape[1]
        rows.append(torch.nn.functional.pad(part.counts.addends, (0, missing)))
    joined = type(widest)(torch.cat(rows), widest.scores, widest.tau, widest.beta, widest.where)
    return CountTensor.of(call.tracer, call.func(ids, *args, **kwargs), joined)
