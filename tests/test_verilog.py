"""The Verilog backend: what is emitted equals `simulate`, lints clean, and says what is wrong."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from circuits import samples, with_encoder
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import all_inputs, netlists

from gatewright.backends.artifact import Artifact
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
from gatewright.runtime.errors import EmitError, InputError
from gatewright.runtime.simulators import available, lint, simulate_testbench

needs_iverilog = pytest.mark.skipif(
    "iverilog" not in available(), reason="needs Debian's package iverilog"
)
needs_verilator = pytest.mark.skipif(
    "verilator" not in available(), reason="needs Debian's package verilator"
)
needs_either = pytest.mark.skipif(
    not available(), reason="needs Debian's package iverilog or verilator"
)
quick = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=60)


def check(artifact: Artifact, simulator: str = "iverilog") -> None:
    """The testbench passes, with as many vectors as the manifest says."""
    result = simulate_testbench(simulator, artifact.files, f"{artifact.name}_tb")
    assert result.passed, result.log
    assert result.vectors == artifact.manifest["vectors"] > 0


def check_lint(artifact: Artifact, folder: Path) -> None:
    file = folder / f"{artifact.name}.v"
    file.write_bytes(artifact.files[file.name])
    lint(file, artifact.name)


def boolean(netlist: Netlist, decoder: Decoder | None = None) -> Circuit:
    return Circuit(Encoder.boolean(netlist.n_inputs), netlist, decoder)


def thermometer() -> Circuit:
    """A small image classifier: 3 thresholds a pixel, 3 levels, 5 classes."""
    random = np.random.default_rng(3)
    features, levels, classes = 36, 3, 5
    encoder = Encoder(
        (1, 6, 6),
        np.repeat(np.arange(features), levels),
        np.tile(np.float32([63.5, 127.5, 191.5]), features),
    )
    builder = Builder(features * levels)
    nets = np.arange(2, 2 + features * levels)
    for width in (200, 150, 100):
        nets = builder.luts(random.choice(nets, (width, 2)), random.integers(0, 16, width))
    counts = builder.popcount(nets.reshape(classes, -1))
    return Circuit(encoder, builder.build(counts), Decoder(classes, 4.0, -2.0))


def tiny() -> Circuit:
    """Every kind of cell on two features: a full adder as a tile, a count, a comparison."""
    body = Builder(3)
    adder = body.build(body.luts([[2, 3, 4], [2, 3, 4]], [0x96, 0xE8]))
    builder = Builder(4)
    sums = builder.tile(adder, [[2, 3, 4], [3, 4, 5]])
    wide = builder.luts([[2, 3, 4, 5]], [0xCA35])
    largest = builder.argmax(sums)
    counts = builder.popcount([[*sums[0], wide[0]], [largest[0], 5, 0]])
    return Circuit(
        Encoder((2,), [0, 0, 1, 1], np.float32([9.5, 99, 9.5, 49])),
        builder.build(counts),
        Decoder(2, tau=2.0, beta=0.5),
    )


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


@pytest.mark.simulator
@needs_either
@pytest.mark.parametrize("name", ["top", "n2", "i", "dut", "in", "verilator", "a" * 63])
def test_names_that_collide_with_ours(name: str, tmp_path: Path) -> None:
    circuit = tiny()
    artifact = Verilog(7).emit(circuit, name, _two())
    if "iverilog" in available():
        check(artifact)
    if "verilator" in available():
        check_lint(artifact, tmp_path)


def _two() -> np.ndarray:
    return np.array([[5, 50], [120, 9]], np.uint8)


@pytest.mark.simulator
@needs_iverilog
def test_a_wrong_vector_fails() -> None:
    circuit = thermometer()
    artifact = Verilog().emit(circuit, "dut", samples(circuit, 20, "uint8"))
    lines = artifact.files["dut_expected.hex"].decode().split()
    lines[7] = f"{int(lines[7], 16) ^ 1:0{len(lines[7])}x}"
    files = {**artifact.files, "dut_expected.hex": "\n".join(lines).encode()}
    result = simulate_testbench("iverilog", files, "dut_tb")
    assert (result.vectors, result.failures) == (20, 1)
    assert "vector 7: expected counts " in result.log


@pytest.mark.simulator
@needs_iverilog
def test_a_wrong_gate_fails() -> None:
    builder = Builder(4)
    gate = builder.luts([[2, 3]], [0x8])
    circuit = boolean(builder.build(builder.luts([[gate[0], 4]], [0x6])))
    artifact = Verilog().emit(circuit, "dut", all_inputs(4))
    right = artifact.files["dut.v"]
    wrong = right.replace(b"wire n6 = n2 & n3;", b"wire n6 = n2 | n3;")
    assert wrong != right
    result = simulate_testbench("iverilog", {**artifact.files, "dut.v": wrong}, "dut_tb")
    assert (result.vectors, result.failures) == (16, 8)
    assert "vector 1: expected bits 0, found bits 1" in result.log


@pytest.mark.simulator
@needs_iverilog
def test_only_ten_mismatches_are_printed() -> None:
    artifact = Verilog().emit(boolean(Netlist(5, (), [2])), "dut", all_inputs(5))
    files = {**artifact.files, "dut_expected.hex": b"2\n" * 32}
    log = simulate_testbench("iverilog", files, "dut_tb").log
    assert log.count("expected bits") == 10
    assert log.splitlines()[-1] == "FAIL 16 of 32 vectors"


def test_golden(golden) -> None:
    artifact = Verilog(7).emit(tiny(), "tiny", _two())
    golden("tiny.v", artifact.files["tiny.v"].decode())
    golden("tiny_tb.v", artifact.files["tiny_tb.v"].decode())


def test_emission_is_deterministic() -> None:
    circuit, x = thermometer(), samples(thermometer(), 9, "uint8")
    first, second = (Verilog().emit(c, "dut", x) for c in (circuit, thermometer()))
    assert first == second


def test_equal_bodies_share_a_module() -> None:
    netlist = Netlist(2, (tile_of(6), tile_of(6), tile_of(8)), [4, 5, 6])
    text = Verilog().emit(boolean(netlist), "dut").files["dut.v"].decode()
    assert text.count("module dut_tile") == 2
    assert text.count("dut_tile0 tile_n") == 2


def tile_of(table: int) -> Tile:
    return Tile(Netlist(2, (Luts([[2, 3]], [table]),), [4]), [[2, 3]])


def test_equal_comparators_are_shared() -> None:
    encoder = Encoder((2,), [1, 1, 1, 0, 0], np.float32([7, 7.5, 8, -2, 255]))
    circuit = Circuit(encoder, Netlist(5, (), np.arange(2, 7)))
    text = Verilog(8, style="behavioural").emit(circuit, "dut").files["dut.v"].decode()
    assert text.count("> 8'd") == 2
    assert "assign bits = {1'b0, 1'b1, x1_gt_8, x1_gt_7, x1_gt_7};" in text


def test_manifest() -> None:
    artifact = Verilog().emit(thermometer(), "dut", samples(thermometer(), 5, "uint8"))
    found = json.loads(json.dumps(artifact.manifest))
    assert found["target"] == "verilog"
    assert found["feature_bits"] == 8
    assert found["latency"] == 0
    assert found["vectors"] == 5
    assert found["files"] == ["dut.v", "dut_tb.v", "dut_inputs.hex", "dut_expected.hex"]
    assert found["ports"] == [
        {"name": "x", "direction": "input", "width": 288},
        {"name": "counts", "direction": "output", "width": 25},
        {"name": "class_index", "direction": "output", "width": 3},
    ]
    bare = Verilog(feature_bits=0).emit(thermometer(), "dut").manifest
    assert (bare["files"], bare["vectors"], bare["feature_bits"]) == (["dut.v"], 0, 0)
    assert bare["ports"][0] == {"name": "bits_in", "direction": "input", "width": 108}


def one_bit(*thresholds: float, features: int = 1) -> Circuit:
    n = len(thresholds)
    encoder = Encoder((features,), np.arange(n) % features, np.float32(thresholds))
    return Circuit(encoder, Netlist(n, (), [*range(2, 2 + n), 0]))


@pytest.mark.parametrize(
    ("thresholds", "width"),
    [
        ((), 1),
        ((0.5,), 1),
        ((0.5, np.inf, -np.inf), 1),
        ((1,), 8),
        ((0, 255.5), 8),
        ((256,), 16),
        ((65535.5,), 16),
    ],
)
def test_feature_bits_chosen(thresholds: tuple[float, ...], width: int) -> None:
    assert Verilog().emit(one_bit(*thresholds), "dut").manifest["feature_bits"] == width


@pytest.mark.parametrize(
    ("circuit", "name", "message"),
    [
        (one_bit(65536), "dut", r"a threshold of 65536\.0; .*feature_bits up to 24.*=0"),
        (one_bit(-0.5), "dut", r"a threshold of -0\.5, so features may be negative; .*=0"),
        (one_bit(0.25, 0.75), "dut", "several thresholds between 0 and 1, so it is a fraction; "),
        (boolean(Netlist(1, (), [])), "dut", "no outputs; allowed is 1 or more; add the nets"),
        (tiny(), "module", "name 'module': reserved in Verilog or SystemVerilog; choose another"),
        (tiny(), "counts", "name 'counts': a port or part of the module has it; choose another"),
        (tiny(), "9lives", "name '9lives'; allowed are up to 63 of a-z"),
    ],
)
def test_emit_errors(circuit: Circuit, name: str, message: str) -> None:
    with pytest.raises(EmitError, match=message):
        Verilog().emit(circuit, name)


@pytest.mark.parametrize("feature_bits", [-1, 25, 8.0, True, "8"])
def test_feature_bits_refused(feature_bits: object) -> None:
    with pytest.raises(EmitError, match="allowed are 0 to 24, or None; 8 suits pixels, and 0"):
        Verilog(feature_bits)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1.5, "1.5"), (np.nan, "nan"), (-1, "-1.0"), (256, "256.0"), (np.inf, "inf")],
)
def test_vectors_that_are_not_such_integers(value: float, shown: str) -> None:
    x = np.zeros((4, 1, 6, 6), np.float32)
    x[2, 0, 1, 3] = value
    message = rf"feature 9 of sample 2 is {shown}; allowed are integers from 0 to 255, .* 0 takes"
    with pytest.raises(InputError, match=message):
        Verilog().emit(thermometer(), "dut", x)


def test_no_vectors() -> None:
    with pytest.raises(InputError, match=r"there are none; allowed is 1 or more; .*vectors=None"):
        Verilog().emit(tiny(), "dut", np.zeros((0, 2), np.uint8))


def test_vectors_of_another_shape() -> None:
    with pytest.raises(InputError, match=r"shape \[3, 5\]; allowed is \[n, 2\]"):
        Verilog().emit(tiny(), "dut", np.zeros((3, 5), np.uint8))


def test_prepare_changes_nothing() -> None:
    circuit = tiny()
    assert Verilog().prepare(circuit) is circuit


def test_emission_is_fast() -> None:
    random = np.random.default_rng(0)
    builder = Builder(784)
    nets = np.arange(2, 786)
    for _ in range(6):
        nets = builder.luts(random.choice(nets, (8000, 2)), random.integers(0, 16, 8000))
    circuit = boolean(builder.build(builder.popcount(nets.reshape(10, -1))), Decoder(10))
    start = time.perf_counter()
    Verilog().emit(circuit, "dut")
    assert time.perf_counter() - start < 5  # about 0.1 s; the bound is for busy machines


@pytest.mark.simulator
@pytest.mark.parametrize("simulator", ["iverilog", "verilator"])
@pytest.mark.parametrize("keep", [0, 3])
@pytest.mark.parametrize("kind", ["inputs", "expected"])
def test_missing_vectors_fail(simulator, kind, keep):
    if simulator not in available():
        pytest.skip(f"{simulator} is not installed; for example: apt-get install {simulator}")
    builder = Builder(4)
    circuit = Circuit(Encoder.boolean(4), builder.build(builder.luts([[2, 3], [4, 5]], [6, 8])))
    x = np.zeros((8, 4), np.bool_)  # all inputs and answers are zero, as unread memory may be
    files = dict(Verilog().emit(circuit, "net", x).files)
    name = f"net_{kind}.hex"
    files[name] = b"".join(files[name].splitlines(keepends=True)[:keep])
    result = simulate_testbench(simulator, files, "net_tb")
    assert (result.vectors, result.failures) == (8, 8 - keep), result.log
    assert "not in the .hex files; run this in their folder" in result.log
