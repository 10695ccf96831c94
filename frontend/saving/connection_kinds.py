"""How wiring is written to model files: fixed as it is, learnable with weights and candidates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from ..options import is_int
from ..wiring.learned_connections import SAMPLING, LearnedWiring
from .kinds import Arrays, Shapes

_LEARNED = {
    "temperature": lambda value: isinstance(value, float) and math.isfinite(value),
    "num_candidates": lambda value: value == -1 or is_int(value),
    "gumbel": lambda value: isinstance(value, bool),
    "forward_sampling": lambda value: value in SAMPLING,
}
_INT = "int32"


def is_wiring(value: Any) -> bool:
    """What files say of wiring: "fixed", or the options of learnable wiring."""
    if isinstance(value, dict):
        return set(value) == set(_LEARNED) and all(
            test(value[name]) for name, test in _LEARNED.items()
        )
    return value == "fixed"


def wiring_options(connections: Any) -> Any:
    """What a file says of these connections."""
    if not isinstance(connections, LearnedWiring):
        return "fixed"
    return {
        "temperature": float(connections.temperature),
        "num_candidates": -1 if connections.every else connections.num_candidates,
        "gumbel": connections.gumbel,
        "forward_sampling": connections.forward_sampling,
    }


def wiring_arrays(connections: Any) -> Arrays:
    """The arrays of these connections: `indices`, and of learnable ones `connections.weights`."""
    found: Arrays = {}
    if isinstance(connections, LearnedWiring):
        found["connections.weights"] = connections.weights.detach().cpu().numpy()
    if not (isinstance(connections, LearnedWiring) and connections.every):
        found["indices"] = connections.indices.cpu().numpy().astype(_INT)
    return found


def wiring_shapes(
    wiring: Any, ends: tuple[int, ...], most: int, place: tuple[int, ...] = ()
) -> Shapes:
    """The arrays that a file must hold.

    Args:
        wiring: what the file says, checked by `is_wiring`.
        ends: shape of what chooses: [k, gates], or [k, num_kernels, gates] of convolutions.
        most: how many candidates there are if all are.
        place: shape of what is chosen: [] for numbers, [dims + 1] for positions.
    """
    if wiring == "fixed":
        return {"indices": ((*ends, *place), _INT)}
    every = wiring["num_candidates"] == -1
    shape = (most if every else wiring["num_candidates"], *ends)
    weights: Shapes = {"connections.weights": (shape, "float32")}
    return weights if every else {**weights, "indices": ((*shape, *place), _INT)}


def wiring_arguments(wiring: Any, arrays: Arrays) -> dict[str, Any]:
    """Arguments `connections` and `connections_kwargs` of the layer."""
    options = {} if wiring == "fixed" else dict(wiring)
    if "indices" in arrays:
        options["indices"] = torch.from_numpy(arrays["indices"].astype(np.int64))
    return {
        "connections": "fixed" if wiring == "fixed" else "learnable",
        "connections_kwargs": options,
    }


def restore_wiring(connections: Any, arrays: Arrays) -> None:
    """Give learnable connections the weights of a file."""
    if isinstance(connections, LearnedWiring):
        with torch.no_grad():
            connections.weights.copy_(torch.from_numpy(arrays["connections.weights"].copy()))
