"""Testbenches: vectors that fail where they should, and vectors that are refused."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import samples
from strategies import all_inputs
from verilog_checks import boolean, needs_iverilog, thermometer, tiny

from gatewright.backends.verilog.backend import Verilog
from gatewright.compiler import Builder, Circuit, Encoder, Netlist
from gatewright.runtime.errors import InputError
from gatewright.runtime.simulators import available, simulate_testbench


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
