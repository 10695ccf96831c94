"""Cut rewriting and resubstitution without a compiler: slower, and less thorough."""

from __future__ import annotations

from itertools import combinations

from .structures import INPUTS, classes, structures
from .subject import Subject
from .xag import Xag

_CUTS, _WIDE, _DIVISORS = 24, 5, 40
_INPUT: tuple[int, ...] = (0xAAAA, 0xCCCC, 0xF0F0, 0xFF00)


def cut_rewrite(subject: Subject, zero_cost: bool) -> Subject:
    """What `kernels/cut_rewrite.c` does."""
    xag = Xag(subject)
    for gate in xag.order():
        if xag.alive(gate):
            _rewrite(xag, gate, -1 if zero_cost else 0)
    return xag.subject()


def resubstitute(subject: Subject, leaves: int, added: int) -> Subject:
    """What `kernels/resubstitute.c` does, with one new gate at most."""
    xag = Xag(subject)
    for gate in xag.order():
        if xag.alive(gate):
            _resubstitute(xag, gate, leaves, added)
    return xag.subject()


def owned_by(xag: Xag, gate: int, leaves: frozenset[int]) -> set[int]:
    """The gates, it among them, that only `gate` needs above `leaves`."""
    owned, stack = {gate}, [gate]
    while stack:
        for node in xag.nodes(stack.pop()):
            inside = node >= xag.first and node not in leaves and node not in owned
            if inside and xag.readers[node] <= owned:
                owned.add(node)
                stack.append(node)
    return owned


def table_over(xag: Xag, gate: int, tables: dict[int, int], full: int) -> int:
    """The table of a gate; adds those of all gates down to where `tables` has them."""
    stack = [gate]
    while stack:
        node = stack[-1]
        waiting = [n for n in xag.nodes(node) if n not in tables]
        if waiting:
            stack += waiting
            continue
        stack.pop()
        pair = xag.fanin[node]
        assert pair is not None
        a, b = (tables[x >> 1] ^ (full if x & 1 else 0) for x in pair)
        tables[node] = a ^ b if pair[0] > pair[1] else a & b
    return tables[gate]


def _cuts(xag: Xag, gate: int) -> list[frozenset[int]]:
    cuts = [frozenset(xag.nodes(gate))]
    for cut in cuts:
        for leaf in sorted(cut, reverse=True):
            if leaf < xag.first or len(cuts) == _CUTS:
                continue
            wider = cut - {leaf} | frozenset(xag.nodes(leaf))
            if len(wider) <= _WIDE and wider not in cuts:
                cuts.append(wider)
    return [cut for cut in cuts if len(cut) <= INPUTS]


def _rewrite(xag: Xag, gate: int, gain: int) -> None:
    known, table = classes(), structures()
    best: tuple[int, list[int], int] | None = None
    for cut in _cuts(xag, gate):
        leaves = sorted(cut)
        tables = dict(zip(leaves, _INPUT, strict=False))
        function = table_over(xag, gate, tables, 0xFFFF)
        owned = owned_by(xag, gate, cut)
        phase = int(known.phase[function])
        inputs = [0]
        for i, source in enumerate(known.permutation[function].tolist()):
            leaf = 2 * leaves[source] if source < len(leaves) else 0
            inputs.append(leaf ^ phase >> i & 1)
        index = int(known.of[function])
        for row in range(table.start[index], table.start[index + 1]):
            cost = _cost(xag, gate, row, inputs, owned, len(owned) - gain - 1)
            if cost is not None:
                gain, best = len(owned) - cost, (row, inputs, phase >> INPUTS)
    if best is not None:
        _put_in(xag, gate, *best)


def _cost(
    xag: Xag, gate: int, row: int, inputs: list[int], owned: set[int], limit: int
) -> int | None:
    """How many gates a circuit adds; None if more than `limit`, or if it reads the gate itself."""
    table, cost = structures(), 0
    value: list[int | None] = [*inputs]
    for a, b in table.gates[row, : table.size[row]].tolist():
        left, right = value[a >> 1], value[b >> 1]
        found = None
        if left is not None and right is not None:
            found = xag.peek(left ^ a & 1, right ^ b & 1, a > b)
        if found is not None and found >> 1 == gate:
            return None
        cost += found is None or found >> 1 in owned
        value.append(found)
    return cost if cost <= limit else None


def _put_in(xag: Xag, gate: int, row: int, inputs: list[int], inverted: int) -> None:
    table = structures()
    value = [*inputs]
    for a, b in table.gates[row, : table.size[row]].tolist():
        value.append(xag.make(value[a >> 1] ^ a & 1, value[b >> 1] ^ b & 1, a > b))
    output = int(table.output[row])
    _replace(xag, gate, value[output >> 1] ^ output & 1 ^ inverted, value[len(inputs) :])


def _replace(xag: Xag, gate: int, literal: int, made: list[int]) -> None:
    if literal >> 1 != gate:
        xag.replace(gate, literal)
    for new in reversed(made):
        xag.release(new >> 1)


def _resubstitute(xag: Xag, gate: int, limit: int, added: int) -> None:
    leaves = _window(xag, gate, limit)
    full = (1 << (1 << len(leaves))) - 1
    # Table i has bit j set where bit i of j is.
    tables = {leaf: full // ((1 << (1 << i)) + 1) << (1 << i) for i, leaf in enumerate(leaves)}
    target = table_over(xag, gate, tables, full)
    if target in (0, full):
        xag.replace(gate, int(target == full))
        return
    owned = owned_by(xag, gate, frozenset(leaves))
    for node, table in tables.items():
        if node != gate and table in (target, target ^ full):
            xag.replace(gate, 2 * node + (table != target))
            return
    if not added or len(owned) < 2:
        return
    literals = [
        (2 * node ^ p, table ^ (full if p else 0))
        for node, table in list(tables.items())[:_DIVISORS]
        if node not in owned
        for p in range(2)
    ]
    found = _pair(literals, target, full)
    if found is not None:
        a, b, xor, inverted = found
        made = xag.make(a, b, xor)
        _replace(xag, gate, made ^ inverted, [made])


def _pair(
    literals: list[tuple[int, int]], target: int, full: int
) -> tuple[int, int, bool, int] | None:
    """Two literals and the gate that makes the target, or its inverse, of them."""
    for inverted in range(2):
        wanted = target ^ (full if inverted else 0)
        above = [(literal, table) for literal, table in literals if not wanted & ~table]
        for (a, x), (b, y) in combinations(above, 2):
            if x & y == wanted:
                return a, b, False, inverted
    by_table = {table: literal for literal, table in literals}
    for literal, table in literals:
        other = by_table.get(table ^ target)
        if other is not None:
            return literal, other, True, 0
    return None


def _window(xag: Xag, gate: int, limit: int) -> list[int]:
    """The leaves of a cut that reconverges early."""
    inside, leaves = {gate}, set(xag.nodes(gate))
    while True:
        growth = {
            leaf: len(set(xag.nodes(leaf)) - leaves - inside) - 1
            for leaf in sorted(leaves)
            if leaf >= xag.first
        }
        fitting = [leaf for leaf, n in growth.items() if len(leaves) + n <= limit]
        if not fitting or len(inside) > 100:
            return sorted(leaves)
        leaf = min(fitting, key=lambda one: (growth[one], -one))
        inside.add(leaf)
        leaves.remove(leaf)
        leaves |= set(xag.nodes(leaf)) - inside
