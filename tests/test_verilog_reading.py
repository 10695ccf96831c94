"""Structural Verilog: what is read, and what is refused."""

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from circuits import classifier
from format_checks import boolean, fuzz, refused
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pass_checks import assert_same_function, dense
from strategies import all_inputs, netlists

import gatewright as gw
from gatewright.backends.verilog.design import design
from gatewright.compiler import Circuit, Encoder, Netlist, simulate
from gatewright.compiler.names import Names
from gatewright.compiler.passes.lower import lower
from gatewright.compiler.stats import stats

PORTS = "module m(input a, b, c, output y);\n"
TWO = f"module half(input a, b, output s); assign s = a ^ b; endmodule\n{PORTS}"


def read(tmp_path, text):
    path = tmp_path / "a.v"
    path.write_text(text)
    return gw.read(path)


def values(tmp_path, text):
    circuit = read(tmp_path, text)
    return circuit.bits(all_inputs(circuit.netlist.n_inputs)).T.astype(int).tolist()


EXPRESSIONS = {
    "a": "a", "~a": "not a", "!a": "not a", "~~a": "a", "a & b": "a and b", "a | b": "a or b",
    "a ^ b": "a != b", "a ~^ b": "a == b", "a ^~ b": "a == b", "a && b": "a and b",
    "a || b": "a or b", "~a & b": "b and not a", "~(a & b)": "not (a and b)",
    "a | b & c": "a or (b and c)", "a ^ b & c": "a != (b and c)",
    "a | b ^ c": "a or (b != c)", "a & b | c": "(a and b) or c", "a || b & c": "a or (b and c)",
    "a ? b : c": "b if a else c", "a ? b : c ? a : b": "b if a else (a if c else b)",
    "a ? b ? c : a : b": "(c if b else a) if a else b",
    "a & b ? c : a | b": "c if a and b else a or b", "a | b && c": "(a or b) and c",
    "(a ? b : c) & a": "(b if a else c) and a", "((((a)))) & (~((b)))": "a and not b",
    "a & 1'b1": "a", "a ^ 1'h1": "not a", "1'b0": "0", "1'd1 | b": "1",
    "{a} & {b}": "a and b", "a & b & c & a & b & ~c": "0",
}  # fmt: skip


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expressions(tmp_path, text):
    want = [
        int(bool(eval(EXPRESSIONS[text], {}, dict(zip("abc", row, strict=True)))))
        for row in all_inputs(3).astype(int).tolist()
    ]
    assert values(tmp_path, f"{PORTS}assign y = {text};\nendmodule\n") == [want]


GATES = {
    "and": lambda x: x.all(1), "nand": lambda x: ~x.all(1), "or": lambda x: x.any(1),
    "nor": lambda x: ~x.any(1), "xor": lambda x: x.sum(1) % 2 == 1,
    "xnor": lambda x: x.sum(1) % 2 == 0,
}  # fmt: skip


@pytest.mark.parametrize("kind", GATES)
def test_primitive_gates(tmp_path, kind):
    names = [f"i{i}" for i in range(9)]
    text = f"""\
        module m({", ".join(names)}, y, z);
        input {", ".join(names)}; output y, z;
        {kind} g1 (y, {", ".join(names)}), (z, i0, ~i1);
        endmodule"""
    x = np.concatenate(
        [np.random.default_rng(0).random((40, 9)) < p for p in (0.5, 0.05, 0.95)]
        + [np.ones((1, 9), np.bool_)]
    )
    found = read(tmp_path, text).bits(x)
    np.testing.assert_array_equal(found[:, 0], GATES[kind](x))
    np.testing.assert_array_equal(found[:, 1], GATES[kind](x[:, :2] ^ [False, True]))


def test_not_and_buf_drive_several(tmp_path):
    text = "module m(input a, output x, y, z); not (x, y, a); buf b1(z, a); endmodule"
    assert values(tmp_path, text) == [[1, 0], [1, 0], [0, 1]]


