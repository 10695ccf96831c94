"""Models in one safe file: architecture as JSON, numbers as plain arrays, nothing pickled."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ...runtime.archive import read_archive, write_archive
from ...runtime.errors import FileError, GatewrightError, InputError
from ..compat.kinds import COMPAT_KINDS
from .kinds import Arrays, Kind, Options, is_shape
from .layer_kinds import KINDS as LAYER_KINDS

KINDS: dict[str, Kind] = {**LAYER_KINDS, **COMPAT_KINDS}
_DEPTH = 32


def save_model(
    model: nn.Module, path: str | os.PathLike[str], *, input_shape: Sequence[int] | None = None
) -> None:
    """Write a model with wiring, thresholds, weights and the shape of one sample.

    Args:
        model: a layer, or nn.Sequential of layers and of other nn.Sequential; allowed layers are
            LogicDense, LogicConv2d, LogicConv3d, LogicConvTranspose2d, LogicConvTranspose3d,
            ResidualLogicBlock, OrPooling2d, OrPooling3d, FixedBinarization, SoftBinarization,
            LearnableBinarization, DummyBinarization, GroupSum, Flatten, Unflatten, Identity, and
            those of `gatewright.frontend.compat`.
        path: conventionally ends in `.npz`; an existing file is replaced in one step.
        input_shape: of one sample; `model.input_shape` if None.

    Raises:
        InputError: a layer the file cannot hold, numbers that are not finite float32, or no
            shape, or one the model does not take.
        FileError: the file cannot be written.
    """
    write_archive(path, "model", *check_model(model, input_shape))


def check_model(
    model: nn.Module, input_shape: Sequence[int] | None = None
) -> tuple[dict[str, Any], Arrays]:
    """What `save_model` writes of a model, its manifest and arrays; errors as there."""
    shape = _shape_of(model, input_shape)
    arrays: Arrays = {}
    tree = _describe(model, "", arrays)
    _try(model, shape)
    return {"input_shape": list(shape), "model": tree}, arrays


def load_model(path: str | os.PathLike[str]) -> nn.Module:
    """Read what `save_model` wrote: the model in evaluation mode, with its `input_shape`.

    Every array is checked against the declared architecture before anything is built.

    Raises:
        FileError: the file is missing, damaged, of another kind, or contradicts itself.
    """
    try:
        manifest, arrays = read_archive(path, "model")
        _only(manifest, {"gatewright", "version", "input_shape", "model"}, "the manifest")
        if not is_shape(manifest["input_shape"]):
            raise FileError(f"input_shape {_short(manifest['input_shape'])}; allowed are sizes")
        expected: set[str] = set()
        with torch.random.fork_rng(devices=[]):
            model = _build(manifest["model"], "", arrays, expected, 0)
        if set(arrays) - expected:
            raise FileError(f"array {_short(min(set(arrays) - expected))} belongs to no layer")
    except RecursionError:
        raise FileError(f"{path}: the manifest is nested too deeply; it is damaged") from None
    except GatewrightError as error:
        text = str(error)
        raise FileError(text if text.startswith(f"{path}:") else f"{path}: {text}") from None
    model.input_shape = tuple(manifest["input_shape"])  # type: ignore[assignment]
    return model.eval()


def _shape_of(model: nn.Module, input_shape: Sequence[int] | None) -> tuple[int, ...]:
    shape = getattr(model, "input_shape", None) if input_shape is None else input_shape
    shape = (shape,) if isinstance(shape, int) else tuple(shape or ())
    if not is_shape(shape):
        raise InputError(
            f"save_model: input_shape {shape}; allowed are sizes of one sample, without the batch; "
            "pass it, for example input_shape=(1, 28, 28)"
        )
    return shape


def _describe(module: nn.Module, name: str, arrays: Arrays) -> dict[str, Any]:
    if type(module) is nn.Sequential:
        children = [
            [key, _describe(child, _join(name, key), arrays)]
            for key, child in module._modules.items()
        ]
        return {"type": "Sequential", "layers": children}
    kind = KINDS.get(type(module).__name__)
    if kind is None or type(module) is not kind.module:
        raise InputError(
            f"save_model: layer {name or 'model'} is a {type(module).__name__}; allowed are "
            f"Sequential, {', '.join(KINDS)}; build the model of those, or keep what it "
            "compiles to: gatewright.write(gatewright.trace(model), path)"
        )
    for key, array in kind.arrays(module).items():
        _check_numbers(array, _join(name, key), InputError)
        arrays[_join(name, key)] = array
    return {"type": type(module).__name__, "options": kind.options(module)}


def _try(model: nn.Module, shape: tuple[int, ...]) -> None:
    before = [(module, module.training) for module in model.modules()]
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, *shape, device=device))
    except (RuntimeError, GatewrightError) as error:
        raise InputError(
            f"save_model: the model does not take a sample of shape {list(shape)}: {error}"
        ) from None
    finally:
        for module, training in before:
            module.training = training


def _build(node: Any, name: str, arrays: Arrays, expected: set[str], depth: int) -> nn.Module:
    where = f"layer {name}" if name else "the model"
    if not isinstance(node, dict) or not isinstance(node.get("type"), str) or depth > _DEPTH:
        raise FileError(f"{where} is {_short(node)}; allowed is a layer, {_DEPTH} deep at most")
    if node["type"] == "Sequential":
        _only(node, {"type", "layers"}, where)
        return _build_children(node["layers"], name, arrays, expected, depth)
    if node["type"] not in KINDS:
        raise FileError(
            f"{where} is a {_short(node['type'])}; allowed are Sequential, {', '.join(KINDS)}; "
            "was it written by a newer Gatewright?"
        )
    _only(node, {"type", "options"}, where)
    kind = KINDS[node["type"]]
    options = _checked_options(kind, node["options"], where)
    return kind.build(options, _checked_arrays(kind, options, name, arrays, expected))


def _build_children(
    layers: Any, name: str, arrays: Arrays, expected: set[str], depth: int
) -> nn.Sequential:
    found = nn.Sequential()
    if not isinstance(layers, list):
        raise FileError(f"layers {_short(layers)}; allowed is a list of [name, layer]")
    for entry in layers:
        if not (isinstance(entry, list) and len(entry) == 2 and _is_name(entry[0], found)):
            raise FileError(f"{_short(entry)} among the layers; allowed is [name, layer]")
        key, node = entry
        found.add_module(key, _build(node, _join(name, key), arrays, expected, depth + 1))
    return found


def _is_name(key: Any, parent: nn.Module) -> bool:
    return isinstance(key, str) and key != "" and "." not in key and not hasattr(parent, key)


def _checked_options(kind: Kind, options: Any, where: str) -> Options:
    if isinstance(options, dict):
        options = {**kind.defaults, **options}
    _only(options, set(kind.checks), f"options of {where}")
    for key, test in kind.checks.items():
        if not test(options[key]):
            raise FileError(f"{where}: {key} is {_short(options[key])}, which is out of range")
    return options


def _checked_arrays(
    kind: Kind, options: Options, name: str, arrays: Arrays, expected: set[str]
) -> Arrays:
    found: Arrays = {}
    for key, (shape, dtype) in kind.shapes(options).items():
        full = _join(name, key)
        array = arrays.get(full)
        if array is None:
            raise FileError(f"array {full} is missing")
        if array.shape != shape or array.dtype != np.dtype(dtype):
            raise FileError(
                f"array {full} is {array.dtype} {list(array.shape)}; "
                f"its layer needs {dtype} {list(shape)}"
            )
        _check_numbers(array, full, FileError)
        expected.add(full)
        found[key] = array
    return found


def _check_numbers(array: Any, name: str, error: type[GatewrightError]) -> None:
    if array.dtype not in (np.float32, np.int32):
        raise error(f"array {name} is {array.dtype}; allowed is float32; use model.float()")
    # A threshold may be infinite: a bit that is always false, or true but for NaN.
    bad = np.isnan(array) if name.endswith("thresholds") else ~np.isfinite(array)
    if bad.any():
        raise error(f"array {name}: {int(bad.sum())} of {bad.size} numbers are not finite")


def _only(found: Any, allowed: set[str], where: str) -> None:
    if not isinstance(found, dict) or set(found) != allowed:
        keys = sorted(found) if isinstance(found, dict) else found
        raise FileError(f"{where} has {_short(keys)}; needed are exactly {sorted(allowed)}")


def _join(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _short(value: Any, most: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= most else text[:most] + "..."
