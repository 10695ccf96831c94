"""Merging gates that compute the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pass_checks import assert_pass, assert_proved, dense, golden, parities
from strategies import netlists

from gatewright.compiler.passes.satsweep import SatSweep
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.proof import sat
from gatewright.compiler.stats import n_gates
from gatewright.compiler.subject_split import split
from gatewright.runtime.errors import ExtraMissing, NetlistError

needs_sat = pytest.mark.skipif(not sat.available(), reason="needs the extra prove: python-sat")
conflicts = st.sampled_from([0, 100]) if sat.available() else st.just(0)


@settings(max_examples=100, deadline=None)
@given(netlist=netlists(), conflicts=conflicts)
def test_swept_netlists_keep_the_function(netlist, conflicts):
    assert_pass(SatSweep(conflicts=conflicts), netlist, idempotent=False)


def test_gates_of_another_structure_are_merged():
    golden(
        SatSweep(),
        """
        netlist inputs=3
          %5 = lut 0x8 %2 %3
          %6 = lut 0x8 %2 %4
          %7 = lut 0xe %3 %4

          %8 = lut 0xe %5 %6
          %9 = lut 0x8 %2 %7
          output %8 %9
        """,
        """
        netlist inputs=3
          %5 = lut 0x8 %2 %3
          %6 = lut 0x8 %2 %4

          %7 = lut 0xe %5 %6
          output %7 %7
        """,
    )


def test_hidden_constants_and_complements_are_found():
    golden(
        SatSweep(),
        """
        netlist inputs=2
          %4 = lut 0x6 %2 %3
          %5 = lut 0x2 %2 %3
          %6 = lut 0x4 %2 %3
          %7 = lut 0xe %2 %3

          %8 = lut 0xe %5 %6
          %9 = lut 0x2 %4 %7

          %10 = lut 0x1 %8
          output %4 %10 %9
        """,
        """
        netlist inputs=2
          %4 = lut 0x6 %2 %3
          %5 = lut 0x1 %4
          output %4 %5 %0
        """,
    )


@needs_sat
def test_a_solver_merges_what_no_small_window_shows():
    from gatewright.compiler.proof.joint import joint

    twice = joint(parities(40, range(40)), parities(40, [*range(1, 40, 2), *range(0, 40, 2)]))
    without, with_solver = SatSweep()(twice), SatSweep(conflicts=100_000)(twice)
    assert without.outputs[0] != without.outputs[1]
    assert with_solver.outputs[0] == with_solver.outputs[1]


def test_large_networks_get_smaller_and_stay_equal():
    netlist = strash(dense(40, 2000, 5))
    result = SatSweep()(netlist)
    assert n_gates(result) < n_gates(netlist)
    assert_proved(netlist, result)


def test_subjects_stay_plain():
    subject = SatSweep().on(split(dense(30, 300, 6))[0])
    assert not (subject.fanin[subject.xor] & 1).any()
    gates = np.arange(subject.first_gate, subject.first_gate + subject.n_gates)
    assert ((subject.fanin >> 1) < gates[:, None]).all()


@pytest.mark.parametrize(
    ("option", "allowed"),
    [("window", "6 to 14"), ("candidates", "1 or more"), ("conflicts", "0 or more")],
)
def test_impossible_options(option, allowed):
    with pytest.raises(NetlistError, match=f"SatSweep: {option} is -1; allowed are {allowed}"):
        SatSweep(**{option: -1})


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(sat, "available", lambda: False)
    with pytest.raises(ExtraMissing, match=r"SatSweep: .* pip install 'gatewright\[prove\]'"):
        SatSweep(conflicts=1)(dense(4, 4, 1))
