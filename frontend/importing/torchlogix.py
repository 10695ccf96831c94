"""torchlogix's layers, as of 0.2.2."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ...runtime.errors import InputError
from ..layers.binarization import Binarization, DummyBinarization, FixedBinarization
from ..layers.conv import LogicConv2d, LogicConv3d, LogicConvNd
from ..layers.conv_transpose import LogicConvTranspose2d, LogicConvTranspose3d
from ..layers.dense import LogicDense
from ..layers.groupsum import GroupSum
from ..layers.pool import OrPooling2d, OrPooling3d
from ..layers.resblock import ResidualLogicBlock
from ..layers.soft_binarization import LearnableBinarization, SoftBinarization
from .copying import fill

_PARAMETRIZATIONS = {
    "RawLUTParametrization": "raw",
    "WarpLUTParametrization": "warp",
    "LightLUTParametrization": "light",
}


def gates(layer: Any) -> dict[str, Any]:
    """Arguments that layers of gates share.

    Raises:
        InputError: a parametrisation that is not known.
    """
    mixture = layer.parametrization
    name = type(mixture).__name__
    if name not in _PARAMETRIZATIONS:
        raise InputError(
            f"parametrization {name}; allowed are {', '.join(sorted(_PARAMETRIZATIONS))}"
        )
    options = ("forward_sampling", "temperature", "weight_init", "residual_probability")
    found = {key: getattr(mixture, key) for key in options}
    if not 0.5 < found["residual_probability"] < 1.0:
        del found["residual_probability"]  # of the first weights only
    return {
        "lut_rank": layer.lut_rank,
        "parametrization": _PARAMETRIZATIONS[name],
        "parametrization_kwargs": found,
    }


def dense(layer: Any) -> LogicDense:
    """LogicDense, with fixed or learnable connections."""
    wiring, numbers = _dense_wiring(layer.connections)
    made = LogicDense(
        layer.in_dim, layer.out_dim, grad_factor=layer.grad_factor, **gates(layer), **wiring
    )
    return fill(made, layer, {"weight": layer.weight, **numbers})


def _dense_wiring(connections: Any) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Arguments of the layer, and the wiring's own parameter."""
    indices = connections.indices
    if type(connections).__name__ == "FixedDenseConnections":
        return {"connections_kwargs": {"indices": indices.cpu()}}, {}
    if type(connections).__name__ != "LearnableDenseConnections":
        raise InputError(
            f"connections {type(connections).__name__}; allowed are FixedDenseConnections and "
            "LearnableDenseConnections"
        )
    options = {"temperature": connections.temperature, "gumbel": connections.gumbel}
    everything = torch.arange(connections.in_dim, device=indices.device).view(-1, 1, 1)
    if len(indices) == connections.in_dim and bool((indices == everything).all()):
        options["num_candidates"] = -1
    else:
        options |= {"num_candidates": len(indices), "indices": indices.cpu()}
    wiring = {"connections": "learnable", "connections_kwargs": options}
    return wiring, {"connections.weights": connections.weights}


def conv(layer: Any) -> LogicConvNd:
    """LogicConv2d and LogicConv3d."""
    return _conv(layer, LogicConv2d if layer.conv_dimension == 2 else LogicConv3d)


def transposed(layer: Any) -> LogicConvNd:
    """LogicConvTranspose2d and LogicConvTranspose3d."""
    kind = LogicConvTranspose2d if layer.conv_dimension == 2 else LogicConvTranspose3d
    return _conv(layer, kind, output_padding=tuple(layer.output_padding))


def _conv(layer: Any, kind: type[LogicConvNd], **more: Any) -> LogicConvNd:
    made = kind(
        tuple(layer.in_dim),
        channels=layer.channels,
        num_kernels=layer.num_kernels,
        tree_depth=layer.tree_depth,
        receptive_field_size=tuple(layer.receptive_field_size),
        stride=layer.stride,
        padding=layer.padding,
        # torchlogix takes a grad_factor for convolutions, and does not apply it.
        **gates(layer),
        **more,
        connections_kwargs={"indices": first_place(layer.connections.indices, layer).cpu()},
    )
    levels = {f"tree_weights.{i}": weight for i, weight in enumerate(layer.tree_weights)}
    return fill(made, layer, levels)