def test_vectors(tmp_path):
    text = """\
        // an adder of two bits
        module add (a, b, s);
          input  [1:0] a, b;  /* least significant
                                 bit first */
          output [2:0] s;
          wire [2:0] c;
          (* keep = "yes" *) wire t = a[1] ^ b [1];
          assign c = {(a[1] & b[1]) | (t & c[1]), a[0] & b[0], 1'b0};
          assign {s[2], s[1:0]} = {c[2], {t, a[0] ^ b[0]} ^ c[1:0]};
        endmodule
        """
    circuit = read(tmp_path, text)
    assert circuit.names is not None
    assert circuit.names.inputs == ("a[0]", "a[1]", "b[0]", "b[1]")
    assert circuit.names.outputs == ("s[0]", "s[1]", "s[2]")
    x = all_inputs(4)
    assert (circuit.bits(x) @ [1, 2, 4]).tolist() == (x @ [1, 2, 1, 2]).tolist()


def test_ranges_that_ascend(tmp_path):
    text = "module m(input [0:2] a, output [0:1] y); assign y = a[1:2]; endmodule"
    circuit = read(tmp_path, text)
    assert circuit.names == Names(("a[2]", "a[1]", "a[0]"), ("y[1]", "y[0]"))
    assert values(tmp_path, text)[0] == [0, 1] * 4


def test_signed_ports_are_bits(tmp_path):
    text = """module m(a, y);
      input signed [1:0] a; wire signed [1:0] a;
      output signed y; wire signed y;
      assign y = a[0] & ~a[1];
    endmodule"""
    assert values(tmp_path, text) == [[0, 1, 0, 0]]


def test_escaped_names_and_vectors_of_the_same_name(tmp_path):
    text = r"""
        module \m/1 (\a[0] , a, y, \x;y//z );
        input \a[0] ; input [1:0] a; output y, \x;y//z ;
        wire \a[0] ;
        assign y = \a[0] & a[0];
        assign \x;y//z = \a [1];
        endmodule
        """
    assert values(tmp_path, text) == [[0, 0, 0, 1] * 2, [0] * 4 + [1] * 4]
    circuit = read(tmp_path, text)
    assert circuit.names == Names(("a[0]", "a[0]", "a[1]"), ("y", "x;y//z"))


def test_one_assignment_is_one_lut_up_to_six_nets(tmp_path):
    text = "module m(input [7:0] a, output y, z);\nassign y = {};\nassign z = {};\nendmodule"
    wide = " ^ ".join(f"a[{i}]" for i in range(8))
    circuit = read(tmp_path, text.format("a[0] ? a[1] & a[2] : (a[3] | ~a[4]) ^ a[5]", wide))
    assert stats(circuit.netlist).gates == 3
    x = all_inputs(8)
    np.testing.assert_array_equal(circuit.bits(x)[:, 1], x.sum(axis=1) % 2 == 1)


def test_any_order_and_3000_levels(tmp_path):
    rows = [f"  assign n{i + 1} = n{i} ^ a;\n" for i in range(3000)]
    text = "module m(input a, n0, output n3000);\n" + "".join(rows[::-1]) + "endmodule\n"
    assert values(tmp_path, text) == [[0, 0, 1, 1]]


def test_long_gaps_take_no_long_time(tmp_path):
    gap = " " * 1_000_000
    text = f"module m(input a,{gap}output y);\nassign{gap}y = a{gap};\nendmodule"
    assert values(tmp_path, text) == [[0, 1]]


def test_parentheses_of_any_depth(tmp_path):
    deep = "(" * 50_000 + "a" + ")" * 50_000
    choices = "b ? c : " * 20_000 + "a"
    text = (
        f"module m(input a, b, c, output y, z); assign y = {deep}; assign z = {choices}; endmodule"
    )
    assert values(tmp_path, text) == [[0, 1] * 4, [0, 1, 0, 0, 0, 1, 1, 1]]


def logic_module(netlist):
    circuit = Circuit(Encoder.boolean(netlist.n_inputs), netlist)
    (text,) = design(circuit, "top", "both", "gates", False, None, False, False, None).texts
    return text


