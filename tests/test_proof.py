"""Functional reduction and SAT: never wrong, and able to prove."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pass_checks import dense
from strategies import all_inputs, netlists

from gatewright.compiler import Luts, simulate
from gatewright.compiler.native import library
from gatewright.compiler.optimize import optimize
from gatewright.compiler.passes.decompose import Decompose
from gatewright.compiler.passes.lower import lower
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.passes.unroll import unroll
from gatewright.compiler.proof import sat
from gatewright.compiler.proof.prover import Prover
from gatewright.compiler.proof.python import PythonGraph
from gatewright.compiler.proof.reduction import Effort, make_graph, reduce
from gatewright.compiler.proof.vectors import around, random_patterns
from gatewright.compiler.subject import split

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


@settings(max_examples=100, deadline=None)
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
@settings(max_examples=100, deadline=None)
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
