"""BENCH files: gates, LUTs, constants, and what is refused."""

import numpy as np
import pytest
from format_checks import boolean, refused
from pass_checks import parse
from strategies import all_inputs

import gatewright as gw
from gatewright.compiler.names import Names

PORTS = "INPUT(a)\nINPUT(b)\nOUTPUT(y)\n"


def values(tmp_path, text):
    path = tmp_path / "a.bench"
    path.write_text(text)
    circuit = gw.read(path)
    return circuit.bits(all_inputs(circuit.netlist.n_inputs)).T.astype(int).tolist()


@pytest.mark.parametrize(
    ("gate", "want"),
    [
        ("AND(a, b)", [0, 0, 0, 1]), ("nand(a,b)", [1, 1, 1, 0]),
        ("OR( a , b )", [0, 1, 1, 1]), ("NOR(a, b)", [1, 0, 0, 0]),
        ("XOR(a, b)", [0, 1, 1, 0]), ("XNOR(a, b)", [1, 0, 0, 1]),
        ("NOT(a)", [1, 0, 1, 0]), ("BUFF(b)", [0, 0, 1, 1]), ("BUF(b)", [0, 0, 1, 1]),
        ("INV(b)", [1, 1, 0, 0]), ("AND(a)", [0, 1, 0, 1]),
        ("vdd", [1, 1, 1, 1]), ("gnd", [0, 0, 0, 0]), ("VDD()", [1, 1, 1, 1]),
        ("LUT 0x2 ( a, b )", [0, 1, 0, 0]), ("LUT 0xB (a, b)", [1, 1, 0, 1]),
        ("LUT 0x1 ( a )", [1, 0, 1, 0]), ("LUT 0x1 ( )", [1, 1, 1, 1]),
        ("AND(a, vdd)", [0, 1, 0, 1]), ("XOR(a, VDD)", [1, 0, 1, 0]), ("OR(b, gnd)", [0, 0, 1, 1]),
    ],
)  # fmt: skip
def test_gates(tmp_path, gate, want):
    assert values(tmp_path, f"# c17\n{PORTS}\ny = {gate}  # here\n") == [want]


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("AND", lambda x: x.all(1)), ("NAND", lambda x: ~x.all(1)),
        ("OR", lambda x: x.any(1)), ("NOR", lambda x: ~x.any(1)),
        ("XOR", lambda x: x.sum(1) % 2 == 1), ("XNOR", lambda x: x.sum(1) % 2 == 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("arity", [3, 7, 50])
def test_gates_of_any_arity(tmp_path, kind, rule, arity):
    names = [f"i{i}" for i in range(arity)]
    ports = "".join(f"INPUT({name})\n" for name in names)
    path = tmp_path / "a.bench"
    path.write_text(f"{ports}OUTPUT(y)\ny = {kind}({', '.join(names)})\n")
    random = np.random.default_rng(0)
    x = np.concatenate([random.random((50, arity)) < p for p in (0.5, 0.02, 0.98)])
    np.testing.assert_array_equal(gw.read(path).bits(x)[:, 0], rule(x))


@pytest.mark.parametrize("k", [6, 7, 9])
def test_wide_tables(tmp_path, k):
    table = int.from_bytes(np.random.default_rng(k).bytes((1 << k) // 8), "little")
    names = [f"i{i}" for i in range(k)]
    ports = "".join(f"INPUT({name})\n" for name in names)
    path = tmp_path / "a.bench"
    path.write_text(f"{ports}OUTPUT(y)\ny = LUT 0x{table:0{(1 << k) // 4}x} ({','.join(names)})\n")
    found = gw.read(path).bits(all_inputs(k))[:, 0]
    assert found.tolist() == [table >> j & 1 for j in range(1 << k)]


def test_written(tmp_path):
    netlist = parse("""\
        netlist inputs=3
          %5 = lut 0xca %2 %3 %4
          %6 = lut 0x9 %5 %1
          %7 = lut 0x1 %5
          output %5 %6 %2 %7
        """)
    gw.write(boolean(netlist, Names(("a", "b", "n"), ("p", "q", "r", "s"))), tmp_path / "a.bench")
    assert (
        (tmp_path / "a.bench").read_text()
        == """\
# 3 inputs, 4 outputs
INPUT(a)
INPUT(b)
INPUT(n)
OUTPUT(p)
OUTPUT(q)
OUTPUT(r)
OUTPUT(s)
n_1 = vdd
p = LUT 0xca (a, b, n)
q = XNOR(p, n_1)
s = NOT(p)
r = BUFF(a)
"""
    )


def test_any_order_and_3000_levels(tmp_path):
    rows = [f"n{i + 1} = XOR(n{i}, a)\n" for i in range(3000)]
    text = "INPUT(a)\nINPUT(n0)\nOUTPUT(n3000)\n" + "".join(rows[::-1])
    assert values(tmp_path, text) == [[0, 0, 1, 1]]


REFUSED = [
    ("", "empty"),
    (f"{PORTS}y = DFF(a)\n", "a.bench:4", "flip-flop", "comb"),
    (f"{PORTS}y = AND(a, c)\n", "a.bench:4", "'c' is read and nothing defines it"),
    (PORTS, "a.bench:3", "'y' is read and nothing defines it"),
    (f"{PORTS}y = AND(a, b)\ny = OR(a, b)\n", "a.bench:5", "second time", "line 4"),
    (f"{PORTS}a = OR(b, b)\n", "a.bench:4", "'a' is defined a second time", "line 1"),
    (f"{PORTS}y = AND(y, b)\n", "circle: 'y'"),
    (f"{PORTS}y = AND()\n", "'and' of 0 nets"),
    (f"{PORTS}y = NOT(a, b)\n", "'not' of 2 nets"),
    (f"{PORTS}y = MAJ(a, b, a)\n", "'maj' of 3 nets", "LUT"),
    (f"{PORTS}y = AND(a,, b)\n", "a.bench:4", "operands"),
    (f"{PORTS}y = AND(a b)\n", "operands"),
    (f"{PORTS}y = AND 0x3 (a, b)\n", "'and' 3"),
    (f"{PORTS}y = LUT (a, b)\n", "a table"),
    (f"{PORTS}y = LUT 0x123 (a, b)\n", "3 digits for 2 nets"),
    (f"{PORTS}y = LUT 0x4 (a)\n", "1 digits for 1 nets"),
    (f"{PORTS}y = LUT 0x1 ({', '.join('a' * 17)})\n", "17 nets"),
    (f"{PORTS}y = AND(a, (b))\n", "a.bench:4", "one gate or port a line"),
    (f"{PORTS}y = AND(a, b\n", "one gate or port a line"),
    ("INPUT(a, b)\n", "a.bench:1"),
    (b"INPUT(\x80)\n", "byte 6", "UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=range(len(REFUSED)))
def test_refused(tmp_path, case):
    content, *parts = case
    refused(tmp_path / "a.bench", content, *parts)
