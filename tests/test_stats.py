"""Gates, levels and inputs used, on flat netlists and through tiles."""

import numpy as np
from hypothesis import given, settings
from pass_checks import chain, parse
from strategies import all_inputs, netlists

from gatewright.compiler import Builder, Netlist, Tile, simulate
from gatewright.compiler.passes.sweep import sweep
from gatewright.compiler.passes.unroll import unroll
from gatewright.compiler.stats import (
    levels,
    lut_histogram,
    n_gates,
    net_levels,
    stats,
    stored_gates,
    used_inputs,
)

TILED = """
netlist inputs=4
  %6 = lut 0x8 %2 %3
  %7..%8 = popcount %6 %4
  tile
    netlist inputs=2
      %4 = lut 0x8 %2 %3

      %5 = lut 0x6 %4 %3
      output %5 %2
  %9..%10 = place %2 %8
  %11..%12 = place %2 %3
  output %9 %10 %11
"""


@settings(max_examples=150, deadline=None)
@given(netlist=netlists())
def test_gates_and_levels_are_those_of_the_unrolled_netlist(netlist):
    flat = unroll(netlist)
    assert n_gates(netlist) == n_gates(flat)
    assert lut_histogram(netlist) == lut_histogram(flat)
    assert levels(netlist) == levels(flat)
    figures, unrolled = stats(netlist), stats(flat)
    assert (figures.popcounts, figures.argmaxes) == (unrolled.popcounts, unrolled.argmaxes)


@settings(max_examples=100, deadline=None)
@given(netlist=netlists())
def test_unused_inputs_change_nothing(netlist):
    used = used_inputs(netlist)
    bits = all_inputs(netlist.n_inputs)
    np.testing.assert_array_equal(simulate(netlist, bits & used), simulate(netlist, bits))
    np.testing.assert_array_equal(used_inputs(sweep(netlist)), used)


def test_figures_of_a_small_netlist():
    netlist = parse(TILED)
    assert n_gates(netlist) == 5
    assert lut_histogram(netlist) == {2: 5}
    assert levels(netlist) == 4
    assert net_levels(netlist).tolist() == [0, 0, 0, 0, 0, 0, 1, 2, 2, 4, 0, 2, 0]
    assert used_inputs(netlist).tolist() == [True, True, True, False]
    figures = stats(netlist)
    assert (figures.inputs, figures.inputs_used, figures.outputs) == (4, 3, 3)
    assert (figures.popcounts, figures.argmaxes, figures.places) == (1, 0, 2)
    assert figures.cells == {"Luts": 3, "Popcount": 1, "Tile": 1}
    assert figures.stored_bytes == 4 * (2 + 2 + 4 + 3) + 1 + 2 * (4 * 2 + 1) + 4 * 2


def test_stats_print_as_a_table():
    assert str(stats(parse(TILED))).splitlines() == [
        "inputs        4, 3 used",
        "outputs       3",
        "gates         5 (5 of k=2)",
        "popcounts     1",
        "argmaxes      0",
        "tile places   2",
        "levels        4",
        "cells         3 Luts, 1 Popcount, 1 Tile",
        "stored bytes  71",
    ]
    assert "cells         none" in str(stats(parse("netlist inputs=1\n  output %2\n")))


def test_an_empty_netlist_has_no_levels():
    empty = Netlist(0, (), np.zeros(0, np.int32))
    assert (n_gates(empty), levels(empty), lut_histogram(empty)) == (0, 0, {})


def test_nested_tiles_of_more_than_a_machine_word_are_counted():
    body = chain(0x6, 4)
    for _ in range(8):
        builder = Builder(2)
        nets = builder.tile(body, np.full((1000, 2), 2))
        body = builder.build(nets[0])
    assert n_gates(body) == 4 * 1000**8
    assert levels(body) == 4


def test_levels_of_many_places_at_different_depths():
    builder = Builder(2)
    body = chain(0x6, 3)
    net = np.int32(2)
    for _ in range(200):
        net = builder.tile(body, [[net, 3], [2, 3]])[0, 0]
    assert levels(builder.build(net)) == 600


def test_stored_gates_count_bodies_once_and_wide_luts_as_gates():
    body = parse("netlist inputs=4\n  %6 = lut 0x8000 %2 %3 %4 %5\n  output %6\n")
    tile = Tile(body, np.full((5, 4), 2))
    assert stored_gates(Netlist(1, (tile, tile), np.array([3]))) == 7
