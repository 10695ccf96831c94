"""A model of another library's layers as a model of ours."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn

from ...runtime.errors import InputError
from .copying import quietly
from .peers import CONVERTERS, LIBRARIES, WRAPPERS, has_peers, known, names


def convert(module: nn.Module) -> nn.Module:
    """A copy of a model whose layers of torchlogix, difflogic or convlogic are ours.

    The copy answers what the model answers, in evaluation mode bit for bit; it trains, traces and
    saves as models built here. Weights, wiring, thresholds, device and mode are taken over. What
    is around the layers stays: containers are copied with their own `forward`, but subclasses of
    nn.Sequential and single-child wrappers of those libraries become what they hold. Classes are
    told by name and module, so the other library need not be importable beyond the model itself.

    Args:
        module: a layer, or any module with such layers inside.

    Raises:
        InputError: none of those layers is there, one is not what its class builds, which the
            message names, or what is around them cannot be copied.
    """
    if not has_peers(module):
        raise InputError(
            f"convert: no layer of {', '.join(LIBRARIES)} in {type(module).__name__}; allowed are "
            "modules that hold some; models of this library need no conversion"
        )
    made: dict[int, Any] = {}
    where = {id(part): name or type(part).__name__ for name, part in module.named_modules()}
    try:
        quietly(lambda: _replace(module, made, where))
        return copy.deepcopy(module, made)
    except (TypeError, RuntimeError, copy.Error) as error:
        raise InputError(
            f"convert: {type(module).__name__} cannot be copied: {error}; allowed is a module that "
            "copy.deepcopy takes; hand in the part of it that holds the layers"
        ) from None


def _replace(module: Any, made: dict[int, Any], where: dict[int, str]) -> nn.Module:
    """Put what stands for parts of `module` into `made`, a memo of deepcopy, by their id."""
    if id(module) in made:
        return module
    if known(type(module), CONVERTERS):
        made[id(module)] = _converted(module, where[id(module)])
        return module
    for child in module.children():
        _replace(child, made, where)
    kind = next(names(type(module)), None)
    wrapper = known(type(module), WRAPPERS)
    if wrapper and type(module).forward is wrapper[0].forward:
        made[id(module)] = copy.deepcopy(getattr(module, WRAPPERS[wrapper[1]]), made)
    elif kind and type(module).forward is nn.Sequential.forward:
        made[id(module)] = _sequential(module, made)
    return module


def _converted(module: nn.Module, where: str) -> nn.Module:
    """One layer of ours; errors say which layer it was."""
    found = known(type(module), CONVERTERS)
    assert found
    base, (library, name) = found
    layer = f"convert: layer {where}, {name} of {library}"
    if type(module).forward is not base.forward:
        raise InputError(
            f"{layer}: {type(module).__name__} has a forward of its own, which may do anything; "
            f"allowed is that of {name}; put what it does more into a module around the layer"
        )
    try:
        return CONVERTERS[library, name](module)
    except InputError as error:
        raise InputError(f"{layer}: {error}") from None
    except AttributeError as error:
        raise InputError(f"{layer}: {error}; is it another version of {library}?") from None


def _sequential(module: nn.Module, made: dict[int, Any]) -> nn.Sequential:
    found = nn.Sequential()
    for name, child in module.named_children():
        found.add_module(name, copy.deepcopy(child, made))
    if hasattr(module, "input_shape"):
        found.input_shape = module.input_shape
    return found.train(module.training)
