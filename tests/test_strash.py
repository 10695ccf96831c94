"""Structural hashing: equal and inverse rows, popcounts, places; what hashing finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from pass_checks import assert_pass, golden
from strategies import netlists

from gatewright.compiler import Builder, hashing
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.stats import n_gates


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


def test_strash_of_two_equal_deep_chains():
    builder = Builder(2)
    nets = np.array([2, 2])
    for _ in range(1000):
        nets = builder.luts(np.stack([nets, [3, 3]], axis=1), [0x7, 0x7])
    assert n_gates(strash(builder.build(nets))) == 1000


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
