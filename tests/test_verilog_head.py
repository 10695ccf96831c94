"""Counters, tournaments, levels and cuts: what the Verilog backend builds text from."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import all_inputs, netlists
from verilog_checks import numbers

from gatewright.backends.verilog.compressors import popcount_netlist
from gatewright.backends.verilog.cuts import DelayModel, choose_cuts
from gatewright.backends.verilog.gates import add_gates
from gatewright.backends.verilog.head import Parts
from gatewright.backends.verilog.timing import Timings
from gatewright.backends.verilog.tournament import argmax_netlist
from gatewright.compiler import Builder, Luts, Netlist, verify
from gatewright.compiler.passes.lutmap import LutMap
from gatewright.compiler.simulate import simulate
from gatewright.compiler.stats import levels, lut_histogram, n_gates, tile_levels

quick = settings(deadline=None, max_examples=60)


@quick
@given(
    st.lists(st.integers(0, 14), max_size=4),
    st.integers(0, 70),
    st.integers(0, 99),
    st.integers(1, 4),
)
def test_popcounts_add_up(planes: list[int], offset: int, seed: int, levels: int) -> None:
    assume(sum(planes) + offset)
    random = np.random.default_rng(seed)
    ready = random.integers(0, levels, sum(planes))
    netlist = popcount_netlist(tuple(planes), offset, tuple(ready.tolist()))
    bits = random.random((40, sum(planes))) < random.random((40, 1))
    bits[0] = True
    weights = np.repeat(1 << np.arange(len(planes)), planes)
    assert np.array_equal(numbers(simulate(netlist, bits)), bits @ weights + offset)


@pytest.mark.parametrize(
    ("n", "luts", "depth"), [(3, 2, 1), (6, 3, 1), (7, 5, 2), (63, 59, 6), (200, 195, 7)]
)
def test_popcounts_take_a_lut_for_each_bit_that_goes(n: int, luts: int, depth: int) -> None:
    netlist = popcount_netlist((n,))
    assert n_gates(netlist) == luts <= n
    assert levels(netlist) == depth
    assert len(netlist.outputs) == n.bit_length()


def test_bits_that_come_late_are_added_late() -> None:
    ready = np.array([[0] * 96 + [3] * 4])
    alike, late = popcount_netlist((100,)), popcount_netlist((100,), 0, tuple(ready[0].tolist()))
    assert tile_levels(late, ready).max() == levels(alike) == 6
    assert tile_levels(alike, ready).max() > 6


@pytest.mark.parametrize("candidates", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 7, 9, 10, 16])
@pytest.mark.parametrize("lut_inputs", [4, 6])
def test_argmaxes(candidates: int, bits: int, lut_inputs: int) -> None:
    random = np.random.default_rng(bits)
    values = random.integers(0, 1 << bits, (300, candidates))
    values[:150] = random.integers(0, 2, (150, candidates)) << random.integers(0, bits, (150, 1))
    inputs = (values[:, :, None] >> np.arange(bits) & 1).astype(np.bool_).reshape(300, -1)
    netlist = argmax_netlist(candidates, bits, lut_inputs)
    assert max(lut_histogram(netlist), default=0) <= lut_inputs
    assert np.array_equal(numbers(simulate(netlist, inputs)), values.argmax(axis=1))


@quick
@given(netlists(max_inputs=6), st.sampled_from([4, 6]), st.booleans())
def test_heads_keep_the_answers(netlist: Netlist, lut_inputs: int, sparing: bool) -> None:
    x = all_inputs(netlist.n_inputs)
    added = verify(add_gates(netlist, lut_inputs, sparing))
    tiled = verify(Parts(lut_inputs).tiles(added))
    assert np.array_equal(simulate(added, x), simulate(netlist, x))
    assert np.array_equal(simulate(tiled, x), simulate(netlist, x))


def test_gates_are_added_up_three_by_three() -> None:
    builder = Builder(12)
    gates = builder.luts(np.arange(2, 14).reshape(6, 2), 0x8)
    netlist = builder.build(builder.popcount(gates[None]))
    assert lut_histogram(add_gates(netlist)) == {2: 6, 3: 4}


def test_only_gates_of_luts_that_are_there_are_added_up_sparingly() -> None:
    """Three gates of inputs are; those of gates that nothing else reads are a LUT each."""
    builder = Builder(18)
    gates = builder.luts(np.arange(2, 20).reshape(9, 2), 0x8)
    above = builder.luts(gates[3:].reshape(3, 2), 0x6)
    addends = np.concatenate([gates[:3], above])
    netlist = builder.build(builder.popcount(addends[None]))
    assert lut_histogram(add_gates(netlist)) == {2: 12, 3: 4}
    sparing = add_gates(netlist, sparing=True)
    assert lut_histogram(sparing) == {2: 12, 3: 2}
    assert n_gates(LutMap(6)(sparing)) == 5 < n_gates(LutMap(6)(add_gates(netlist)))


def test_a_gate_is_added_to_two_addends() -> None:
    """LUTs of four inputs hold one of them, here with two inputs each of the netlist."""
    builder = Builder(10)
    gates = builder.luts([[2, 3], [4, 5]], 0x8)
    netlist = builder.build(builder.popcount([[*range(6, 10), *gates.tolist()]]))
    added = add_gates(netlist, 4)
    assert lut_histogram(added) == {2: 2, 3: 4}
    assert LutMap(4)(added).cells[0].k == 4


@quick
@given(netlists())
def test_levels_ascend(netlist: Netlist) -> None:
    timing = Timings().of_whole(netlist, 0)
    assert (timing.last >= timing.level).all()
    for begin, (first, cell) in zip(timing.starts, netlist.placed(), strict=True):
        driven = timing.level[first : first + cell.n_nets]
        if isinstance(cell, Luts):
            assert (timing.level[cell.fanin] < driven[:, None]).all()
        else:
            assert (timing.level[cell.fanin] <= begin).all()
            assert (driven > begin).all()


def test_a_gate_moves_to_where_fewer_nets_live() -> None:
    builder = Builder(3)
    early = builder.luts([[2, 3]], 0x8)  # its inputs are read as late as it is, by others
    chain = builder.luts([[3, 4]], 0x6)
    for _ in range(3):
        chain = builder.luts([[int(chain[0]), 2, 3]], 0x96)
    netlist = builder.build(builder.luts([[int(chain[0]), int(early[0])]], 0x6))
    timing = Timings().of_whole(netlist, 0)
    assert timing.level[early[0]] == 4
    assert timing.live[1:].tolist() == [3, 3, 3, 2, 1]


@quick
@given(st.lists(st.integers(0, 30), min_size=1, max_size=9), st.integers(1, 9))
def test_cuts_take_the_fewest_registers(live: list[int], every: int) -> None:
    depth = len(live)
    costs = np.array([0, *live])
    found = choose_cuts(costs, every)
    assert found[-1] == depth
    assert (np.diff([0, *found]) <= every).all()
    assert len(found) == -(-depth // every)
    best = min(
        costs[list(some)].sum() + costs[depth]
        for some in combinations(range(1, depth), len(found) - 1)
        if max(np.diff([0, *some, depth])) <= every
    )
    assert costs[list(found)].sum() == best


def test_delays() -> None:
    model = DelayModel(level=2.0, register=1.0)
    assert [model.levels(mhz) for mhz in (50, 100, 200, 333)] == [9, 4, 2, 1]
