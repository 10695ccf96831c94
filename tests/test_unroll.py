"""Unrolling tiles: all of them, or those of few gates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pass_checks import assert_pass, dense, golden, tiles
from strategies import netlists

from gatewright.compiler import Builder, Netlist
from gatewright.compiler.passes.unroll import UnrollSmall, unroll
from gatewright.runtime.errors import NetlistError


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


@given(netlists(), st.sampled_from([0, 1, 10, 40]))
def test_unroll_small_keeps_the_function(netlist: Netlist, gates: int) -> None:
    assert_pass(UnrollSmall(gates), netlist)


def test_unroll_small_takes_single_places_and_few_gates() -> None:
    golden(
        UnrollSmall(3),
        """
        netlist inputs=4
          tile
            netlist inputs=2
              %4 = lut 0x8 %2 %3
              output %4
          %6 = place %2 %3
          %7 = place %3 %4
          %8 = place %4 %5
          tile
            netlist inputs=2
              %4 = lut 0x8 %2 %3
              %5 = lut 0xe %2 %3

              %6 = lut 0x6 %4 %5
              %7 = lut 0x9 %4 %5
              output %6 %7
          %9..%10 = place %6 %7
          tile
            netlist inputs=2
              %4 = lut 0x8 %2 %3
              %5 = lut 0x6 %2 %3
              output %4 %5
          %11..%12 = place %8 %9
          %13..%14 = place %9 %10
          output %11 %12 %13 %14
        """,
        """
        netlist inputs=4
          %6 = lut 0x8 %2 %3
          %7 = lut 0x8 %3 %4
          %8 = lut 0x8 %4 %5

          %9 = lut 0x8 %6 %7
          %10 = lut 0xe %6 %7

          %11 = lut 0x6 %9 %10
          %12 = lut 0x9 %9 %10
          tile
            netlist inputs=2
              %4 = lut 0x8 %2 %3
              %5 = lut 0x6 %2 %3
              output %4 %5
          %13..%14 = place %8 %11
          %15..%16 = place %11 %12
          output %13 %14 %15 %16
        """,
    )


def test_a_large_body_that_holds_small_tiles_stays_a_tile() -> None:
    inner = dense(4, 4, 1)
    builder = Builder(8)
    nets = builder.tile(inner, [[2, 3, 4, 5], [6, 7, 8, 9]])
    body = builder.build(builder.luts(nets.reshape(-1, 2), 6))
    outer = Builder(8)
    netlist = outer.build(outer.tile(body, np.arange(2, 10) + np.zeros((9, 1), np.int32)))
    (tile,) = tiles(UnrollSmall(50)(netlist))
    assert not tiles(tile.body)


def test_a_tile_kept_in_an_unrolled_one_is_one_tile_of_all_places() -> None:
    inner = dense(2, 30, 2)
    middle = Builder(2)
    body = middle.build(middle.tile(inner, [[2, 3], [3, 2]]))
    outer = Builder(2)
    netlist = outer.build(outer.tile(body, [[2, 3]]))
    result = assert_pass(UnrollSmall(60), netlist)
    (tile,) = tiles(result)
    assert tile.body is inner


def test_popcounts_count_as_what_they_read() -> None:
    builder = Builder(30)
    body = builder.build(builder.popcount(np.arange(2, 32)[None]))
    outer = Builder(32)
    windows = np.lib.stride_tricks.sliding_window_view(np.arange(2, 34), 30)
    netlist = outer.build(outer.tile(body, windows))
    assert UnrollSmall(3 * 30 - 1)(netlist) is netlist
    assert not tiles(UnrollSmall(3 * 30)(netlist))


@pytest.mark.parametrize("gates", [-1, 2.5])
def test_unroll_small_refuses_impossible_numbers(gates: int) -> None:
    with pytest.raises(NetlistError, match=f"UnrollSmall: gates is {gates}; allowed"):
        UnrollSmall(gates)
