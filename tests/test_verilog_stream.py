"""Streams around a pipelined module: answers under random stalls, dropped packets, lint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from strategies import all_inputs
from verilog_checks import boolean, needs_iverilog, needs_verilator, tiny

from gatewright.backends.artifact import Artifact
from gatewright.backends.verilog.backend import Verilog
from gatewright.compiler import Builder, Netlist
from gatewright.runtime.errors import EmitError
from gatewright.runtime.simulators import lint, simulate_testbench

STALLS = {"registers_every": 2, "reset": True, "enable": True}
INTERFACES = ("stream", "axis")


def bits() -> Netlist:
    """Eleven inputs, nine outputs."""
    builder = Builder(11)
    rows = np.arange(2, 11)
    return builder.build(builder.luts(np.column_stack([rows, rows + 1]), np.full(9, 6)))


def emitted(kind: str, interface: str) -> Artifact:
    random = np.random.default_rng(4)
    if kind == "bits":
        x = all_inputs(11)[::41]
        return Verilog(0, interface=interface, **STALLS).emit(boolean(bits()), "dut", x)
    width = {"seven": 7, "bytes": 8, "wide": 12}[kind]
    x = random.integers(0, 128, (60, 2)).astype(np.uint8)
    return Verilog(width, interface=interface, **STALLS).emit(tiny(), "dut", x)


@pytest.mark.simulator
@needs_iverilog
@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("kind", ["bits", "seven", "bytes", "wide"])
def test_answers_under_stalls(kind: str, interface: str) -> None:
    files = emitted(kind, interface).files
    for top in (f"dut_{interface}_tb", "dut_tb"):
        found = simulate_testbench("iverilog", files, top)
        assert found.passed, found.log
        assert found.vectors >= 49


@pytest.mark.simulator
@needs_verilator
def test_verilator_agrees() -> None:
    found = simulate_testbench("verilator", emitted("seven", "axis").files, "dut_axis_tb")
    assert found.passed, found.log


@pytest.mark.simulator
@needs_verilator
@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("kind", ["bits", "seven", "bytes", "wide"])
def test_lints_clean(kind: str, interface: str, tmp_path: Path) -> None:
    (tmp_path / "dut.v").write_bytes(emitted(kind, interface).files["dut.v"])
    lint(tmp_path / "dut.v", f"dut_{interface}")


@pytest.mark.simulator
@needs_iverilog
@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("assign enable = m_axis_tready || !valid", "assign enable = 1'b1"),
        ("assign s_axis_tready = enable || !full", "assign s_axis_tready = 1'b1"),
        ("&& last && !skip", "&& !skip"),
        ("&& last && !skip", "&& last"),
    ],
)
def test_the_testbench_sees_a_wrong_wrapper(good: str, bad: str) -> None:
    files = dict(emitted("seven", "axis").files)
    text = files["dut.v"].decode()
    assert good in text
    files["dut.v"] = text.replace(good, bad).encode()
    assert not simulate_testbench("iverilog", files, "dut_axis_tb").passed


def test_interfaces_refused() -> None:
    with pytest.raises(EmitError, match="interface 'spi'; allowed are ports, named, stream, axis"):
        Verilog(interface="spi")
    with pytest.raises(EmitError, match="interface 'axis' needs registers that stall; give reset"):
        Verilog(interface="axis", registers_every=1)
    with pytest.raises(EmitError, match="name 'sample': a part of the wrapper has it; choose"):
        Verilog(interface="axis", **STALLS).emit(tiny(), "sample")
    with pytest.raises(EmitError, match="no inputs to stream"):
        Verilog(interface="axis", **STALLS).emit(boolean(Netlist(0, (), [1])), "dut")
