"""Popcounts whose addends have weights: what they mean, in the IR and through every target."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from circuits import samples
from hypothesis import given, settings
from hypothesis import strategies as st
from pass_checks import golden, parse
from strategies import all_inputs

from gatewright.backends.build import build
from gatewright.backends.c.backend import C
from gatewright.backends.verilog.backend import Verilog
from gatewright.compiler import Builder, Circuit, Decoder, Encoder, Netlist, Popcount, simulate
from gatewright.compiler.graph import from_networkx, prune_constant_gates, to_networkx
from gatewright.compiler.passes.fold import fold
from gatewright.compiler.passes.lower import lower_popcount
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.passes.unroll import unroll
from gatewright.compiler.stats import n_gates, stats
from gatewright.compiler.store import read_circuit, write_circuit
from gatewright.compiler.text import parse_netlist
from gatewright.runtime.archive import parse_archive, write_archive
from gatewright.runtime.compiled import CompiledCircuit, load
from gatewright.runtime.errors import FileError, GatewrightError, NetlistError
from gatewright.runtime.library import LibraryEngine
from gatewright.runtime.simulators import available, simulate_testbench
from gatewright.runtime.toolchain import find_compiler

needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


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


# passes


def test_fold_sees_what_weights_leave():
    golden(
        fold,
        """
        netlist inputs=3
          %5..%8 = popcount %0 %1 2*%1 2*%0 4*%0
          %9..%11 = popcount %0 2*%2 2*%0 2*%3
          %12..%15 = popcount %1 2*%0 4*%4 4*%1
          %16..%19 = popcount 2*%2 2*%3 4*%4 4*%1
          output %5 %6 %7 %9 %10 %11 %12 %13 %14 %15 %16 %17 %18 %19
        """,
        """
        netlist inputs=3
          %5..%6 = popcount %2 %3
          %7..%9 = popcount %2 %3 2*%4 2*%1
          %10 = lut 0x1 %4
          output %1 %1 %0 %0 %5 %6 %1 %0 %10 %4 %0 %7 %8 %9
        """,
    )


def test_prune_sees_what_weights_leave():
    netlist = parse(
        """
        netlist inputs=3
          %5..%7 = popcount %0 2*%2 2*%3
          %8..%11 = popcount 2*%2 2*%3 4*%4 4*%1
          %12..%14 = popcount %1 2*%2 4*%0
          output %5 %6 %7 %8 %9 %10 %11 %12 %13 %14
        """
    )
    pruned = from_networkx(prune_constant_gates(to_networkx(netlist)))
    assert [int(net) for net in pruned.outputs if net < 5] == [0, 0, 1, 2, 0]
    x = all_inputs(3)
    np.testing.assert_array_equal(simulate(pruned, x), simulate(netlist, x))


def test_strash_merges_sums_up_to_the_order_of_equal_weights():
    golden(
        strash,
        """
        netlist inputs=3
          %5..%7 = popcount %2 %3 2*%4 2*%2
          %8..%10 = popcount %3 %2 2*%2 2*%4
          %11..%13 = popcount %3 %4 2*%2 2*%2

          %14..%16 = popcount %2 %3 4*%4
          output %5 %8 %11 %14
        """,
        """
        netlist inputs=3
          %5..%7 = popcount %2 %3 2*%4 2*%2
          %8..%10 = popcount %3 %4 2*%2 2*%2
          %11..%13 = popcount %2 %3 4*%4
          output %5 %5 %8 %11
        """,
    )


@settings(max_examples=100, deadline=None)
@given(shift=st.lists(st.integers(0, 5), min_size=1, max_size=24).map(sorted))
def test_lowering_takes_an_adder_for_each_carry(shift):
    """As few adders as there can be: half of the bits of a weight, rounded down, carry."""
    inputs = len(shift)
    builder = Builder(inputs)
    netlist = builder.build(builder.popcount(np.arange(2, 2 + inputs)[None], shift))
    lowered = lower_popcount(netlist)
    adders = sum(
        sum(1 << s for s in shift if s <= plane) >> plane + 1
        for plane in range(netlist.cells[0].n_nets)
    )
    assert n_gates(lowered) == 2 * adders
    x = np.random.default_rng(0).random((200, inputs)) < np.linspace(0, 1, 200)[:, None]
    np.testing.assert_array_equal(simulate(lowered, x), simulate(netlist, x))


def test_tiles_unroll_with_their_weights():
    body = parse("netlist inputs=2\n  %4..%5 = popcount %2 2*%3\n  output %4 %5\n")
    builder = Builder(3)
    netlist = builder.build(builder.tile(body, [[2, 3], [3, 4]]))
    (cell,) = unroll(netlist).cells
    assert isinstance(cell, Popcount)
    assert cell.planes == (1, 1)
    x = all_inputs(3)
    np.testing.assert_array_equal(simulate(unroll(netlist), x), simulate(netlist, x))


# targets

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
