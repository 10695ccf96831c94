"""Every pass against `simulate` on random netlists, in sequence, and on large ones."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from pass_checks import assert_pass, assert_same_function, chain, dense, parse
from strategies import netlists

from gatewright.compiler import Argmax, Builder, Luts, Netlist, Popcount, Tile, simulate
from gatewright.compiler.passes.decompose import Decompose
from gatewright.compiler.passes.fold import fold
from gatewright.compiler.passes.lower import lower, lower_argmax, lower_popcount
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.passes.sweep import sweep
from gatewright.compiler.passes.unroll import unroll
from gatewright.compiler.stats import levels, n_gates
from gatewright.compiler.tables import as_tables, full

PASSES = [
    fold,
    strash,
    sweep,
    unroll,
    lower,
    lower_popcount,
    lower_argmax,
    *(Decompose(k) for k in range(2, 7)),
]
NAMES = [getattr(one, "__name__", repr(one)) for one in PASSES]


@pytest.mark.parametrize("one", PASSES, ids=NAMES)
@settings(max_examples=120, deadline=None)
@given(netlist=netlists())
def test_pass_keeps_its_contract(one, netlist):
    assert_pass(one, netlist)


@pytest.mark.parametrize("one", [fold, strash, sweep], ids=lambda one: one.__name__)
@settings(max_examples=150, deadline=None)
@given(netlist=netlists(max_inputs=3, max_cells=14, max_k=2))
def test_pass_keeps_its_contract_where_much_is_equal(one, netlist):
    assert_pass(one, netlist)


@settings(max_examples=150, deadline=None)
@given(netlist=netlists())
def test_passes_in_sequence(netlist):
    result = netlist
    for one in (fold, strash, sweep, lower, fold, unroll, Decompose(2), fold, strash, sweep):
        result = assert_pass(one, result)
    assert not any(isinstance(cell, Popcount | Argmax | Tile) for cell in result.cells)
    assert all(cell.k <= 2 for cell in result.cells)


def complement_last(netlist: Netlist) -> Netlist:
    """A planted mistake: the last cell of LUTs comes out inverted."""
    for index, cell in reversed(list(enumerate(netlist.cells))):
        if isinstance(cell, Luts):
            wrong = Luts(cell.fanin, as_tables(cell.table) ^ full(cell.k))
            cells = (*netlist.cells[:index], wrong, *netlist.cells[index + 1 :])
            return Netlist(netlist.n_inputs, cells, netlist.outputs)
    return netlist


def reverse_groups(netlist: Netlist) -> Netlist:
    """A planted mistake: popcounts answer in the wrong order."""
    cells = [
        replace(cell, fanin=cell.fanin[::-1]) if isinstance(cell, Popcount) else cell
        for cell in netlist.cells
    ]
    result = Netlist(netlist.n_inputs, tuple(cells), netlist.outputs)
    return netlist if result == netlist else result


def equal_copy(netlist: Netlist) -> Netlist:
    """A planted mistake: nothing changes, and yet it is another object."""
    return Netlist(netlist.n_inputs, netlist.cells, netlist.outputs)


@pytest.mark.parametrize("wrong", [complement_last, reverse_groups, equal_copy])
def test_harness_finds_a_planted_mistake(wrong):
    @settings(max_examples=1000, deadline=None, database=None, derandomize=True)
    @given(netlist=netlists())
    def search(netlist):
        assert_pass(wrong, netlist, idempotent=False)

    with pytest.raises(AssertionError):
        search()


def test_same_function_helper_notices_a_difference():
    with pytest.raises(AssertionError):
        assert_same_function(chain(0x6, 1), chain(0x8, 1))


def test_shared_bodies_stay_shared():
    body = parse("netlist inputs=2\n  %4 = lut 0x6 %2 %2\n  %5 = lut 0x8 %2 %3\n  output %4 %5\n")
    builder = Builder(4)
    first = builder.tile(body, [[2, 3], [3, 4]])
    second = builder.tile(body, [[first[0, 1], 2], [5, 4]])
    netlist = builder.build([first, second])
    for one in (fold, strash, lower, sweep):
        bodies = [cell.body for cell in one(netlist).cells if isinstance(cell, Tile)]
        assert bodies[0] is bodies[1]


def test_passes_on_three_thousand_levels():
    deep = chain(0x6, 3000)
    assert levels(deep) == 3000
    for one in (fold, strash, sweep, lower, Decompose(2), unroll):
        assert one(deep) is deep
    alternating = chain(0x7, 3001)
    assert n_gates(fold(alternating)) == 3001
    inverters = chain(0x5, 3001)  # each only inverts the one before
    assert str(fold(inverters)) == "netlist inputs=2\n  %4 = lut 0x1 %2\n  output %4\n"


def test_hundred_thousand_gates():
    netlist = dense(inputs=500, width=20_000, depth=5)
    small = sweep(strash(fold(netlist)))
    assert n_gates(small) < n_gates(netlist) / 3
    bits = np.random.default_rng(1).random((64, 500)) < 0.5
    np.testing.assert_array_equal(simulate(small, bits), simulate(netlist, bits))
