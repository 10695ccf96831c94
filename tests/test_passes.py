"""Every pass against `simulate` on random netlists, and what each does, in printed form."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from pass_checks import assert_pass, assert_same_function, chain, dense, golden, parse
from strategies import netlists

from gatewright.compiler import Argmax, Builder, Luts, Netlist, Popcount, Tile, hashing, simulate
from gatewright.compiler.passes.decompose import Decompose
from gatewright.compiler.passes.fold import fold
from gatewright.compiler.passes.lower import lower, lower_argmax, lower_popcount
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.passes.sweep import sweep
from gatewright.compiler.passes.unroll import unroll
from gatewright.compiler.stats import levels, n_gates
from gatewright.compiler.tables import as_tables, depends, full
from gatewright.runtime.errors import NetlistError

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


def flat_cells(netlist: Netlist) -> list:
    """The cells of a netlist and of all bodies in it."""
    inner = [cell.body for cell in netlist.cells if isinstance(cell, Tile)]
    return [*netlist.cells, *(cell for body in inner for cell in flat_cells(body))]


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


# fold


def test_fold_constants_repeats_and_unused():
    golden(
        fold,
        """
        netlist inputs=2
          %4 = lut 0x6 %2 %2
          %5 = lut 0x8 %2 %3
          %6 = lut 0x2 %2 %1
          %7 = lut 0xe %3 %0
          %8 = lut 0xa %2 %3
          output %4 %5 %6 %7 %8
        """,
        """
        netlist inputs=2
          %4 = lut 0x8 %2 %3
          output %0 %4 %0 %3 %2
        """,
    )


def test_fold_double_inversion_vanishes_and_single_is_absorbed():
    golden(
        fold,
        """
        netlist inputs=2
          %4 = lut 0x1 %2

          %5 = lut 0x1 %4

          %6 = lut 0x8 %5 %3
          %7 = lut 0x8 %4 %3
          output %5 %6 %7
        """,
        """
        netlist inputs=2
          %4 = lut 0x8 %2 %3
          %5 = lut 0x4 %2 %3
          output %2 %4 %5
        """,
    )


def test_fold_keeps_one_inverter_for_readers_that_are_no_luts():
    golden(
        fold,
        """
        netlist inputs=2
          %4 = lut 0x1 %2
          %5 = lut 0x1 %2
          %6..%7 = popcount %4 %3 %0
          %8 = argmax (%5 %0) (%3 %0)
          output %4 %5 %6 %8
        """,
        """
        netlist inputs=2
          %4 = lut 0x1 %2
          %5..%6 = popcount %4 %3
          %7 = argmax (%4) (%3)
          output %4 %4 %5 %7
        """,
    )


def test_fold_popcount_drops_constants_and_becomes_wires():
    golden(
        fold,
        """
        netlist inputs=3
          %5..%7 = popcount %2 %0 %3 %0
          %8..%10 = popcount %1 %0 %0 %1
          %11..%13 = popcount %0 %4 %0 %1
          output %5 %6 %7 %8 %9 %10 %11 %12 %13
        """,
        """
        netlist inputs=3
          %5..%6 = popcount %2 %3
          %7 = lut 0x1 %4
          output %5 %6 %0 %0 %1 %0 %7 %4 %0
        """,
    )


def test_fold_popcount_pads_the_smaller_group():
    golden(
        fold,
        """
        netlist inputs=4
          %6..%8 = popcount %0 %2 %3 %0 %4
          %9..%11 = popcount %0 %0 %2 %0 %3
          output %6 %7 %8 %9 %10 %11
        """,
        """
        netlist inputs=4
          %6..%7 = popcount %2 %3 %4
          %8..%9 = popcount %2 %3 %0
          output %6 %7 %0 %8 %9 %0
        """,
    )


def test_fold_argmax_of_constants():
    golden(
        fold,
        """
        netlist inputs=1
          %3..%4 = argmax (%1 %0) (%0 %1) (%0 %1)
          %5 = argmax (%2 %1) (%2 %1)
          %6 = argmax (%2 %1)
          output %3 %4 %5 %6
        """,
        """
        netlist inputs=1
          output %1 %0 %0 %0
        """,
    )


def test_fold_tile_constant_moves_into_the_body():
    golden(
        fold,
        """
        netlist inputs=3
          tile
            netlist inputs=4
              %6 = lut 0x8 %2 %3
              %7 = lut 0x6 %2 %4
              output %6 %7 %5 %1
          %5..%8 = place %2 %1 %2 %3
          %9..%12 = place %3 %1 %3 %4
          output %5 %6 %7 %8 %9 %10 %11 %12
        """,
        """
        netlist inputs=3
          output %2 %0 %3 %1 %3 %0 %4 %1
        """,
    )


def test_fold_tile_drops_inputs_and_outputs():
    golden(
        fold,
        """
        netlist inputs=3
          tile
            netlist inputs=4
              %6 = lut 0x8 %2 %3

              %7 = lut 0x6 %6 %4
              output %6 %7 %5 %1
          %5..%8 = place %2 %3 %0 %3
          %9..%12 = place %3 %4 %0 %4
          output %5 %6 %7 %8 %9 %10 %11 %12
        """,
        """
        netlist inputs=3
          tile
            netlist inputs=2
              %4 = lut 0x8 %2 %3
              output %4
          %5 = place %2 %3
          %6 = place %3 %4
          output %5 %5 %3 %1 %6 %6 %4 %1
        """,
    )


def test_fold_tile_inverse_inputs_are_known_to_the_body():
    golden(
        fold,
        """
        netlist inputs=2
          %4 = lut 0x1 %2
          %5 = lut 0x1 %3
          tile
            netlist inputs=3
              %5 = lut 0x8 %2 %3
              %6 = lut 0x8 %2 %4
              output %5 %6
          %6..%7 = place %2 %4 %3
          %8..%9 = place %3 %5 %2
          output %6 %7 %8 %9
        """,
        """
        netlist inputs=2
          tile
            netlist inputs=2
              %4 = lut 0x8 %2 %3
              output %4
          %4 = place %2 %3
          %5 = place %3 %2
          output %0 %4 %0 %5
        """,
    )


@settings(max_examples=150, deadline=None)
@given(netlist=netlists())
def test_fold_leaves_nothing_to_fold(netlist):
    for cell in flat_cells(fold(netlist)):
        if not isinstance(cell, Luts):
            continue
        assert (cell.fanin > 1).all()
        ordered = np.sort(cell.fanin, axis=1)
        assert (ordered[:, 1:] != ordered[:, :-1]).all()
        assert all(depends(as_tables(cell.table), i).all() for i in range(cell.k))
        if cell.k == 1:
            assert (cell.table == 1).all()


def test_shared_bodies_stay_shared():
    body = parse("netlist inputs=2\n  %4 = lut 0x6 %2 %2\n  %5 = lut 0x8 %2 %3\n  output %4 %5\n")
    builder = Builder(4)
    first = builder.tile(body, [[2, 3], [3, 4]])
    second = builder.tile(body, [[first[0, 1], 2], [5, 4]])
    netlist = builder.build([first, second])
    for one in (fold, strash, lower, sweep):
        bodies = [cell.body for cell in one(netlist).cells if isinstance(cell, Tile)]
        assert bodies[0] is bodies[1]


# strash


def test_strash_merges_permuted_and_inverse_rows_for_lut_readers():
    golden(
        strash,
        """
        netlist inputs=2
          %4 = lut 0x2 %2 %3
          %5 = lut 0x4 %3 %2
          %6 = lut 0xd %2 %3

          %7 = lut 0x6 %4 %2
          %8 = lut 0x8 %5 %3
          %9 = lut 0x8 %6 %3
          output %7 %8 %9
        """,
        """
        netlist inputs=2
          %4 = lut 0x2 %2 %3

          %5 = lut 0x6 %4 %2
          %6 = lut 0x8 %4 %3
          %7 = lut 0x4 %4 %3
          output %5 %6 %7
        """,
    )


def test_strash_keeps_one_inverse_row_for_other_readers():
    golden(
        strash,
        """
        netlist inputs=2
          %4 = lut 0x8 %2 %3
          %5 = lut 0x7 %3 %2
          %6 = lut 0x7 %2 %3
          %7..%8 = popcount %4 %5
          %9 = lut 0x6 %6 %3
          output %6 %7 %8 %9
        """,
        """
        netlist inputs=2
          %4 = lut 0x8 %2 %3
          %5 = lut 0x7 %3 %2
          %6..%7 = popcount %4 %5
          %8 = lut 0x9 %4 %3
          output %5 %6 %7 %8
        """,
    )


def test_strash_across_cells_of_one_level():
    golden(
        strash,
        """
        netlist inputs=3
          %5 = lut 0x8 %2 %3

          %6 = lut 0x8 %5 %4
          %7 = lut 0x8 %3 %2

          %8 = lut 0x8 %4 %7
          output %6 %8
        """,
        """
        netlist inputs=3
          %5 = lut 0x8 %2 %3

          %6 = lut 0x8 %5 %4
          output %6 %6
        """,
    )


def test_strash_popcounts_argmaxes_and_places():
    golden(
        strash,
        """
        netlist inputs=2
          %4..%5 = popcount %2 %3
          %6..%7 = popcount %3 %2
          %8 = argmax (%2) (%3)
          %9 = argmax (%2) (%3)
          tile
            netlist inputs=2
              %4 = lut 0x6 %2 %3
              output %4
          %10 = place %2 %3
          %11 = place %2 %3
          %12 = place %3 %2
          tile
            netlist inputs=2
              %4 = lut 0x6 %2 %3
              output %4
          %13 = place %3 %2
          output %4 %5 %6 %7 %8 %9 %10 %11 %12 %13
        """,
        """
        netlist inputs=2
          %4..%5 = popcount %2 %3
          %6 = argmax (%2) (%3)
          tile
            netlist inputs=2
              %4 = lut 0x6 %2 %3
              output %4
          %7 = place %2 %3
          %8 = place %3 %2
          output %4 %5 %4 %5 %6 %6 %7 %7 %8 %8
        """,
    )


# sweep


def test_sweep_removes_rows_places_and_body_logic():
    golden(
        sweep,
        """
        netlist inputs=3
          %5 = lut 0x8 %2 %3
          %6 = lut 0x6 %2 %3
          tile
            netlist inputs=3
              %5 = lut 0x8 %2 %3
              %6 = lut 0x6 %2 %4
              output %5 %6
          %7..%8 = place %5 %2 %6
          %9..%10 = place %2 %3 %4
          %11..%12 = popcount %2 %3
          %13..%14 = popcount %3 %4
          %15 = argmax (%2) (%3)
          output %7 %14
        """,
        """
        netlist inputs=3
          %5 = lut 0x8 %2 %3
          tile
            netlist inputs=2
              %4 = lut 0x8 %2 %3
              output %4
          %6 = place %5 %2
          %7..%8 = popcount %3 %4
          output %6 %8
        """,
    )


# unroll, lower, decompose


def test_unroll():
    golden(
        unroll,
        """
        netlist inputs=3
          tile
            netlist inputs=2
              %4 = lut 0x8 %2 %3

              %5 = lut 0x6 %4 %3
              output %5 %2
          %5..%6 = place %2 %3
          %7..%8 = place %3 %4
          output %5 %6 %7 %8
        """,
        """
        netlist inputs=3
          %5 = lut 0x8 %2 %3
          %6 = lut 0x8 %3 %4

          %7 = lut 0x6 %5 %3
          %8 = lut 0x6 %6 %4
          output %7 %2 %8 %3
        """,
    )


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


# size


def test_passes_on_three_thousand_levels():
    deep = chain(0x6, 3000)
    assert levels(deep) == 3000
    for one in (fold, strash, sweep, lower, Decompose(2), unroll):
        assert one(deep) is deep
    alternating = chain(0x7, 3001)
    assert n_gates(fold(alternating)) == 3001
    inverters = chain(0x5, 3001)  # each only inverts the one before
    assert str(fold(inverters)) == "netlist inputs=2\n  %4 = lut 0x1 %2\n  output %4\n"


def test_strash_of_two_equal_deep_chains():
    builder = Builder(2)
    nets = np.array([2, 2])
    for _ in range(1000):
        nets = builder.luts(np.stack([nets, [3, 3]], axis=1), [0x7, 0x7])
    assert n_gates(strash(builder.build(nets))) == 1000


def test_hundred_thousand_gates_take_little_time():
    netlist = dense(inputs=500, width=20_000, depth=5)
    start = time.perf_counter()
    small = sweep(strash(fold(netlist)))
    assert time.perf_counter() - start < 5
    assert n_gates(small) < n_gates(netlist) / 3
    bits = np.random.default_rng(1).random((64, 500)) < 0.5
    np.testing.assert_array_equal(simulate(small, bits), simulate(netlist, bits))


def test_same_function_helper_notices_a_difference():
    with pytest.raises(AssertionError):
        assert_same_function(chain(0x6, 1), chain(0x8, 1))


@settings(max_examples=60, deadline=None)
@given(netlist=netlists(max_inputs=3, max_cells=10, max_k=2))
def test_strash_is_right_even_if_every_hash_collides(netlist):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashing, "_hash", lambda keys, tables: np.zeros(len(keys), np.uint64))
        assert_pass(strash, netlist, idempotent=False)


def test_repeated_rows():
    keys = np.array([[1, 2], [3, 4], [1, 2], [1, 2], [5, 6], [3, 4]], np.uint32)
    rows, firsts = hashing.repeated_rows(keys)
    assert (rows.tolist(), firsts.tolist()) == ([2, 3, 5], [0, 0, 1])
    tables = np.array([7, 7, 7, 8, 7, 7], np.uint64)
    rows, firsts = hashing.repeated_rows(keys, tables)
    assert (rows.tolist(), firsts.tolist()) == ([2, 5], [0, 1])
    assert not len(hashing.repeated_rows(keys[:1])[0])
