"""Programs over slots, outlining, and packing plans."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import classifier
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import all_inputs, netlists

from gatewright.backends.c.packing import plan_packing
from gatewright.backends.input_order import order_inputs
from gatewright.backends.outline import outline
from gatewright.backends.program import assemble, class_program, legal
from gatewright.backends.slots import NONE
from gatewright.compiler import Builder, Circuit, Encoder, Tile, simulate, verify
from gatewright.compiler.tables import as_tables


@settings(max_examples=150, deadline=None)
@given(netlist=netlists(), limit=st.integers(0, 20), cut=st.integers(0, 6))
def test_outlining_keeps_the_function(netlist, limit, cut):
    cut = min(cut, len(netlist.cells))
    outlined, moved = outline(netlist, limit, cut)
    verify(outlined)
    x = all_inputs(netlist.n_inputs)
    assert np.array_equal(simulate(outlined, x), simulate(netlist, x))
    assert 0 <= moved <= len(outlined.cells)


@settings(max_examples=50, deadline=None)
@given(netlist=netlists(max_k=3, kinds=("luts", "popcount", "tile")), limit=st.integers(0, 20))
def test_the_first_part_is_enough_for_what_it_drives(netlist, limit):
    """No run crosses the cut: everything before it is computed before it."""
    cut = len(netlist.cells) // 2
    outlined, moved = outline(netlist, limit, cut)
    before = sum(cell.n_nets for cell in outlined.cells[:moved])
    assert before <= sum(cell.n_nets for cell in netlist.cells[:cut])
    assert len(assemble(outlined, moved).parts) == 2


def test_few_gates_become_one_straight_tile_and_many_stay_rows():
    netlist = legal(classifier()).netlist
    small, _ = outline(netlist, 1000, len(netlist.cells))
    assert [cell.places for cell in small.cells if isinstance(cell, Tile)] == [1]
    large, cut = outline(netlist, 10, len(netlist.cells))
    assert large.cells == netlist.cells
    assert cut == len(netlist.cells)


def test_slots_are_used_again():
    builder = Builder(10)
    nets = np.arange(2, 12)
    for _ in range(50):
        nets = builder.luts(np.stack([nets, np.roll(nets, 1)], axis=1), 6)
    program = assemble(builder.build(nets))
    assert program.n_slots == 12  # a row takes the slot of the input that it is the last to read


def test_tables_that_differ_in_the_order_of_inputs_are_one():
    tables = np.arange(256)
    fanin = np.tile([5, 6, 7], (256, 1))
    ordered, least = order_inputs(fanin, as_tables(tables))
    assert len(np.unique(least)) == 80

    def answers(fanin, table):
        builder = Builder(6)
        return simulate(builder.build(builder.luts(fanin, table)), all_inputs(6))

    assert np.array_equal(answers(ordered, least), answers(fanin, tables))


def test_unread_inputs_and_dead_rows_take_no_slot():
    builder = Builder(4)
    used = builder.luts([[2, 3], [3, 4]], [6, 8])
    program = assemble(builder.build(used[:1]))
    assert (program.input_slot != NONE).tolist() == [True, True, True, False]
    assert program.n_slots == 3


def test_the_class_is_a_part_of_its_own():
    circuit = legal(classifier())
    program = class_program(circuit)
    assert len(program.parts) == 2
    assert len(program.output_slot) == len(circuit.netlist.outputs) + 2
    assert len(class_program(Circuit(circuit.encoder, circuit.netlist)).parts) == 2


@pytest.mark.parametrize("features", [1, 63, 64, 65, 200])
def test_packing_covers_every_live_bit_once(features):
    random = np.random.default_rng(features)
    n = 300
    encoder = Encoder((features,), random.integers(0, features, n), random.normal(100, 90, n))
    slots = np.where(random.random(n) < 0.7, np.arange(n), NONE).astype(np.uint32)
    packing = plan_packing(encoder, slots)
    assert packing.blocks.min() > 0
    assert packing.blocks.sum() == len(packing.slot)
    first = np.repeat(packing.first.astype(np.int64), packing.blocks)
    assert (first + 64 <= max(features, 64)).all()
    seen = {}
    for block, lane in np.argwhere(packing.slot != NONE):
        feature = int(first[block] + lane)
        assert feature < features
        assert int(packing.slot[block, lane]) not in seen
        threshold = packing.threshold[block, lane]
        seen[int(packing.slot[block, lane])] = (feature, threshold)
        x = np.arange(256, dtype=np.uint8)
        reached = (x >= packing.level[block, lane]) & (packing.possible[block, lane] == 255)
        assert np.array_equal(reached, x > threshold)
    live = np.flatnonzero(slots != NONE)
    assert seen == {int(i): (int(encoder.feature[i]), encoder.threshold[i]) for i in live}


def test_thermometer_codes_pack_without_gathering():
    """Three thresholds on 128 features: each of two windows is read once, a block a rank."""
    encoder = Encoder((128,), np.repeat(np.arange(128), 3), np.tile([10.0, 20.0, 30.0], 128))
    packing = plan_packing(encoder, np.arange(384, dtype=np.uint32))
    assert packing.first.tolist() == [0, 64]
    assert packing.blocks.tolist() == [3, 3]
    assert np.array_equal(packing.threshold, np.repeat([10, 20, 30] * 2, 64).reshape(6, 64))
