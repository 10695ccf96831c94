"""Reading a networkx graph as gates: checked, grouped into instances, in topological order."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import networkx
import numpy as np

from ..runtime.errors import NetlistError
from .netlist import MAX_FANIN, Netlist, Popcount

Node: TypeAlias = Hashable
SOURCES = ("const", "input")
NEEDED = {
    "const": ("value",),
    "input": ("index",),
    "lut": ("table",),
    "popcount": ("instance", "bit"),
    "argmax": ("instance", "bit", "candidates", "bits"),
    "tile": ("instance", "bit", "body"),
}


@dataclass(frozen=True, eq=False)
class Unit:
    """What is computed at once: a LUT, a popcount group, an argmax or a place of a tile.

    rank: its place in the order of the graph's nodes. nodes: by bit; a LUT has bit 0. fanin: the
    node behind each pin. facts: attributes of the kind.
    """

    rank: int
    kind: str
    nodes: dict[int, Node]
    fanin: tuple[Node, ...]
    facts: dict[str, Any]

    @property
    def width(self) -> int:
        """How many nets the unit drives, whether the graph has them all or not."""
        match self.kind:
            case "popcount":
                return sum(1 << shift for shift in self.facts["shift"]).bit_length()
            case "argmax":
                return max(1, (self.facts["candidates"] - 1).bit_length())
            case "tile":
                return len(self.facts["body"].outputs)
        return 1


def bad_node(node: Node, found: str, allowed: str) -> NetlistError:
    return NetlistError(f"graph: node {node!r}: {found}; {allowed}")


def connect(graph: networkx.DiGraph, node: Node, fanin: Iterable[Node]) -> None:
    """Make `fanin`, in order, what `node` reads, in place of what it read before."""
    graph.remove_edges_from(list(graph.in_edges(node)))
    pins: dict[Node, tuple[int, ...]] = {}
    count = 0
    for driver in fanin:
        pins[driver] = (*pins.get(driver, ()), count)
        count += 1
    graph.nodes[node]["pins"] = count
    for driver, numbers in pins.items():
        graph.add_edge(driver, node, pins=numbers)


def fanin_of(graph: networkx.DiGraph, node: Node) -> tuple[Node, ...]:
    """The nodes behind pins 0, 1, ... of `node`.

    Raises:
        NetlistError: an edge lacks its `pins`, or a pin is missing or driven twice.
    """
    behind: dict[int, Node] = {}
    for driver, _, pins in graph.in_edges(node, data="pins"):
        if not isinstance(pins, tuple | list) or not all(isinstance(pin, int) for pin in pins):
            found = f"the edge from {driver!r} has pins {pins!r}"
            raise bad_node(node, found, "allowed is a tuple of fanin positions; use `connect`")
        for pin in pins:
            if pin in behind:
                raise bad_node(node, f"pin {pin} is driven twice", "allowed is one driver a pin")
            behind[pin] = driver
    count = graph.nodes[node].get("pins", len(behind))
    if sorted(behind) != list(range(count)):
        found = f"pins {sorted(behind)} are driven, of {count}"
        raise bad_node(
            node, found, "every pin needs a driver; `connect` a constant before removing"
        )
    return tuple(behind[pin] for pin in range(count))


def outputs_of(graph: networkx.DiGraph) -> tuple[Node, ...]:
    """The output nodes, in order.

    Raises:
        NetlistError: the graph names none, or one that it does not hold.
    """
    if "outputs" not in graph.graph or "n_inputs" not in graph.graph:
        raise NetlistError(
            f"graph: it has attributes {sorted(map(str, graph.graph))}; needed are n_inputs and "
            "outputs; set graph.graph['n_inputs'] and graph.graph['outputs']"
        )
    for node in graph.graph["outputs"]:
        if node not in graph:
            raise bad_node(
                node, "an output, but not in the graph", "keep graph.graph['outputs'] in step"
            )
    return tuple(graph.graph["outputs"])


def units_of(graph: networkx.DiGraph) -> list[Unit]:
    """The gates of `graph` in topological order, otherwise in the order of its nodes.

    Raises:
        NetlistError: an attribute or pin is missing or wrong, the nodes of an instance differ, or
            there is a cycle. The message names a node.
    """
    if graph.is_multigraph() or not graph.is_directed():
        raise NetlistError(
            f"graph: found a {type(graph).__name__}; allowed is a networkx.DiGraph, "
            "with the pins of parallel edges together in one"
        )
    units: list[Unit] = []
    instances: dict[Any, Unit] = {}
    for node, facts in graph.nodes(data=True):
        kind = _checked_kind(node, facts)
        fanin = fanin_of(graph, node)
        if kind in SOURCES:
            if fanin:
                raise bad_node(node, f"a {kind} that reads {fanin[0]!r}", "allowed is no fanin")
        elif kind == "lut":
            _check_lut(node, facts["table"], len(fanin))
            units.append(Unit(len(units), kind, {0: node}, fanin, {"table": int(facts["table"])}))
        elif facts["instance"] in instances:
            _join(instances[facts["instance"]], node, kind, fanin, facts)
        else:
            units.append(_instance(len(units), node, kind, fanin, facts))
            instances[facts["instance"]] = units[-1]
    return _sorted(units)


def _checked_kind(node: Node, facts: dict[str, Any]) -> str:
    kind = facts.get("kind")
    if kind not in NEEDED:
        raise bad_node(node, f"kind {kind!r}", f"allowed are {', '.join(NEEDED)}")
    for name in NEEDED[kind]:
        if name not in facts:
            raise bad_node(
                node, f"a {kind} without {name!r}", f"needed are {', '.join(NEEDED[kind])}"
            )
    if kind == "popcount" and not isinstance(facts.get("shift", ()), tuple | list):
        raise bad_node(
            node, f"shift {facts['shift']!r:.80}", "allowed is a tuple, one for each pin"
        )
    return kind


def _check_lut(node: Node, table: Any, k: int) -> None:
    if not 1 <= k <= MAX_FANIN:
        raise bad_node(node, f"a lut of {k} inputs", f"allowed are 1 to {MAX_FANIN}")
    if not isinstance(table, int | np.integer) or not 0 <= int(table) < 1 << (1 << k):
        allowed = f"allowed are 0 to {(1 << (1 << k)) - 1:#x}"
        raise bad_node(node, f"table {table!r} of {k} inputs", allowed)


def _instance(
    rank: int, node: Node, kind: str, fanin: tuple[Node, ...], facts: dict[str, Any]
) -> Unit:
    """A new instance, of which `node` is the first bit."""
    unit = Unit(rank, kind, {}, fanin, _shared_facts(kind, fanin, facts))
    if kind == "tile":
        body = facts["body"]
        if not isinstance(body, Netlist):
            raise bad_node(node, f"body is a {type(body).__name__}", "allowed is a Netlist")
        _check_pins(node, kind, len(fanin), body.n_inputs)
    elif kind == "argmax":
        _check_pins(node, kind, len(fanin), max(1, facts["candidates"] * facts["bits"]))
    else:
        _check_pins(node, kind, len(fanin), max(1, len(fanin)))
        try:
            Popcount(np.zeros((1, len(fanin)), np.int32), np.array(unit.facts["shift"]))
        except (TypeError, ValueError) as error:
            raise bad_node(node, f"shift {unit.facts['shift']!r:.80}", str(error)) from None
    _join(unit, node, kind, fanin, facts)
    return unit


def _shared_facts(kind: str, fanin: tuple[Node, ...], facts: dict[str, Any]) -> dict[str, Any]:
    """The attributes that all bits of an instance share."""
    shared = {name: facts[name] for name in NEEDED[kind][2:]}
    if kind == "popcount":
        shared["shift"] = tuple(facts.get("shift", (0,) * len(fanin)))
    return shared


def _check_pins(node: Node, kind: str, found: int, expected: int) -> None:
    if found != expected:
        raise bad_node(node, f"a {kind} of {found} inputs", f"allowed here is {expected}")


def _join(
    unit: Unit, node: Node, kind: str, fanin: tuple[Node, ...], facts: dict[str, Any]
) -> None:
    """Add a bit to its instance."""
    alike = kind == unit.kind and fanin == unit.fanin
    if not alike or _shared_facts(kind, fanin, facts) != unit.facts:
        other = next(iter(unit.nodes.values()))
        found = f"differs in kind, fanin or shape from {other!r} of the same instance"
        raise bad_node(node, found, "the bits of an instance read the same; give it a new instance")
    bit = facts["bit"]
    if bit in unit.nodes or not 0 <= bit < unit.width:
        found = f"bit {bit} of instance {facts['instance']!r}"
        raise bad_node(node, found, f"allowed is each of 0 to {unit.width - 1} once")
    unit.nodes[bit] = node


def _sorted(units: list[Unit]) -> list[Unit]:
    """Kahn's algorithm; among ready units, the first in the graph, so an order that is
    topological stays as it is."""
    owner = {node: unit for unit in units for node in unit.nodes.values()}
    waiting = {id(unit): sum(node in owner for node in set(unit.fanin)) for unit in units}
    readers: dict[Node, list[Unit]] = {}
    for unit in units:
        for node in set(unit.fanin):
            readers.setdefault(node, []).append(unit)
    ready = [unit.rank for unit in units if not waiting[id(unit)]]
    found = []
    while ready:
        unit = units[heapq.heappop(ready)]
        found.append(unit)
        for node in unit.nodes.values():
            for reader in readers.get(node, ()):
                waiting[id(reader)] -= 1
                if not waiting[id(reader)]:
                    heapq.heappush(ready, reader.rank)
    if len(found) < len(units):
        stuck = next(unit for unit in units if waiting[id(unit)])
        node = next(iter(stuck.nodes.values()))
        raise bad_node(node, "waits for its own output", "allowed are graphs without cycles")
    return found
