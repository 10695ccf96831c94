"""What passes make of popcounts whose addends have weights."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pass_checks import golden, parse
from strategies import all_inputs

from gatewright.compiler import Builder, Popcount, simulate
from gatewright.compiler.graph import from_networkx, prune_constant_gates, to_networkx
from gatewright.compiler.passes.fold import fold
from gatewright.compiler.passes.lower import lower_popcount
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.passes.unroll import unroll
from gatewright.compiler.stats import n_gates


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
