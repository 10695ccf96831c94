"""From a PyTorch module to a circuit, by running its own `forward` once."""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import prod
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from ...compiler import Circuit, Decoder
from ...compiler.files import check_no_path
from ...runtime.errors import InputError, NetlistError, TraceError
from ..importing.convert import convert
from ..importing.peers import has_peers
from . import boolean, casts, conv_layers, features, fills, layers, moves, pool, queries, reductions  # noqa: F401  (each registers its handlers)
from .calls import trace_layer, watching
from .counts import count_bits
from .net_tensor import ClassTensor, Counts, CountTensor, FeatureTensor, NetTensor
from .tracer import BOOLEAN_CURE, Tracer

__all__ = ["trace", "trace_layer"]

_DTYPES = (torch.float32, torch.float64, torch.bool)


def trace(
    module: nn.Module,
    input_shape: tuple[int, ...] | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    name: str | None = None,
) -> Circuit:
    """The circuit that a module computes in evaluation mode.

    `forward` runs once, on one sample whose elements are symbols. Whatever moves bits about costs
    nothing, Boolean operations become gates, sums become popcounts, logic layers whole cells. A
    module that is not Boolean in evaluation mode is refused, never approximated.

    For one sample `x`, the circuit answers what `module(x[None])[0]` answers:

    * `bits(x)` if the module ends in bits (0 and 1 of any dtype), flattened;
    * `scores(x)` and `predict(x)` if it ends in counts [1, classes], `(count + beta) / tau`;
    * `predict(x)` if it ends in an argmax over such counts.

    Raw input values become bits by `x > threshold`. A raw value that is used without a comparison,
    in `& | ^ ~`, `logical_*`, `any`, `all` or a logic layer, is taken to be Boolean, threshold 0.5.

    Layers of torchlogix, difflogic and convlogic are converted first; see `frontend.importing`.

    Args:
        module: any PyTorch module. Its training flags are as before afterwards.
        input_shape: of one sample, without the batch; for a module that has no attribute of that
            name, as those of `load_model` and `build_model` do.
        dtype: of the input. torch.float32 is right for float32 and uint8 data, and for float64
            data up to the rounding of the thresholds; torch.float64 insists on thresholds that
            float32 holds; torch.bool says that every value is a bit, so that `1 - x` or `x * y` are
            Boolean too.
        name: what to call the module in messages; its class is the default.

    Raises:
        TraceError: the module does what has no Boolean meaning, or raises an error on traced
            values; the message names the operation and the submodule.
        InputError: no shape is known, or `module` is the path of a file.
    """
    shape = _checked(module, input_shape, dtype)
    name = name or type(module).__name__
    module = _ours(module)
    with _evaluation(module):
        before = torch.get_rng_state()
        circuit = _once(Tracer(module, prod(shape), dtype, name), module, shape)
        if not torch.equal(before, torch.get_rng_state()):
            again = Tracer(module, prod(shape), dtype, name)
            if _once(again, module, shape).digest() != circuit.digest():
                again.refuse(
                    "forward draws random numbers that matter in evaluation mode; allowed is the "
                    "same answer every time; draw them in __init__ and keep them in a buffer"
                )
    return circuit


def _ours(module: nn.Module) -> nn.Module:
    """The module itself, or a copy with our layers if it holds another library's."""
    if not has_peers(module):
        return module
    try:
        return convert(module)
    except InputError as error:
        raise TraceError(f"trace: {error}") from None


def _once(tracer: Tracer, module: nn.Module, shape: tuple[int, ...]) -> Circuit:
    try:
        with watching(tracer):
            return _finish(tracer, _run(tracer, module, _symbols(tracer, shape)), shape)
    finally:
        tracer.closed = True


def _checked(module: Any, input_shape: Any, dtype: Any) -> tuple[int, ...]:
    check_no_path(module)
    if not isinstance(module, nn.Module):
        raise TraceError(
            f"trace: {type(module).__name__}; allowed is a torch.nn.Module; "
            "wrap a function in a module's forward"
        )
    if dtype not in _DTYPES:
        raise TraceError(f"trace: dtype {dtype}; allowed are {', '.join(map(str, _DTYPES))}")
    if input_shape is None:
        input_shape = getattr(module, "input_shape", None)
    if input_shape is None:
        raise InputError(
            f"{type(module).__name__}: the shape of one sample is needed; "
            "pass input_shape=, for example input_shape=(784,)"
        )
    example = "allowed is a tuple of positive integers without the batch, such as (1, 28, 28)"
    if not isinstance(input_shape, (tuple, list)):
        raise TraceError(f"trace: input_shape {input_shape!r}; {example} or (784,)")
    try:
        shape = tuple(operator.index(size) for size in input_shape)
    except TypeError:
        raise TraceError(f"trace: input_shape {input_shape!r}; {example}") from None
    if any(size < 1 for size in shape):
        raise TraceError(f"trace: input_shape {input_shape!r}; {example}")
    return shape


