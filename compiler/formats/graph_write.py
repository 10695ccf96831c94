"""Writing netlists as graphs to look at: Graphviz DOT and GraphML."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import networkx

from ...runtime.archive import write_file
from ...runtime.errors import FileError
from ..circuit import Circuit
from ..graph import to_networkx
from ..names import bit_names
from ..netlist import FALSE, FIRST_INPUT, TRUE

MOST_NETS = 100_000
_GATES = {
    (1, 0x1): "not", (1, 0x2): "buf",
    (2, 0x1): "nor", (2, 0x2): "0 & ~1", (2, 0x4): "~0 & 1", (2, 0x6): "xor", (2, 0x7): "nand",
    (2, 0x8): "and", (2, 0x9): "xnor", (2, 0xB): "0 | ~1", (2, 0xD): "~0 | 1", (2, 0xE): "or",
    (3, 0x96): "sum", (3, 0xE8): "majority", (3, 0xCA): "2 ? 1 : 0",
}  # fmt: skip


def write_graph(circuit: Circuit, path: str | os.PathLike[str]) -> None:
    """Write a circuit's netlist: `.graphml` as GraphML, any other suffix as DOT.

    One node a net, with a label, and one for each output; an edge's `pins` are the fanin positions
    that it feeds. In GraphML all attributes are numbers and text, so that networkx and others read
    them. Encoder and decoder are not in the file.

    Raises:
        FileError: over 100,000 nets, or the file cannot be written.
    """
    if circuit.netlist.n_nets > MOST_NETS:
        raise FileError(
            f"{path}: {circuit.netlist.n_nets} nets; allowed are {MOST_NETS} in a graph to look "
            "at; write a part, or another format such as .blif"
        )
    graph = _plain(circuit)
    if Path(path).suffix == ".graphml":
        buffer = io.BytesIO()
        networkx.write_graphml_xml(graph, buffer)
        write_file(path, buffer.getvalue())
    else:
        write_file(path, "".join(_dot(graph)).encode())


def _plain(circuit: Circuit) -> networkx.DiGraph:
    """The graph of a netlist with labels and outputs as nodes, all attributes plain."""
    found = to_networkx(circuit.netlist)
    inputs, outputs = bit_names(
        circuit.names, circuit.netlist.n_inputs, len(circuit.netlist.outputs)
    )
    graph = networkx.DiGraph()
    for net, facts in found.nodes(data=True):
        if net in (FALSE, TRUE) and not found.out_degree(net) and net not in found.graph["outputs"]:
            continue
        label = _label(facts, net)
        if facts["kind"] == "input":
            label = _printable(inputs[net - FIRST_INPUT])
        kept = {key: value for key, value in facts.items() if isinstance(value, int | str)}
        kept |= {
            key: " ".join(map(str, value))
            for key, value in facts.items()
            if isinstance(value, tuple)
        }
        if facts["kind"] == "lut":
            kept["table"] = f"{facts['table']:#x}"  # of six inputs it is no signed 64-bit number
        if facts["kind"] == "const":
            kept["value"] = int(facts["value"])
        graph.add_node(f"n{net}", label=label, **kept)
    for source, target, facts in found.edges(data=True):
        graph.add_edge(f"n{source}", f"n{target}", pins=" ".join(map(str, facts["pins"])))
    for index, net in enumerate(found.graph["outputs"]):
        graph.add_node(f"out{index}", label=_printable(outputs[index]), kind="output", index=index)
        graph.add_edge(f"n{net}", f"out{index}", pins="0")
    return graph


def _label(facts: dict[str, object], net: int) -> str:
    kind = facts["kind"]
    if kind == "const":
        return str(int(net == TRUE))
    if kind == "lut":
        table = facts["table"]
        assert isinstance(table, int)
        name = _GATES.get((facts["pins"], table))  # type: ignore[arg-type]
        return f"{name} {table:#x}" if name else f"lut {table:#x}"
    return f"{kind} {facts['instance']} bit {facts['bit']}" if "instance" in facts else str(kind)


def _printable(name: str) -> str:
    """A name without characters that XML and Graphviz do not take."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def _dot(graph: networkx.DiGraph) -> Iterator[str]:
    yield "digraph circuit {\n  rankdir=LR;\n  node [shape=box];\n"
    for node, facts in graph.nodes(data=True):
        shape = ", shape=plaintext" if facts["kind"] in ("input", "output", "const") else ""
        label = facts["label"].replace("\\", "\\\\").replace('"', '\\"')
        yield f'  {node} [label="{label}"{shape}];\n'
    for source, target, facts in graph.edges(data=True):
        pins = "" if graph.in_degree(target) == 1 else f' [headlabel="{facts["pins"]}"]'
        yield f"  {source} -> {target}{pins};\n"
    yield "}\n"
