"""Windows of subject graphs, and XORs found in AND gates."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pass_checks import assert_pass, assert_same_function, chain, dense, golden, parse
from strategies import netlists

from gatewright.compiler import Netlist
from gatewright.compiler.bodies import with_bodies
from gatewright.compiler.formats.aiger_write import and_gates
from gatewright.compiler.stats import n_gates
from gatewright.compiler.subject import Subject
from gatewright.compiler.subject_split import split
from gatewright.compiler.windows import cone_order, gate_stages, logic_netlist, rebuilt, windows
from gatewright.compiler.xors import find_xors


@settings(deadline=None)
@given(netlists(), st.integers(1, 20))
def test_windows_make_up_the_whole(netlist: Netlist, size: int) -> None:
    def taken_apart(netlist: Netlist) -> Netlist:
        subject, frame = split(netlist)
        parts = [(part, part.subject) for part in windows(subject, size)]
        assert all(part.subject.n_gates <= size for part, _ in parts)
        assert sum(part.subject.n_gates for part, _ in parts) == len(cone_order(subject))
        return frame.join(rebuilt(subject, parts))

    assert_same_function(netlist, with_bodies(netlist, taken_apart))


@settings(deadline=None)
@given(netlists())
def test_a_window_has_one_stage(netlist: Netlist) -> None:
    subject, _ = split(netlist)
    stage = np.concatenate([[0], subject.stage, gate_stages(subject)])
    for part in windows(subject, 10):
        own = np.setdiff1d(part.roots, part.leaves)
        assert len(np.unique(stage[own])) <= 1
        assert stage[part.leaves].max(initial=0) <= stage[own].min(initial=99)
    nodes = (subject.fanin >> 1).astype(int)
    assert (gate_stages(subject) == stage[nodes].max(axis=1, initial=0)).all()


@settings(deadline=None)
@given(netlists(kinds=("luts",), max_k=2))
def test_logic_alone(netlist: Netlist) -> None:
    assert_same_function(netlist, logic_netlist(split(netlist)[0]))


def test_deep_windows() -> None:
    subject, _ = split(chain(0x6, 3001))
    assert len(cone_order(subject)) == subject.n_gates
    assert len(list(windows(subject, 1000))) == -(-subject.n_gates // 1000)


@settings(deadline=None)
@given(netlists(kinds=("luts",)))
def test_find_xors(netlist: Netlist) -> None:
    assert_pass(find_xors, netlist, idempotent=False)


def test_an_xor_is_found() -> None:
    golden(
        find_xors,
        """
        netlist inputs=3
          %5 = lut 0x8 %2 %3
          %6 = lut 0x1 %3 %2

          %7 = lut 0x1 %5 %6

          %8 = lut 0x8 %7 %4
          output %8 %6
        """,
        """
        netlist inputs=3
          %5 = lut 0x1 %3 %2
          %6 = lut 0x6 %2 %3

          %7 = lut 0x8 %6 %4
          output %7 %5
        """,
    )


@settings(deadline=None)
@given(netlists(kinds=("luts",), max_k=2, max_inputs=4))
def test_xors_survive_and_gates(netlist: Netlist) -> None:
    ands = _ands(netlist)
    assert n_gates(find_xors(ands)) <= n_gates(ands)
    assert_same_function(netlist, find_xors(ands))


def test_a_xor_of_ands_alone() -> None:
    netlist = dense(6, 1, 1)
    assert find_xors(netlist) is netlist
    ands = _ands(parse(XOR))
    assert n_gates(ands) == 3
    assert n_gates(find_xors(ands)) == 1


XOR = """
netlist inputs=2
  %4 = lut 0x6 %2 %3
  output %4
"""


def _ands(netlist: Netlist) -> Netlist:
    """The netlist in AND gates alone, as AIGER files hold it."""
    gates, outputs = and_gates(netlist)
    subject = Subject(
        netlist.n_inputs,
        np.zeros(netlist.n_inputs, np.int32),
        gates.astype(np.uint32),
        np.zeros(len(gates), np.bool_),
        outputs.astype(np.uint32),
        np.zeros(len(outputs), np.int32),
    )
    return logic_netlist(subject)
