"""Reducing readouts: fewer adders, the same counts, scores and classes."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pass_checks import assert_pass, golden
from strategies import all_inputs, netlists

from gatewright.backends.build import build
from gatewright.compiler import Builder, Circuit, Decoder, Encoder, Netlist, Popcount, simulate
from gatewright.compiler.literals import literals_of
from gatewright.compiler.passes.fold import fold
from gatewright.compiler.passes.lower import lower_popcount
from gatewright.compiler.passes.readout import ReduceReadout, reduce_readout
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.passes.sweep import sweep
from gatewright.compiler.stats import n_gates
from gatewright.compiler.sums import addend_literals, sums_of
from gatewright.runtime.errors import NetlistError

smallest = ReduceReadout(3)


def adders(netlist: Netlist) -> int:
    """Full and half adders of all popcounts outside tiles."""
    return cost(netlist)[0]


def cost(netlist: Netlist) -> tuple[int, int]:
    """Adders and addends of all popcounts outside tiles."""
    cells = [cell for cell in netlist.cells if isinstance(cell, Popcount)]
    if not cells:
        return 0, 0
    sums = sums_of(cells, literals_of(np.arange(netlist.n_nets)))
    return int(sums.adders().sum()), len(sums.group)


@settings(max_examples=120, deadline=None)
@given(netlist=netlists())
def test_any_netlist(netlist):
    assert cost(assert_pass(smallest, netlist)) <= cost(netlist)


@st.composite
def readouts(draw: st.DrawFn) -> Netlist:
    """Popcounts that have much in common: of few gates, their inverses, and counts."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    builder = Builder(6)
    fanin = random.integers(2, 8, (draw(st.integers(4, 30)), 2))
    gates = builder.luts(np.repeat(fanin, 2, axis=0), np.tile([0x8, 0x7], len(fanin)))
    nets = np.concatenate([[0, 1], np.arange(2, 8), builder.luts([[2], [3]], 1), gates])
    counts = []
    for _ in range(draw(st.integers(1, 3))):
        m = draw(st.integers(1, 40))
        shift = np.sort(random.integers(0, draw(st.integers(1, 3)), m))
        made = builder.popcount(random.choice(nets, (draw(st.integers(1, 5)), m)), shift)
        nets = np.concatenate([nets, made.ravel()])
        counts.append(made.ravel())
    return builder.build(np.concatenate(counts))


@settings(max_examples=120, deadline=None)
@given(netlist=readouts(), part=st.sampled_from([3, 7, 15]))
def test_popcounts_with_much_in_common(netlist, part):
    result = assert_pass(ReduceReadout(part), netlist)
    assert cost(result) < cost(netlist) or result is netlist


@settings(max_examples=60, deadline=None)
@given(netlist=readouts())
def test_adders_are_what_lowering_emits(netlist):
    """Two LUTs an adder, fewer where constants are added or sums depend on each other."""
    result = fold(smallest(netlist))
    lowered = lower_popcount(result)
    assert n_gates(lowered) - n_gates(result) <= 2 * adders(result)


@pytest.mark.parametrize("shift", [[0] * 3, [0] * 31, [0, 0, 0, 1, 1, 2], [0] * 9 + [2] * 8])
def test_adders_of_different_inputs_are_two_luts_each(shift):
    builder = Builder(len(shift))
    netlist = builder.build(builder.popcount([np.arange(2, 2 + len(shift))], shift))
    assert n_gates(lower_popcount(netlist)) == 2 * adders(netlist)


# the rules, one by one


def test_constants_become_one_number():
    golden(
        reduce_readout,
        """
        netlist inputs=2
          %4..%6 = popcount %1 %2 %1 %0 %3 %1
          output %4 %5 %6
        """,
        """
        netlist inputs=2
          %4..%6 = popcount %1 %2 %3 2*%1
          output %4 %5 %6
        """,
    )


def test_an_addend_and_its_inverse_are_one():
    """Whether the inverse is an inverter or a LUT of its own, of fanins in another order."""
    golden(
        reduce_readout,
        """
        netlist inputs=3
          %5 = lut 0x1 %2
          %6 = lut 0x2 %3 %4
          %7 = lut 0xb %4 %3
          %8 = lut 0x6 %3 %4
          %9 = lut 0x6 %2 %4
          %10..%12 = popcount %2 %6 %5 %8 %7 %9
          output %10 %11 %12
        """,
        """
        netlist inputs=3
          %5 = lut 0x1 %2
          %6 = lut 0x2 %3 %4
          %7 = lut 0xb %4 %3
          %8 = lut 0x6 %3 %4
          %9 = lut 0x6 %2 %4
          %10..%12 = popcount %8 %9 2*%1
          output %10 %11 %12
        """,
    )


def test_what_counts_several_times_has_a_weight():
    golden(
        reduce_readout,
        """
        netlist inputs=3
          %5 = lut 0x1 %4
          %6..%8 = popcount %2 %3 %2 %4 %2 %5 %5
          output %6 %7 %8
        """,
        """
        netlist inputs=3
          %5 = lut 0x1 %4
          %6..%8 = popcount %1 %2 %3 %5 2*%2
          output %6 %7 %8
        """,
    )


def test_what_two_groups_count_is_counted_once():
    """The third reads the inverses, so it adds the inverse of the count."""
    golden(
        smallest,
        """
        netlist inputs=5
          %7 = lut 0x1 %2
          %8 = lut 0x1 %3
          %9 = lut 0x1 %4
          %10..%12 = popcount %2 %3 %4 %5
          %13..%15 = popcount %2 %3 %4 %6
          %16..%18 = popcount %7 %8 %9 %6
          output %10 %11 %12 %13 %14 %15 %16 %17 %18
        """,
        """
        netlist inputs=5
          %7 = lut 0x1 %2
          %8 = lut 0x1 %3
          %9 = lut 0x1 %4
          %10..%11 = popcount %2 %3 %4
          %12 = lut 0x1 %10
          %13 = lut 0x1 %11
          %14..%16 = popcount %5 %10 2*%11
          %17..%19 = popcount %6 %10 2*%11
          %20..%22 = popcount %6 %12 2*%13
          output %14 %15 %16 %17 %18 %19 %20 %21 %22
        """,
    )


