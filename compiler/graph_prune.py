"""The passes `fold` and `sweep` once more, on the graph and gate by gate.

They are the plain form that the array passes are tested against, and examples of graph passes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import networkx
import numpy as np

from .graph_units import SOURCES, Node, Unit, connect, outputs_of, units_of
from .stats import tile_levels


def prune_dead_gates(graph: networkx.DiGraph) -> networkx.DiGraph:
    """A copy without the nodes that no output needs; constants and inputs stay.

    Raises:
        NetlistError: an output is not in the graph.
    """
    live = {node for node, kind in graph.nodes(data="kind") if kind in SOURCES}
    queue = list(outputs_of(graph))
    while queue:
        node = queue.pop()
        if node not in live:
            live.add(node)
            queue += graph.predecessors(node)
    result = graph.copy()
    result.remove_nodes_from([node for node in graph if node not in live])
    return result


class _Literal(NamedTuple):
    """A node, or its inverse; a constant if `node` is None, then `inverted` is its value."""

    node: Node | None
    inverted: bool

    def __invert__(self) -> _Literal:
        return _Literal(self.node, not self.inverted)


_FALSE, _TRUE = _Literal(None, False), _Literal(None, True)


def prune_constant_gates(graph: networkx.DiGraph) -> networkx.DiGraph:
    """A copy without constant, repeated and unused fanins, without buffers, with inverters only
    where a popcount, an argmax, a tile or an output reads them. Dead nodes stay.

    Raises:
        NetlistError: the graph is malformed, as for `from_networkx`.
    """
    pruned = _Prune(graph)
    for unit in units_of(graph):
        pruned.visit(unit)
    outputs = [pruned.plain(pruned.literal[node]) for node in outputs_of(graph)]
    pruned.graph.graph["outputs"] = tuple(outputs)
    return _in_order_of(graph, pruned.graph)


def _in_order_of(old: networkx.DiGraph, graph: networkx.DiGraph) -> networkx.DiGraph:
    """The same graph, the nodes that `old` has first and in its order."""
    result = networkx.DiGraph(**graph.graph)
    order = [*(node for node in old if node in graph), *(node for node in graph if node not in old)]
    result.add_nodes_from((node, graph.nodes[node]) for node in order)
    result.add_edges_from(graph.edges(data=True))
    return result


class _Prune:
    """The graph being built, and the literal of every old node."""

    def __init__(self, old: networkx.DiGraph) -> None:
        self.old = old
        self.graph = networkx.DiGraph(**old.graph)
        self.literal: dict[Node, _Literal] = {}
        self.carrier: dict[_Literal, Node] = {}  # nodes that carry constants and inverses
        self.inverter: dict[_Literal, Node] = {}  # old inverters, whose names can serve again
        for node, facts in old.nodes(data=True):
            if facts.get("kind") in SOURCES:
                self.graph.add_node(node, **facts)
                self.literal[node] = _Literal(node, False)
            if facts.get("kind") == "const":
                self.literal[node] = _constant(facts.get("value"))
                self.carrier.setdefault(self.literal[node], node)

    def visit(self, unit: Unit) -> None:
        """Put the literals of one unit, or what is left of it, into the new graph."""
        literals = [self.literal[node] for node in unit.fanin]
        match unit.kind:
            case "lut":
                self._lut(unit, literals)
            case "popcount":
                self._popcount(unit, literals)
            case "argmax":
                self._argmax(unit, literals)
            case _:
                self._keep(unit, literals)

    def plain(self, literal: _Literal) -> Node:
        """A node that carries `literal`; adds a constant or an inverter if there is none yet."""
        if literal.node is not None and not literal.inverted:
            return literal.node
        if literal not in self.carrier:
            self.carrier[literal] = self._add_carrier(literal)
        return self.carrier[literal]

    def _add_carrier(self, literal: _Literal) -> Node:
        name = self.inverter.get(literal, ("not", literal.node))
        while name in self.graph or (name in self.old and name != self.inverter.get(literal)):
            name = ("not", name)
        if literal.node is None:
            self.graph.add_node(name, kind="const", level=0, value=literal.inverted)
        else:
            level = self.graph.nodes[literal.node].get("level", 0) + 1
            self.graph.add_node(name, kind="lut", level=level, table=0x1)
            connect(self.graph, name, [literal.node])
        return name

    def _keep(self, unit: Unit, literals: list[_Literal], **changed: Any) -> None:
        """Copy the nodes of a unit, reading `literals`."""
        fanin = [self.plain(literal) for literal in literals]
        below = [self.graph.nodes[node].get("level", 0) for node in fanin]
        level = dict.fromkeys(unit.nodes, 1 + max(below, default=0))
        if unit.kind == "tile":
            rows = np.array([below], np.int32).reshape(1, -1)
            level = dict(enumerate(tile_levels(unit.facts["body"], rows)[0].tolist()))
        for bit, node in unit.nodes.items():
            facts = {**self.old.nodes[node], **changed, "level": level[bit]}
            self.graph.add_node(node, **facts)
            connect(self.graph, node, fanin)
            self.literal[node] = _Literal(node, False)

    def _lut(self, unit: Unit, literals: list[_Literal]) -> None:
        table, inputs = _simplest(unit.facts["table"], literals)
        node = unit.nodes[0]
        if not inputs:
            self.literal[node] = _constant(table)
        elif len(inputs) == 1:
            self.literal[node] = _Literal(inputs[0], table == 0x1)
            self.inverter.setdefault(self.literal[node], node)
        else:
            self._keep(unit, [_Literal(driver, False) for driver in inputs], table=table)

    def _popcount(self, unit: Unit, literals: list[_Literal]) -> None:
        addends = [
            (literal, shift)
            for literal, shift in zip(literals, unit.facts["shift"], strict=True)
            if literal != _FALSE
        ]
        varying = [(literal, shift) for literal, shift in addends if literal.node is not None]
        if len(varying) > 1:
            kept, shifts = zip(*addends, strict=True)
            self._keep(unit, list(kept), **({"shift": shifts} if any(unit.facts["shift"]) else {}))
        largest = sum(1 << shift for _, shift in addends)
        true = largest - sum(1 << shift for _, shift in varying)
        least = min((shift for _, shift in addends), default=0)
        for bit, node in unit.nodes.items():
            if largest >> bit == 0 or bit < least:
                self.graph.remove_nodes_from([node])
                self.literal[node] = _FALSE
            elif len(varying) <= 1:
                low, high = true >> bit & 1, largest >> bit & 1
                literal = _constant(low)
                if low != high:
                    literal = ~varying[0][0] if low else varying[0][0]
                self.literal[node] = literal

    def _argmax(self, unit: Unit, literals: list[_Literal]) -> None:
        bits = unit.facts["bits"]
        rows = [literals[start : start + bits] for start in range(0, len(literals), bits)]
        columns = [i for i in range(bits) if len({row[i] for row in rows}) > 1]
        rows = [[row[i] for i in columns] for row in rows]
        if any(literal.node is not None for row in rows for literal in row):
            self._keep(unit, [literal for row in rows for literal in row], bits=len(columns))
            return
        numbers = [[literal.inverted for literal in reversed(row)] for row in rows]
        best = numbers.index(max(numbers))
        for bit, node in unit.nodes.items():
            self.literal[node] = _constant(best >> bit & 1)


def _constant(value: object) -> _Literal:
    return _TRUE if value else _FALSE


def _simplest(table: int, literals: list[_Literal]) -> tuple[int, list[Node]]:
    """The LUT over distinct nodes that all matter: its table and its inputs, in order."""
    inputs = list(dict.fromkeys(one.node for one in literals if one.node is not None))
    values = []
    for pattern in range(1 << len(inputs)):
        bit = {node: pattern >> i & 1 for i, node in enumerate(inputs)} | {None: 0}
        index = sum((bit[one.node] ^ one.inverted) << i for i, one in enumerate(literals))
        values.append(table >> index & 1)
    for i in reversed(range(len(inputs))):
        low = [value for pattern, value in enumerate(values) if not pattern >> i & 1]
        high = [value for pattern, value in enumerate(values) if pattern >> i & 1]
        if low == high:
            values = low
            del inputs[i]
    return sum(value << pattern for pattern, value in enumerate(values)), inputs
