"""Encoder, logic and head as netlists of their own."""

import numpy as np
import pytest
from circuits import classifier
from hypothesis import given, settings
from strategies import all_inputs, netlists

from gatewright.compiler import Circuit, Encoder, Netlist, Popcount, simulate, verify
from gatewright.compiler.sections import (
    comparators,
    encoder_netlist,
    feature_bits,
    logic_and_head,
)


def behind_each_other(first: Netlist, second: Netlist, bits: np.ndarray) -> np.ndarray:
    return simulate(second, simulate(first, bits))


def test_logic_and_head_together_are_the_circuit():
    circuit = classifier(12, [30, 20], 4)
    logic, head = map(verify, logic_and_head(circuit))
    bits = np.random.default_rng(0).random((500, 12)) < 0.5
    want = np.hstack([simulate(circuit.netlist, bits), simulate(circuit.class_netlist(), bits)])
    np.testing.assert_array_equal(behind_each_other(logic, head, bits), want)
    assert not any(isinstance(cell, Popcount) for cell in logic.cells)


@settings(max_examples=150, deadline=None)
@given(netlist=netlists())
def test_the_head_is_what_depends_on_counts(netlist):
    circuit = Circuit(Encoder.boolean(netlist.n_inputs), netlist)
    logic, head = map(verify, logic_and_head(circuit))
    bits = all_inputs(netlist.n_inputs)
    counted = simulate(netlist, bits)
    found = behind_each_other(logic, head, bits)
    remaining = [column.tobytes() for column in found.T]
    every = [column.tobytes() for column in counted.T]
    assert all(column in every for column in remaining)


@pytest.mark.parametrize("threshold", [0.5, 3.5, 12.0, 255.0])
def test_comparators_are_the_encoder(threshold):
    encoder = Encoder((6,), np.arange(6), np.full(6, threshold, np.float32))
    netlist = Netlist(6, (), np.arange(2, 8))
    part = encoder_netlist(encoder, netlist)
    bits = feature_bits(encoder)
    values = np.random.default_rng(1).integers(0, 1 << bits, (200, 6))
    spread = (values[:, :, None] >> np.arange(bits) & 1).reshape(200, -1).astype(bool)
    np.testing.assert_array_equal(simulate(part, spread), values > threshold)


def test_equal_comparisons_are_counted_once_and_unread_ones_not():
    encoder = Encoder((2,), np.array([0, 0, 1]), np.array([1, 1, 2], np.float32))
    assert comparators(encoder, Netlist(3, (), np.array([2, 3]))) == 1


def test_features_that_are_no_small_integers_have_no_encoder_section():
    encoder = Encoder((1,), np.array([0]), np.array([-1.5], np.float32))
    assert feature_bits(encoder) is None
    assert encoder_netlist(encoder, Netlist(1, (), np.array([2]))) is None
