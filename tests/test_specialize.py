"""Bodies of their own for places where that pays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pass_checks import assert_pass, dense, golden, tiles
from strategies import netlists

from gatewright.compiler import Builder, Netlist, simulate
from gatewright.compiler.passes.fold import fold
from gatewright.compiler.passes.specialize import Specialize
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.passes.sweep import sweep
from gatewright.compiler.passes.unroll import unroll
from gatewright.compiler.stats import n_gates
from gatewright.runtime.errors import NetlistError

EAGER = Specialize(worth=0, share=0)


def row(places: int, window: int, depth: int, seed: int = 0) -> Netlist:
    """A padded convolution over a row of inputs: one body of random gates at every place."""
    body = dense(window, 4 * window, depth, seed)
    builder = Builder(places)
    line = np.concatenate([[0] * (window // 2), np.arange(2, 2 + places), [0] * (window // 2)])
    windows = np.lib.stride_tricks.sliding_window_view(line, window)
    return builder.build(builder.tile(body, windows))


@given(netlists(kinds=("luts", "tile", "tile", "popcount")), st.sampled_from([Specialize(), EAGER]))
def test_specialize_keeps_the_function(netlist: Netlist, one: Specialize) -> None:
    assert_pass(one, netlist, idempotent=False)


@settings(max_examples=40)
@given(st.integers(3, 10), st.sampled_from([3, 5]), st.integers(1, 4), st.integers(0, 99))
def test_borders_get_bodies_of_their_own(places: int, window: int, depth: int, seed: int) -> None:
    netlist = sweep(strash(fold(row(places, window, depth, seed))))
    small = assert_pass(EAGER, netlist, idempotent=False)
    assert n_gates(small) <= n_gates(netlist)
    assert n_gates(small) >= n_gates(sweep(fold(unroll(netlist))))


def test_specialize_borders() -> None:
    """One place of five reads a constant; a body of one gate does for it what takes two."""
    golden(
        Specialize(),
        """
        netlist inputs=4
          tile
            netlist inputs=3
              %5 = lut 0x8 %2 %3
              %6 = lut 0x6 %3 %4

              %7 = lut 0xe %5 %6
              output %7
          %6 = place %0 %2 %3
          %7 = place %2 %3 %4
          %8 = place %3 %4 %5
          %9 = place %0 %5 %4
          output %6 %7 %8 %9
        """,
        """
        netlist inputs=4
          tile
            netlist inputs=3
              %5 = lut 0x8 %2 %3
              %6 = lut 0x6 %3 %4

              %7 = lut 0xe %5 %6
              output %7
          %6 = place %2 %3 %4
          %7 = place %3 %4 %5
          tile
            netlist inputs=2
              %4 = lut 0x6 %2 %3
              output %4
          %8 = place %2 %3
          %9 = place %5 %4
          output %8 %6 %7 %9
        """,
    )


def test_specialize_places_whose_outputs_nobody_reads() -> None:
    golden(
        Specialize(),
        """
        netlist inputs=4
          tile
            netlist inputs=2
              %4 = lut 0x8 %2 %3
              %5 = lut 0x6 %2 %3
              output %4 %5
          %6..%7 = place %2 %3
          %8..%9 = place %3 %4
          %10..%11 = place %4 %5
          %12..%13 = place %5 %2
          output %6 %7 %9 %11 %12 %13
        """,
        """
        netlist inputs=4
          tile
            netlist inputs=2
              %4 = lut 0x8 %2 %3
              %5 = lut 0x6 %2 %3
              output %4 %5
          %6..%7 = place %2 %3
          %8..%9 = place %5 %2
          tile
            netlist inputs=2
              %4 = lut 0x6 %2 %3
              output %4
          %10 = place %3 %4
          %11 = place %4 %5
          output %6 %7 %10 %11 %8 %9
        """,
    )


def test_a_body_is_made_only_where_it_pays() -> None:
    netlist = sweep(strash(fold(row(64, 5, 4, seed=1))))
    plenty, few = EAGER(netlist), Specialize(worth=0, share=0, variants=1)(netlist)
    assert [tile.places for tile in tiles(plenty)] == [60, 1, 1, 1, 1]
    assert [tile.places for tile in tiles(few)] == [62, 2]
    assert Specialize(worth=20)(netlist) is netlist  # no border has many places here
    assert Specialize(worth=0, share=0.5)(netlist) is netlist
    assert Specialize(variants=0, worth=0, share=0)(netlist) is netlist


def test_an_irregular_place_is_served_by_a_body_that_assumes_less() -> None:
    """Places of one border of which other outputs are unread share the border's body."""
    body = dense(8, 40, 4, seed=3)
    builder = Builder(100)
    fanin = np.random.default_rng(0).integers(2, 102, (100, 8))
    fanin[:50, :4] = 0
    nets = builder.tile(body, fanin)
    unread = np.arange(50), np.arange(50) % 40
    read = np.ones(nets.shape, np.bool_)
    read[unread] = False
    netlist = builder.build(nets[read])
    small = Specialize(variants=1)(netlist)
    assert sorted(tile.places for tile in tiles(small)) == [50, 50]
    assert n_gates(small) < n_gates(sweep(fold(netlist)))


def test_specialize_divides_tiles_in_bodies() -> None:
    inner = row(16, 3, 3, seed=5)
    builder = Builder(32)
    nets = np.arange(2, 34)
    netlist = builder.build(builder.tile(inner, np.stack([nets[:16], nets[16:], nets[8:24]])))
    small = EAGER(netlist)
    assert n_gates(small) < n_gates(netlist)
    samples = np.random.default_rng(0).random((4096, 32)) < 0.5
    np.testing.assert_array_equal(simulate(small, samples), simulate(netlist, samples))


@pytest.mark.parametrize(
    "option", [{"variants": -1}, {"variants": 2.5}, {"worth": -0.5}, {"share": float("nan")}]
)
def test_specialize_refuses_what_it_cannot_do(option: dict[str, float]) -> None:
    with pytest.raises(NetlistError, match=f"Specialize: {next(iter(option))} is .*allowed"):
        Specialize(**option)  # pyright: ignore[reportArgumentType]
