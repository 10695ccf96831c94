"""The networkx face: there and back, edited graphs, malformed graphs."""

import random

import networkx
import pytest
from hypothesis import given, settings
from pass_checks import ALL_KINDS, assert_same_function, golden, parse
from strategies import netlists

from gatewright.compiler import Netlist
from gatewright.compiler.graph import connect, fanin_of, from_networkx, to_networkx
from gatewright.compiler.stats import levels, n_gates, net_levels
from gatewright.runtime.errors import NetlistError


def test_nodes_have_their_attributes():
    graph = parse(ALL_KINDS).to_networkx()
    assert sorted(graph) == list(range(14))
    assert graph.graph == {"n_inputs": 3, "outputs": (9, 10, 13)}
    nodes = graph.nodes
    assert nodes[1] == {"kind": "const", "level": 0, "value": True}
    assert nodes[4] == {"kind": "input", "level": 0, "index": 2}
    assert nodes[6] == {"kind": "lut", "level": 1, "table": 0x8, "pins": 2}
    assert nodes[8] == {"kind": "popcount", "level": 2, "instance": 0, "bit": 1, "pins": 3}
    argmax = {"kind": "argmax", "level": 3, "instance": 1, "bit": 0, "candidates": 2, "bits": 2}
    assert nodes[9] == {**argmax, "pins": 4}
    assert (nodes[10]["instance"], nodes[11]["instance"], nodes[12]["instance"]) == (2, 2, 3)
    assert [nodes[net]["level"] for net in (10, 11, 12, 13)] == [4, 0, 1, 0]
    assert nodes[13]["body"].n_inputs == 2
    assert graph.edges[2, 5]["pins"] == (0, 1)
    assert fanin_of(graph, 9) == (7, 8, 2, 3)


@settings(max_examples=120, deadline=None)
@given(netlist=netlists())
def test_there_and_back(netlist):
    graph = to_networkx(netlist)
    assert len(graph) == netlist.n_nets
    assert (
        list(networkx.get_node_attributes(graph, "level").values()) == net_levels(netlist).tolist()
    )
    back = Netlist.from_networkx(graph)
    assert_same_function(netlist, back)
    assert n_gates(back) == n_gates(netlist)
    assert levels(back) == levels(netlist)
    assert from_networkx(to_networkx(back)) == back, "the regrouped netlist is a fixed point"


def relabelled(graph: networkx.DiGraph, seed: int) -> networkx.DiGraph:
    """The same graph with other names, its nodes and edges in another order."""
    shuffle = random.Random(seed).shuffle
    nodes, edges = list(graph), list(graph.edges(data=True))
    shuffle(nodes)
    shuffle(edges)
    name = {node: f"gate {node}" if i % 2 else ("gate", node) for i, node in enumerate(nodes)}
    outputs = [name[node] for node in graph.graph["outputs"]]
    result = networkx.DiGraph(n_inputs=graph.graph["n_inputs"], outputs=outputs)
    result.add_nodes_from((name[node], graph.nodes[node]) for node in nodes)
    result.add_edges_from((name[a], name[b], facts) for a, b, facts in edges)
    return result


@settings(max_examples=100, deadline=None)
@given(netlist=netlists())
def test_names_and_order_do_not_matter(netlist):
    graph = relabelled(to_networkx(netlist), seed=1)
    back = from_networkx(graph)
    assert_same_function(netlist, back)
    assert from_networkx(graph) == back


def test_dead_bits_and_inputs_may_be_missing():
    graph = parse(ALL_KINDS).to_networkx()
    graph.remove_nodes_from([11, 12])
    assert_same_function(parse(ALL_KINDS), from_networkx(graph))
    sparse = parse("netlist inputs=3\n  output %4\n").to_networkx()
    sparse.remove_nodes_from([0, 1, 2, 3])
    assert str(from_networkx(sparse)) == "netlist inputs=3\n  output %4\n"


def test_gates_of_one_level_become_one_cell():
    golden(
        lambda netlist: from_networkx(to_networkx(netlist)),
        """
        netlist inputs=2
          %4 = lut 0x1 %2
          %5 = lut 0x8 %2 %3

          %6 = lut 0x8 %4 %5
          %7 = lut 0x8 %2 %1
          output %6 %7
        """,
        """
        netlist inputs=2
          %4 = lut 0x1 %2
          %5 = lut 0x8 %2 %3
          %6 = lut 0x8 %2 %1

          %7 = lut 0x8 %4 %5
          output %7 %6
        """,
    )


# malformed graphs


def edited(change):
    graph = parse(ALL_KINDS).to_networkx()
    change(graph)
    return graph


