"""Traced pooling."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from trace_helpers import check_bits, samples

from gatewright.compiler import Luts

POOLS = [
    (F.max_pool2d, (2, 5, 6), {"kernel_size": 2}),
    (F.max_pool2d, (2, 5, 6), {"kernel_size": (2, 3), "stride": (2, 1), "padding": 1}),
    (F.max_pool2d, (1, 7, 7), {"kernel_size": 3, "stride": 2, "dilation": 2, "padding": 1}),
    (F.max_pool1d, (3, 9), {"kernel_size": 4, "stride": 3, "padding": 2}),
    (F.max_pool3d, (1, 4, 4, 4), {"kernel_size": 2, "stride": 1}),
    (torch.max_pool2d, (1, 4, 4), {"kernel_size": 2}),
    (lambda x, **k: nn.MaxPool2d(**k)(x), (2, 4, 4), {"kernel_size": 2}),
    (lambda x, **k: F.max_pool2d(x[0], **k)[None], (2, 4, 4), {"kernel_size": 2}),
]


@pytest.mark.parametrize(("pool", "shape", "options"), POOLS)
def test_max_pooling(pool, shape, options):
    circuit = check_bits(lambda x: pool((x > 0.8).float(), **options), shape)
    assert all(isinstance(cell, Luts) for cell in circuit.netlist.cells)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_max_pooling_of_any_shape(data):
    kernel = data.draw(st.integers(1, 4))
    dilation = data.draw(st.integers(1, 2))
    options = {
        "kernel_size": kernel,
        "stride": data.draw(st.integers(1, 3)),
        "padding": data.draw(st.integers(0, kernel // 2)),
        "dilation": dilation,
    }
    side = st.integers(dilation * (kernel - 1) + 1, 9)
    shape = (data.draw(st.integers(1, 2)), data.draw(side), data.draw(side))
    x = samples(shape)[:8]
    check_bits(lambda x: F.max_pool2d((x > 0.8).float(), **options), shape, x)
