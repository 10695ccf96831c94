"""Splitting netlists into logic and boxes, and joining them again."""

import numpy as np
from hypothesis import given, settings
from pass_checks import assert_pass, dense, parse
from strategies import netlists

from gatewright.compiler import Luts
from gatewright.compiler.bodies import with_bodies
from gatewright.compiler.netlist import Netlist
from gatewright.compiler.subject_join import longest_paths
from gatewright.compiler.subject_split import split


def rejoined(netlist: Netlist) -> Netlist:
    """The netlist through its subject graph and back."""
    subject, frame = split(netlist)
    return frame.join(subject)


@settings(max_examples=200, deadline=None)
@given(netlist=netlists())
def test_rejoined_logic_keeps_the_function(netlist):
    assert_pass(rejoined, netlist, idempotent=False)


@settings(max_examples=100, deadline=None)
@given(netlist=netlists())
def test_rejoined_bodies_keep_the_function(netlist):
    assert_pass(lambda one: with_bodies(one, rejoined), netlist, idempotent=False)


@settings(max_examples=100, deadline=None)
@given(netlist=netlists())
def test_subject_graphs_are_ordered(netlist):
    subject, _ = split(netlist)
    gates = np.arange(subject.first_gate, subject.first_gate + subject.n_gates)
    assert ((subject.fanin >> 1) < gates[:, None]).all()
    assert not (subject.fanin[subject.xor] & 1).any()


def test_every_gate_becomes_and_or_xor():
    for table in range(16):
        netlist = parse(f"netlist inputs=2\n  %4 = lut {table:#x} %2 %3\n  output %4\n")
        assert_pass(rejoined, netlist, idempotent=False)


def test_an_inverted_reader_turns_the_table():
    netlist = parse("""
        netlist inputs=3
          %5 = lut 0x7 %2 %3

          %6 = lut 0x8 %5 %4
          output %5 %6
    """)
    luts = [cell for cell in rejoined(netlist).cells if isinstance(cell, Luts)]
    assert [cell.table.tolist() for cell in luts] == [[0x7], [0x8]]


def test_leaves_know_how_many_boxes_are_before_them():
    netlist = parse("""
        netlist inputs=3
          %5..%6 = popcount %2 %3
          %7 = lut 0x6 %5 %4
          %8..%9 = popcount %7 %6
          output %8 %9
    """)
    subject, _ = split(netlist)
    assert subject.stage.tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert subject.output_stage.tolist()[:4] == [0, 0, 1, 1]


def test_shared_bodies_stay_shared():
    netlist = dense(4, 6, 2)
    seen = []
    with_bodies(netlist, lambda one: seen.append(one) or one)
    assert seen == [netlist]


def test_longest_paths():
    sources, targets = np.array([0, 0, 1, 2]), np.array([1, 2, 3, 1])
    assert longest_paths(5, sources, targets).tolist() == [0, 2, 1, 3, 0]
