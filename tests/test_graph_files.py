"""Netlists as DOT and GraphML."""

import networkx
import numpy as np
import pytest
from format_checks import boolean
from hypothesis import HealthCheck, given, settings
from pass_checks import dense, parse
from strategies import netlists

import gatewright as gw
from gatewright.compiler import Builder
from gatewright.compiler.names import Names
from gatewright.runtime.errors import FileError

NETLIST = """\
    netlist inputs=3
      %5 = lut 0x6 %2 %3

      %6 = lut 0x8 %5 %1
      %7..%8 = popcount %5 %6
      output %8 %2
    """


def test_dot(tmp_path):
    names = Names(("a", 'say "b"', "c\x01"), ("sum", "a"))
    gw.write(boolean(parse(NETLIST), names), tmp_path / "a.dot")
    assert (
        (tmp_path / "a.dot").read_text()
        == """\
digraph circuit {
  rankdir=LR;
  node [shape=box];
  n1 [label="1", shape=plaintext];
  n2 [label="a", shape=plaintext];
  n3 [label="say \\"b\\"", shape=plaintext];
  n4 [label="c?", shape=plaintext];
  n5 [label="xor 0x6"];
  n6 [label="and 0x8"];
  n7 [label="popcount 0 bit 0"];
  n8 [label="popcount 0 bit 1"];
  out0 [label="sum", shape=plaintext];
  out1 [label="a", shape=plaintext];
  n1 -> n6 [headlabel="1"];
  n2 -> n5 [headlabel="0"];
  n2 -> out1;
  n3 -> n5 [headlabel="1"];
  n5 -> n6 [headlabel="0"];
  n5 -> n7 [headlabel="0"];
  n5 -> n8 [headlabel="0"];
  n6 -> n7 [headlabel="1"];
  n6 -> n8 [headlabel="1"];
  n8 -> out0;
}
"""
    )


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(netlist=netlists())
def test_networkx_reads_graphml_back(tmp_path, netlist):
    path = tmp_path / "a.graphml"
    gw.write(netlist, path)
    graph = networkx.read_graphml(path)
    view = netlist.to_networkx()
    inputs = [node for node, kind in graph.nodes(data="kind") if kind == "input"]
    assert len(inputs) == netlist.n_inputs
    outputs = [(node, i) for node, i in graph.nodes(data="index") if str(node).startswith("out")]
    assert sorted(i for _, i in outputs) == list(range(len(netlist.outputs)))
    for node, i in outputs:
        assert list(graph.predecessors(node)) == [f"n{netlist.outputs[i]}"]
    for source, target, pins in view.edges(data="pins"):
        assert graph.edges[f"n{source}", f"n{target}"]["pins"] == " ".join(map(str, pins))
    first = path.read_bytes()
    gw.write(netlist, path)
    assert path.read_bytes() == first


def test_wide_tables_and_names_in_graphml(tmp_path):
    builder = Builder(6)
    table = np.array([2**64 - 2], np.uint64)
    netlist = builder.build(builder.luts([[2, 3, 4, 5, 6, 7]], table))
    names = Names(tuple("ab<&\x02f"), ("ä",))
    gw.write(boolean(netlist, names), tmp_path / "a.graphml")
    graph = networkx.read_graphml(tmp_path / "a.graphml")
    assert graph.nodes["n8"]["table"] == "0xfffffffffffffffe"
    assert [graph.nodes[f"n{i}"]["label"] for i in range(2, 8)] == list("ab<&?f")
    assert graph.nodes["out0"]["label"] == "ä"


def test_large_netlists_are_refused(tmp_path):
    with pytest.raises(FileError, match=r"100502 nets; allowed are 100000 .* \.blif"):
        gw.write(dense(500, 1000, 100), tmp_path / "a.dot")


def test_graphs_are_written_only(tmp_path):
    for name, cure in (("a.graphml", "from_networkx"), ("a.dot", "allowed are")):
        with pytest.raises(FileError, match=cure):
            gw.read(tmp_path / name)
    with pytest.raises(FileError, match="emit"):
        gw.write(dense(2, 2, 1), tmp_path / "a.v")
