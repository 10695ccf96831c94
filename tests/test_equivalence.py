"""Proved, refuted with a counterexample, or unproved."""

import numpy as np
import pytest
from hypothesis import given, settings
from pass_checks import chain, dense, parities, parse
from strategies import all_inputs, netlists

from gatewright.compiler import (
    Argmax,
    Builder,
    Circuit,
    Decoder,
    Encoder,
    Netlist,
    equivalence,
    simulate,
)
from gatewright.compiler.equivalence import equivalent
from gatewright.compiler.optimize import optimize
from gatewright.compiler.proof import sat
from gatewright.runtime.errors import ExtraMissing, NetlistError


def gate(inputs, table, fanin=(2, 3)):
    builder = Builder(inputs)
    return builder.build(builder.luts([fanin], [table]))


def inverted_twice(inputs):
    builder = Builder(inputs)
    nets = np.arange(2, 2 + inputs)
    for _ in range(2):
        nets = builder.luts(nets[:, None], np.full(inputs, 1))
    return builder.build(nets)


@settings(max_examples=100, deadline=None)
@given(a=netlists(max_inputs=4), b=netlists(max_inputs=4))
def test_exhaustive_answers_are_right(a, b):
    if (a.n_inputs, len(a.outputs)) != (b.n_inputs, len(b.outputs)):
        b = optimize(a)
    bits = all_inputs(a.n_inputs)
    same = (simulate(a, bits) == simulate(b, bits)).all()
    found = equivalent(a, b)
    assert found.method == ("identical" if a == b else "exhaustive")
    assert bool(found) == same
    assert found.status == ("proved" if same else "refuted")
    if found.counterexample is not None:
        one = found.counterexample[None]
        assert (simulate(a, one) != simulate(b, one)).any()


@pytest.mark.parametrize("inputs", [2, 5, 6, 7, 9, 16])
def test_every_pattern_is_tried(inputs):
    read = Netlist(inputs, (), np.arange(2, 2 + inputs))
    found = equivalent(read, inverted_twice(inputs))
    assert (found.status, found.method, found.samples) == ("proved", "exhaustive", 1 << inputs)
    assert found.counterexample is None
    builder = Builder(inputs)
    net = np.int32(2)
    for i in range(1, inputs):
        net = builder.luts([[net, 2 + i]], [0x8])[0]
    never = Netlist(inputs, (), np.array([0]))
    found = equivalent(builder.build(net), never)
    assert found.status == "refuted"
    assert found.counterexample is not None
    assert found.counterexample.all()


def test_no_inputs_and_no_outputs():
    constant = Netlist(0, (), np.array([1]))
    also = parse("netlist inputs=0\n  %2 = lut 0x1 %0\n  output %2\n")
    assert equivalent(constant, also).samples == 1
    assert not equivalent(constant, Netlist(0, (), np.array([0])))
    empty = Netlist(30, (), np.zeros(0, np.int32))
    assert equivalent(empty, empty)


def test_what_is_identical_is_proved_at_once():
    found = equivalent(dense(100, 2000, 4), dense(100, 2000, 4))
    assert (found.status, found.method, found.samples) == ("proved", "identical", 0)


def test_inputs_that_nothing_reads_are_free():
    found = equivalent(gate(40, 0x6), gate(40, 0x9))
    assert (found.status, found.method) == ("refuted", "exhaustive")
    inverted = parse("""
        netlist inputs=40
          %42 = lut 0x9 %2 %3

          %43 = lut 0x1 %42
          output %43
    """)
    found = equivalent(gate(40, 0x6), inverted)
    assert (found.status, found.method, found.samples) == ("proved", "exhaustive", 4)


@pytest.mark.parametrize(
    ("seconds", "answer"), [(0.0, ("unproved", "random")), (60.0, ("proved", "exhaustive"))]
)
def test_all_patterns_of_large_netlists_take_no_longer_than_allowed(monkeypatch, seconds, answer):
    monkeypatch.setattr(equivalence, "_EASY", 0)
    a, b = parities(18, range(18)), parities(18, [*range(1, 18, 2), *range(0, 18, 2)])
    found = equivalent(a, b, samples=64, seconds=seconds, sat=False)
    assert (found.status, found.method) == answer


def test_what_nothing_proves_is_unproved():
    a, b = parities(40, range(40)), parities(40, [*range(1, 40, 2), *range(0, 40, 2)])
    found = equivalent(a, b, samples=5000, sat=False)
    assert (found.status, found.method, bool(found)) == ("unproved", "random", False)
    assert found.samples >= 5000
    assert str(found).startswith("not proved: 0 of 1 outputs proved, all equal on ")


def test_many_inputs_are_refuted():
    other = equivalent(parities(40, range(40)), parities(40, range(39)))
    assert other.status == "refuted"
    assert not other
    assert other.counterexample is not None
    assert (other.counterexample.dtype, other.counterexample.shape) == (np.bool_, (40,))
    assert np.flatnonzero(other.counterexample).tolist() == [39]
    assert str(other) == "refuted: output 0 differs with only input 39 true"


