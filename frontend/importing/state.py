"""Checkpoints of other libraries into models of ours."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...runtime.errors import FileError, InputError
from ..compat.convlogic import ConvLogicLayer
from ..compat.tree import TreeLogicLayer
from ..layers.binarization import Binarization
from ..layers.conv import LogicConvNd
from ..layers.dense import LogicDense
from ..wiring.connections import FixedDenseConnections
from ..wiring.learned_connections import LearnableDenseConnections, LearnedWiring
from .torchlogix import first_place, rounded

Part = dict[str, Tensor]
Pairs = list[tuple[Tensor, Tensor]]  # what is written, and what is written there

_NAMES = re.compile(
    r"(?:(.*?)\.)??(weight|weights|tree_weights\.\d+|connections\.(?:indices|weights|_indices_L\d+)"
    r"|indices_0|indices_1|selection|thresholds|raw_diffs)"
)
_DERIVED = re.compile(r".*(_export_(indices|lut_ids)\w*|given_x_indices_of_y(_start)?)")


def load_peer_state(
    model: nn.Module, state: Mapping[str, Tensor] | str | os.PathLike[str]
) -> nn.Module:
    """Give a model of this library the weights and wiring of another library's checkpoint.

    Layers are matched in order, whatever they are called; each must be of the same kind and sizes.
    Checkpoints of torchlogix and convlogic hold the wiring. Those of difflogic do not: they cannot
    be loaded; convert the live module, in the program that built it.

    Args:
        model: built with the sizes of the model that was saved; `frontend.compat` has convlogic's
            layers. It is changed in place, or, if an error is raised, not at all.
        state: what `state_dict()` answered, or a file that `torch.save` wrote of it, read without
            unpickling anything but tensors; Lightning's `state_dict` entry is found.

    Returns:
        The model.

    Raises:
        InputError: a layer is missing, left over, or of other sizes; or wiring is not there.
        FileError: the file is missing, damaged, or holds more than tensors.
    """
    entries = _entries(state)
    layers = _layers(model)
    if len(entries) != len(layers):
        raise InputError(
            f"state: {len(entries)} layers ({', '.join(entries) or 'none'}) for a model with "
            f"{len(layers)} ({', '.join(layers) or 'none'}); allowed are equal numbers"
        )
    pairs: Pairs = []
    for (name, part), (own, layer) in zip(entries.items(), layers.items(), strict=True):
        kind = next(kind for kind in _LOADERS if isinstance(layer, kind))
        try:
            pairs += _checked(_LOADERS[kind](layer, part))
        except InputError as error:
            raise InputError(
                f"state: {name or 'the layer'}, for {own or 'the model'}, "
                f"a {type(layer).__name__}: {error}"
            ) from None
    with torch.no_grad():
        for target, value in pairs:
            target.copy_(value)
    return model


def _entries(state: Any) -> dict[str, Part]:
    """Tensors of each layer by the layer's name, in order."""
    if not isinstance(state, Mapping):
        state = _read(Path(state))
    inner = state.get("state_dict", state)
    state = inner if isinstance(inner, Mapping) else state
    found: dict[str, Part] = {}
    for name, tensor in state.items():
        name = str(name)
        plain = isinstance(tensor, Tensor) and tensor.layout == torch.strided
        if plain and not tensor.is_complex() and (match := _NAMES.fullmatch(name)):
            found.setdefault(match[1] or "", {})[match[2]] = tensor
        elif not plain or not _DERIVED.fullmatch(name):
            raise InputError(
                f"state: entry {name[:80]!r} belongs to no layer of gates; allowed are "
                "tensors of torchlogix's and convlogic's layers; leave other entries out"
            )
    return found


def _read(path: Path) -> Any:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except Exception as error:  # torch raises whatever its reader trips over
        raise FileError(
            f"{path}: not a checkpoint of tensors alone, or damaged: {str(error)[:200]}; where it "
            "can be trusted, load it in the program that wrote it, and save "
            "torch.save(model.state_dict(), path)"
        ) from None
    if not isinstance(found, Mapping):
        raise FileError(f"{path}: holds a {type(found).__name__}; needed is a state_dict")
    return found


def _layers(model: nn.Module) -> dict[str, nn.Module]:
    inner = {id(m.gates) for m in model.modules() if isinstance(m, TreeLogicLayer)}
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, tuple(_LOADERS)) and id(module) not in inner
    }