def test_parts_are_shared_between_cells_and_follow_what_they_read():
    golden(
        smallest,
        """
        netlist inputs=4
          %6..%7 = popcount %2 %3
          %8..%10 = popcount %7 %4 %5 %2
          %11 = lut 0x6 %8 %2
          %12..%14 = popcount %11 %7 %4 %5 %3
          output %9 %13 %14
        """,
        """
        netlist inputs=4
          %6..%7 = popcount %2 %3
          %8..%9 = popcount %4 %5 %7
          %10..%12 = popcount %2 %8 2*%9
          %13 = lut 0x6 %10 %2
          %14..%16 = popcount %3 %8 %13 2*%9
          output %11 %15 %16
        """,
    )


def test_small_parts_are_counted_twice_unless_asked_for():
    builder = Builder(8)
    counts = builder.popcount([[*range(2, 9), 9], [*range(2, 9), 9]])
    other = builder.popcount([[*range(2, 9)]])
    netlist = strash(builder.build([*counts[0], *other[0]]))
    assert reduce_readout(netlist) is netlist
    assert adders(ReduceReadout(7)(netlist)) == adders(netlist) - 4


def test_groups_of_other_sizes_leave_the_cell():
    """Padding would cost a processor what fewer addends save."""
    builder = Builder(40)
    long, short = np.arange(2, 42), np.repeat([2, 3], 20)
    result = reduce_readout(builder.build(builder.popcount([long, short, short[::-1]])))
    planes = [cell.planes for cell in result.cells if isinstance(cell, Popcount)]
    assert planes == [(40,), (0, 0, 2, 0, 2)]
    alike = Builder(40)
    alike_rows = [long, [*long[:38], 2, 2]]
    result = reduce_readout(alike.build(alike.popcount(alike_rows)))
    assert len(result.cells) == 2  # one of the sums, one of what both count


def test_weights_up_to_the_limit():
    builder = Builder(3)
    counts = builder.popcount([[2, 2, 3], [3, 4, 2]], [0, 0, 30])
    assert_pass(smallest, builder.build(counts))
    builder = Builder(2)
    netlist = builder.build(builder.popcount([[2, 2, 1, 1], [1, 1, 3, 0]], [0, 0, 29, 29]))
    assert_pass(smallest, netlist)


def test_logic_behind_what_cancels_dies():
    builder = Builder(4)
    gates = builder.luts([[2, 3], [4, 5], [4, 5]], [0x6, 0x8, 0x7])
    netlist = builder.build(builder.popcount([[gates[1], gates[0], gates[2], 2]]))
    assert n_gates(sweep(reduce_readout(netlist))) == 1


def test_addends_inverse_by_another_way_are_for_strash_to_find():
    builder = Builder(2)
    first = builder.luts([[2, 3]], [0x8])
    inverse = builder.luts([[first[0], 2], [first[0], 3]], [0x7, 0x1])
    netlist = builder.build(inverse)
    assert addend_literals(netlist).tolist() == [0, 1, *range(4, 2 * netlist.n_nets, 2)]


def test_bodies_are_reduced_once_and_stay_shared():
    inner = Builder(2)
    body = inner.build(inner.popcount([[2, 3, 2, 3]]))
    builder = Builder(3)
    first = builder.tile(body, [[2, 3], [3, 4]])
    netlist = builder.build([*first[0], *builder.tile(body, first[:, :2])[0]])
    result = assert_pass(reduce_readout, netlist)
    assert result.cells[0].body is result.cells[1].body
    assert adders(result.cells[0].body) == 1


@pytest.mark.parametrize("part", [2, 0, -1, 15.5, "3"])
def test_impossible_parts_are_refused(part):
    with pytest.raises(NetlistError, match=f"part is {part!r}; allowed are integers from 3"):
        ReduceReadout(part)


# whole circuits


def classifier() -> Circuit:
    """Classes that read the same gates and their inverses, many of them twice, and constants."""
    random = np.random.default_rng(0)
    builder = Builder(12)
    fanin = np.repeat(random.integers(2, 14, (60, 2)), 2, axis=0)
    gates = builder.luts(fanin, np.tile([0x8, 0x7], 60))
    counts = builder.popcount(random.choice([0, 1, *gates], (5, 120)))
    return Circuit(Encoder.boolean(12), builder.build(counts), Decoder(5, tau=7.0, beta=2.5))


@pytest.mark.parametrize("part", [3, 15])
@pytest.mark.parametrize(
    "target",
    [
        pytest.param(
            "c", marks=pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
        ),
        "numpy",
    ],
)
def test_counts_scores_and_classes_stay(target, part):
    circuit = classifier()
    reduced = circuit.with_netlist(sweep(fold(ReduceReadout(part)(strash(circuit.netlist)))))
    assert adders(reduced.netlist) < 0.6 * adders(circuit.netlist)
    assert reduced.count_width == circuit.count_width
    x = all_inputs(12)
    found = build(reduced, target, "net")
    assert np.array_equal(found.counts(x), circuit.counts(x))
    assert np.array_equal(found.scores(x), circuit.scores(x))
    assert np.array_equal(found.predict(x), circuit.predict(x))
    lowered = lower_popcount(reduced.netlist)
    assert np.array_equal(simulate(lowered, x), simulate(circuit.netlist, x))
