"""Functional reduction and SAT: never wrong, and able to prove."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pass_checks import dense, parse
from strategies import all_inputs, netlists

from gatewright.compiler import Builder, Luts, Netlist, Popcount, simulate
from gatewright.compiler.equivalence import equivalent
from gatewright.compiler.native import library
from gatewright.compiler.netlist import renumbered
from gatewright.compiler.optimize import optimize
from gatewright.compiler.passes.decompose import Decompose
from gatewright.compiler.passes.lower import lower
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.passes.unroll import unroll
from gatewright.compiler.proof import prover, sat
from gatewright.compiler.proof.joint import joint
from gatewright.compiler.proof.prover import Prover
from gatewright.compiler.proof.python import PythonGraph
from gatewright.compiler.proof.reduction import Effort, make_graph, reduce
from gatewright.compiler.proof.vectors import around, random_patterns
from gatewright.compiler.subject_split import split

needs_sat = pytest.mark.skipif(not sat.available(), reason="needs the extra prove: python-sat")
solvers = [False, pytest.param(True, marks=needs_sat)]


def verdict(a, b, use_sat, seconds=30.0):
    return Prover(a, b, time.monotonic() + seconds, use_sat).prove()


def check(a, b, use_sat):
    """What is said to be proved is equal on every pattern, and a counterexample is one."""
    found = verdict(a, b, use_sat)
    bits = all_inputs(a.n_inputs)
    same = (simulate(a, bits) == simulate(b, bits)).all(axis=0)
    assert not (found.same & ~same).any(), "proved what differs"
    if found.counterexample is not None:
        one = found.counterexample[None]
        assert (simulate(a, one) != simulate(b, one)).any()
    return found, same


def mutated(netlist, random):
    """The netlist with one table bit flipped, one fanin moved, or one output moved."""
    cells = list(netlist.cells)
    kind = random.integers(0, 3)
    luts = [i for i, cell in enumerate(cells) if isinstance(cell, Luts)]
    if kind == 0 and luts:
        i = luts[random.integers(0, len(luts))]
        table = cells[i].table.copy()
        row = random.integers(0, len(table))
        table[row] ^= table.dtype.type(1 << int(random.integers(0, 1 << cells[i].k)))
        cells[i] = replace(cells[i], table=table)
    elif kind == 1 and cells:
        placed = [first for first, _ in netlist.placed()]
        i = int(random.integers(0, len(cells)))
        fanin = cells[i].fanin.copy()
        if fanin.size:
            fanin.flat[random.integers(0, fanin.size)] = random.integers(0, placed[i])
        cells[i] = replace(cells[i], fanin=fanin)
    elif len(netlist.outputs):
        outputs = netlist.outputs.copy()
        outputs[random.integers(0, len(outputs))] = random.integers(0, netlist.n_nets)
        return replace(netlist, outputs=outputs)
    return replace(netlist, cells=tuple(cells))


REWRITES = [
    strash,
    lower,
    unroll,
    Decompose(3),
    lambda n: optimize(n, 2),
    lambda n: lower(unroll(n)),
]


@settings(max_examples=60, deadline=None)
@given(netlist=netlists(), rewrite=st.sampled_from(REWRITES), use_sat=st.booleans())
def test_rewritten_netlists_are_proved(netlist, rewrite, use_sat):
    found, _ = check(netlist, rewrite(netlist), use_sat and sat.available())
    assert found.same.all()


@settings(max_examples=60, deadline=None)
@given(
    netlist=netlists(),
    rewrite=st.sampled_from(REWRITES),
    use_sat=st.booleans(),
    seed=st.integers(0, 1 << 30),
)
def test_mutated_netlists_are_never_proved(netlist, rewrite, use_sat, seed):
    other = mutated(rewrite(netlist), np.random.default_rng(seed))
    check(netlist, other, use_sat and sat.available())


def reduced(make, subject, staged):
    """A graph after a reduction without a solver."""
    graph = make(subject, staged)
    words = random_patterns(subject.n_leaves, 8)
    graph.simulate(words)
    seeds = iter(range(10_000))
    reduce(graph, Effort(), lambda values: around(values, subject.n_leaves, next(seeds)))
    return graph


def native_graph(subject, staged):
    return make_graph(subject, staged=staged)


def python_graph(subject, staged):
    rep = np.zeros(subject.first_gate + subject.n_gates, np.uint32)
    rep[: subject.first_gate] = 2 * np.arange(subject.first_gate)
    stage = np.zeros(len(rep), np.int32)
    if staged:
        stage[1 : subject.first_gate] = subject.stage
    return PythonGraph(subject, rep, stage)


@pytest.mark.skipif(library("fraig") is None, reason="needs native kernels")
@settings(max_examples=60, deadline=None)
@given(netlist=netlists(max_inputs=12, max_cells=10), staged=st.booleans())
def test_native_and_python_reduce_alike(netlist, staged):
    subject, _ = split(netlist)
    found, expected = (reduced(g, subject, staged) for g in (native_graph, python_graph))
    np.testing.assert_array_equal(found.rep, expected.rep)
    np.testing.assert_array_equal(found.read, expected.read)


@pytest.mark.skipif(library("fraig") is None, reason="needs native kernels")
def test_native_and_python_reduce_a_deep_network_alike():
    subject, _ = split(dense(20, 60, 8))
    found, expected = (reduced(g, subject, True) for g in (native_graph, python_graph))
    np.testing.assert_array_equal(found.rep, expected.rep)
    own = 2 * np.arange(len(found.rep))
    assert (found.rep < own)[subject.first_gate :].any(), "nothing was merged"


def addends(netlist):
    """The index of the popcount of a netlist, and the cell."""
    return next((i, c) for i, c in enumerate(netlist.cells) if isinstance(c, Popcount))


def classifier(inputs=64, width=4000, depth=4, seed=3):
    """A dense network whose last level is counted in ten groups."""
    logic = dense(inputs, width, depth, seed)
    count = Popcount(logic.outputs.reshape(10, -1))
    outputs = np.arange(logic.n_nets, logic.n_nets + count.n_nets)
    return Netlist(inputs, (*logic.cells, count), outputs)


def flipped(netlist, random):
    i = random.integers(0, len(netlist.cells) - 1)
    cell = netlist.cells[i]
    table = cell.table.copy()
    table[random.integers(0, len(table))] ^= 1 << random.integers(0, 4)
    return changed(netlist, i, replace(cell, table=table))


def swapped(netlist, random):
    i, cell = addends(netlist)
    fanin = cell.fanin.copy()
    fanin[[0, 1], 5] = fanin[[1, 0], 5]
    return changed(netlist, i, replace(cell, fanin=fanin))


def dropped(netlist, random):
    i, cell = addends(netlist)
    fanin = cell.fanin.copy()
    fanin[random.integers(0, 10), random.integers(0, fanin.shape[1])] = 0
    return changed(netlist, i, replace(cell, fanin=fanin))


def changed(netlist, i, cell):
    cells = list(netlist.cells)
    cells[i] = cell
    return replace(netlist, cells=tuple(cells))


@pytest.mark.parametrize("size", [60, 4000])
@pytest.mark.parametrize("mistake", [flipped, swapped, dropped])
def test_planted_mistakes_are_refuted(mistake, size):
    netlist = classifier(width=size)
    for seed in range(3):
        other = mistake(netlist, np.random.default_rng(seed))
        found = equivalent(netlist, optimize(other, 1))
        bits = np.random.default_rng(0).random((4096, netlist.n_inputs)) < 0.5
        if (simulate(netlist, bits) != simulate(other, bits)).any():
            assert found.status == "refuted"
        if found.counterexample is not None:
            one = found.counterexample[None]
            apart = simulate(netlist, one)[0] != simulate(other, one)[0]
            assert np.flatnonzero(apart)[0] == found.output


def hidden(netlist, inputs):
    """The netlist with one addend wrong where two of many inputs are false and the others true."""
    builder = Builder(netlist.n_inputs)
    net = np.int32(2)
    for i in range(1, inputs):
        net = builder.luts([[net, 2 + i]], [0x2 if i in (7, 11) else 0x8])[0]
    chain = builder.build(net)
    both = joint(netlist, chain)
    i, cell = addends(both)
    wrong = Luts(np.array([[cell.fanin[4, 9], both.outputs[-1]]]), np.array([0x6]))
    cells = [*both.cells[:i], *both.cells[i + 1 :]]
    nets = np.arange(both.n_nets)
    first = sum(c.n_nets for c in both.cells[:i]) + 2 + netlist.n_inputs
    nets[first:] -= cell.n_nets
    cells = [renumbered(c, nets.astype(np.int32)) for c in (*cells, wrong)]
    fanin = cell.fanin.copy()
    fanin[4, 9] = both.n_nets - cell.n_nets
    count = replace(cell, fanin=fanin)
    start = both.n_nets - cell.n_nets + 1
    return Netlist(netlist.n_inputs, (*cells, count), np.arange(start, start + count.n_nets))


@pytest.mark.parametrize("use_sat", solvers)
def test_a_mistake_that_no_random_vector_shows_is_never_proved(use_sat):
    netlist = classifier(width=12_000)
    other = hidden(netlist, 40)
    found = equivalent(netlist, other, samples=100, sat=use_sat)
    assert found.status == ("refuted" if use_sat else "unproved")
    if use_sat:
        assert (found.method, found.output // 11) == ("sat", 4)
        one = found.counterexample[None]
        assert (simulate(netlist, one) != simulate(other, one)).any()


@needs_sat
def test_a_solver_is_not_asked_what_windows_prove():
    """Merging by a solver within one netlist first hid what windows find across the two."""
    builder, random = Builder(24), np.random.default_rng(0)
    gates = builder.luts(random.choice(np.arange(2, 26), (120, 2)), random.integers(0, 16, 120))
    adders = lower(optimize(builder.build(builder.popcount([gates])[0])))
    found = verdict(adders, Decompose(2)(adders), True)
    assert found.same.all()
    assert found.sat == 0


def test_sums_are_compared_as_sums():
    """Order, inverses, constants, weights, and counts of counts make no difference."""
    a = parse("""
        netlist inputs=30
          %32 = lut 0x1 %2
          %33 = lut 0x1 %3

          %34..%36 = popcount %2 %2 %32 %33 %5
          %37..%38 = popcount %6 %7 %8
          %39..%41 = popcount %1 %37 %9 %10 2*%38
          output %34 %35 %36 %39 %40 %41 %0
    """)
    b = parse("""
        netlist inputs=30
          %32 = lut 0x1 %3

          %33..%35 = popcount %5 %32 %1 %2
          %36..%38 = popcount %10 %8 %6 %7 %9 %1
          output %33 %34 %35 %36 %37 %38 %0
    """)
    assert verdict(a, b, False).same.all()


@settings(max_examples=60, deadline=None)
@given(netlist=netlists(kinds=("luts", "tile")), seed=st.integers(0, 1 << 30))
def test_tiles_that_are_not_unrolled_are_never_proved_wrongly(netlist, seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prover, "_UNROLLED_NETS", 0)
        check(netlist, optimize(netlist, 1), False)
        check(netlist, mutated(netlist, np.random.default_rng(seed)), False)


def test_tiles_of_other_bodies_are_proved_without_unrolling(monkeypatch):
    """Another structure, other columns, an output more and one inverted."""
    monkeypatch.setattr(prover, "_UNROLLED_NETS", 0)
    a = Builder(40)
    body = parse("""
        netlist inputs=3
          %5 = lut 0x8 %2 %3
          %6 = lut 0x8 %2 %4

          %7 = lut 0xe %5 %6
          output %7 %5
    """)
    places = np.arange(2, 38)[:, None] + [0, 1, 2]
    a_nets = a.tile(body, places)[:, 0]
    b = Builder(40)
    other = parse("""
        netlist inputs=3
          %5 = lut 0xe %3 %4

          %6 = lut 0x7 %2 %5
          output %6
    """)
    b_nets = b.luts(b.tile(other, places), np.full(36, 1))
    assert verdict(a.build(a_nets), b.build(b_nets), False).same.all()