def test_our_own_logic_module(tmp_path):
    netlist = lower(dense(7, 30, 4))
    text = logic_module(netlist)
    circuit = read(tmp_path, "`timescale 1ns/1ps\n`default_nettype none\n" + text)
    assert_same_function(netlist, circuit.netlist)
    assert circuit.names is not None
    assert circuit.names.inputs[:2] == ("in[0]", "in[1]")


def test_modules_in_modules(tmp_path):
    text = f"""{TWO}wire [1:0] t;
        half h1 (.a(a), .b(b & 1'b1), .s(t[0]));
        half h2 (.b(c), .a(t[0]), .s(t[1:1]));
        third h3 (.x({{t[1], ~c}}), .n(y), .unused());
        endmodule
        module third(input [1:0] x, output n, unused);
        localparam [3:0] T = 4'h8;
        assign n = T[x], unused = x[0];
        endmodule"""
    x = all_inputs(3)
    want = ((x.sum(1) % 2 == 1) & ~x[:, 2]).astype(int).tolist()
    assert values(tmp_path, text) == [want]


@pytest.mark.parametrize("options", [{}, {"style": "lut"}, {"keep_hierarchy": True}])
def test_named_verilog_is_read_as_it_was(tmp_path, options):
    names = Names(("a[1]", "a[0]", "carry in", "b[0]", "b[1]", "wire"), ("s[0]", "s[1]", "c[2]"))
    netlist = dense(6, 40, 3)
    circuit = boolean(Netlist(6, netlist.cells, netlist.outputs[:3]), names)
    gw.emit(circuit, "verilog", tmp_path, name="m", interface="named", **options)
    found = gw.read(tmp_path / "m.v")
    inputs = ("a[0]", "a[1]", "carry_in", "b[0]", "b[1]", "wire")
    assert found.names == Names(inputs, ("s[0]", "s[1]", "c[2]"))
    x = all_inputs(6)
    np.testing.assert_array_equal(found.bits(x), circuit.bits(x[:, [1, 0, 2, 3, 4, 5]]))


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=60)
@given(netlists(max_inputs=5), st.sampled_from([{}, {"style": "lut"}, {"keep_hierarchy": True}]))
def test_emitted_netlists(tmp_path_factory, netlist, options):
    assume(len(netlist.outputs))
    folder = tmp_path_factory.getbasetemp()
    gw.emit(netlist, "verilog", folder, name="m", **options)
    x = all_inputs(netlist.n_inputs)
    np.testing.assert_array_equal(gw.read(folder / "m.v").bits(x), simulate(netlist, x))


def test_a_whole_classifier(tmp_path):
    circuit = classifier()
    gw.emit(circuit, "verilog", tmp_path, name="m", feature_bits=8, answer="scores")
    x = np.random.default_rng(0).integers(0, 256, (50, circuit.encoder.n_features)).astype(np.uint8)
    bits = np.unpackbits(x[:, :, None], axis=2, bitorder="little").reshape(len(x), -1)
    found = gw.read(tmp_path / "m.v").bits(bits.astype(np.bool_))
    np.testing.assert_array_equal(found, circuit.bits(x.reshape(-1, *circuit.encoder.shape)))


