"""AIGER files: read, written, and refused."""

from importlib.util import find_spec

import numpy as np
import pytest
from format_checks import boolean, refused
from hypothesis import HealthCheck, settings
from pass_checks import assert_same_function, dense, parse

import gatewright as gw
from gatewright.compiler import Builder
from gatewright.compiler.names import Names
from gatewright.runtime.errors import NetlistError

HALF_ADDER = """\
aag 7 2 0 2 3
2
4
6
12
6 13 15
12 2 4
14 3 5
i0 x
i1 y
o0 s
o1 c
c
half adder
"""
SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_half_adder(tmp_path):
    path = tmp_path / "half.aag"
    path.write_text(HALF_ADDER)
    circuit = gw.read(path)
    assert circuit.names == Names(("x", "y"), ("s", "c"))
    x = [[0, 0], [1, 0], [0, 1], [1, 1]]
    assert circuit.bits(np.array(x, np.bool_)).tolist() == [[0, 0], [1, 0], [1, 0], [0, 1]]
    gw.write(circuit, tmp_path / "half.aig")
    assert gw.read(tmp_path / "half.aig").names == circuit.names


def test_half_adder_written(tmp_path):
    """An XOR is three gates, and shares the one that is the carry."""
    netlist = parse("""\
        netlist inputs=2
          %4 = lut 0x6 %2 %3
          %5 = lut 0x8 %2 %3
          output %4 %5
        """)
    gw.write(boolean(netlist), tmp_path / "a.aag")
    lines = (tmp_path / "a.aag").read_text().splitlines()
    assert lines[0] == "aag 5 2 0 2 3"
    assert lines[3:8] == ["10", "6", "6 4 2", "8 5 3", "10 9 7"]


def test_binary_by_hand(tmp_path):
    path = tmp_path / "and.aig"
    path.write_bytes(b"aig 3 2 0 2 1 0 0 0 0\n6\n7\n\x02\x02")
    circuit = gw.read(path)
    assert circuit.names is None
    x = np.array([[1, 1], [0, 1]], np.bool_)
    assert circuit.bits(x).tolist() == [[True, False], [False, True]]


def test_constants_inputs_and_no_gates(tmp_path):
    path = tmp_path / "a.aag"
    path.write_text("aag 1 1 0 4 0\n2\n0\n1\n2\n3\n")
    x = np.array([[False], [True]])
    assert gw.read(path).bits(x).tolist() == [[0, 1, 0, 1], [0, 1, 1, 0]]
    path.write_text("aag 0 0 0 0 0\n")
    assert gw.read(path).netlist.n_inputs == 0


def test_content_decides_between_ascii_and_binary(tmp_path):
    (tmp_path / "a.aig").write_text(HALF_ADDER)
    assert gw.read(tmp_path / "a.aig").names is not None


def test_names_where_only_some_have_one(tmp_path):
    path = tmp_path / "a.aag"
    path.write_text("aag 2 2 0 1 0\n2\n4\n4\ni1 two words\n")
    assert gw.read(path).names == Names(("x0", "two words"), ("y0",))


def test_gates_in_any_order(tmp_path):
    """A chain of 3,000 gates, defined from its end."""
    rows = [f"{6 + 2 * i} {4 + 2 * i} 2" for i in range(3000)]
    path = tmp_path / "a.aag"
    path.write_text("\n".join(["aag 3002 2 0 1 3000", "2", "4", "6004", *rows[::-1]]) + "\n")
    assert gw.read(path).bits(np.array([[1, 1], [1, 0]], np.bool_)).ravel().tolist() == [1, 0]


def test_long_numbers_in_binary(tmp_path):
    """Deltas of one, two and three bytes."""
    builder = Builder(20_000)
    first = builder.luts([[2, 3], [2, 20_001], [20_000, 20_001]], [0x8, 0x6, 0x2])
    gw.write(boolean(builder.build(first)), tmp_path / "a.aig")
    x = np.random.default_rng(0).integers(0, 2, (50, 20_000)).astype(np.bool_)
    want = boolean(builder.build(first)).bits(x)
    np.testing.assert_array_equal(gw.read(tmp_path / "a.aig").bits(x), want)


