"""Watching modules call each other while one is traced."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from .net_tensor import Traced, find_traced
from .tracer import Tracer


@functools.singledispatch
def trace_layer(module: nn.Module, x: Traced, tracer: Tracer) -> Any:
    """Trace one layer; register a function for a module class to export it as whole cells.

    The function stands in for `forward` of that class while a traced value goes through it; a
    subclass with a `forward` of its own is traced through that. Without one, `forward` runs.

        @trace_layer.register
        def _(module: MyLayer, x, tracer):
            bits = tracer.bits(x)
            nets = tracer.builder.luts(...)  # from bits.nets
            return NetTensor.make(tracer, torch.from_numpy(nets).long()[None], module.weight.dtype)

    Args:
        module: the layer, in evaluation mode.
        x: its input, a traced value.
        tracer: has `builder`, `bits(x)`, `refuse(text)`.

    Returns:
        A traced value.
    """
    return module(x)


_here = threading.local()
_lock = threading.Lock()
_users = 0
_patches: list[tuple[type, str, Any]] = []  # class, attribute, what stood in its own namespace
_ABSENT = object()


@contextmanager
def watching(tracer: Tracer) -> Iterator[None]:
    """Tell `tracer` of every module called in this thread, and answer layers by `trace_layer`."""
    outer = getattr(_here, "tracer", None)
    _acquire()
    _here.tracer = tracer
    try:
        yield
    finally:
        _here.tracer = outer
        _release()


def _acquire() -> None:
    global _users
    with _lock:
        _users += 1
        patched = {owner for owner, _, _ in _patches}
        for owner, export in trace_layer.registry.items():
            if owner is not object and owner not in patched:
                _patch(owner, "forward", _exported(owner.forward, export))
        if nn.Module not in patched:
            _patch(nn.Module, "__call__", _watched(nn.Module.__call__))


def _release() -> None:
    global _users
    with _lock:
        _users -= 1
        while not _users and _patches:
            owner, name, original = _patches.pop()
            if original is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, original)


def _patch(owner: type, name: str, value: Any) -> None:
    _patches.append((owner, name, owner.__dict__.get(name, _ABSENT)))
    setattr(owner, name, value)


def _watched(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        tracer = getattr(_here, "tracer", None)
        if tracer is None:
            return original(self, *args, **kwargs)
        tracer.enter(self)
        try:
            result = original(self, *args, **kwargs)
        except Exception as error:
            tracer.leave(error)
            raise
        tracer.leave()
        return result

    return call


def _exported(original: Callable[..., Any], export: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def forward(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        tracer = getattr(_here, "tracer", None)
        if tracer is None or not find_traced((args, kwargs)):
            return original(self, *args, **kwargs)
        if len(args) != 1 or kwargs:
            tracer.refuse("an exported layer with several arguments; allowed is its input alone")
        return export(self, args[0], tracer)

    return forward
