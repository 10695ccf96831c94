"""Traced thresholds: which values become bits, and which bits are shared."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from trace_helpers import Fn, check_bits

from gatewright.frontend import FixedBinarization
from gatewright.frontend.tracing.trace import trace


@pytest.mark.parametrize(
    "compare",
    [
        lambda x: x > 0.3,
        lambda x: 0.3 < x,
        lambda x: torch.gt(x, 0.3),
        lambda x: torch.lt(torch.tensor(0.3), x),
        lambda x: torch.tensor([0.1, 0.2, 0.3]) < x,
        lambda x: x > torch.tensor([0.1, 0.5, 0.9]),
        lambda x: x > torch.tensor([0, 1, 0]),
        lambda x: x > 0,
        lambda x: x > True,
        lambda x: x > nn.Parameter(torch.tensor(0.25)),
        lambda x: x.unsqueeze(-1) > torch.linspace(0, 1, 5),
        lambda x: x[0, 0] > torch.tensor([[0.1, 0.5]]),
        lambda x: x > torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64),
        lambda x: x.double() > 0.1,
        lambda x: x > np.float32(0.5),
        lambda x: x.greater(0.5),
        lambda x: x > torch.tensor([torch.inf, -torch.inf, -0.0]),
    ],
)
def test_thresholds(compare):
    values = torch.tensor([0.0, -0.0, 0.1, 0.2, 0.25, 0.3, 0.5, 0.9, torch.inf, -torch.inf])
    values = torch.cat(
        [values, torch.nextafter(values, torch.tensor(2.0)), torch.tensor([torch.nan])]
    )
    check_bits(compare, (3,), torch.cartesian_prod(values[:12:2], values, values[::4]))


def test_inputs_are_shared_and_in_order_of_appearance():
    circuit = check_bits(lambda x: torch.cat([x.flip(1) > 0.5, x > 0.5, x[:, 1:] > -0.0], 1), (3,))
    assert circuit.encoder.feature.tolist() == [2, 1, 0, 1, 2]
    assert circuit.encoder.threshold.tolist() == [0.5, 0.5, 0.5, 0, 0]


def test_only_features_that_are_met_become_inputs():
    circuit = check_bits(lambda x: x[:, 5:6] > 0.5, (100,))
    assert circuit.encoder.feature.tolist() == [5]


@given(st.floats(allow_nan=False), st.lists(st.floats(width=32, allow_nan=False), min_size=1))
@settings(max_examples=60)
def test_float64_thresholds_are_rounded_only_where_nothing_changes(threshold, values):
    narrow = torch.tensor(threshold).to(torch.float32)
    near = torch.stack(
        [torch.nextafter(narrow, torch.tensor(to)) for to in (-torch.inf, torch.inf)]
    )
    x = torch.cat([torch.tensor(values), near, narrow[None]])[:, None]
    wide = torch.tensor([threshold], dtype=torch.float64)
    circuit = trace(Fn(lambda x: x > wide), (1,))
    np.testing.assert_array_equal(circuit.bits(x), (x > wide).numpy())


def test_float64_input_keeps_its_thresholds():
    circuit = trace(Fn(lambda x: x > 0.25), (1,), dtype=torch.float64)
    x = torch.tensor([[0.25], [0.25 + 1e-12]], dtype=torch.float64)
    assert circuit.bits(x).tolist() == [[False], [True]]


def test_uint8_data():
    circuit = trace(Fn(lambda x: x > 127), (2,))
    x = torch.tensor([[0, 127], [128, 255]], dtype=torch.uint8)
    assert circuit.bits(x).tolist() == [[False, False], [True, True]]


def test_constants_among_raw_values():
    check_bits(lambda x: F.pad(x, (1, 1), value=0.4) > 0.3, (3,))
    check_bits(lambda x: torch.cat([x, torch.tensor([[0.1, 0.9, 0.1]])], 1) > 0.3, (3,))
    check_bits(lambda x: torch.where(torch.tensor([True, False]), x, 0.7) > 0.5, (2,))
    check_bits(lambda x: torch.cat([x, torch.full((1, 1), torch.nan)], 1) > 0.5, (2,))
    circuit = trace(Fn(lambda x: F.pad(x, (0, 1)) & True), (1,))
    assert circuit.bits(torch.tensor([[1.0]])).tolist() == [[True, False]]


@pytest.mark.parametrize("thresholds", [(5,), (3, 5)])
@pytest.mark.parametrize("feature_dim", [-2, 1, -3])
def test_fixed_binarization_of_images(thresholds, feature_dim):
    check_bits(FixedBinarization(torch.rand(*thresholds), feature_dim), (3, 4, 2))


def test_fixed_binarization_of_rows():
    check_bits(FixedBinarization(torch.rand(4, 3)), (4,))
    check_bits(FixedBinarization([0.25, 0.5]), (4,))