def set_node(node, **facts):
    return lambda graph: graph.nodes[node].update(facts)


def drop(node, name):
    return lambda graph: graph.nodes[node].pop(name)


MALFORMED = [
    (lambda g: connect(g, 5, [9, 2]), r"waits for its own output; allowed are graphs without"),
    (lambda g: g.remove_node(4), r"node 7: pins \[0, 1\] are driven, of 3; every pin needs a"),
    (lambda g: g.remove_node(9), r"node 9: an output, but not in the graph; keep graph.graph"),
    (lambda g: g.add_edge(2, 6), r"node 6: the edge from 2 has pins None; allowed is a tuple"),
    (lambda g: g.add_edge(2, 6, pins="01"), r"node 6: the edge from 2 has pins '01'; allowed"),
    (lambda g: g.add_edge(2, 6, pins=(1,)), r"node 6: pin 1 is driven twice; allowed is one"),
    (lambda g: g.add_edge(2, 6, pins=(3,)), r"node 6: pins \[0, 1, 3\] are driven, of 2; every"),
    (lambda g: connect(g, 3, [2]), r"node 3: a input that reads 2; allowed is no fanin"),
    (lambda g: connect(g, 1, [2]), r"node 1: a const that reads 2; allowed is no fanin"),
    (set_node(5, kind="nand"), r"node 5: kind 'nand'; allowed are const, input, lut, popcount"),
    (lambda g: g.add_node("new"), r"node 'new': kind None; allowed are const, input, lut"),
    (drop(5, "table"), r"node 5: a lut without 'table'; needed are table"),
    (drop(1, "value"), r"node 1: a const without 'value'; needed are value"),
    (drop(4, "index"), r"node 4: a input without 'index'; needed are index"),
    (drop(8, "instance"), r"node 8: a popcount without 'instance'; needed are instance, bit"),
    (drop(9, "bits"), r"node 9: a argmax without 'bits'; needed are instance, bit, candidates, b"),
    (drop(10, "body"), r"node 10: a tile without 'body'; needed are instance, bit, body"),
    (set_node(4, index=1), r"node 4: input 1; allowed is each of 0 to 2 once"),
    (set_node(4, index=3), r"node 4: input 3; allowed is each of 0 to 2 once"),
    (set_node(5, table=16), r"node 5: table 16 of 2 inputs; allowed are 0 to 0xf"),
    (set_node(5, table=-1), r"node 5: table -1 of 2 inputs; allowed are 0 to 0xf"),
    (set_node(5, table=None), r"node 5: table None of 2 inputs; allowed are 0 to 0xf"),
    (lambda g: connect(g, 5, []), r"node 5: a lut of 0 inputs; allowed are 1 to 6"),
    (lambda g: connect(g, 5, [2] * 7), r"node 5: a lut of 7 inputs; allowed are 1 to 6"),
    (set_node(8, bit=2), r"node 8: bit 2 of instance 0; allowed is each of 0 to 1 once"),
    (set_node(8, bit=0), r"node 8: bit 0 of instance 0; allowed is each of 0 to 1 once"),
    (set_node(9, instance=0), r"node 9: differs in kind, fanin or shape from 7 of the same inst"),
    (lambda g: connect(g, 8, [5, 6, 3]), r"node 8: differs in kind, fanin or shape from 7 of"),
    (lambda g: connect(g, 9, [7, 8, 2]), r"node 9: a argmax of 3 inputs; allowed here is 4"),
    (lambda g: connect(g, 7, []), r"node 7: a popcount of 0 inputs; allowed here is 1"),
    (lambda g: connect(g, 10, [2]), r"node 10: a tile of 1 inputs; allowed here is 2"),
    (set_node(10, body="conv"), r"node 10: body is a str; allowed is a Netlist"),
    (lambda g: g.graph.pop("outputs"), r"graph: it has attributes \['n_inputs'\]; needed are n_i"),
    (lambda g: g.graph.pop("n_inputs"), r"graph: it has attributes \['outputs'\]; needed are n_i"),
]


@pytest.mark.parametrize(("change", "message"), MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_graphs_name_the_node(change, message):
    with pytest.raises(NetlistError, match=message):
        from_networkx(edited(change))


@pytest.mark.parametrize("kind", [networkx.Graph, networkx.MultiDiGraph])
def test_other_graph_classes_are_refused(kind):
    graph = kind(parse(ALL_KINDS).to_networkx())
    with pytest.raises(NetlistError, match=f"found a {kind.__name__}; allowed is a networkx.DiGr"):
        from_networkx(graph)
