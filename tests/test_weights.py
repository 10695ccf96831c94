"""Popcounts whose addends have weights: what they mean, as text, in files and in graphs."""

from __future__ import annotations

import numpy as np
import pytest
from pass_checks import parse
from strategies import all_inputs

from gatewright.compiler import Builder, Circuit, Encoder, Netlist, Popcount, simulate
from gatewright.compiler.graph import from_networkx, to_networkx
from gatewright.compiler.passes.lower import lower_popcount
from gatewright.compiler.stats import stats
from gatewright.compiler.store import read_circuit, write_circuit
from gatewright.compiler.text import parse_netlist
from gatewright.runtime.archive import parse_archive, write_archive
from gatewright.runtime.errors import FileError, NetlistError


def counted(shift) -> Netlist:
    """The popcount of two inputs, its first bits as outputs."""
    builder = Builder(2)
    return builder.build(builder.popcount([[2, 3]], shift)[0, :2])


@pytest.mark.parametrize(
    ("shift", "planes", "width"),
    [
        (None, (3,), 2),
        ([0, 0, 0], (3,), 2),
        ([0, 1, 2], (1, 1, 1), 3),
        ([0, 0, 1], (2, 1), 3),
        ([3, 3, 3], (0, 0, 0, 3), 5),
        ([0, 0, 30], (2, *[0] * 29, 1), 31),
        ([0, 29, 30], (1, *[0] * 28, 1, 1), 31),
    ],
)
def test_width_is_that_of_the_largest_sum(shift, planes, width):
    cell = Popcount(np.zeros((2, 3), int), None if shift is None else np.array(shift))
    assert cell.planes == planes
    assert (cell.width, cell.n_nets) == (width, 2 * width)
    assert (cell.shift is None) == (shift in (None, [0, 0, 0]))
    assert cell.shifts.tolist() == (shift or [0, 0, 0])


@pytest.mark.parametrize(
    ("shift", "message"),
    [
        ([0, 1], "3 columns, 2 shifts; allowed is one each"),
        ([0, 1, 0], "a shift below the one before it; allowed are ascending shifts"),
        (
            [0, 1, 31],
            r"shifts up to 31; allowed are 0 to 30, and weights of together below 2\*\*31",
        ),
        ([0, 30, 30], r"shifts up to 30; allowed are 0 to 30, and weights of together below"),
        ([0, 1, 256], "values do not fit uint8"),
        ([-1, 0, 0], "values do not fit uint8"),
        ([0.0, 1.0, 1.0], "expected integers, found dtype float64"),
        ([[0, 1, 1]], "expected 1 dimensions"),
    ],
)
def test_shifts_out_of_range_are_refused(shift, message):
    with pytest.raises(TypeError, match=message):
        Popcount(np.zeros((1, 3), int), np.array(shift))


def test_weights_are_part_of_equality_and_digest():
    plain, zeros, twice = map(counted, (None, [0, 0], [0, 1]))
    assert plain == zeros
    assert hash(plain) == hash(zeros)
    assert plain != twice
    digests = [Circuit(Encoder.boolean(2), net).digest() for net in (plain, zeros, twice)]
    assert digests[0] == digests[1] != digests[2]
    assert stats(twice).stored_bytes == stats(plain).stored_bytes + 2


def test_largest_shifts_add_up():
    shift = [0, 5, 29, 30]
    x = all_inputs(4)
    netlist = Builder(4)
    built = netlist.build(netlist.popcount([[2, 3, 4, 5]], shift))
    for one in (built, lower_popcount(built)):
        found = simulate(one, x) @ (1 << np.arange(31, dtype=np.int64))
        assert found.tolist() == (x @ (1 << np.array(shift, dtype=np.int64))).tolist()


# text, files, graphs

TEXT = """\
netlist inputs=3
  %5..%7 = popcount %2 %3 4*%4
  %8..%10 = popcount %2 %1 4*%0
  %11..%13 = popcount 2*%2 2*%3 2*%4

  %14..%16 = popcount 2*%2 2*%3 2*%4
  %17..%18 = popcount %2 %3 %4
  %19 = popcount %2
  output %5 %13 %18
"""


def test_text_says_the_weights():
    netlist = parse(TEXT)
    assert str(netlist) == TEXT
    assert [cell.shifts.tolist() for cell in netlist.cells] == [
        *([0, 0, 2], [1, 1, 1], [1, 1, 1], [0, 0, 0], [0])
    ]
    assert parse(TEXT.replace("popcount %2 %3 %4", "popcount 1*%2 %3 1*%4")) == netlist


@pytest.mark.parametrize(
    ("addends", "message"),
    [
        ("3*%2 %3", r"found '3\*%2'; allowed are nets and powers of two, such as 2\*%4"),
        ("x*%2", r"found 'x\*%2'; allowed are nets and powers of two"),
        ("0*%2", r"found '0\*%2'; allowed are nets and powers of two"),
        (f"{1 << 31}*%2", "shifts up to 31; allowed are 0 to 30"),
        (f"{1 << 200}*%2", "allowed are nets and powers of two"),
        ("2*%2 %3", "allowed are ascending shifts"),
        ("2*2", "allowed are nets such as %2 %3"),
    ],
)
def test_malformed_weights_are_refused(addends, message):
    for width in range(1, 40):
        text = f"netlist inputs=2\n  %4..%{3 + width} = popcount {addends}\n  output %2\n"
        text = text.replace("%4..%4 ", "%4 ")
        with pytest.raises(FileError) as error:
            parse_netlist(text)
        if "drives up to" not in str(error.value):
            break
    error.match(message)


def test_files_keep_weights_and_old_readers_would_refuse_them(tmp_path):
    circuit = Circuit(Encoder.boolean(3), parse(TEXT))
    write_circuit(circuit, tmp_path / "net.npz")
    assert read_circuit(tmp_path / "net.npz").digest() == circuit.digest()
    manifest, arrays = parse_archive((tmp_path / "net.npz").read_bytes(), "net")
    kinds = [cell["kind"] for cell in manifest["netlist"]["cells"]]
    assert kinds == ["WeightedPopcount"] * 3 + ["Popcount"] * 2
    arrays["n.0.shift"] = np.array([0, 2, 0], np.uint8)
    write_archive(tmp_path / "bad.npz", "circuit", manifest, arrays)
    with pytest.raises(FileError, match=r"damaged circuit: .*ascending shifts"):
        read_circuit(tmp_path / "bad.npz")
    del arrays["n.0.shift"]
    write_archive(tmp_path / "bad.npz", "circuit", manifest, arrays)
    with pytest.raises(FileError, match=r"damaged circuit: lacks .*n.0.shift"):
        read_circuit(tmp_path / "bad.npz")


@pytest.mark.parametrize(
    ("shift", "message"),
    [
        (7, "node 5: shift 7; allowed is a tuple, one for each pin"),
        ((0, 1), r"node 5: shift \(0, 1\); .*3 columns, 2 shifts"),
        (("a", 0, 0), "node 5: shift .*expected integers"),
        ((0, 0, 99), "node 5: shift .*allowed are 0 to 30"),
        ((0, 0, 1), "node 6: differs in kind, fanin or shape"),
    ],
)
def test_malformed_weights_in_graphs_name_the_node(shift, message):
    graph = to_networkx(parse(TEXT))
    assert graph.nodes[6]["shift"] == (0, 0, 2)
    assert "shift" not in graph.nodes[17]
    graph.nodes[5]["shift"] = shift
    with pytest.raises(NetlistError, match=message):
        from_networkx(graph)
