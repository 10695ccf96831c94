"""What the Verilog backend emits: names, modules, ports, widths, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from circuits import samples
from verilog_checks import boolean, check, check_lint, needs_either, thermometer, tiny

from gatewright.backends.verilog.backend import Verilog
from gatewright.compiler import Builder, Circuit, Decoder, Encoder, Luts, Netlist, Tile
from gatewright.runtime.errors import EmitError
from gatewright.runtime.simulators import available

VECTORS = np.array([[5, 50], [120, 9]], np.uint8)


@pytest.mark.simulator
@needs_either
@pytest.mark.parametrize("name", ["top", "n2", "i", "dut", "in", "verilator", "a" * 63])
def test_names_that_collide_with_ours(name: str, tmp_path: Path) -> None:
    circuit = tiny()
    artifact = Verilog(7).emit(circuit, name, VECTORS)
    if "iverilog" in available():
        check(artifact)
    if "verilator" in available():
        check_lint(artifact, tmp_path)


def test_golden(golden) -> None:
    artifact = Verilog(7).emit(tiny(), "tiny", VECTORS)
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
        (one_bit(2, 2.5, 9), "dut", "several thresholds between 2 and 3, so it is a fraction; "),
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


def test_prepare_changes_nothing() -> None:
    circuit = tiny()
    assert Verilog().prepare(circuit) is circuit


def test_a_large_netlist_is_a_line_a_gate() -> None:
    random = np.random.default_rng(0)
    builder = Builder(784)
    nets = np.arange(2, 786)
    for _ in range(6):
        nets = builder.luts(random.choice(nets, (8000, 2)), random.integers(0, 16, 8000))
    circuit = boolean(builder.build(builder.popcount(nets.reshape(10, -1))), Decoder(10))
    text = Verilog().emit(circuit, "dut").files["dut.v"]
    assert 40_000 < text.count(b"\n") < 60_000
