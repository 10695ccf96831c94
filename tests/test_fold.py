"""Folding: constants, repeats and inverters, across all four cells."""

import numpy as np
from hypothesis import given, settings
from pass_checks import flat_cells, golden
from strategies import netlists

from gatewright.compiler import Luts
from gatewright.compiler.passes.fold import fold
from gatewright.compiler.tables import as_tables, depends


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
