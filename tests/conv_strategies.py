"""Random convolutions for property tests."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from gatewright.frontend import LogicConv2d, LogicConv3d

KINDS = [
    *(("raw", k) for k in (1, 2)),
    *((name, k) for name in ("warp", "light") for k in range(1, 7)),
]
"""Every parametrisation with every number of inputs."""

MOST_LEAVES = 36


@st.composite
def layers(draw):
    """A convolution of any shape and kind that is allowed, its weights normal."""
    dims = draw(st.sampled_from([2, 2, 3]))
    field = draw(st.tuples(*[st.integers(1, 3)] * dims))
    padding = draw(st.integers(0, 2))
    least = [max(1, size - 2 * padding) for size in field]
    name, rank = draw(st.sampled_from(KINDS))
    channels = draw(st.integers(1, 4))
    depth = draw(st.sampled_from([d for d in (1, 2, 3) if rank**d <= MOST_LEAVES]))
    groups = [g for g in range(1, channels + 1) if rank**depth % g == 0]
    torch.manual_seed(draw(st.integers(0, 99)))
    layer = (LogicConv2d if dims == 2 else LogicConv3d)(
        tuple(size + draw(st.integers(0, 3)) for size in least),
        channels,
        draw(st.integers(1, 4)),
        depth,
        field,
        stride=draw(st.integers(1, min(field))),
        padding=padding,
        grad_factor=draw(st.sampled_from([1.0, 0.5, 2.0])),
        lut_rank=rank,
        parametrization=name,
        parametrization_kwargs={"temperature": draw(st.sampled_from([1.0, 0.7]))},
        connections_kwargs={"channel_group_size": draw(st.sampled_from([None, *groups]))},
    )
    return randomized(layer)


@torch.no_grad()
def randomized(module):
    """The module with normal weights, so that its gates are of all kinds."""
    for weight in module.parameters():
        weight.normal_()
    return module