REFUSED = [
    ("", "empty"),
    ("module m(a);\n", "no whole module"),
    ("assign y = a;\n", "a.v:1", "allowed: modules"),
    (f"{PORTS}assign y = a;\nendmodule\nmodule n(); endmodule\n", "a.v:3", "none is in another"),
    (f"{PORTS}assign y = a;\nendmodule\n{PORTS}", "a.v:3", "second module 'm'"),
    (f"{PORTS}m m(.a(a), .b(b), .c(c), .y(y));\nendmodule", "a.v:2", "which holds itself"),
    (f"{TWO}half h (.a(a), .s(y));\nendmodule", "a.v:3", "'half': input 'b' is open"),
    (f"{TWO}half h (.a(a), .b(b), .z(y));\nendmodule", "a.v:3", "no port 'z'"),
    (f"{TWO}half h (.a({{a, c}}), .b(b), .s(y));\nendmodule", "2 bits at port 'a' of 1"),
    (f"{TWO}half h (.a(a), .a(b), .s(y));\nendmodule", "a.v:3", "each port once"),
    (f"{TWO}half h (a, b, y);\nendmodule", "a.v:3", "allowed: module name (.port(nets), ...)"),
    (f"{TWO}half h (.a(a), .b(b), .s(~y));\nendmodule", "a net without a name", "second time"),
    (f"{PORTS}localparam [7:0] T = 4'h8;\nendmodule", "a.v:2", "[3:0]"),
    (f"{PORTS}localparam T = a;\nendmodule", "a.v:2", "name = constant"),
    (f"{PORTS}localparam T = 4'h8;\nassign y = T[a];\nendmodule", "a.v:3", "constant["),
    (f"{PORTS}always @(posedge a) y <= b;\nendmodule", "a.v:2", "'always @ ( posedge'", "synth"),
    (f"{PORTS}reg q;\nendmodule", "a.v:2", "'reg q'"),
    (f"{PORTS}\n\nDFF_X1 q1 (.D(a), .Q(y));\nendmodule", "a.v:4", "an instance of 'DFF_X1'"),
    (f"{PORTS}assign y = a + b;\nendmodule", "a.v:2", "'+'"),
    (f"{PORTS}assign y = &a;\nendmodule", "a.v:2", "'&' where a value is needed"),
    (f"{PORTS}assign y = a == b;\nendmodule", "a.v:2", "'='"),
    (f"{PORTS}assign y = (a & b;\nendmodule", "a.v:2", "without its other"),
    (f"{PORTS}assign y = a & b);\nendmodule", "a.v:2", "without its other"),
    (f"{PORTS}assign y = a ? b;\nendmodule", "without its other"),
    (f"{PORTS}assign y = a : b;\nendmodule", "':' without '?'"),
    (f"{PORTS}assign y = a b;\nendmodule", "side by side"),
    (f"{PORTS}assign y = ;\nendmodule", "ends where a value is needed"),
    (f"{PORTS}assign y;\nendmodule", "net = expression"),
    (f"{PORTS}assign ~y = a;\nendmodule", "nets on the left"),
    (f"{PORTS}assign y = 'b1;\nendmodule", "constant"),
    (f"{PORTS}assign y = 1'bx;\nendmodule", "1'bx"),
    (f"{PORTS}assign y = 2'b01;\nendmodule", "2 bits where one is needed"),
    (f"{PORTS}assign y = 1;\nendmodule", "'1' where a value is needed"),
    (f"{PORTS}assign y = 99999'b1;\nendmodule", "99999'b1"),
    (f"{PORTS}assign y = {{a, b}} & c;\nendmodule", "one width"),
    (f"{PORTS}assign y = {{a;\nendmodule", "brace"),
    (f"{PORTS}assign y = {{2{{a}}}};\nendmodule", "'2' where a value"),
    (f"{PORTS}assign y = a[0];\nendmodule", "'a' is no vector"),
    (f"{PORTS}wire [3:0] w;\nassign y = w[4];\nendmodule", "a.v:3", "outside of its range"),
    (f"{PORTS}wire [3:0] w;\nassign y = w[4:4];\nendmodule", "outside of its range"),
    (f"{PORTS}wire [3:0] w;\nwire [4:0] w;\nendmodule", "a.v:3", "another range"),
    (f"{PORTS}wire [3:a] w;\nendmodule", "a.v:2", "range"),
    (f"{PORTS}wire w [3:0];\nendmodule", "a.v:2", "declared"),
    (f"{PORTS}assign y = d;\nendmodule", "a.v:2", "'d' is read and nothing defines it"),
    (f"{PORTS}assign y = a;\nassign y = b;\nendmodule", "a.v:3", "second time", "line 2"),
    (f"{PORTS}assign a = b;\nassign y = b;\nendmodule", "'a' is defined a second time"),
    (f"{PORTS}assign y = d & a;\nassign d = y | b;\nendmodule", "2 nets", "circle"),
    (f"{PORTS}and (y);\nendmodule", "and of 1 pins"),
    (f"{PORTS}and #(3) g (y, a, b);\nendmodule", "and"),
    (f"{PORTS}`define X 1\nendmodule", "a.v:2", "`define"),
    (f"{PORTS}`ifdef A\n`else\n`endif\nendmodule", "a.v:2", "ifdef"),
    ("module m(a, a); endmodule", "second port 'a'"),
    ("module m(a,, b); endmodule", "nothing between commas"),
    ("module m(a); wire a; endmodule", "neither input nor output"),
    ("module m(); input a; endmodule", "'a' is declared and no port"),
    ("module m(a); input a; output a; endmodule", "input and output"),
    ("module m(input [999999999:0] a, output y);\nassign y = a[0];\nendmodule", "more bits"),
    ("module m(output y);\nwire [999999999:0] w;\nassign y = w;\nendmodule", "more bits"),
    ("module m(input [9999999999:0] a);\nendmodule", "range"),
    ("module #(parameter X = 1) m(input a); endmodule", "a.v:1"),
    (b"module m(\xff);", "byte 9", "UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=range(len(REFUSED)))
def test_refused(tmp_path, case):
    content, *parts = case
    refused(tmp_path / "a.v", content, *parts)


def test_damaged_files_raise_nothing_else(tmp_path):
    texts = [
        logic_module(lower(dense(4, 8, 2))),
        f"{TWO}half h (.a(c), .b(a & b), .s(t)); localparam [3:0] T = 4'h6;\n"
        "wire t; assign y = T[{t, a}];\nendmodule\n",
        f"{PORTS}wire [3:0] w;\nassign w = {{a, b ? a : c, ~(a ^ b), 1'b1}};\n"
        "and g(y, w[0], w [1]), (t, w[2], \\w[3] );\nassign \\w[3]  = w[3:3];\nendmodule\n",
    ]
    words = [
        *(
            b"(",
            b")",
            b"{",
            b"}",
            b"[",
            b"]",
            b";",
            b",",
            b"?",
            b":",
            b"~",
            b"=",
            b"\\",
            b"'",
            b"`",
        ),
        *(b"//", b"/*", b"(*", b"assign ", b"wire ", b"[3:0]", b"[9999999999]", b"1'b1", b"\xff"),
    ]
    fuzz(tmp_path / "a.v", [text.encode() for text in texts], 300, words)


@pytest.mark.skipif(find_spec("pyosys") is None, reason="pyosys is not installed")
def test_what_yosys_and_abc_write(tmp_path):
    netlist = dense(6, 20, 3)
    names = Names(tuple(f"a{i}" for i in range(6)), tuple(f"y[{i}]" for i in range(20)))
    gw.write(boolean(netlist, names), tmp_path / "a.blif")
    commands = [
        f"read_blif -wideports {tmp_path}/a.blif",
        "synth -flatten",
        "abc -g gates",
        f"write_verilog {tmp_path}/yosys.v",
    ]
    run = "import sys; from pyosys import libyosys as y; d = y.Design()\n"
    run += "for command in sys.argv[1:]: y.run_pass(command, d)"
    subprocess.run(
        [sys.executable, "-c", run, *commands], check=True, capture_output=True, timeout=60
    )
    found = find_spec("pyosys")
    assert found is not None
    assert found.submodule_search_locations
    abc = f"read_blif {tmp_path}/a.blif; strash; if -K 6; write_verilog {tmp_path}/abc.v"
    subprocess.run(
        [f"{found.submodule_search_locations[0]}/yosys-abc", "-c", abc],
        check=True,
        capture_output=True,
        timeout=60,
    )
    for name in ("yosys.v", "abc.v"):
        circuit = gw.read(tmp_path / name)
        assert circuit.names == names
        assert_same_function(netlist, circuit.netlist)
