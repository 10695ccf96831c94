"""Passes on graphs: pruning as the array passes do, and passes of one's own."""

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from pass_checks import ALL_KINDS, assert_pass, chain, golden, parse
from strategies import netlists

from gatewright.compiler import Builder
from gatewright.compiler.graph import (
    connect,
    fanin_of,
    from_networkx,
    graph_pass,
    prune_constant_gates,
    prune_dead_gates,
    to_networkx,
)
from gatewright.compiler.passes.fold import fold
from gatewright.compiler.passes.sweep import sweep
from gatewright.compiler.stats import levels, n_gates
from gatewright.runtime.errors import NetlistError

PLAIN = ("luts", "popcount", "argmax")


@pytest.mark.parametrize("one", [prune_constant_gates, prune_dead_gates], ids=lambda f: f.__name__)
@settings(max_examples=120, deadline=None)
@given(netlist=netlists())
def test_prunes_keep_the_contract(one, netlist):
    assert_pass(graph_pass(one), netlist)


def test_pruning_keeps_the_order_of_rows():
    before = """
        netlist inputs=2
          %4..%5 = popcount %2 %3
          %6..%7 = popcount %3 %2

          %8..%9 = popcount %6 %2 %0
          %10..%11 = popcount %4 %3 %0
          output %8 %11
        """
    golden(graph_pass(prune_constant_gates), before, before.replace(" %0", ""))


def test_pruning_keeps_the_order_of_inverters():
    netlist = parse(
        """
        netlist inputs=3
          %5 = lut 0x1 %2
          %6 = lut 0x1 %3

          %7..%8 = popcount %6 %5 %4

          %9..%10 = popcount %5 %4 %0
          %11..%13 = popcount 2*%2 2*%3
          output %7 %9 %12
        """
    )
    assert_pass(graph_pass(prune_constant_gates), netlist)


@settings(max_examples=200, deadline=None)
@given(netlist=netlists(kinds=PLAIN))
def test_prunes_do_what_the_array_passes_do(netlist):
    constant, dead = graph_pass(prune_constant_gates), graph_pass(prune_dead_gates)
    assert n_gates(constant(netlist)) == n_gates(fold(netlist))
    assert levels(constant(netlist)) == levels(fold(netlist))
    assert n_gates(dead(netlist)) == n_gates(sweep(netlist))
    assert n_gates(dead(constant(netlist))) == n_gates(sweep(fold(netlist)))


@settings(max_examples=100, deadline=None)
@given(netlist=netlists(kinds=PLAIN, max_k=2, max_inputs=3, max_cells=12))
def test_prunes_do_what_the_array_passes_do_where_much_is_equal(netlist):
    assert n_gates(graph_pass(prune_constant_gates)(netlist)) == n_gates(fold(netlist))


@settings(max_examples=60, deadline=None)
@given(netlist=netlists())
def test_prunes_leave_their_argument_and_keep_levels_right(netlist):
    graph, again = to_networkx(netlist), to_networkx(netlist)
    for prune in (prune_constant_gates, prune_dead_gates):
        pruned = prune(graph)
        assert networkx.utils.graphs_equal(graph, again)
        for node, level in pruned.nodes(data="level"):
            if pruned.nodes[node]["kind"] not in ("const", "input", "tile"):
                below = [pruned.nodes[driver]["level"] for driver in fanin_of(pruned, node)]
                assert level == 1 + max(below)


def test_prune_reuses_and_invents_names():
    graph = parse("netlist inputs=2\n  %4 = lut 0x1 %2\n  output %4\n").to_networkx()
    assert prune_constant_gates(graph).graph["outputs"] == (4,)
    graph = parse("netlist inputs=1\n  %3 = popcount %2\n  %4 = lut 0x1 %3\n  output %4\n")
    assert prune_constant_gates(graph.to_networkx()).graph["outputs"] == (4,)
    counted = parse("netlist inputs=1\n  %3..%4 = popcount %2 %1\n  output %3\n").to_networkx()
    assert prune_constant_gates(counted).graph["outputs"] == (("not", 2),)
    clash = networkx.relabel_nodes(counted, {4: ("not", 2)})
    assert prune_constant_gates(clash).graph["outputs"] == (("not", ("not", 2)),)
    bare = parse("netlist inputs=1\n  %3 = lut 0x6 %2 %2\n  output %3\n").to_networkx()
    bare.remove_nodes_from([0, 1])
    assert str(from_networkx(prune_constant_gates(bare))) == "netlist inputs=1\n  output %0\n"


def test_prunes_on_three_thousand_levels():
    deep = chain(0x6, 3000)
    assert graph_pass(prune_constant_gates)(deep) is deep
    assert graph_pass(prune_dead_gates)(deep) is deep
    inverters = chain(0x5, 3000)
    assert str(graph_pass(prune_constant_gates)(inverters)) == "netlist inputs=2\n  output %2\n"


def test_a_pass_of_ten_lines():
    @graph_pass
    def invert_outputs(graph):
        """Answer the opposite."""
        found = graph.copy()
        outputs = graph.graph["outputs"]
        for i, node in enumerate(outputs):
            found.add_node(("not", i), kind="lut", table=0x1)
            connect(found, ("not", i), [node])
        found.graph["outputs"] = [("not", i) for i in range(len(outputs))]
        return found

    assert invert_outputs.__name__ == "invert_outputs"
    assert invert_outputs.__doc__ == "Answer the opposite."
    netlist = parse("netlist inputs=2\n  %4 = lut 0x8 %2 %3\n  output %4\n")
    expected = "netlist inputs=2\n  %4 = lut 0x8 %2 %3\n  %5 = lut 0x1 %4\n  output %5\n"
    assert str(invert_outputs(netlist)) == expected


def test_a_graph_pass_that_returns_something_else_is_named():
    @graph_pass
    def broken(graph):
        return graph.nodes

    with pytest.raises(NetlistError, match="pass broken: returned NodeView; allowed is a networkx"):
        broken(chain(0x6, 1))


def test_a_pass_on_graphs_says_that_it_takes_netlists():
    with pytest.raises(NetlistError, match=r"pass prune_dead_gates: given a str; allowed is a"):
        graph_pass(prune_dead_gates)("circuit")


def test_a_graph_pass_that_changes_nothing_returns_its_argument():
    netlist = parse(ALL_KINDS)
    assert graph_pass(lambda graph: graph)(netlist) is netlist
    assert graph_pass(lambda graph: graph.copy())(netlist) is netlist


def test_ten_thousand_gates_there_and_back():
    random_nets = np.random.default_rng(0)
    builder = Builder(50)
    nets = np.arange(2, 52)
    for _ in range(5):
        nets = builder.luts(random_nets.choice(nets, (2000, 2)), [0x6] * 2000)
    netlist = builder.build(nets)
    assert n_gates(from_networkx(to_networkx(netlist))) == 10_000
