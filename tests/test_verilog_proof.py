"""Emitted Verilog is proved equal to its circuit, and what is wrong in it is found."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import classifier, with_encoder
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import netlists
from verilog_checks import needs_yosys, refuted, tiny

from gatewright.backends.verilog.backend import Verilog
from gatewright.compiler import Builder, Netlist
from gatewright.compiler.equivalence import equivalent
from gatewright.compiler.proof.counters import as_count
from gatewright.compiler.proof.heads import flattened, paired, recognised, taken_apart
from gatewright.runtime import yosys
from gatewright.runtime.errors import ExtraMissing

PIPELINE = {"registers_every": 2, "reset": True, "enable": True}
VARIANTS = [
    {},
    {"style": "lut", "answer": "class"},
    {"style": "behavioural", "max_latency": 2},
    {"primitives": "xilinx", "registers_every": 1},
    {"keep_hierarchy": True, **PIPELINE},
    {"target_mhz": 150, "device": "ecp5", "register_inputs": True, "enable": True},
    {"feature_bits": 0, "style": "behavioural", "answer": "scores", **PIPELINE},
]


@needs_yosys
@pytest.mark.parametrize("options", VARIANTS, ids=lambda some: "-".join(map(str, some)) or "none")
def test_every_output_is_proved(options: dict) -> None:
    circuit = classifier()
    manifest = Verilog(**options).emit(circuit, "dut", prove=True).manifest
    outputs = sum(
        port["width"]
        for port in manifest["ports"]
        if port["direction"] == "output" and port["name"] != "valid_out"
    )
    assert manifest["proof"]["outputs"] == outputs
    assert manifest["proof"]["latency"] == manifest["latency"]


@needs_yosys
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=6)
@given(netlists(max_inputs=5), st.sampled_from([{}, {"style": "behavioural"}, PIPELINE]))
def test_random_netlists(netlist: Netlist, options: dict) -> None:
    assume(len(netlist.outputs))
    Verilog(8, **options).emit(with_encoder(netlist), "dut", prove=True)


@needs_yosys
def test_a_changed_table_is_found() -> None:
    parity = r"(localparam .*)9;"
    refuted(classifier(), parity, r"\g<1>8;", "the text: refuted: output", style="lut")


@needs_yosys
def test_a_changed_threshold_is_found() -> None:
    refuted(classifier(), r"> 8'd(\d)", r"> 8'd1\1", "refuted: output", style="behavioural")


@needs_yosys
def test_swapped_addends_are_found() -> None:
    """Of a sum, an addend counted twice in place of another; their order alone is nothing."""
    swap = {"style": "behavioural", "answer": "scores"}
    refuted(
        classifier(), r"in\[0\]\} \+ \{1'b0, in\[1\]\}", "in[0]} + {1'b0, in[0]}", "refuted", **swap
    )


@needs_yosys
def test_the_last_of_equal_counts_is_found() -> None:
    refuted(
        classifier(), r"(in\[\d+ \+: \d+\]) > (in)", r"\1 >= \2", "a \\$ge", style="behavioural"
    )
    refuted(
        classifier(), r"(r1_0 =) (.*) > (.*);", r"\1 !(\3 > \2);", "logic_not", style="behavioural"
    )
    refuted(
        classifier(), r"(r1_0 =) (.*) > (.*);", r"\1 ~(\3 > \2);", "refuted", style="behavioural"
    )


@needs_yosys
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (r"(n\d+_1) <= (n\d+);", r"\1 <= ~\2;", "refuted: output"),
        (r"always @\(posedge clk\) if \(enable\)", "always @(posedge clk)", "clock, enable or"),
        (r"posedge clk\) if", "negedge clk) if", "clock, enable or"),
        (r"valid <= \{valid\[0:0\], valid_in\}", "valid <= {valid_in, valid_in}", "valid"),
        (r"if \(rst\) valid <= 0;\n\s*else if", "if", "what is valid"),
    ],
)
def test_wrong_registers_are_found(old: str, new: str, message: str) -> None:
    options = {"max_latency": 2, "reset": True, "enable": True, "answer": "scores"}
    refuted(classifier(), old, new, message, **options)


@needs_yosys
def test_a_missing_register_is_found() -> None:
    """A bit of a count is read a clock earlier than the others."""
    early = r"n(\d+)_1(\}+\), \.out)", r"n\1\2", "paths of 0 and of 1 registers meet"
    refuted(classifier(), *early, max_latency=2, style="gates")


def test_a_missing_yosys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yosys, "available", lambda: False)
    with pytest.raises(ExtraMissing, match=r"neither yosys on PATH nor .*gatewright\[rewrite\]"):
        Verilog().emit(tiny(), "dut", prove=True)


def test_popcounts_out_of_counters() -> None:
    """Six bits in three digits, the first two inverted, and a constant: one sum."""
    builder = Builder(6)
    parts = [sum(1 << p for p in range(64) if (2 + (p ^ 3).bit_count()) >> i & 1) for i in range(4)]
    bits = builder.luts([range(2, 8)] * 4, np.array(parts, np.uint64))
    found = as_count(builder.build(bits))
    assert found is not None
    assert found.offset == 4
    assert found.weight == {2: -1, 3: -1, 4: 1, 5: 1, 6: 1, 7: 1}
    assert as_count(builder.build(bits[::-1])) is None


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=30)
@given(netlists(max_inputs=5))
def test_steps_keep_the_function(netlist: Netlist) -> None:
    for step in (recognised, taken_apart, flattened, paired):
        assert equivalent(netlist, step(netlist)).status == "proved"
