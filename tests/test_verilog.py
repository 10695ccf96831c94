"""The Verilog backend: what is emitted equals `simulate` and lints clean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from circuits import samples, with_encoder
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import all_inputs, netlists
from verilog_checks import (
    boolean,
    check,
    check_lint,
    needs_either,
    needs_iverilog,
    needs_verilator,
    thermometer,
    tiny,
)

from gatewright.backends.verilog.backend import Verilog
from gatewright.compiler import (
    Argmax,
    Builder,
    Circuit,
    Decoder,
    Encoder,
    Luts,
    Netlist,
    Popcount,
    Tile,
)
from gatewright.runtime.simulators import available

quick = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=60)


@st.composite
def decoded(draw: st.DrawFn) -> Circuit:
    """A random circuit of Boolean features, with or without a decoder."""
    netlist = draw(netlists(max_inputs=6))
    outputs = len(netlist.outputs)
    assume(outputs)
    groups = draw(st.sampled_from([0, *(g for g in range(1, outputs + 1) if outputs % g == 0)]))
    return boolean(netlist, Decoder(groups, 2.0, -1.0) if groups else None)


@pytest.mark.simulator
@needs_iverilog
@quick
@given(decoded(), st.sampled_from([None, 0]))
def test_random_netlists_equal_simulate(circuit: Circuit, feature_bits: int | None) -> None:
    x = all_inputs(circuit.netlist.n_inputs)
    check(Verilog(feature_bits).emit(circuit, "dut", x))


@pytest.mark.simulator
@needs_iverilog
@settings(quick, max_examples=25)
@given(netlists(), st.integers(0, 99))
def test_random_encoders_equal_simulate(netlist: Netlist, seed: int) -> None:
    assume(len(netlist.outputs))
    circuit = with_encoder(netlist, seed)
    check(Verilog(8).emit(circuit, "dut", samples(circuit, 40, "uint8", seed)))


@pytest.mark.simulator
@needs_verilator
@quick
@given(decoded(), st.sampled_from([None, 0, 8]))
def test_random_netlists_lint_clean(
    tmp_path_factory: pytest.TempPathFactory, circuit: Circuit, feature_bits: int | None
) -> None:
    if feature_bits:
        circuit = with_encoder(circuit.netlist)
    check_lint(Verilog(feature_bits).emit(circuit, "dut"), tmp_path_factory.getbasetemp())


@pytest.mark.simulator
@pytest.mark.parametrize(
    "simulator",
    [
        pytest.param("iverilog", marks=needs_iverilog),
        pytest.param("verilator", marks=needs_verilator),
    ],
)
def test_classifier(simulator: str) -> None:
    circuit = thermometer()
    check(Verilog().emit(circuit, "digits", samples(circuit, 200, "uint8")), simulator)


@pytest.mark.simulator
@needs_verilator
@pytest.mark.parametrize("feature_bits", [None, 0, 4, 16])
def test_classifier_lints_clean(feature_bits: int | None, tmp_path: Path) -> None:
    check_lint(Verilog(feature_bits).emit(thermometer(), "digits"), tmp_path)


@pytest.mark.simulator
@needs_iverilog
def test_features_that_are_fractions() -> None:
    circuit = with_encoder(tiny().netlist, 5)
    x = samples(circuit, 50, "float32")
    assert np.isnan(x).any()
    artifact = Verilog(feature_bits=0).emit(circuit, "dut", x)
    check(artifact)
    text = artifact.files["dut.v"].decode()
    assert f"bits_in[0] = feature {circuit.encoder.feature[0]} > " in text
    assert "dut_encoder" not in text


@pytest.mark.simulator
@needs_iverilog
@pytest.mark.parametrize("width", [9, 16, 24])
def test_wide_features(width: int) -> None:
    top = (1 << width) - 1
    threshold = np.float32([0, 0.5, top // 3, top - 1, top, np.inf, -1])
    netlist = Netlist(7, (), np.arange(2, 9))
    circuit = Circuit(Encoder((3, 1), [0, 1, 2, 0, 1, 2, 0], threshold), netlist)
    x = np.random.default_rng(0).integers(0, top + 1, (60, 3, 1)).astype(np.float32)
    x[0], x[1], x[2] = 0, top, top - 1
    check(Verilog(width).emit(circuit, "dut", x))


@pytest.mark.simulator
@needs_iverilog
def test_counts_and_argmaxes_of_many_sizes() -> None:
    random = np.random.default_rng(0)
    builder = Builder(64)
    outputs = []
    for m in (*range(1, 18), 31, 32, 33, 63, 64, 65, 100):
        outputs += list(builder.popcount(random.integers(0, 66, (2, m))).reshape(-1))
    for candidates in (*range(1, 10), 17):
        for bits in (1, 3, 70):
            outputs += list(builder.argmax(random.integers(0, 66, (candidates, bits))))
    circuit = boolean(builder.build(outputs))
    x = random.random((200, 64)) < random.random((200, 1))
    check(Verilog().emit(circuit, "dut", x))


@pytest.mark.simulator
@needs_iverilog
def test_argmax_takes_the_first_of_equal_counts() -> None:
    builder = Builder(6)
    counts = builder.popcount([[2, 3], [4, 5], [6, 7]])
    circuit = boolean(builder.build(counts), Decoder(3))
    x = all_inputs(6)
    assert (circuit.counts(x).max(axis=1)[:, None] == circuit.counts(x)).sum(axis=1).max() == 3
    check(Verilog().emit(circuit, "dut", x))


@pytest.mark.simulator
@needs_iverilog
def test_image_of_24576_bits() -> None:
    encoder = Encoder((3, 32, 32), np.arange(3072), np.full(3072, 99, np.float32))
    builder = Builder(3072)
    circuit = Circuit(encoder, builder.build(builder.popcount(np.arange(2, 3074).reshape(4, -1))))
    check(Verilog().emit(circuit, "dut", samples(circuit, 3, "uint8")))


DRIVES_NOTHING = Netlist(
    2,
    (
        Luts(np.zeros((0, 2), np.int32), np.zeros(0, np.uint8)),
        Tile(Netlist(1, (), []), [[2], [3]]),
        Tile(Netlist(0, (), [1, 0]), np.zeros((0, 0), np.int32)),
        Tile(Netlist(0, (), [1, 0]), np.zeros((2, 0), np.int32)),
    ),
    [4, 7],
)
SPECIAL = {
    "no inputs": Netlist(0, (), [0, 1]),
    "no cells": Netlist(3, (), [4, 2, 2, 0, 1]),
    "all inputs unused": Netlist(3, (Popcount([[1, 0, 1]]),), [5, 6]),
    "argmax of one": Netlist(2, (Argmax([[2, 3]]), Luts([[4, 2]], [6])), [5]),
    "one addend": Netlist(2, (Popcount([[2], [3]]), Luts([[4, 5]], [6])), [6]),
    "constant gates": Netlist(2, (Luts([[0, 1, 2], [3, 3, 3]], [0xE8, 0x96]),), [4, 5]),
    "drives nothing": DRIVES_NOTHING,
}


@pytest.mark.simulator
@needs_either
@pytest.mark.parametrize("which", SPECIAL)
@pytest.mark.parametrize("feature_bits", [None, 0, 8])
def test_special_netlists(which: str, feature_bits: int | None, tmp_path: Path) -> None:
    circuit = boolean(SPECIAL[which])
    x = all_inputs(circuit.netlist.n_inputs)
    artifact = Verilog(feature_bits).emit(circuit, "dut", x)
    if "iverilog" in available():
        check(artifact)
    if "verilator" in available():
        check_lint(artifact, tmp_path)


@pytest.mark.simulator
@needs_iverilog
def test_features_without_bits() -> None:
    circuit = Circuit(Encoder((4,), [], []), Netlist(0, (), [1, 0, 1]))
    check(Verilog().emit(circuit, "dut", np.zeros((2, 4), np.uint8)))