@pytest.mark.parametrize("pattern", ["all", "none", "one", "all but one"])
def test_corners_are_tried(pattern):
    corner = np.full(60, pattern.startswith("all"))
    if "one" in pattern and pattern != "none":
        corner[37] ^= True
    builder = Builder(60)
    net = np.int32(1)
    for i in range(60):
        net = builder.luts([[net, 2 + i]], [0x8 if corner[i] else 0x2])[0]
    found = equivalent(builder.build(net), Netlist(60, (), np.array([0])))
    assert found.counterexample is not None
    np.testing.assert_array_equal(found.counterexample, corner)


def test_answers_are_deterministic():
    a, b = dense(100, 300, 4, seed=1), dense(100, 300, 4, seed=2)
    first, second = equivalent(a, b), equivalent(a, b)
    assert first.samples == second.samples
    np.testing.assert_array_equal(first.counterexample, second.counterexample)


def test_large_netlists_are_proved():
    a = dense(64, 20_000, 3)
    assert equivalent(a, optimize(a)).status == "proved"


def circuit(netlist, threshold=0.5, decoder=None):
    n = netlist.n_inputs
    return Circuit(Encoder((n,), np.arange(n), np.full(n, threshold, np.float32)), netlist, decoder)


def test_circuits():
    netlist = parse("netlist inputs=2\n  %4..%5 = popcount %2 %3\n  output %4 %5\n")
    a = circuit(netlist, decoder=Decoder(1))
    assert equivalent(a, circuit(netlist, decoder=Decoder(1))).status == "proved"
    swapped = parse("netlist inputs=2\n  %4..%5 = popcount %2 %3\n  output %5 %4\n")
    assert equivalent(a, circuit(swapped, decoder=Decoder(1))).status == "refuted"


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (chain(6, 1), gate(3, 6), "2 inputs and 1 outputs against 3 and 1; allowed are equal num"),
        (chain(6, 1), Netlist(2, (), np.array([2, 3])), "2 inputs and 1 outputs against 2 and 2;"),
        (chain(6, 1), circuit(chain(6, 1)), "a Netlist and a Circuit; allowed are two of a kind"),
        (
            circuit(chain(6, 1)),
            Circuit(Encoder((1, 2), np.arange(2), np.zeros(2)), chain(6, 1)),
            r"different shapes, \(2,\) and \(1, 2\); allowed are equal ones; compare a.netlist",
        ),
        (
            circuit(chain(6, 1)),
            circuit(chain(6, 1), decoder=Decoder(1)),
            r"different decoders, None and .* allowed are equal ones; compare a.netlist with b.n",
        ),
    ],
)
def test_what_cannot_be_compared(a, b, message):
    with pytest.raises(NetlistError, match=message):
        equivalent(a, b)


def test_argmax_against_its_gates():
    netlist = Netlist(6, (Argmax(np.arange(2, 8).reshape(3, 2)),), np.array([8, 9]))
    from gatewright.compiler.passes.lower import lower

    assert equivalent(netlist, lower(netlist)).status == "proved"


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(sat, "available", lambda: False)
    a, b = parities(40, range(40)), parities(40, range(39, -1, -1))
    with pytest.raises(ExtraMissing, match=r"equivalent: .* pip install 'gatewright\[prove\]'"):
        equivalent(a, b, sat=True)
    assert "the extra gatewright[prove] would prove more" in str(equivalent(a, b, samples=100))


def test_equal_comparisons_are_one_input():
    """One circuit has an input twice, the other drops one and orders them differently."""
    body = parse("""
        netlist inputs=4
          %6 = lut 0x6 %2 %3
          %7 = lut 0x8 %4 %5
          output %6 %7
    """)
    threshold = np.array([0.5, 0.5, 0.25, 0.5])
    a = Circuit(Encoder((2,), np.array([0, 0, 0, 1]), threshold), body)
    other = parse("netlist inputs=2\n  %4 = lut 0x8 %2 %3\n  output %0 %4\n")
    b = Circuit(Encoder((2,), np.array([1, 0]), np.array([0.5, 0.25])), other)
    assert equivalent(a, b).status == "proved"
    wrong = Circuit(Encoder((2,), np.array([1, 0]), np.array([0.5, 0.75])), other)
    found = equivalent(a, wrong)
    assert (found.status, found.output) == ("refuted", 1)
    bits = simulate(a.netlist, found.counterexample[None])
    assert (bits != simulate(wrong.netlist, found.counterexample_b[None])).any()


def test_narrow_counts_are_compared_with_wide_ones():
    wide = parse("netlist inputs=2\n  %4..%6 = popcount %2 %3 %0 %0\n  output %4 %5 %6\n")
    narrow = parse("netlist inputs=2\n  %4..%5 = popcount %2 %3\n  output %4 %5\n")
    a, b = (circuit(n, decoder=Decoder(1)) for n in (wide, narrow))
    assert equivalent(a, b).status == equivalent(b, a).status == "proved"
    assert equivalent(a, circuit(narrow, decoder=Decoder(1), threshold=0.1)).status == "refuted"
