"""Popcounts and argmaxes as parts of LUTs, each a module of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...compiler import Argmax, Luts, Netlist, Popcount, Tile
from ...compiler.bodies import with_bodies
from ...compiler.literals import Writer, absorb, split
from ...compiler.netlist import FALSE, FIRST_INPUT, TRUE, IntArray
from ...compiler.stats import n_gates, tile_levels
from ...compiler.tables import as_tables
from .adders import full_adders, rippled
from .carries import Chain
from .carries import levels as chain_levels
from .chain_cells import ChainCells
from .compressors import chained_popcount, popcount_netlist
from .rows import RowChain
from .tournament import argmax_netlist


class Parts:
    """The bodies that popcounts and argmaxes become, and what they are called.

    lut_inputs: of the device's LUTs; where less than six, popcounts are trees of full adders, with
    rows on carry chains of `cells`, if there are any, where that takes fewer LUTs.
    late: whether addends that come late are added late; if not, all are taken to come at once.
    carry: whether popcounts may have counters on carry chains; `chains` says which bodies are such.
    A counter of these is two levels where addends come late, a LUT and a carry, and else one, for
    no register goes between these.
    """

    def __init__(
        self,
        lut_inputs: int = 6,
        late: bool = False,
        carry: bool = False,
        cells: ChainCells | None = None,
    ) -> None:
        self.lut_inputs = lut_inputs
        self.labels: dict[Netlist, tuple[str, str]] = {}  # module and comment
        self.chains: dict[Netlist, Chain | RowChain] = {}
        self._late = late
        self._cells = cells
        self.carry = carry and lut_inputs == 6
        self._delay = 1 + late

    def tiles(self, netlist: Netlist) -> Netlist:
        """The netlist with a tile for each popcount, in groups of like ones, and each argmax."""
        return with_bodies(netlist, self._tiles)

    def _tiles(self, netlist: Netlist) -> Netlist:
        if not any(isinstance(cell, (Popcount, Argmax)) for cell in netlist.cells):
            return netlist
        writer = Writer(netlist)
        level = np.zeros(netlist.n_nets, np.int32)
        for first, cell in netlist.placed():
            driven = level[first : first + cell.n_nets]
            match cell:
                case Luts():
                    driven[:] = level[cell.fanin].max(axis=1) + (cell.k > 1)
                    _luts(writer, first, cell)
                    continue
                case Popcount():
                    nets, driven[:] = self._popcounts(writer, cell, level[cell.fanin])
                case Argmax():
                    body = self.argmax(*cell.fanin.shape)
                    fanin = cell.fanin.reshape(1, -1)
                    nets = writer.add(Tile(body, writer.read(fanin)))
                    driven[:] = tile_levels(body, level[fanin])[0]
                case _:
                    nets = writer.add(replace(cell, fanin=writer.read(cell.fanin)))
                    driven[:] = tile_levels(cell.body, level[cell.fanin]).reshape(-1)
            writer.drive(first, nets)
        return writer.close(netlist)

    def argmax(self, candidates: int, bits: int) -> Netlist:
        """The body that finds the largest of `candidates` numbers of `bits` bits."""
        body = argmax_netlist(candidates, bits, self.lut_inputs)
        comment = f"The index of the largest of {candidates} numbers of {bits} bits; of equal ones"
        self.labels.setdefault(body, (f"argmax{candidates}x{bits}", f"{comment} the lowest."))
        return body

    def _popcounts(
        self, writer: Writer, cell: Popcount, level: IntArray
    ) -> tuple[IntArray, IntArray]:
        """Emit tiles that count each row of addends, which come at `level` [groups, addends];
        bits [groups * width] and their levels.

        Of each weight, those that are read inverted come first, and of these the earliest.
        """
        result = np.full((len(cell.fanin), cell.width), FALSE, np.int32)
        levels = np.zeros_like(result)
        addends, inverted = split(writer.literal[cell.fanin])
        level = np.where(addends > TRUE, level, 0)
        key = 2 * cell.shifts.astype(np.int64) + ~inverted
        order = np.lexsort((level, key))
        addends = np.take_along_axis(addends, order, axis=1)
        inverted = np.take_along_axis(inverted, order, axis=1)
        level = np.take_along_axis(level, order, axis=1)
        varying = addends > TRUE
        weight = np.left_shift(1, cell.shifts.astype(np.int64))
        offset = (weight * (addends == TRUE)).sum(axis=1)
        planes = [cell.shifts == shift for shift in range(len(cell.planes))]
        sizes = [
            *(varying[:, plane].sum(axis=1) for plane in planes),
            *(inverted[:, plane].sum(axis=1) for plane in planes),
        ]
        kinds, kind = np.unique(np.column_stack([*sizes, offset]), axis=0, return_inverse=True)
        for number, (*some, plus) in enumerate(kinds.tolist()):
            rows = np.flatnonzero(kind.reshape(-1) == number)
            fanin = addends[rows][varying[rows]].reshape(len(rows), -1)
            ready = level[rows][varying[rows]].reshape(len(rows), -1)
            latest = tuple(ready.max(axis=0).tolist()) if self._late else None
            body = self.popcount(*_planes(some), plus, latest)
            bits = writer.add(Tile(body, fanin)).reshape(len(rows), -1)
            result[rows, : bits.shape[1]] = bits
            levels[rows, : bits.shape[1]] = self.arrivals(body, ready)
        return result, levels.reshape(-1)

    def popcount(
        self,
        planes: tuple[int, ...],
        inverted: tuple[int, ...],
        offset: int,
        ready: tuple[int, ...] | None = None,
    ) -> Netlist:
        """The body that adds up bits, so many of which count 1, 2, 4 and so on, and `offset`.

        inverted: how many of each are read inverted. ready: levels at which they come.
        """
        flip = any(inverted)
        if self.lut_inputs < 6:
            body, flip = self._adders(planes, inverted, offset)
        elif self.carry:
            body, chains = chained_popcount(planes, offset, ready, inverted, self._delay)
            self.chains.update(chains)
        else:
            body = popcount_netlist(planes, offset, ready)
        name = "popcount" + "_".join(map(str, planes)) + (f"_plus{offset}" if offset else "")
        weights = ", ".join(f"{n} of weight {1 << s}" for s, n in enumerate(planes) if n)
        plus = f" and {offset}" if offset else ""
        comment = f"The sum of {sum(planes)} inputs, least significant bit first: {weights}{plus}."
        if flip:
            body = _inverting(body, planes, inverted)
        if any(inverted):
            name += "_not" + "_".join(map(str, inverted))
            comment += f" The first {', '.join(map(str, inverted))} of each weight are inverted."
        self.labels.setdefault(body, (name, comment))
        return body

    def _adders(
        self, planes: tuple[int, ...], inverted: tuple[int, ...], offset: int
    ) -> tuple[Netlist, bool]:
        """The body of full adders and rows, and whether it takes no input for inverted yet."""
        body = full_adders(planes, offset)
        if self._cells:
            found = rippled(planes, inverted, offset, self._cells)
            if found.luts <= n_gates(body):
                self.chains.update(found.chains)
                return found.netlist, False
        return body, any(inverted)

    def arrivals(self, body: Netlist, ready: IntArray) -> IntArray:
        """The levels of what a popcount answers [groups, digits], its inputs at `ready`."""
        if self.lut_inputs < 6 or not self.carry:
            return tile_levels(body, ready)
        level = np.zeros((len(ready), body.n_nets), np.int32)
        level[:, FIRST_INPUT : FIRST_INPUT + body.n_inputs] = ready
        for first, cell in body.placed():
            latest = level[:, cell.fanin].max(axis=2)
            more = [1]
            if isinstance(cell, Tile):
                chain = self.chains[cell.body]
                assert isinstance(chain, Chain)
                more = chain_levels(chain)
            found = latest[:, :, None] + np.array(more, np.int32)
            level[:, first : first + cell.n_nets] = found.reshape(len(ready), -1)
        return level[:, body.outputs]


def _luts(writer: Writer, first: int, cell: Luts) -> None:
    """Emit LUTs, but no inverters: what reads those takes them into its tables."""
    if cell.k == 1 and (cell.table & 3 == 1).all():
        writer.literal[first : first + cell.n_nets] = writer.literal[cell.fanin[:, 0]] ^ 1
        return
    nets, inverted = split(writer.literal[cell.fanin])
    writer.drive(first, writer.luts(nets, absorb(as_tables(cell.table), inverted)))


def _planes(sizes: list[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Inputs of each weight, and inverted ones, up to the heaviest that there are."""
    half = len(sizes) // 2
    used = max((i + 1 for i in range(half) if sizes[i]), default=0)
    return tuple(sizes[:used]), tuple(sizes[half : half + used])


def _inverting(body: Netlist, planes: tuple[int, ...], inverted: tuple[int, ...]) -> Netlist:
    """A body whose LUTs read the first inputs of each weight inverted, as its tiles do already."""
    writer = Writer(body)
    start = FIRST_INPUT
    for size, some in zip(planes, inverted, strict=True):
        writer.literal[start : start + some] ^= 1
        start += size
    for first, cell in body.placed():
        if isinstance(cell, Luts):
            _luts(writer, first, cell)
        else:
            literals = writer.literal[cell.fanin]
            literals[cell.fanin < FIRST_INPUT + body.n_inputs] &= ~np.uint32(1)
            writer.drive(first, writer.add(replace(cell, fanin=writer.nets(literals))))
    return writer.close(body)
