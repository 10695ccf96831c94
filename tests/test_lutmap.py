"""Technology mapping: the function stays, LUTs have at most k inputs and do not become more."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pass_checks import assert_pass, chain, dense, golden, parse
from strategies import netlists

from gatewright.compiler import Builder, Luts, Netlist, Tile, simulate
from gatewright.compiler.mapping import ESTIMATE, Effort, map_luts
from gatewright.compiler.native import library
from gatewright.compiler.passes.fold import fold
from gatewright.compiler.passes.lutmap import LutMap, count_luts
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.simulate import simulate_words
from gatewright.compiler.stats import levels, lut_histogram, n_gates
from gatewright.compiler.subject_split import split
from gatewright.runtime.errors import NetlistError

SIZES = st.integers(2, 6)


@pytest.fixture
def in_python(monkeypatch):
    """Mapping without native code."""
    monkeypatch.setenv("GATEWRIGHT_NATIVE", "0")
    library.cache_clear()
    yield
    library.cache_clear()


@settings(max_examples=100, deadline=None)
@given(netlist=netlists(), k=SIZES, depth=st.booleans())
def test_mapping_keeps_the_function(netlist, k, depth):
    result = assert_pass(LutMap(k, depth), netlist, idempotent=False)
    assert max(lut_histogram(result), default=0) <= k


@settings(max_examples=100, deadline=None)
@given(netlist=netlists(max_k=3), k=st.integers(3, 6), depth=st.booleans())
def test_never_more_luts_or_levels(netlist, k, depth):
    result = LutMap(k, depth)(netlist)
    if depth:
        assert levels(result) <= levels(netlist)
    else:
        assert n_gates(result) <= n_gates(netlist)


@settings(max_examples=30, deadline=None)
@given(netlist=netlists(max_cells=9, kinds=("luts", "popcount")), k=SIZES, depth=st.booleans())
def test_native_and_python_agree(netlist, k, depth):
    assert_agree(netlist, k, depth, Effort(cuts=5, split=True))


@pytest.mark.parametrize("depth", [False, True])
@pytest.mark.parametrize("k", [2, 3, 4, 6])
def test_native_and_python_agree_on_networks(k, depth):
    assert_agree(dense(20, 60, 6), k, depth, Effort(split=True))
    assert_agree(dense(20, 60, 6), k, depth, ESTIMATE)
    assert_agree(dense(6, 80, 5, seed=1), k, depth, Effort(cuts=2, rounds=4, exact=1))


def assert_agree(netlist: Netlist, k: int, depth: bool, effort: Effort) -> None:
    subject, _ = split(netlist)
    native = map_luts(subject, k, depth, effort)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEWRIGHT_NATIVE", "0")
        library.cache_clear()
        plain = map_luts(subject, k, depth, effort)
    library.cache_clear()
    for name in ("fanin", "size", "table", "outputs"):
        np.testing.assert_array_equal(getattr(native, name), getattr(plain, name), name)


@settings(max_examples=30, deadline=None)
@given(netlist=netlists(), k=SIZES)
def test_mapping_twice_gives_the_same(netlist, k):
    assert LutMap(k)(netlist) == LutMap(k)(netlist)


def test_a_full_adder_is_two_luts():
    golden(
        LutMap(3),
        """
        netlist inputs=3
          %5 = lut 0x6 %2 %3
          %6 = lut 0x8 %2 %3

          %7 = lut 0x6 %5 %4
          %8 = lut 0x8 %5 %4

          %9 = lut 0xe %6 %8
          output %7 %9
        """,
        """
        netlist inputs=3
          %5 = lut 0x96 %2 %3 %4
          %6 = lut 0xe8 %2 %3 %4
          output %5 %6
        """,
    )


def test_gates_that_hide_an_input_or_a_constant_vanish():
    golden(
        LutMap(3),
        """
        netlist inputs=2
          %4 = lut 0x8 %2 %3
          %5 = lut 0x2 %2 %3
          %6 = lut 0x4 %2 %3

          %7 = lut 0xe %4 %5
          %8 = lut 0x8 %5 %6
          output %7 %8
        """,
        """
        netlist inputs=2
          output %2 %0
        """,
    )


def test_structure_that_does_not_fit_is_changed():
    """Two LUTs by splitting a function of five inputs; its gates as they stand take three."""
    netlist = parse("""
        netlist inputs=5
          %7 = lut 0x8 %2 %3
          %8 = lut 0x8 %5 %6

          %9 = lut 0x8 %7 %8

          %10 = lut 0x8 %9 %4
          output %10
    """)
    plain = Effort(rounds=3, times=1)
    assert n_gates(LutMap(3, effort=plain)(netlist)) == 3
    assert n_gates(assert_pass(LutMap(3), netlist, idempotent=False)) == 2


def test_bodies_are_mapped_and_boxes_stay():
    body = chain_of_xors(3)
    builder = Builder(4)
    driven = builder.tile(body, [[2, 3, 4], [3, 4, 5]])
    netlist = builder.build(builder.popcount(driven.reshape(1, 2)))
    result = LutMap(3)(netlist)
    tile, popcount = result.cells
    assert isinstance(tile, Tile)
    assert n_gates(tile.body) == 1
    assert popcount == netlist.cells[1]


@pytest.mark.parametrize("k", range(2, 7))
def test_parity_of_many_inputs_needs_no_more_luts_than_it_must(k):
    netlist = chain_of_xors(31)
    assert n_gates(LutMap(k)(netlist)) == -(-30 // (k - 1))


def chain_of_xors(inputs: int) -> Netlist:
    text = [f"netlist inputs={inputs}"]
    for i in range(1, inputs):
        before = 2 if i == 1 else inputs + i
        text += [f"  %{inputs + 1 + i} = lut 0x6 %{before} %{i + 2}", ""]
    return parse("\n".join([*text[:-1], f"  output %{2 * inputs}"]) + "\n")


@pytest.mark.parametrize(("k", "deepest"), [(2, 6), (4, 3), (6, 3)])
def test_a_balanced_tree_is_as_deep_as_it_must(k, deepest):
    builder = Builder(64)
    nets = np.arange(2, 66)
    while len(nets) > 1:
        nets = builder.luts(nets.reshape(-1, 2), np.full(len(nets) // 2, 0x6))
    assert levels(LutMap(k, depth=True)(builder.build(nets))) == deepest


def test_depth_and_area_are_bargained():
    netlist = fold(dense(12, 90, 12))
    fast, small = LutMap(4, depth=True)(netlist), LutMap(4)(netlist)
    assert levels(fast) <= levels(small)
    assert n_gates(small) <= n_gates(fast)


@pytest.mark.parametrize("table", [0x6, 0x8])
def test_deep_chains(table):
    netlist = chain(table, 3000)
    result = LutMap(3)(netlist)
    assert n_gates(result) <= 1
    bits = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.bool_)
    np.testing.assert_array_equal(simulate(result, bits), simulate(netlist, bits))


def test_deep_logic_that_does_not_collapse(in_python):
    netlist = chain_of_xors(3001)
    assert n_gates(LutMap(3, effort=Effort(cuts=2, rounds=1, exact=1))(netlist)) == 1500


def test_a_million_vectors():
    netlist = dense(100, 400, 5)
    random = np.random.default_rng(1)
    results = [LutMap(k)(netlist) for k in (3, 6)]
    assert n_gates(results[1]) < n_gates(results[0]) < n_gates(fold(netlist))
    for _ in range(16):
        words = random.integers(0, 1 << 64, (100, 1 << 10), dtype=np.uint64)
        wanted = simulate_words(netlist, words)
        for result in results:
            np.testing.assert_array_equal(simulate_words(result, words), wanted)


def test_mapped_logic_is_left_alone():
    mapped = LutMap(6)(dense(30, 80, 5))
    assert LutMap(6)(mapped) is mapped
    again = LutMap(4)(mapped)
    assert max(lut_histogram(again)) <= 4


def test_wide_luts_become_narrow():
    netlist = Netlist(6, (Luts([[2, 3, 4, 5, 6, 7]], [0x8000000000000001]),), np.array([8]))
    assert n_gates(LutMap(6)(netlist)) == 1
    result = assert_pass(LutMap(2), netlist, idempotent=False)
    assert set(lut_histogram(result)) <= {1, 2}


@settings(max_examples=100, deadline=None)
@given(netlist=netlists(max_k=2), k=SIZES)
def test_an_estimate_is_no_more_than_one_lut_for_each_gate(netlist, k):
    folded = fold(netlist)  # may turn popcounts into gates
    assert count_luts(folded, k) <= n_gates(folded)


def test_an_estimate_is_near_what_mapping_finds():
    netlist = dense(100, 1000, 4)
    for k in (3, 6):
        found = n_gates(LutMap(k)(netlist))
        assert 0.9 * found <= count_luts(netlist, k) <= 1.1 * found


def test_an_estimate_counts_inverters():
    text = "netlist inputs=2\n  %4 = lut 0x8 %2 %3\n  %5 = lut 0x7 %2 %3\n  %6 = lut 0x1 %2\n"
    netlist = parse(text + "  output %4 %5 %6\n")
    assert count_luts(strash(netlist), 3) == n_gates(LutMap(3)(netlist)) == 3


def test_an_estimate_counts_places():
    body = parse("netlist inputs=2\n  %4 = lut 0x6 %2 %3\n  output %4\n")
    netlist = Netlist(3, (Tile(body, [[2, 3], [3, 4], [2, 4]]),), np.array([5, 6, 7]))
    assert count_luts(netlist, 3) == 3


@pytest.mark.parametrize("k", [1, 7, 2.5])
def test_other_sizes_are_refused(k):
    with pytest.raises(NetlistError, match=r"LutMap: k is .*; allowed are 2 to 6"):
        LutMap(k)
    with pytest.raises(NetlistError, match=r"mapping: k is .*; allowed are 2 to 6"):
        count_luts(dense(3, 3, 1), k)


def test_bodies_keep_their_wide_luts_when_what_is_around_is_mapped():
    inner = Builder(4)
    pairs = inner.luts([[2, 3], [4, 5]], 14)
    body = inner.build(inner.luts([pairs], 14))
    builder = Builder(8)
    pooled = builder.tile(body, [[2, 3, 4, 5], [6, 7, 8, 9]])
    mapped = LutMap(3)(builder.build(pooled.ravel()))
    (tile,) = mapped.cells
    assert isinstance(tile, Tile)
    assert sum(cell.n_nets for cell in tile.body.cells) == 2
