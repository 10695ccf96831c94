"""The Verilog backend for a family of FPGAs: LUTs, adders, delays, registers at the inputs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import all_inputs, netlists
from verilog_checks import boolean, check, needs_iverilog, tiny

from gatewright.backends.verilog.adders import full_adders
from gatewright.backends.verilog.backend import Verilog
from gatewright.backends.verilog.cuts import choose_cuts
from gatewright.backends.verilog.devices import DEVICES
from gatewright.compiler import Netlist
from gatewright.compiler.simulate import simulate
from gatewright.compiler.stats import lut_histogram
from gatewright.runtime.errors import EmitError

quick = settings(deadline=None, max_examples=40)


@quick
@given(st.lists(st.integers(0, 14), max_size=4), st.integers(0, 70), st.integers(0, 99))
def test_full_adders_add_up(planes: list[int], offset: int, seed: int) -> None:
    assume(sum(planes) + offset)
    netlist = full_adders(tuple(planes), offset)
    bits = np.random.default_rng(seed).random((40, sum(planes))) < 0.7
    bits[0] = True
    sums = simulate(netlist, bits) @ (1 << np.arange(len(netlist.outputs)))
    weights = np.repeat(1 << np.arange(len(planes)), planes)
    assert np.array_equal(sums, bits @ weights + offset)
    assert max(lut_histogram(netlist), default=0) <= 3


def test_nothing_adds_up_to_nothing() -> None:
    assert not len(full_adders((), 0).outputs)


@quick
@given(st.lists(st.integers(0, 30), min_size=1, max_size=8), st.integers(1, 8), st.integers(1, 10))
def test_the_first_cut_waits_for_the_comparators(live: list[int], every: int, first: int) -> None:
    depth = len(live)
    costs = np.array([0, *live])
    found = choose_cuts(costs, every, first)
    first = min(first, depth)

    def legal(cuts: tuple[int, ...]) -> bool:
        steps = np.diff(cuts)
        return first <= cuts[0] <= max(first, every) and bool((steps <= every).all())

    assert legal(found)
    possible = [
        (*some, depth)
        for n in range(depth)
        for some in combinations(range(1, depth), n)
        if legal((*some, depth))
    ]
    fewest = min(map(len, possible))
    assert len(found) == fewest
    best = min(costs[list(some)].sum() for some in possible if len(some) == fewest)
    assert costs[list(found)].sum() == best


def test_levels_of_comparators() -> None:
    device = DEVICES["ecp5"]
    assert [device.compare_levels(bits) for bits in (0, 1, 4, 8, 9, 16)] == [0, 0, 1, 2, 3, 3]


@pytest.mark.simulator
@needs_iverilog
@quick
@given(netlists(max_inputs=5), st.sampled_from(list(DEVICES)), st.integers(1, 3), st.booleans())
def test_devices(netlist: Netlist, device: str, every: int, held: bool) -> None:
    assume(len(netlist.outputs))
    backend = Verilog(device=device, registers_every=every, register_inputs=held)
    check(backend.emit(boolean(netlist), "dut", all_inputs(netlist.n_inputs)))


def test_luts_are_as_wide_as_the_device_has_them() -> None:
    text = Verilog(7, device="ecp5", style="lut").emit(tiny(), "dut").files["dut.v"].decode()
    assert "T5_" not in text
    assert "T6_" not in text


def test_registers_at_the_inputs_cost_one_clock() -> None:
    plain = Verilog(7, registers_every=2).emit(tiny(), "dut").manifest
    held = Verilog(7, registers_every=2, register_inputs=True).emit(tiny(), "dut").manifest
    assert held["latency"] == plain["latency"] + 1
    assert held["registers"] == plain["registers"] + 2 * 7 + 1


def test_a_faster_clock_needs_more_registers() -> None:
    slow, fast = (
        Verilog(7, device="ecp5", target_mhz=mhz).emit(tiny(), "dut").manifest["latency"]
        for mhz in (60, 250)
    )
    assert slow < fast


def test_a_clock_that_no_level_meets() -> None:
    with pytest.raises(EmitError, match=r"target_mhz 900: a period of 1\.11 ns, and one level"):
        Verilog(device="ice40", target_mhz=900)
