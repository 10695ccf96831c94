"""Gates and covers of any width as LUTs of at most six inputs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from ..netlist import MAX_FANIN
from ..tables import WHERE_TRUE, full
from .definitions import BUFFER, Definitions

AND, OR, XOR = "and", "or", "xor"
MAX_TABLE = 16  # inputs of a table that a file may write out
_MUX = 0xCA  # inputs low, high, select


@cache
def gate_table(kind: str, k: int) -> int:
    """The table of a gate of k inputs, 0 to 6."""
    ones = int(full(k))
    columns = [int(WHERE_TRUE[i]) & ones for i in range(k)]
    found = ones if kind == AND else 0
    for column in columns:
        found = found & column if kind == AND else found | column if kind == OR else found ^ column
    return found


def drive_gate(into: Definitions, net: int, kind: str, fanin: list[int], inverted: bool) -> None:
    """Define `net` as an AND, OR or XOR of any number of nets, inverted or not."""
    while len(fanin) > MAX_FANIN:
        groups = [fanin[start : start + MAX_FANIN] for start in range(0, len(fanin), MAX_FANIN)]
        fanin = [into.drive(into.inner(), group, gate_table(kind, len(group))) for group in groups]
    table = gate_table(kind, len(fanin))
    into.drive(net, fanin, table ^ int(full(len(fanin))) if inverted else table)


def cover_table(cubes: Iterable[str], k: int) -> int:
    """The table of a cover: cubes of k characters, 0, 1 or -."""
    ones = int(full(k))
    found = 0
    for cube in cubes:
        product = ones
        for i, value in enumerate(cube):
            if value != "-":
                column = int(WHERE_TRUE[i]) & ones
                product &= column if value == "1" else column ^ ones
        found |= product
    return found


def drive_cover(
    into: Definitions, net: int, fanin: list[int], cubes: list[str], inverted: bool
) -> None:
    """Define `net` as a cover of any width: an OR of cubes, inverted where it is an off-set."""
    k = len(fanin)
    if k <= MAX_FANIN:
        table = cover_table(cubes, k)
        into.drive(net, fanin, table ^ int(full(k)) if inverted else table)
        return
    products = []
    for cube in cubes:
        literals = [(read, value) for read, value in zip(fanin, cube, strict=True) if value != "-"]
        products.append(_product(into, literals))
    drive_gate(into, net, OR, products, inverted)


def _product(into: Definitions, literals: list[tuple[int, str]]) -> int:
    """A net that is the AND of nets and inverted nets."""
    parts = []
    for start in range(0, len(literals), MAX_FANIN):
        group = literals[start : start + MAX_FANIN]
        table = cover_table(("".join(value for _, value in group),), len(group))
        reads = [read for read, _ in group]
        parts.append(into.drive(into.inner(), reads, table))
    if len(parts) == 1:
        return parts[0]
    net = into.inner()
    drive_gate(into, net, AND, parts, False)
    return net


def drive_table(into: Definitions, net: int, fanin: list[int], table: int) -> None:
    """Define `net` as a table of up to `MAX_TABLE` nets, the first least significant.

    The first six feed LUTs, one for each different part of the table, and the others choose among
    these (Shannon's expansion).
    """
    chosen, fanin = fanin[MAX_FANIN:], fanin[:MAX_FANIN]
    if not chosen:
        into.drive(net, fanin, table)
        return
    mask = int(full(MAX_FANIN))
    parts = [table >> 64 * i & mask for i in range(1 << len(chosen))]
    made = {part: into.drive(into.inner(), fanin, part) for part in dict.fromkeys(parts)}
    nets = [made[part] for part in parts]
    for select in chosen:
        pairs = list(zip(nets[::2], nets[1::2], strict=True))
        chooser = {pair: pair[0] for pair in pairs if pair[0] == pair[1]}
        for pair in dict.fromkeys(pairs):
            if pair not in chooser:
                chooser[pair] = into.drive(into.inner(), [*pair, select], _MUX)
        nets = [chooser[pair] for pair in pairs]
    into.drive(net, [nets[0]], BUFFER)
