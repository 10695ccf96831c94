"""Making netlists legal for backends: unroll, lower, decompose."""

import numpy as np
import pytest
from hypothesis import given, settings
from pass_checks import flat_cells, golden
from strategies import netlists

from gatewright.compiler import Argmax, Builder, Luts, Popcount, Tile, simulate
from gatewright.compiler.passes.decompose import Decompose
from gatewright.compiler.passes.fold import fold
from gatewright.compiler.passes.lower import lower, lower_argmax, lower_popcount
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.passes.sweep import sweep
from gatewright.compiler.passes.unroll import unroll
from gatewright.compiler.stats import levels, n_gates
from gatewright.runtime.errors import NetlistError


@settings(max_examples=100, deadline=None)
@given(netlist=netlists())
def test_unroll_and_lower_leave_only_luts(netlist):
    assert all(isinstance(cell, Luts) for cell in lower(unroll(netlist)).cells)
    assert not any(isinstance(cell, Tile) for cell in unroll(netlist).cells)
    assert not any(isinstance(cell, Popcount) for cell in flat_cells(lower_popcount(netlist)))
    assert not any(isinstance(cell, Argmax) for cell in flat_cells(lower_argmax(netlist)))


def test_lower():
    golden(
        lower,
        """
        netlist inputs=3
          %5..%6 = popcount %2 %3 %4
          %7..%8 = argmax (%2) (%3) (%4)
          output %5 %6 %7 %8
        """,
        """
        netlist inputs=3
          %5 = lut 0x96 %2 %3 %4
          %6 = lut 0xe8 %2 %3 %4
          %7 = lut 0x4 %2 %3
          %8 = lut 0xca %2 %3 %7
          %9 = lut 0x4 %8 %4

          %10 = lut 0x2 %7 %9
          output %5 %6 %10 %9
        """,
    )


@pytest.mark.parametrize("m", [*range(1, 20), 31, 32, 33, 63, 64, 100, 640])
def test_lower_popcount_is_small_shallow_and_right(m):
    builder = Builder(m)
    netlist = builder.build(builder.popcount([np.arange(2, 2 + m)] * 2))
    lowered = lower_popcount(netlist)
    adders = sum(m >> weight + 1 for weight in range(10))  # one for each carry there must be
    assert n_gates(lowered) == 2 * 2 * adders
    assert levels(lowered) <= 1 + np.log(m) / np.log(1.5) + np.log2(m)
    bits = np.random.default_rng(m).random((500, m)) < np.linspace(0, 1, 500)[:, None]
    np.testing.assert_array_equal(simulate(lowered, bits), simulate(netlist, bits))


@pytest.mark.parametrize("bits", [1, 2, 5])
@pytest.mark.parametrize("candidates", [1, 2, 3, 4, 5, 7, 9, 10, 17])
def test_lower_argmax_wastes_nothing_and_ties_go_low(candidates, bits):
    builder = Builder(candidates * bits)
    fanin = np.arange(2, 2 + candidates * bits).reshape(candidates, bits)
    netlist = builder.build(builder.argmax(fanin))
    lowered = lower_argmax(netlist)
    x = np.random.default_rng(0).random((2000, candidates * bits)) < 0.5
    np.testing.assert_array_equal(simulate(lowered, x), simulate(netlist, x))
    if candidates > 1:
        assert n_gates(sweep(strash(fold(lowered)))) == n_gates(lowered)


def test_decompose_finds_the_simple_cofactors():
    golden(
        Decompose(3),
        """
        netlist inputs=4
          %6 = lut 0x8000 %2 %3 %4 %5
          %7 = lut 0x6996 %2 %3 %4 %5
          %8 = lut 0xf888 %2 %3 %4 %5
          output %6 %7 %8
        """,
        """
        netlist inputs=4
          %6 = lut 0x96 %2 %3 %4
          %7 = lut 0x88 %2 %3 %4
          %8 = lut 0x80 %2 %3 %4
          %9 = lut 0xf8 %2 %3 %4
          %10 = lut 0x8 %8 %5
          %11 = lut 0x6 %6 %5
          %12 = lut 0xca %7 %9 %5
          output %10 %11 %12
        """,
    )


def test_decompose_multiplexer_into_three_gates():
    golden(
        lambda netlist: fold(Decompose(2)(netlist)),
        """
        netlist inputs=3
          %5 = lut 0xca %2 %3 %4
          output %5
        """,
        """
        netlist inputs=3
          %5 = lut 0x2 %2 %4
          %6 = lut 0x8 %3 %4

          %7 = lut 0xe %5 %6
          output %7
        """,
    )


@pytest.mark.parametrize("k", range(2, 7))
@settings(max_examples=60, deadline=None)
@given(netlist=netlists(kinds=("luts", "tile")))
def test_decompose_leaves_no_wide_lut(k, netlist):
    result = Decompose(k)(netlist)
    assert all(cell.k <= k for cell in flat_cells(result) if isinstance(cell, Luts))


@pytest.mark.parametrize("k", [1, 7])
def test_decompose_refuses_other_widths(k):
    with pytest.raises(NetlistError, match=f"k is {k}; allowed are 2 to 6"):
        Decompose(k)
