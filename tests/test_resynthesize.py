"""Cut rewriting and resubstitution keep the function and save gates."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from pass_checks import assert_pass, assert_same_function, chain, dense, golden
from strategies import netlists

from gatewright.compiler import Builder, Tile
from gatewright.compiler.native import library
from gatewright.compiler.passes import resynthesize
from gatewright.compiler.passes.fold import fold
from gatewright.compiler.passes.resynthesize import (
    QUICK,
    CutRewrite,
    Refactor,
    Resubstitute,
    Resynthesize,
)
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.simulate import simulate_words
from gatewright.compiler.stats import n_gates
from gatewright.runtime.errors import NetlistError

needs_native = pytest.mark.skipif(
    library("cut_rewrite") is None, reason="other gates are kept without native code"
)
PASSES = (
    CutRewrite(),
    CutRewrite(zero_cost=True, seed=3),
    Resubstitute(),
    Resubstitute(10, 150, 2),
    Resubstitute(4, 10, 0),
    Resynthesize(),
    Resynthesize(QUICK, rounds=2, k=4),
)
REFACTOR = (Refactor(), Refactor(6, zero_cost=True))


@pytest.mark.parametrize("one", PASSES + REFACTOR, ids=str)
@settings(max_examples=20, deadline=None)
@given(netlist=netlists())
def test_functions_are_kept(one, netlist):
    result = assert_pass(one, netlist, idempotent=False)
    assert n_gates(result) <= n_gates(netlist)


@pytest.mark.parametrize("one", PASSES, ids=str)
def test_dense_logic_keeps_its_function_and_shrinks(one):
    netlist = dense(8, 60, 6)
    assert n_gates(assert_pass(one, netlist, idempotent=False)) < n_gates(netlist)


@pytest.mark.parametrize("one", PASSES[:-2], ids=str)
@settings(max_examples=20, deadline=None)
@given(netlist=netlists())
def test_without_native_code_functions_are_kept(one, netlist):
    with mock.patch.object(resynthesize, "library", return_value=None):
        slow = assert_pass(one, netlist, idempotent=False)
    assert_same_function(one(netlist), slow)


@pytest.mark.parametrize("one", PASSES[:-2], ids=str)
def test_without_native_code_dense_logic_shrinks_too(one):
    netlist = dense(8, 60, 6)
    with mock.patch.object(resynthesize, "library", return_value=None):
        assert n_gates(assert_pass(one, netlist, idempotent=False)) < n_gates(netlist)


@needs_native
def test_refactoring_shrinks_sums_of_products():
    golden(
        Refactor(),
        """
        netlist inputs=5
          %7 = lut 0x8 %2 %3
          %8 = lut 0x8 %2 %4
          %9 = lut 0x8 %2 %5
          %10 = lut 0x8 %2 %6

          %11 = lut 0xe %7 %8
          %12 = lut 0xe %9 %10

          %13 = lut 0xe %11 %12
          output %13
        """,
        """
        netlist inputs=5
          %7 = lut 0x1 %3 %4

          %8 = lut 0x4 %5 %7

          %9 = lut 0x4 %6 %8

          %10 = lut 0x2 %2 %9
          output %10
        """,
    )


def test_an_exclusive_or_of_three_gates():
    golden(
        CutRewrite(),
        """
        netlist inputs=2
          %4 = lut 0x2 %2 %3
          %5 = lut 0x4 %2 %3

          %6 = lut 0xe %4 %5
          output %6
        """,
        """
        netlist inputs=2
          %4 = lut 0x6 %2 %3
          output %4
        """,
    )


def test_a_majority_beside_an_exclusive_or():
    golden(
        CutRewrite(),
        """
        netlist inputs=3
          %5 = lut 0x8 %2 %3
          %6 = lut 0xe %2 %3
          %7 = lut 0x6 %2 %3

          %8 = lut 0x8 %6 %4
          %9 = lut 0x6 %7 %4

          %10 = lut 0xe %5 %8
          output %9 %10
        """,
        """
        netlist inputs=3
          %5 = lut 0x6 %2 %3
          %6 = lut 0x8 %2 %3

          %7 = lut 0x6 %4 %5
          %8 = lut 0x8 %4 %5

          %9 = lut 0xe %6 %8
          output %7 %9
        """,
    )


@needs_native
def test_equal_gates_of_different_structure():
    golden(
        Resubstitute(),
        """
        netlist inputs=5
          %7 = lut 0x8 %2 %3
          %8 = lut 0x8 %4 %5
          %9 = lut 0x8 %2 %4
          %10 = lut 0x8 %3 %6

          %11 = lut 0x8 %7 %8
          %12 = lut 0x8 %9 %10

          %13 = lut 0x8 %11 %6
          %14 = lut 0x8 %12 %5
          output %13 %14
        """,
        """
        netlist inputs=5
          %7 = lut 0x8 %2 %4
          %8 = lut 0x8 %3 %6

          %9 = lut 0x8 %7 %8

          %10 = lut 0x8 %5 %9
          output %10 %10
        """,
    )


@pytest.mark.parametrize(
    ("one", "table"),
    [
        (CutRewrite(), 0x6),
        (Resubstitute(), 0xE),
        pytest.param(Refactor(zero_cost=True), 0x6, marks=needs_native),
    ],
    ids=str,
)
def test_chains_of_three_thousand_levels(one, table):
    netlist = chain(table, 3000)
    result = one(netlist)
    assert n_gates(result) <= 2
    assert_same_function(netlist, result)


def test_a_chain_that_cannot_shrink_is_returned_itself():
    builder = Builder(3001)
    net = np.int32(2)
    for i in range(3000):
        net = builder.luts([[net, i + 3]], [(0x6, 0x8, 0xE)[i % 3]])[0]
    netlist = builder.build(net)
    assert Resynthesize()(netlist) is netlist


def test_shared_bodies_stay_shared():
    body = dense(4, 12, 3)
    builder = Builder(8)
    first = builder.tile(body, [[2, 3, 4, 5]])
    second = builder.tile(body, [[6, 7, 8, 9]])
    netlist = builder.build(np.concatenate([first.reshape(-1), second.reshape(-1)]))
    bodies = [c.body for c in Resynthesize()(netlist).cells if isinstance(c, Tile)]
    assert len(bodies) == 2
    assert bodies[0] is bodies[1]
    assert n_gates(bodies[0]) < n_gates(body)


def test_a_larger_circuit_answers_the_same_to_a_million_vectors():
    netlist = strash(fold(dense(60, 150, 5)))
    result = Resynthesize()(netlist)
    assert n_gates(result) < n_gates(netlist)
    words = np.random.default_rng(0).integers(0, 1 << 63, (60, 1 << 15), np.uint64) << np.uint64(1)
    np.testing.assert_array_equal(simulate_words(result, words), simulate_words(netlist, words))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"leaves": 11}, "leaves is 11; allowed are 4 to 10"),
        ({"divisors": 9}, "divisors is 9; allowed are 10 to 250"),
        ({"leaves": "8"}, "leaves is '8'; allowed are 4 to 10"),
        ({"added": 3}, "added is 3; allowed are 0 to 2"),
    ],
)
def test_arguments_out_of_range(arguments, text):
    with pytest.raises(NetlistError, match=text):
        Resubstitute(**arguments)


def test_rounds_begin_in_time_only():
    netlist = Resynthesize(changes=())(dense(8, 60, 6))
    assert Resynthesize(rounds=3, seconds=-1)(netlist) is netlist


def test_cones_out_of_range():
    with pytest.raises(NetlistError, match="Refactor: leaves is 3; allowed are 4 to 10"):
        Refactor(3)