REFUSED = [
    ("", "empty"),
    ("aag 1 1\n", "a.aag:1", "header"),
    ("aag 1 1 0 0 -1\n", "a.aag:1", "header"),
    ("aag 0 0 0 0 0 0 0 0 0 0\n", "header"),
    ("aag 3 1 1 1 0\n2\n4 2\n4\n", "1 latches", "comb"),
    ("aag 1 1 0 0 0 1\n2\n2\n", "1 bad state"),
    ("aag 1 1 0 0 0 0 2\n2\n2\n2\n", "2 invariant constraints"),
    ("aag 1 1 0 0 0 0 0 1\n", "1 justice"),
    ("aag 1 1 0 0 0 0 0 0 1\n2\n2\n", "1 fairness"),
    ("aag 1 2 0 0 0\n2\n4\n", "M is 1"),
    ("aig 3 1 0 0 1\n\x02\x00", "M is 3"),
    ("aag 9999999999 1 0 1 0\n2\n2\n", "M is 9999999999"),
    ("aag 3 2 0 1 1\n2\n4\n6\n", "a.aag:5", "1 lines of literals early"),
    ("aag 3 2 0 1 1\n2\n4\n6\n6 2\n", "a.aag:5", "'6 2'", "three literals"),
    ("aag 3 2 0 1 1\n2\n4 4\n6\n6 2 4\n", "a.aag:3", "'4 4'"),
    ("aag 3 2 0 1 1\n2\nx\n6\n6 2 4\n", "a.aag:3", "'x'"),
    ("aag 3 2 0 1 1\n2\n4\n6\n6 2 8\n", "a.aag:5", "literal 8 is read and not defined"),
    ("aag 3 2 0 1 1\n2\n4\n9\n6 2 4\n", "a.aag:4", "literal 9 is read"),
    ("aag 3 2 0 1 1\n2\n2\n6\n6 2 4\n", "a.aag:3", "second time", "line 2"),
    ("aag 3 2 0 1 1\n2\n4\n6\n4 2 2\n", "a.aag:5", "second time", "line 3"),
    ("aag 3 2 0 1 1\n2\n5\n6\n6 2 4\n", "a.aag:3", "even"),
    ("aag 3 2 0 1 1\n2\n0\n6\n6 2 4\n", "a.aag:3", "literal 0"),
    ("aag 4 1 0 1 3\n2\n8\n4 6 2\n6 8 2\n8 4 4\n", "3 gates read each other", "circle"),
    ("aag 2 1 0 1 1\n2\n4\n4 4 2\n", "a.aag:4", "circle: 4"),
    ("aag 1 1 0 1 0\n2\n2\ni1 a\n", "a.aag:4", "symbol 'i1 a'"),
    ("aag 1 1 0 1 0\n2\n2\nl0 a\n", "symbol 'l0 a'"),
    ("aag 1 1 0 1 0\n2\n2\ni0 a\ni0 b\n", "a.aag:5", "second symbol i0"),
    (b"aag 1 1 0 1 0\n2\n2\ni0 \xff\n", "byte 21", "UTF-8"),
    (b"aig 3 2 0 1 1\n6\n\x02", "1 gates declared, 1 bytes left", "truncated"),
    (b"aig 3 2 0 1 1\n6\n\x82\x82", "byte 18", "end early"),
    (b"aig 3 2 0 1 1\n6\n\x82\x82\x82\x82\x82\x82\x02\x02", "byte 16", "5 bytes"),
    (b"aig 3 2 0 1 1\n6\n\x00\x02", "gate 0, literal 6"),
    (b"aig 3 2 0 1 1\n6\n\x04\x04", "gate 0, literal 6"),
    (b"aig 999999999 999999999 0 0 0\n", "999999999 inputs in 30 bytes"),
    (b"aig 999999999 0 0 0 999999999\n", "999999999 gates declared, 0 bytes left"),
    (b"aag 999999999 0 0 999999999 0\n", "a.aag:2", "999999999 lines"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=range(len(REFUSED)))
def test_refused(tmp_path, case):
    content, *parts = case
    refused(tmp_path / "a.aag", content, *parts)


@pytest.mark.skipif(find_spec("aigverse") is None, reason="aigverse is not installed")
def test_aigverse_reads_what_we_write(tmp_path):
    import aigverse

    netlist = dense(8, 40, 4)
    gw.write(boolean(netlist), tmp_path / "a.aig")
    gw.write(boolean(netlist), tmp_path / "a.aag")
    binary = aigverse.io.read_aiger_into_aig(str(tmp_path / "a.aig"))
    ascii = aigverse.io.read_ascii_aiger_into_aig(str(tmp_path / "a.aag"))
    assert binary.num_pis == ascii.num_pis == 8
    assert aigverse.algorithms.equivalence_checking(binary, ascii)
    aigverse.io.write_aiger(binary, str(tmp_path / "b.aig"))
    assert_same_function(netlist, gw.read(tmp_path / "b.aig").netlist)


def test_names_survive_npz(tmp_path):
    circuit = boolean(dense(2, 3, 1), Names(("a", "b"), ("p", "q", "r")))
    gw.write(circuit, tmp_path / "a.npz")
    assert gw.read(tmp_path / "a.npz").names == circuit.names
    assert gw.optimize(circuit).names == circuit.names


def test_names_are_one_for_each_bit():
    with pytest.raises(NetlistError, match="names: 1 of inputs; allowed are 2, or none"):
        boolean(dense(2, 3, 1), Names(("a",), ("p", "q", "r")))
    with pytest.raises(NetlistError, match="not empty"):
        Names(("",), ())
    with pytest.raises(NetlistError, match="UTF-8"):
        Names(("\udc80",), ())
