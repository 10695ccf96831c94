"""Passes on tiles: bodies of their own, unrolling, and what the others do with places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pass_checks import assert_pass, dense, golden
from strategies import netlists

from gatewright.compiler import Builder, Netlist, simulate
from gatewright.compiler.netlist import Tile
from gatewright.compiler.passes.decompose import Decompose
from gatewright.compiler.passes.fold import fold
from gatewright.compiler.passes.specialize import Specialize
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.passes.sweep import sweep
from gatewright.compiler.passes.unroll import UnrollSmall, unroll
from gatewright.compiler.stats import n_gates
from gatewright.compiler.subject import with_bodies
from gatewright.runtime.errors import NetlistError

EAGER = Specialize(worth=0, share=0)


def tiles(netlist: Netlist) -> list[Tile]:
    return [cell for cell in netlist.cells if isinstance(cell, Tile)]


def row(places: int, window: int, depth: int, seed: int = 0) -> Netlist:
    """A padded convolution over a row of inputs: one body of random gates at every place."""
    body = dense(window, 4 * window, depth, seed)
    builder = Builder(places)
    line = np.concatenate([[0] * (window // 2), np.arange(2, 2 + places), [0] * (window // 2)])
    windows = np.lib.stride_tricks.sliding_window_view(line, window)
    return builder.build(builder.tile(body, windows))


# Bodies of their own


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


# Unrolling


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


# What the others do with places


def test_duplicate_and_dead_kernels_leave_the_body() -> None:
    """Kernels 0 and 1 are equal, nobody reads kernel 3, and the last place is the first again."""
    golden(
        lambda netlist: sweep(strash(fold(netlist))),
        """
        netlist inputs=4
          tile
            netlist inputs=3
              %5 = lut 0x8 %2 %3
              %6 = lut 0x8 %3 %2
              %7 = lut 0x6 %2 %3
              %8 = lut 0x6 %3 %4
              output %5 %6 %7 %8
          %6..%9 = place %2 %3 %4
          %10..%13 = place %3 %4 %5
          %14..%17 = place %2 %3 %4
          output %6 %7 %8 %10 %11 %14 %15
        """,
        """
        netlist inputs=4
          tile
            netlist inputs=2
              %4 = lut 0x8 %2 %3
              %5 = lut 0x6 %2 %3
              output %4 %5
          %6..%7 = place %2 %3
          %8..%9 = place %3 %4
          output %6 %6 %7 %8 %8 %6 %6
        """,
    )


def test_outputs_of_nested_bodies_that_some_place_needs_stay() -> None:
    golden(
        sweep,
        """
        netlist inputs=3
          tile
            netlist inputs=2
              tile
                netlist inputs=2
                  %4 = lut 0x6 %2 %3
                  %5 = lut 0x8 %2 %3
                  %6 = lut 0xe %2 %3
                  output %4 %5 %6
              %4..%6 = place %2 %3
              %7..%9 = place %3 %2
              output %4 %5 %9
          %5..%7 = place %2 %3
          %8..%10 = place %3 %4
          output %5 %9
        """,
        """
        netlist inputs=3
          tile
            netlist inputs=2
              tile
                netlist inputs=2
                  %4 = lut 0x6 %2 %3
                  %5 = lut 0x8 %2 %3
                  output %4 %5
              %4..%5 = place %2 %3
              output %4 %5
          %5..%6 = place %2 %3
          %7..%8 = place %3 %4
          output %5 %8
        """,
    )


@pytest.mark.parametrize("one", [fold, strash, sweep, Decompose(2), EAGER, UnrollSmall(0)])
def test_every_distinct_body_is_processed_once(one: object) -> None:
    """Hundreds of tiles of one body share one body afterwards, and still do in bodies."""
    body = dense(6, 30, 3)
    builder = Builder(40)
    random = np.random.default_rng(0)
    nets = [builder.tile(body, _windows(random, 40, 6)) for _ in range(500)]
    middle = builder.build(np.concatenate(nets))
    outer = Builder(50)
    nets = [outer.tile(middle, _windows(random, 50, 40)) for _ in range(3)]
    result = one(outer.build(np.concatenate(nets)))  # type: ignore[operator]
    assert len({id(tile.body) for tile in tiles(result)}) == 1
    assert len({id(tile.body) for tile in tiles(tiles(result)[0].body)}) == 1


def _windows(random: np.random.Generator, inputs: int, size: int) -> np.ndarray:
    """What two places read of as many inputs, none of them twice."""
    return np.stack([random.permutation(inputs)[:size] + 2 for _ in range(2)])


def test_with_bodies_changes_every_distinct_body_once() -> None:
    body = dense(2, 4, 2)
    middle = Builder(3)
    shared = middle.build(
        np.concatenate([middle.tile(body, [[2, 3]]), middle.tile(body, [[3, 4]])])
    )
    outer = Builder(3)
    nets = [outer.tile(shared, [[2, 3, 4]]), outer.tile(body, [[4, 4]]).reshape(1, -1)]
    netlist = outer.build(np.concatenate(nets, axis=1))
    seen: list[Netlist] = []
    assert with_bodies(netlist, lambda part: seen.append(part) or part) is netlist
    assert [id(part) for part in seen] == [id(part) for part in (body, shared, netlist)]
