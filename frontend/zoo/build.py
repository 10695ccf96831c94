"""From a name to a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from ...runtime.errors import InputError
from ..compat.difflogic import unique_pairs
from ..layers.binarization import FixedBinarization
from ..layers.conv import LogicConv2d
from ..layers.dense import LogicDense
from ..layers.groupsum import GroupSum
from ..layers.pool import OrPooling2d
from ..options import check_choice
from .published import MODELS
from .spec import Block, ModelSpec
from .wiring import dense_wiring, tree_wiring

_OWN = object()


def build_model(name: str, *, seed: int | None = None, **options: Any) -> nn.Sequential:
    """An untrained network of the zoo, from raw values to scores.

    Args:
        name: one of `MODELS`.
        seed: of wiring and weights; if None, they come from torch's global generator.
        options: thresholds, for FixedBinarization, instead of the published ones; None for Boolean
            samples. tau. grad_factor, parametrization, weight_init: of all layers of gates.
            connections: of dense layers, "random" or "unique". groups: parts of the network that
            share nothing but input and scores. device: where it lives; "meta" has no numbers.

    Returns:
        The network; its attributes `input_shape` and `classes` say what a sample and an answer are.

    Raises:
        InputError: an unknown name or option, or an impossible value.
    """
    spec = model_spec(name)
    _check_options(spec, options)
    held = nullcontext() if seed is None else torch.random.fork_rng(devices=[])
    with held:
        if seed is not None:
            torch.manual_seed(seed)
        device = torch.device(options.pop("device", "cpu"))
        place = "meta" if device.type == "meta" else "cpu"  # one seed, one network on every device
        model = nn.Sequential(*_Builder(spec, place, **options).parts()).to(device)
    model.input_shape = spec.input_shape  # type: ignore[assignment]
    model.classes = spec.classes  # type: ignore[assignment]
    return model


def model_spec(name: str) -> ModelSpec:
    """The published network of that name.

    Raises:
        InputError: there is none.
    """
    if name not in MODELS:
        raise InputError(f"model {name!r}; allowed are {', '.join(MODELS)}")
    return MODELS[name]


_OPTIONS = (
    "connections",
    "device",
    "grad_factor",
    "groups",
    "parametrization",
    "tau",
    "thresholds",
    "weight_init",
)


def _check_options(spec: ModelSpec, options: dict[str, Any]) -> None:
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        raise InputError(
            f"model {spec.name}: option {', '.join(unknown)}; allowed are {', '.join(_OPTIONS)}"
        )
    groups = options.get("groups", spec.groups)
    check_choice(f"model {spec.name}", "groups", groups, _group_counts(spec))
    if groups > 1 and options.get("connections") == "unique":
        raise InputError(
            f"model {spec.name}: connections='unique' and {groups} groups; allowed is groups=1 "
            "with it, since pairs of neighbours would join the groups"
        )


def _group_counts(spec: ModelSpec) -> list[int]:
    """How many parts the network can be split into."""
    if spec.tree_channels is None:
        return [1]
    kernels = [block.kernels for block in spec.blocks]
    sizes = [*kernels, *spec.widths[:-1], spec.widths[-1] // spec.classes]
    return [n for n in range(1, min(sizes) + 1) if not any(size % n for size in sizes)]


class _Builder:
    """The layers of one network, in order."""

    def __init__(
        self,
        spec: ModelSpec,
        device: str,
        *,
        thresholds: Any = _OWN,
        tau: float | None = None,
        connections: str | None = None,
        groups: int | None = None,
        grad_factor: float = 1.0,
        parametrization: str = "raw",
        weight_init: str | None = None,
    ) -> None:
        self.spec, self.device = spec, device
        self.thresholds = spec.thresholds if thresholds is _OWN else thresholds
        self.tau = spec.tau if tau is None else tau
        self.connections = spec.connections if connections is None else connections
        self.groups = spec.groups if groups is None else groups
        self.gates = {"grad_factor": grad_factor, "parametrization": parametrization}
        self.conv_init = weight_init or spec.conv_init
        self.dense_init = weight_init or spec.dense_init
        check_choice(f"model {spec.name}", "connections", self.connections, ("random", "unique"))

    def parts(self) -> Iterator[nn.Module]:
        bits = 1
        if self.thresholds is not None:
            encoder = FixedBinarization(self.thresholds, feature_dim=1)
            bits = encoder.get_thresholds().shape[-1]
            yield encoder
        yield from self._blocks(self.spec.input_shape[0] * bits)
        if len(self.spec.input_shape) > 1:
            yield nn.Flatten()
        yield from self._dense(self.spec.features or self.spec.input_bits(bits))
        yield GroupSum(self.spec.classes, tau=self.tau)

    def _blocks(self, channels: int) -> Iterator[nn.Module]:
        groups = 1  # every part reads the input
        for block, size in zip(self.spec.blocks, self.spec.sizes, strict=False):
            yield LogicConv2d(
                size,
                channels=channels,
                num_kernels=block.kernels,
                tree_depth=block.depth,
                receptive_field_size=block.window,
                padding=block.padding,
                device=self.device,
                parametrization_kwargs={"weight_init": self.conv_init},
                connections_kwargs=self._trees(block, channels, groups),
                **self.gates,
            )
            yield OrPooling2d(2)
            channels, groups = block.kernels, self.groups

    def _dense(self, features: int) -> Iterator[nn.Module]:
        widths = self.spec.widths
        for number, width in enumerate(widths, 1):
            classes = self.spec.classes if number == len(widths) else 1
            yield LogicDense(
                features,
                width,
                device=self.device,
                parametrization_kwargs={"weight_init": self.dense_init},
                connections_kwargs=self._wiring(features, width, classes),
                **self.gates,
            )
            features = width

    def _trees(self, block: Block, channels: int, groups: int) -> dict[str, Tensor]:
        per_tree = self.spec.tree_channels
        if per_tree is None:
            return {}
        if self.device == "meta":  # keeps no wiring
            return {"indices": _zeros(2, block.kernels, 2 ** (block.depth - 1), 3)}
        return {"indices": tree_wiring(block, channels, per_tree, groups)}

    def _wiring(self, features: int, width: int, classes: int) -> dict[str, Tensor]:
        if self.device == "meta":
            return {"indices": _zeros(2, width)}
        if self.connections == "unique":
            return {"indices": unique_pairs(features, width)}
        if self.groups > 1:
            return {"indices": dense_wiring(features, width, self.groups, classes)}
        return {}


def _zeros(*shape: int) -> Tensor:
    return torch.zeros((), dtype=torch.int64).expand(shape)
