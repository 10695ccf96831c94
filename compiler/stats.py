"""What a netlist costs: gates, levels, inputs used, bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .liveness import live_inputs
from .netlist import FIRST_INPUT, Argmax, IntArray, Luts, Netlist, Popcount, Tile

_CHUNK = 1 << 24  # net levels held at once


@dataclass(frozen=True)
class Stats:
    """The figures of one netlist.

    Gates, LUTs, popcount groups and argmaxes count tiles unrolled: places times body. `cells`
    counts the netlist's own and those of each distinct body once; `stored_bytes` is their arrays.
    """

    inputs: int
    inputs_used: int
    outputs: int
    gates: int
    levels: int
    luts: dict[int, int]
    popcounts: int
    argmaxes: int
    places: int
    cells: dict[str, int]
    stored_bytes: int

    def __str__(self) -> str:
        luts = ", ".join(f"{count:,} of k={k}" for k, count in self.luts.items())
        cells = ", ".join(f"{count:,} {kind}" for kind, count in self.cells.items())
        rows = [
            ("inputs", f"{self.inputs:,}, {self.inputs_used:,} used"),
            ("outputs", f"{self.outputs:,}"),
            ("gates", f"{self.gates:,}" + (f" ({luts})" if luts else "")),
            ("popcounts", f"{self.popcounts:,}"),
            ("argmaxes", f"{self.argmaxes:,}"),
            ("tile places", f"{self.places:,}"),
            ("levels", f"{self.levels:,}"),
            ("cells", cells or "none"),
            ("stored bytes", f"{self.stored_bytes:,}"),
        ]
        return "\n".join(f"{name:<13} {text}" for name, text in rows)


def stats(netlist: Netlist) -> Stats:
    """All figures of `netlist`, as `gatewright inspect` shows them."""
    counts = _counts(netlist, {})
    bodies = _distinct(netlist)
    cells: dict[str, int] = {}
    for part in bodies:
        for cell in part.cells:
            cells[type(cell).__name__] = cells.get(type(cell).__name__, 0) + 1
    return Stats(
        inputs=netlist.n_inputs,
        inputs_used=int(used_inputs(netlist).sum()),
        outputs=len(netlist.outputs),
        gates=int(counts[:_POPCOUNT].sum()),
        levels=levels(netlist),
        luts={k: int(n) for k, n in enumerate(counts[:_POPCOUNT]) if n},
        popcounts=int(counts[_POPCOUNT]),
        argmaxes=int(counts[_ARGMAX]),
        places=int(counts[_PLACE]),
        cells=dict(sorted(cells.items())),
        stored_bytes=sum(_own_bytes(part) for part in bodies),
    )


def n_gates(netlist: Netlist) -> int:
    """LUT rows, tiles unrolled (places times body); popcounts and argmaxes are not counted."""
    return sum(lut_histogram(netlist).values())


def stored_gates(netlist: Netlist) -> int:
    """About how many two-input gates the LUTs take, those of each distinct tile body once.

    A LUT of k inputs counts as 2^(k-1) - 1, one more for each multiplexer of its cofactors.
    """
    cells = [cell for part in _distinct(netlist) for cell in part.cells]
    return sum(
        cell.n_nets * max(1, (1 << (cell.k - 1)) - 1) for cell in cells if isinstance(cell, Luts)
    )


def lut_histogram(netlist: Netlist) -> dict[int, int]:
    """LUT rows by their number of inputs, tiles unrolled: {k: rows}, only where there are any."""
    counts = _counts(netlist, {})
    return {k: int(n) for k, n in enumerate(counts[:_POPCOUNT]) if n}


def used_inputs(netlist: Netlist) -> NDArray[np.bool_]:
    """Which inputs the outputs can depend on by structure: bool [n_inputs]."""
    return live_inputs(netlist)


def levels(netlist: Netlist) -> int:
    """The depth: most LUTs, popcounts and argmaxes on a path to an output, each one level.

    Tiles count with what is on the path inside them, so this equals the depth of the unrolled
    netlist. A netlist without outputs has depth 0.
    """
    return int(net_levels(netlist)[netlist.outputs].max(initial=0))


def net_levels(netlist: Netlist) -> IntArray:
    """The level of every net: int32 [n_nets]; constants and inputs are at level 0."""
    return _levels(netlist, np.zeros((1, netlist.n_inputs), np.int32))[0]


def _levels(netlist: Netlist, inputs: IntArray) -> IntArray:
    """Levels [batch, n_nets] when the inputs are at levels [batch, n_inputs]."""
    level = np.zeros((len(inputs), netlist.n_nets), np.int32)
    level[:, FIRST_INPUT : FIRST_INPUT + netlist.n_inputs] = inputs
    for first, cell in netlist.placed():
        driven = slice(first, first + cell.n_nets)
        match cell:
            case Luts():
                level[:, driven] = _deepest(level, cell.fanin) + 1
            case Popcount():
                level[:, driven] = np.repeat(_deepest(level, cell.fanin) + 1, cell.width, axis=1)
            case Argmax():
                level[:, driven] = _deepest(level, cell.fanin.reshape(1, -1)) + 1
            case Tile():
                rows = level[:, cell.fanin].reshape(len(level) * cell.places, cell.body.n_inputs)
                level[:, driven] = tile_levels(cell.body, rows).reshape(len(level), -1)
    return level


def _deepest(level: IntArray, fanin: IntArray) -> IntArray:
    """The largest level in each row of fanin [rows, columns], for each of a batch."""
    result = level[:, fanin[:, 0]]
    for column in fanin.T[1:]:
        np.maximum(result, level[:, column], out=result)
    return result


def tile_levels(body: Netlist, rows: IntArray) -> IntArray:
    """Output levels [rows, outputs]; few rows differ, since neighbours see equal surroundings."""
    distinct, inverse = _unique_rows(rows)
    result = np.empty((len(distinct), len(body.outputs)), np.int32)
    step = max(1, _CHUNK // body.n_nets)
    for start in range(0, len(distinct), step):
        chunk = slice(start, start + step)
        result[chunk] = _levels(body, distinct[chunk])[:, body.outputs]
    return result[inverse]


def _unique_rows(rows: IntArray) -> tuple[IntArray, NDArray[np.intp]]:
    """Distinct rows of [n, m], and for each row its index among them."""
    if 0 in rows.shape or (rows == rows[:1]).all():
        return rows[:1], np.zeros(len(rows), np.intp)
    whole = np.dtype((np.void, rows.itemsize * rows.shape[1]))
    packed = np.ascontiguousarray(rows).view(whole).reshape(-1)
    _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    return rows[first], inverse.reshape(-1)


_POPCOUNT, _ARGMAX, _PLACE = 7, 8, 9


def _counts(netlist: Netlist, memo: dict[int, NDArray[np.object_]]) -> NDArray[np.object_]:
    """LUT rows by k (indices 1 to 6), popcount groups, argmaxes and tile places, unrolled."""
    if id(netlist) in memo:
        return memo[id(netlist)]
    counts = np.zeros(10, np.object_)  # python integers: nested tiles pass 2**63
    for cell in netlist.cells:
        match cell:
            case Luts():
                counts[cell.k] += cell.n_nets
            case Popcount():
                counts[_POPCOUNT] += len(cell.fanin)
            case Argmax():
                counts[_ARGMAX] += 1
            case Tile():
                counts = counts + _counts(cell.body, memo) * cell.places
                counts[_PLACE] += cell.places
    memo[id(netlist)] = counts
    return counts


def _distinct(netlist: Netlist) -> list[Netlist]:
    """The netlist and every body in it, each object once."""
    found = {id(netlist): netlist}
    queue = [netlist]
    for part in queue:
        for cell in part.cells:
            if isinstance(cell, Tile) and id(cell.body) not in found:
                found[id(cell.body)] = cell.body
                queue.append(cell.body)
    return queue


def _own_bytes(netlist: Netlist) -> int:
    tables = sum(cell.table.nbytes for cell in netlist.cells if isinstance(cell, Luts))
    shifts = sum(
        cell.shift.nbytes
        for cell in netlist.cells
        if isinstance(cell, Popcount) and cell.shift is not None
    )
    fanins = sum(cell.fanin.nbytes for cell in netlist.cells)
    return netlist.outputs.nbytes + tables + shifts + fanins