@contextmanager
def _evaluation(module: nn.Module) -> Iterator[None]:
    """Evaluation mode, without gradients, and with compiled parts run as they were written."""
    flags = [(child, child.training) for child in module.modules()]
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        try:
            module.eval()
            yield
        finally:
            _restore(flags)


def _restore(flags: list[tuple[nn.Module, bool]]) -> None:
    for child, flag in flags:
        if type(child).train is not nn.Module.train and child.training != flag:
            child.train(flag)  # one of its own: it may do more than set the flag
    for child, flag in flags:
        child.training = flag


def _symbols(tracer: Tracer, shape: tuple[int, ...]) -> FeatureTensor | NetTensor:
    """The input of the traced run, [1, *shape]."""
    numbers = np.arange(prod(shape))
    if tracer.dtype == torch.bool:
        nets = torch.from_numpy(tracer.inputs.implied(numbers)).reshape(1, *shape)
        return NetTensor.make(tracer, nets, torch.bool)
    return FeatureTensor.make(
        tracer, torch.from_numpy(numbers + 2).reshape(1, *shape), tracer.dtype
    )


def _run(tracer: Tracer, module: nn.Module, x: Tensor) -> Any:
    """What the module answers; whatever goes wrong inside is a TraceError that says where."""
    try:
        result = module(x)
    except TraceError:
        raise
    except Exception as error:
        raise tracer.refused or TraceError(
            f"trace: {tracer.where(error)}: {type(error).__name__}: {error}; allowed is a forward "
            f"that runs on one sample, {list(x.shape)} of {x.dtype}, and on values not known yet"
        ) from error
    if tracer.refused is not None:
        raise tracer.refused
    return result


def _finish(tracer: Tracer, result: Any, shape: tuple[int, ...]) -> Circuit:
    """The circuit whose answer is `result`."""
    if not isinstance(result, Tensor):
        tracer.refuse(
            f"the output is a {type(result).__name__}; allowed is one tensor; "
            "wrap the module in one that returns the tensor you want"
        )
    if isinstance(result, FeatureTensor):
        tracer.refuse(
            f"the output is raw input values; allowed are bits and counts; compare them, x > t; "
            f"{BOOLEAN_CURE}"
        )
    if isinstance(result, (CountTensor, ClassTensor)):
        nets, decoder = _scores(tracer, result)
    else:
        nets, decoder = _bits(tracer, result), None
    _check_input(tracer)
    netlist = tracer.builder.build(nets.numpy())
    return Circuit(tracer.inputs.encoder(shape), netlist, decoder)


def _bits(tracer: Tracer, result: Tensor) -> Tensor:
    if not result.ndim or result.shape[0] != 1:
        tracer.refuse(
            f"the output has shape {list(result.shape)} for one sample; allowed is [1, ...], the "
            "batch first; does a flatten or a reduction take in the batch?"
        )
    return tracer.bits(result).nets


def _scores(tracer: Tracer, result: CountTensor | ClassTensor) -> tuple[Tensor, Decoder]:
    scores = result.source if isinstance(result, ClassTensor) else result
    if scores.ndim != 2 or scores.shape[0] != 1 or not scores.shape[1]:
        tracer.refuse(
            f"the output is counts of shape {list(scores.shape)} for one sample; "
            "allowed is [1, classes]; flatten them, counts.flatten(1)"
        )
    decoder = _decoder(scores.counts, scores.shape[1])
    if decoder is None and isinstance(result, ClassTensor):
        decoder = Decoder(scores.shape[1])  # the scores grow with the count: the class is the same
    if decoder is None:
        _refuse_scores(tracer, scores.counts)
    return count_bits(tracer, scores)[scores.ids[0]], decoder


def _decoder(counts: Counts, groups: int) -> Decoder | None:
    """The decoder that gives just the scores that torch gave, if there is one."""
    try:
        decoder = Decoder(groups, counts.tau, counts.beta)
    except NetlistError:
        return None
    found = decoder.scores(np.arange(len(counts.scores), dtype=np.int32))
    same = np.array_equal(found.astype(np.float64), counts.scores.double().numpy())
    return decoder if same else None


def _refuse_scores(tracer: Tracer, counts: Counts) -> NoReturn:
    tracer.refuse(
        f"{counts.where}: the scores are not (count + beta) / tau in float32 for any positive tau; "
        "allowed are + or - first, / last; write x / tau rather than x * (1 / tau), in float32"
    )


def _check_input(tracer: Tracer) -> None:
    conflict = tracer.inputs.conflict()
    if conflict is not None:
        feature, threshold = conflict
        tracer.refuse(
            f"input value {feature} is compared with {threshold:g} and also used as a bit without "
            f"a comparison; allowed is one of the two; compare it everywhere; {BOOLEAN_CURE}"
        )
