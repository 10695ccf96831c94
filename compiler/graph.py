"""The graph face of the IR: netlists as networkx graphs, and passes written on them.

One node a net, named by its integer, and an edge from each net to each that reads it. Attributes:

=========  =========================================  ==========================================
kind       attributes                                 meaning
=========  =========================================  ==========================================
const      value                                      bool
input      index                                      which input of the netlist
lut        table                                      integer; bit j is the output for pattern j
popcount   instance, bit                              one bit of the count; `shift`, a tuple, is
                                                      there if pin i counts 2**shift[i]
argmax     instance, bit, candidates, bits            pin = candidate * bits + bit of it
tile       instance, bit, body                        one output of one place; body is a Netlist
=========  =========================================  ==========================================

All have `level`; gates have `pins`, the number of their fanins. Nets of one popcount group, argmax
or place share an `instance` and have the same fanin. An edge's `pins` is the tuple of the fanin
positions that the driver feeds. `graph.graph` has `n_inputs` and `outputs`, the tuple of output
nodes: a pass that renames or replaces an output has to say so there.

A pass in ten lines is a function `DiGraph -> DiGraph` behind `graph_pass`::

    @graph_pass
    def invert_outputs(graph):
        found = graph.copy()
        for i, node in enumerate(graph.graph["outputs"]):
            found.add_node(("not", i), kind="lut", table=0x1)
            connect(found, ("not", i), [node])
        found.graph["outputs"] = [("not", i) for i in range(len(graph.graph["outputs"]))]
        return found
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import networkx
import numpy as np

from ..runtime.errors import NetlistError
from .graph_prune import prune_constant_gates, prune_dead_gates
from .graph_units import Node, Unit, bad_node, connect, fanin_of, outputs_of, units_of
from .literals import same_or
from .netlist import FALSE, FIRST_INPUT, TRUE, Argmax, Cell, IntArray, Luts, Netlist, Popcount, Tile
from .stats import net_levels
from .verify import verify

__all__ = [
    "connect",
    "fanin_of",
    "from_networkx",
    "graph_pass",
    "prune_constant_gates",
    "prune_dead_gates",
    "to_networkx",
]
_ORDER = ("lut", "popcount", "argmax", "tile")


def to_networkx(netlist: Netlist) -> networkx.DiGraph:
    """The graph of a valid netlist, one node a net; see this module for the attributes."""
    graph = networkx.DiGraph(n_inputs=netlist.n_inputs, outputs=tuple(netlist.outputs.tolist()))
    level = net_levels(netlist).tolist()
    for net in (FALSE, TRUE):
        graph.add_node(net, kind="const", level=0, value=net == TRUE)
    for index in range(netlist.n_inputs):
        graph.add_node(FIRST_INPUT + index, kind="input", level=0, index=index)
    instance = 0
    for net, cell in netlist.placed():
        facts: dict[str, Any] = {"kind": type(cell).__name__.lower()}
        rows = cell.fanin.tolist()
        match cell:
            case Luts():
                for fanin, table in zip(rows, cell.table.tolist(), strict=True):
                    graph.add_node(net, kind="lut", level=level[net], table=table)
                    connect(graph, net, fanin)
                    net += 1
                continue
            case Popcount():
                if cell.shift is not None:
                    facts["shift"] = tuple(cell.shift.tolist())
            case Argmax():
                facts |= {"candidates": len(rows), "bits": len(rows[0])}
                rows = [[net for row in rows for net in row]]
            case Tile():
                facts["body"] = cell.body
        for fanin in rows:
            for bit in range(cell.n_nets // len(rows)):
                graph.add_node(net, level=level[net], instance=instance, bit=bit, **facts)
                connect(graph, net, fanin)
                net += 1
            instance += 1
    return graph


def from_networkx(graph: networkx.DiGraph) -> Netlist:
    """The netlist of a graph, also of one that was edited.

    Nodes may be any hashable, in any order; `level` is not read. Bits of an instance may be missing
    if nothing reads them. Gates of one level and kind become one cell, so the order of nets is not
    that of the netlist the graph came from.

    Raises:
        NetlistError: an attribute, pin or output is missing or wrong, or there is a cycle.
    """
    outputs = outputs_of(graph)
    units = units_of(graph)
    n_inputs = graph.graph["n_inputs"]
    net = _sources(graph, n_inputs)
    cells: list[Cell] = []
    first = FIRST_INPUT + n_inputs
    for group in _groups(units):
        fanin = np.array([[net[node] for node in unit.fanin] for unit in group], np.int32)
        cells.append(_cell(group, fanin.reshape(len(group), -1)))
        for unit in group:
            net |= {node: first + bit for bit, node in unit.nodes.items()}
            first += unit.width
    return verify(Netlist(n_inputs, tuple(cells), np.array([net[node] for node in outputs], int)))


def _sources(graph: networkx.DiGraph, n_inputs: int) -> dict[Node, int]:
    """The nets of constants and inputs."""
    net: dict[Node, int] = {}
    taken: dict[int, Node] = {}
    for node, facts in graph.nodes(data=True):
        if facts["kind"] == "const":
            net[node] = TRUE if facts["value"] else FALSE
        elif facts["kind"] == "input":
            index = facts["index"]
            if index in taken or not 0 <= index < n_inputs:
                allowed = f"allowed is each of 0 to {n_inputs - 1} once"
                raise bad_node(node, f"input {index}", allowed)
            taken[index] = node
            net[node] = FIRST_INPUT + index
    return net


def _groups(units: list[Unit]) -> list[list[Unit]]:
    """Units that become one cell, in order of level, then kind, then shape, then graph."""
    level: dict[Node, int] = {}
    for unit in units:
        depth = 1 + max((level.get(node, 0) for node in unit.fanin), default=0)
        level |= dict.fromkeys(unit.nodes.values(), depth)
    groups: dict[tuple[Any, ...], list[Unit]] = {}
    for unit in sorted(units, key=lambda unit: unit.rank):
        depth = level[next(iter(unit.nodes.values()))]
        apart: Any = 0
        if unit.kind == "popcount":
            apart = unit.facts["shift"]
        elif unit.kind == "tile":
            apart = id(unit.facts["body"])
        elif unit.kind == "argmax":
            apart = unit.rank
        key = (depth, _ORDER.index(unit.kind), len(unit.fanin), apart)
        groups.setdefault(key, []).append(unit)
    return [groups[key] for key in sorted(groups, key=lambda key: (key[:3], groups[key][0].rank))]


def _cell(group: list[Unit], fanin: IntArray) -> Cell:
    facts = group[0].facts
    match group[0].kind:
        case "lut":
            return Luts(fanin, np.array([unit.facts["table"] for unit in group], np.uint64))
        case "popcount":
            return Popcount(fanin, np.array(facts["shift"]))
        case "argmax":
            return Argmax(fanin.reshape(facts["candidates"], facts["bits"]))
    return Tile(facts["body"], fanin)


def graph_pass(function: Callable[[networkx.DiGraph], networkx.DiGraph]) -> Callable[..., Netlist]:
    """Make a pass on graphs a pass on netlists; it keeps its name and docstring.

    Raises:
        NetlistError: the function returned something else than a graph, or the pass was given
            something else than a netlist.
    """

    @functools.wraps(function)
    def on_netlist(netlist: Netlist) -> Netlist:
        if not isinstance(netlist, Netlist):
            raise NetlistError(
                f"pass {on_netlist.__name__}: given a {type(netlist).__name__}; allowed is a "
                "Netlist; of a circuit take circuit.netlist, then circuit.with_netlist(result)"
            )
        result = function(to_networkx(netlist))
        if not isinstance(result, networkx.Graph):
            raise NetlistError(
                f"pass {on_netlist.__name__}: returned {type(result).__name__}; "
                "allowed is a networkx.DiGraph; return the graph, changed or not"
            )
        if networkx.utils.graphs_equal(result, to_networkx(netlist)):
            return netlist
        return same_or(netlist, from_networkx(result))

    return on_netlist