def _checked(pairs: Pairs) -> Pairs:
    for target, value in pairs:
        if target.shape != value.shape:
            raise InputError(
                f"numbers of shape {list(value.shape)}; needed is {list(target.shape)}"
            )
    return pairs


def _take(part: Part, *names: str) -> list[Tensor]:
    if set(part) != set(names):
        raise InputError(f"holds {', '.join(sorted(part))}; needed are {', '.join(sorted(names))}")
    return [part[name] for name in names]


def _dense(layer: LogicDense, part: Part) -> Pairs:
    if set(part) == {"weights"}:
        raise InputError(
            "difflogic's checkpoints hold weights without the wiring, which was drawn when the "
            "model was built, so they are no model; convert the live module instead: "
            "gatewright.frontend.importing.convert(model) where it was trained"
        )
    if "weights" in part:
        weight, *ends = _take(part, "weights", "indices_0", "indices_1")
        return [
            (layer.weight, weight),
            (layer.connections.indices, _wired(layer, torch.stack(ends))),
        ]
    if isinstance(layer.connections, LearnableDenseConnections):
        return _learned(layer, part)
    if "connections.weights" in part:
        raise InputError("its wiring is learned; build the layer with connections='learnable'")
    weight, indices = _take(part, "weight", "connections.indices")
    return [(layer.weight, weight), (layer.connections.indices, _wired(layer, indices))]


def _wired(layer: LogicDense, indices: Tensor) -> Tensor:
    """Checked wiring of a layer with fixed connections."""
    return FixedDenseConnections(
        layer.in_dim, layer.out_dim, indices=indices, lut_rank=layer.lut_rank
    ).indices


def _learned(layer: Any, part: Part) -> Pairs:
    weight, indices, chosen = _take(part, "weight", "connections.indices", "connections.weights")
    own = layer.connections
    pairs: Pairs = [(layer.weight, weight), (own.weights, chosen)]
    if own.every:
        everything = own.indices.cpu().expand(own.weights.shape)
        if not torch.equal(indices, everything):
            raise InputError("candidates that are not all features in order; give num_candidates")
        return pairs
    low, high = int(indices.min()), int(indices.max())
    if low < 0 or high >= own.in_dim:
        raise InputError(f"candidates {low} to {high}; allowed are 0 to {own.in_dim - 1}")
    return [*pairs, (own.indices, indices)]


def _conv(layer: LogicConvNd, part: Part) -> Pairs:
    own = layer.connections
    if isinstance(own, LearnedWiring):
        raise InputError("learnable connections; torchlogix has none; build the layer with fixed")
    levels = range(layer.tree_depth)
    found = _take(
        part,
        *(f"tree_weights.{level}" for level in levels),
        *(f"connections._indices_L{level}" for level in levels),
    )
    indices = first_place(found[layer.tree_depth :], layer)
    limits = torch.tensor([*layer.receptive_field_size, layer.channels])
    if indices.shape[-1] == len(limits) and ((indices < 0) | (indices >= limits)).any():
        raise InputError(
            f"connections outside of the receptive field; allowed are positions from 0, below "
            f"{limits.tolist()}"
        )
    return [(own.indices, indices), *zip(layer.tree_weights, found, strict=False)]


def _thresholds(layer: Binarization, part: Part) -> Pairs:
    learned = getattr(layer, "raw_diffs", None)
    if learned is None:
        (thresholds,) = _take(part, "thresholds")
        return [(layer.thresholds, rounded(thresholds))]
    thresholds, diffs = _take(part, "thresholds", "raw_diffs")
    return [(layer.thresholds, thresholds), (learned, diffs)]


def _convlogic(layer: ConvLogicLayer, part: Part) -> Pairs:
    weights, selection = _take(part, "weights", "selection")
    fresh = ConvLogicLayer(
        layer.in_channels, layer.out_channels, kernel=layer.kernel, selection=selection
    )
    return [(layer.weights, weights), (layer.selection, fresh.selection)]


def _tree(layer: TreeLogicLayer, part: Part) -> Pairs:
    (weights,) = _take(part, "weights")
    return [(layer.weights, weights)]


_LOADERS: dict[type, Callable[[Any, Part], Pairs]] = {
    LogicDense: _dense,
    LogicConvNd: _conv,
    Binarization: _thresholds,
    ConvLogicLayer: _convlogic,
    TreeLogicLayer: _tree,
}
