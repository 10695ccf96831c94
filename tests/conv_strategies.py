"""Random convolutions for property tests."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from gatewright.frontend import LogicConv2d, LogicConv3d


@st.composite
def layers(draw):
    """A convolution of any shape that is allowed, its logits random."""
    dims = draw(st.sampled_from([2, 2, 3]))
    field = draw(st.tuples(*[st.integers(1, 3)] * dims))
    padding = draw(st.integers(0, 2))
    least = [max(1, size - 2 * padding) for size in field]
    channels, depth = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    groups = [g for g in (1, 2, 4) if g <= min(channels, 2**depth)]
    torch.manual_seed(draw(st.integers(0, 99)))
    return (LogicConv2d if dims == 2 else LogicConv3d)(
        tuple(size + draw(st.integers(0, 3)) for size in least),
        channels,
        draw(st.integers(1, 4)),
        depth,
        field,
        stride=draw(st.integers(1, min(field))),
        padding=padding,
        grad_factor=draw(st.sampled_from([1.0, 0.5, 2.0])),
        parametrization_kwargs={"weight_init": "random"},
        connections_kwargs={"channel_group_size": draw(st.sampled_from([None, *groups]))},
    )
