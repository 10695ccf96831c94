"""Popcounts whose addends have weights, through every target."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from circuits import samples
from pass_checks import parse
from strategies import all_inputs

from gatewright.backends.build import build
from gatewright.backends.c.backend import C
from gatewright.backends.verilog.backend import Verilog
from gatewright.compiler import Builder, Circuit, Decoder, Encoder
from gatewright.runtime.archive import parse_archive, write_archive
from gatewright.runtime.compiled import CompiledCircuit, load
from gatewright.runtime.errors import GatewrightError
from gatewright.runtime.library import LibraryEngine
from gatewright.runtime.simulators import available, simulate_testbench
from gatewright.runtime.toolchain import find_compiler

needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


SHIFTS = [
    [2],
    [0, 4],
    [1] * 3,
    [0] * 7 + [1] * 7 + [2] * 7,
    [0] * 8 + [1] * 9 + [3] * 15,
    [0] * 33 + [5] * 17,
    [0] * 11 + [2] * 24 + [7] * 2,
    [0, 0, 30],
    sorted([*range(24)] * 2),
]


def everything() -> Circuit:
    """Popcounts of all these weights, and unweighted ones of the same sizes."""
    random = np.random.default_rng(1)
    builder = Builder(40)
    counts = []
    for shift in SHIFTS:
        fanin = random.integers(0, 42, (2, len(shift)))
        counts += [builder.popcount(fanin, shift).ravel(), builder.popcount(fanin).ravel()]
    return Circuit(Encoder.boolean(40), builder.build(np.concatenate(counts)))


def classes() -> Circuit:
    """Counts of weighted sums, in which classes tie."""
    random = np.random.default_rng(2)
    builder = Builder(12)
    fanin = random.integers(0, 14, (5, 9))
    counts = builder.popcount(fanin, [0, 0, 0, 1, 1, 1, 2, 2, 3])
    return Circuit(Encoder.boolean(12), builder.build(counts), Decoder(5, tau=3.0, beta=-0.5))


@pytest.mark.parametrize("target", [pytest.param("c", marks=needs_cc), "numpy"])
def test_targets_answer_as_the_circuit_does(target):
    circuit = everything()
    x = samples(circuit, 700, "bool")
    compiled = build(circuit, target, "net")
    engine = compiled.engine
    for isa in engine.isas() if isinstance(engine, LibraryEngine) else ["numpy"]:
        if isinstance(engine, LibraryEngine):
            engine.isa = isa
        assert np.array_equal(compiled.bits(x), circuit.bits(x)), isa
    counted = classes()
    x = all_inputs(12)
    counts = counted.counts(x)
    assert (counts.max(axis=1)[:, None] == counts).sum(axis=1).max() > 1
    compiled = build(counted, target, "net")
    assert np.array_equal(compiled.counts(x), counts)
    assert np.array_equal(compiled.scores(x), counted.scores(x))
    assert np.array_equal(compiled.predict(x), counted.predict(x))


@needs_cc
@pytest.mark.parametrize("straight_line", [0, 256])
def test_c_takes_weights_inside_tiles(straight_line):
    body = parse("netlist inputs=3\n  %5..%8 = popcount %2 2*%3 2*%4 4*%2\n  output %5 %6 %7 %8\n")
    builder = Builder(9)
    placed = builder.tile(body, np.arange(2, 11).reshape(3, 3))
    circuit = Circuit(Encoder.boolean(9), builder.build(placed))
    x = all_inputs(9)
    backend = C(straight_line=straight_line)
    artifact = backend.emit(backend.prepare(circuit), "net")
    compiled = CompiledCircuit(LibraryEngine(find_compiler().build(artifact.files, "net")))
    assert np.array_equal(compiled.bits(x), circuit.bits(x))


@pytest.mark.simulator
@pytest.mark.skipif("iverilog" not in available(), reason="needs Debian's package iverilog")
@pytest.mark.parametrize("circuit", [everything, classes])
def test_verilog_answers_as_the_circuit_does(circuit):
    artifact = Verilog().emit(circuit(), "dut", samples(circuit(), 300, "bool"))
    result = simulate_testbench("iverilog", artifact.files, "dut_tb")
    assert result.passed, result.log


@pytest.mark.parametrize("planes", [[0], [40], [1 << 31], [2, 3, 6], [4, 3, 3, 1 << 31, 1]])
def test_damaged_weights_in_a_plan_are_refused(tmp_path, planes):
    manifest, arrays = parse_archive(build(classes(), "numpy", "net").engine.data(), "net")
    at = 1 + manifest["plan"]["ops"].index(["weighted"])
    part = arrays["plan.part0"].copy()
    assert part[:7].tolist() == [at, 5, 4, 3, 3, 2, 1]
    part[2 : 2 + len(planes)] = planes
    write_archive(tmp_path / "net.npz", "plan", manifest, {**arrays, "plan.part0": part})
    with pytest.raises(GatewrightError, match="damaged numpy plan"):
        load(tmp_path / "net.npz")
