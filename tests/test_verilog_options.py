"""Styles, answers and pipelines of the Verilog backend: each equals `simulate`, lints clean."""

from __future__ import annotations

import re
from dataclasses import fields
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import all_inputs, netlists
from verilog_checks import boolean, check, check_lint, needs_iverilog, needs_verilator, tiny

import gatewright as gw
from gatewright.backends.verilog.backend import Verilog
from gatewright.backends.verilog.cells import PRIMITIVES
from gatewright.backends.verilog.design import ANSWERS, STYLES
from gatewright.cli.main import main
from gatewright.compiler import Netlist
from gatewright.compiler.files import write
from gatewright.runtime.errors import EmitError
from gatewright.runtime.simulators import simulate_testbench

PIPELINES = (
    {},
    {"registers_every": 1},
    {"registers_every": 2, "reset": True, "enable": True},
    {"max_latency": 1, "enable": True},
    {"target_mhz": 200, "reset": True},
    {"target_mhz": 150, "device": "ecp5", "register_inputs": True, "enable": True},
)
LUTS = (*({"primitives": name} for name in PRIMITIVES), {"keep_hierarchy": True})
WAYS = (*({"style": style} for style in STYLES), *LUTS)
VARIANTS = [
    {"style": style, "answer": answer, **pipeline}
    for style, answer, pipeline in product(STYLES, ANSWERS, PIPELINES)
]
VARIANTS += [{**luts, **pipeline} for luts, pipeline in product(LUTS, PIPELINES[:2])]


@pytest.mark.simulator
@needs_iverilog
@pytest.mark.parametrize(
    "options", VARIANTS, ids=lambda options: "-".join(map(str, options.values()))
)
def test_every_variant(options: dict) -> None:
    circuit = tiny()
    x = np.random.default_rng(1).integers(0, 128, (60, 2)).astype(np.uint8)
    check(Verilog(7, **options).emit(circuit, "dut", x))


@pytest.mark.simulator
@needs_iverilog
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=40)
@given(netlists(max_inputs=5), st.sampled_from(WAYS), st.sampled_from(PIPELINES))
def test_netlists(netlist: Netlist, way: dict, pipeline: dict) -> None:
    assume(len(netlist.outputs))
    assume(not ("primitives" in way and "device" in pipeline))
    check(Verilog(**way, **pipeline).emit(boolean(netlist), "dut", all_inputs(netlist.n_inputs)))


@pytest.mark.simulator
@needs_verilator
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=25)
@given(netlists(max_inputs=5), st.sampled_from(WAYS), st.sampled_from(PIPELINES))
def test_lints_clean(
    tmp_path_factory: pytest.TempPathFactory, netlist: Netlist, way: dict, pipeline: dict
) -> None:
    assume(len(netlist.outputs))
    assume(not ("primitives" in way and "device" in pipeline))
    artifact = Verilog(**way, **pipeline).emit(boolean(netlist), "dut")
    check_lint(artifact, tmp_path_factory.getbasetemp())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"answer": "index"}, "answer 'index'; allowed are class, scores, both"),
        ({"style": "rtl"}, "style 'rtl'; allowed are gates, lut, behavioural"),
        ({"primitives": "intel"}, "primitives 'intel'; allowed are xilinx, ice40, ecp5"),
        ({"primitives": "xilinx", "style": "gates"}, "style 'gates' and primitives; .*leave the"),
        ({"registers_every": 0}, "registers_every 0; allowed are integers from 1 on"),
        ({"max_latency": True}, "max_latency True; allowed are integers from 1 on"),
        ({"target_mhz": -3}, "target_mhz -3; allowed are positive numbers"),
        ({"target_mhz": 900}, r"a period of 1\.11 ns, and one level takes .* up to 556 MHz"),
        (
            {"registers_every": 1, "max_latency": 2},
            "allowed is one of registers_every, max_latency",
        ),
        ({"device": "max10"}, "device 'max10'; allowed are ice40, ecp5, xc7"),
        ({"register_inputs": True}, "register_inputs are for registers, and there are none; give"),
        (
            {"reset": True},
            "reset, enable and register_inputs are for registers, and there are none; give",
        ),
    ],
)
def test_options_refused(options: dict, message: str) -> None:
    with pytest.raises(EmitError, match=message):
        Verilog(**options)


def test_tests_for_cocotb_need_vectors() -> None:
    with pytest.raises(EmitError, match=r"cocotb without vectors; .* give some .*or leave cocotb"):
        Verilog(7, cocotb=True).emit(tiny(), "dut")


def test_popcounts_and_argmaxes_may_be_kept() -> None:
    kept = Verilog(7, keep_hierarchy=True).emit(tiny(), "dut").files["dut.v"].decode()
    marked = kept.split("(* keep_hierarchy *)\n")[1:]
    assert {line.split()[1] for line in marked} == {
        "dut_popcount2",
        "dut_popcount3",
        "dut_argmax2x2",
        "dut_lut4_4f04",
    }
    assert "keep_hierarchy" not in Verilog(7).emit(tiny(), "dut").files["dut.v"].decode()


def test_an_answer_that_needs_a_decoder() -> None:
    with pytest.raises(EmitError, match="answer 'class', and the circuit has no decoder, so it"):
        Verilog(answer="class").emit(boolean(Netlist(1, (), [2])), "dut")


@pytest.mark.simulator
@needs_iverilog
def test_the_command_line_takes_the_options(tmp_path: Path) -> None:
    source, folder = tmp_path / "tiny.npz", tmp_path / "rtl"
    write(tiny(), source)
    np.save(tmp_path / "x.npy", np.zeros((5, 2), np.uint8))
    options = "--feature-bits 7 --answer class --style behavioural --registers-every 2 --reset"
    words = f"emit {source} --target verilog -o {folder} --vectors {tmp_path / 'x.npy'} {options}"
    assert main(words.split()) == 0
    assert "input  wire rst," in (folder / "tiny.v").read_text()
    assert simulate_testbench("iverilog", folder, "tiny_tb").passed


def test_every_option_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(gw.__file__).parent / "docs" / "verilog.md").read_text()
    found = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert found == {field.name for field in fields(Verilog)} | {"prove"}
    with pytest.raises(SystemExit):
        main(["emit", "--help"])
    help_text = capsys.readouterr().out
    for option in found:
        assert option in (gw.emit.__doc__ or "")
        assert f"  --{option.replace('_', '-')}" in help_text
