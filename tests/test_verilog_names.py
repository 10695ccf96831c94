"""Names in emitted Verilog: comments, and the module whose ports are called by them."""

from __future__ import annotations

import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import all_inputs
from verilog_checks import boolean, needs_iverilog, needs_verilator, tiny

from gatewright.backends.artifact import Artifact
from gatewright.backends.verilog.backend import Verilog
from gatewright.compiler import Builder, Circuit
from gatewright.compiler.names import Names
from gatewright.runtime.errors import EmitError
from gatewright.runtime.simulators import lint, simulate_testbench

HOSTILE = (
    "a\nendmodule", "*/ module x;", "`include x", "\\esc aped", "ä[0]", "n" * 10_000, "wire",
    "core", "u_logic", "a//b", "x'; $finish", '"/*', "valid_in", "valid_in_1", "a b", "a_b",
    "\u2028", "/*verilator lint_off*/", "0", "a`b", "bool", "double", "dut_named",
)  # fmt: skip
CLOCKED = {"registers_every": 1, "reset": True, "enable": True}


def circuit(inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Circuit:
    """Each output is the XOR of two inputs."""
    builder = Builder(len(inputs))
    rows = 2 + np.arange(len(outputs))[:, None] * [1, 3] % len(inputs)
    found = boolean(builder.build(builder.luts(rows, np.full(len(outputs), 6))))
    return Circuit(found.encoder, found.netlist, names=Names(inputs, outputs))


def check(artifact: Artifact) -> None:
    for top in ("dut_tb", "dut_named_tb"):
        result = simulate_testbench("iverilog", artifact.files, top)
        assert result.passed, result.log
        assert result.vectors == artifact.manifest["vectors"] > 0


def top_of(artifact: Artifact) -> str:
    """The named module's ports and what it holds."""
    text = artifact.files["dut.v"].decode()
    return text[text.index("module dut_named (") :].split("\nendmodule")[0]


def adder() -> Circuit:
    """Vectors out of order and in two directions, a bit, and a vector that lacks one bit."""
    inputs = ("b[1]", "a[0]", "a[1]", "b[0]", "carry", "c[0]", "c[2]")
    return circuit(inputs, ("s[5]", "s[4]", "c[1]", "a"))


def test_vectors_are_kept_where_they_are_whole() -> None:
    assert top_of(Verilog(interface="named").emit(adder(), "dut")).splitlines()[1:] == [
        "    input  wire [1:0] b,",
        r"    input  wire \a[0] ,",
        r"    input  wire \a[1] ,",
        "    input  wire carry,",
        r"    input  wire \c[0] ,",
        r"    input  wire \c[2] ,",
        "    output wire [5:4] s,",
        r"    output wire \c[1] ,",
        "    output wire a",
        ");",
        r"  dut core (.x({\c[2] , \c[0] , carry, b[0:0], \a[1] , \a[0] , b[1:1]}), "
        r".bits({a, \c[1] , s[4:4], s[5:5]}));",
    ]


def features() -> Circuit:
    return tiny().with_names(features=["petal width (cm)", "petal[1]"], classes=["a\nb", "c"])


@pytest.mark.simulator
@needs_iverilog
@pytest.mark.parametrize("options", [{}, CLOCKED, {"feature_bits": 0, "max_latency": 1}])
def test_named_modules_answer(options: dict) -> None:
    found = adder()
    check(Verilog(interface="named", **options).emit(found, "dut", all_inputs(7)))


@pytest.mark.simulator
@needs_iverilog
@pytest.mark.parametrize("options", [{}, CLOCKED])
def test_features_are_ports(options: dict) -> None:
    x = np.random.default_rng(1).integers(0, 128, (60, 2)).astype(np.uint8)
    artifact = Verilog(7, interface="named", **options).emit(features(), "dut", x)
    top = top_of(artifact)
    for port in (r"[6:0] petal_width_cm,", r"[6:0] \petal[1] ,", "[3:0] counts,"):
        assert port in top
    check(artifact)


def test_comments_and_manifest() -> None:
    artifact = Verilog(7).emit(features(), "dut")
    text = artifact.files["dut.v"].decode()
    for line in ("feature 0 = 'petal width (cm)'", r"class 0 = 'a\nb'", "class 1 = 'c'"):
        assert f"//   {line}\n" in text
    assert artifact.manifest["names"]["classes"] == ("a\nb", "c")
    plain = Verilog(7).emit(tiny(), "dut")
    assert "names" not in plain.manifest
    kept = [line for line in text.splitlines() if " = '" not in line]
    assert kept == plain.files["dut.v"].decode().splitlines()


def test_names_of_bits_go_with_their_features() -> None:
    found = circuit(("p", "q"), ("y",))
    turned = Circuit(
        type(found.encoder)((2,), [1, 0], found.encoder.threshold),
        found.netlist,
        names=found.names,
    )
    top = top_of(Verilog(interface="named").emit(turned, "dut"))
    assert top.splitlines()[-1] == "  dut core (.x({p, q}), .bits({y}));"


@pytest.mark.simulator
@needs_iverilog
@needs_verilator
@pytest.mark.parametrize("options", [{}, CLOCKED])
def test_hostile_names(options: dict, tmp_path: Path) -> None:
    found = circuit(HOSTILE, HOSTILE[::-1])
    x = np.random.default_rng(2).random((50, len(HOSTILE))) < 0.5
    artifact = Verilog(interface="named", **options).emit(found, "dut", x)
    assert artifact.files == Verilog(interface="named", **options).emit(found, "dut", x).files
    assert max(map(len, artifact.files["dut.v"].splitlines())) < 2000
    artifact.files["dut.v"].decode("ascii")
    check(artifact)
    (tmp_path / "dut.v").write_bytes(artifact.files["dut.v"])
    lint(tmp_path / "dut.v", "dut_named")


LETTERS = st.text(string.ascii_letters[:3] + "01[]_ \\é`*/\n", min_size=1, max_size=5)
NAMES = st.one_of(LETTERS, st.builds("{}[{}]".format, st.sampled_from("ab"), st.integers(0, 3)))


@pytest.mark.simulator
@needs_iverilog
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=20)
@given(st.lists(NAMES, min_size=1, max_size=8), st.lists(NAMES, min_size=1, max_size=8))
def test_any_names(inputs: list[str], outputs: list[str]) -> None:
    found = circuit(tuple(inputs), tuple(outputs))
    check(Verilog(interface="named").emit(found, "dut", all_inputs(len(inputs))))


@pytest.mark.parametrize(
    ("found", "width"),
    [(tiny(), 7), (tiny().with_names(classes=["a", "b"]), 7)],
)
def test_nothing_has_a_name(found: Circuit, width: int) -> None:
    with pytest.raises(EmitError, match=r"neither features nor bits .*with_names"):
        Verilog(width, interface="named").emit(found, "dut")


def test_bits_have_no_names_of_features() -> None:
    with pytest.raises(EmitError, match=r"only features have names.*give feature_bits from 1 on"):
        Verilog(0, interface="named").emit(features(), "dut")