def first_place(levels: list[Tensor], layer: Any) -> Tensor:
    """What the kernels read at the first place, [k, num_kernels, gates, dims + 1].

    Args:
        levels: torchlogix's wiring: of the first level [k, num_kernels, places, gates, dims + 1],
            of the others [k, nodes].
        layer: theirs or ours.

    Raises:
        InputError: they do not read the same at every place, or the trees are not the usual ones.
    """
    first, *above = levels
    positions = math.prod(layer.kernel_positions)
    if first.ndim != 5 or first.shape[2::2] != (positions, len(layer.kernel_positions) + 1):
        raise InputError(
            f"connections of shape {list(first.shape)}; needed is [{layer.lut_rank}, "
            f"{layer.num_kernels}, {positions}, gates, {len(layer.kernel_positions) + 1}]"
        )
    step = 1 if hasattr(layer, "output_padding") else layer.stride
    starts = [torch.arange(n, device=first.device) * step for n in layer.kernel_positions]
    offsets = nn.functional.pad(torch.cartesian_prod(*starts), (0, 1))
    found = first[:, :, 0]
    if not torch.equal(first, found.unsqueeze(2) + offsets[:, None]):
        raise InputError("connections that differ from place to place; allowed is one kernel")
    for indices in above:
        nodes = indices.numel() // layer.lut_rank
        usual = torch.arange(nodes * layer.lut_rank, device=indices.device)
        if not torch.equal(indices, usual.reshape(nodes, layer.lut_rank).t()):
            raise InputError("trees whose gates do not read neighbours; allowed are those alone")
    return found


def pooling2d(layer: Any) -> OrPooling2d:
    """OrPooling2d."""
    return OrPooling2d(layer.kernel_size, layer.stride, layer.padding).train(layer.training)


def pooling3d(layer: Any) -> OrPooling3d:
    """OrPooling3d."""
    return OrPooling3d(layer.kernel_size, layer.stride, layer.padding).train(layer.training)


def group_sum(layer: Any) -> GroupSum:
    """GroupSum."""
    return GroupSum(layer.k, layer.tau, layer.beta).train(layer.training)


def fixed(layer: Any) -> FixedBinarization:
    """FixedBinarization."""
    return _thresholded(FixedBinarization(_rounded(layer), layer.feature_dim), layer)


def soft(layer: Any) -> SoftBinarization:
    """SoftBinarization."""
    made = SoftBinarization(_rounded(layer), layer.temperature_sampling, layer.feature_dim)
    return _thresholded(made, layer)


def learnable(layer: Any) -> LearnableBinarization:
    """LearnableBinarization."""
    made = LearnableBinarization(
        layer.thresholds.cpu(),
        layer.feature_dim,
        layer.temperature_sampling,
        layer.temperature_softplus,
        layer.forward_sampling,
        layer._max_grad_norm,
    )
    return fill(made, layer, {"raw_diffs": layer.raw_diffs})


def dummy(layer: Any) -> DummyBinarization:
    """DummyBinarization."""
    return DummyBinarization().train(layer.training)


def _rounded(layer: Any) -> Tensor:
    if layer.thresholds is None:
        raise InputError("no thresholds; allowed is a layer that has them")
    return rounded(layer.thresholds.detach().cpu())


def rounded(thresholds: Tensor) -> Tensor:
    """Thresholds as float32, downwards, so that float32 values compare alike."""
    found = thresholds.float()
    below = torch.nextafter(found, torch.full_like(found, -torch.inf))
    return torch.where(found.double() > thresholds.double(), below, found)


def _thresholded(made: Binarization, layer: Any) -> Any:
    return made.to(layer.thresholds.device).train(layer.training)


def block(layer: Any) -> ResidualLogicBlock:
    """ResidualLogicBlock, of which torchlogix can build those without pooling and projection.

    Raises:
        InputError: the shortcut is not the input itself.
    """
    if not isinstance(layer.shortcut, nn.Identity):
        raise InputError("a block whose shortcut is not the input; allowed is nn.Identity")
    first, second = layer.main[0], layer.main[2]
    made = ResidualLogicBlock(
        tuple(first.in_dim),
        first.channels,
        second.num_kernels,
        first.tree_depth,
        tuple(first.receptive_field_size),
        first.padding,
        **gates(first),
    )
    made.main[0], made.main[2] = conv(first), conv(second)
    return made.train(layer.training)
