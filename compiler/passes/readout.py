"""Make the sums at the end of a network smaller."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import NetlistError
from ..bodies import with_bodies
from ..literals import Literals, Writer, literals_of
from ..netlist import FALSE, SUM_LIMIT, TRUE, IntArray, Netlist, Popcount, weight_of
from ..sharing import Part, common_parts, without
from ..sums import Numbers, Sums, addend_literals, sums_of

_PADDING = 8  # sums share a cell where at most one addend in so many is padding


@dataclass(frozen=True)
class ReduceReadout:
    """Count less: the same sums from fewer adders, inside tiles too.

    In each popcount group the constants become one number, `x` and its inverse the constant 1, and
    an addend that occurs `n` times the powers of two in `n`, as addends with these weights. What
    two or more groups count alike, or one as the inverse of the other, is counted once, by a
    popcount whose bits these groups add with their weights: 3, 7, 15, 31 ... addends, for which
    full adders are enough. (Sharing subexpressions between sums is from Hosangadi, Fallah and
    Kastner, "Reducing Hardware Complexity of Linear DSP Systems by Iteratively Eliminating
    Two-Term Common Subexpressions", 2005.) Popcounts that would not get smaller stay as they
    are. Equal addends are found best after `strash`; what nothing reads any more is for `sweep`.

    part: the fewest addends that are counted apart. Every part saves adders, so 3 is best for
    hardware. On a processor a small one takes longer to store and read again than to count twice.

    Raises:
        NetlistError: part is no integer, or below 3.
    """

    part: int = 15

    def __post_init__(self) -> None:
        if not isinstance(self.part, int) or self.part < 3:
            raise NetlistError(
                f"ReduceReadout: part is {self.part!r}; allowed are integers from 3 on"
            )

    def __call__(self, netlist: Netlist) -> Netlist:
        return with_bodies(netlist, self._repeated)

    def _repeated(self, netlist: Netlist) -> Netlist:
        # Every round takes fewer adders; the bits of parts may have parts in common again.
        while (found := self._once(netlist)) is not netlist:
            netlist = found
        return netlist

    def _once(self, netlist: Netlist) -> Netlist:
        cells = [cell for cell in netlist.cells if isinstance(cell, Popcount)]
        if not cells:
            return netlist
        literal = addend_literals(netlist)
        before = sums_of(cells, literal)
        after = before.reduced()
        cost, least = before.cost(), after.cost()
        parts = common_parts(after.only((least <= cost)[after.group]), self.part)
        sums = without(before.replaced(least <= cost, after), parts)
        cell_of = np.repeat(np.arange(len(cells)), [len(cell.fanin) for cell in cells])
        changed = np.zeros(len(cells), np.bool_)
        changed[cell_of[least < cost]] = True
        counted: dict[int, list[Part]] = {}
        for part in parts:
            readers = [int(cell_of[group]) for group, _ in part.users]
            changed[readers] = True
            counted.setdefault(min(readers), []).append(part)
        if not changed.any():
            return netlist
        return _Rewriter(netlist, cells, literal, sums).netlist(changed, counted)


def reduce_readout(netlist: Netlist) -> Netlist:
    """`ReduceReadout` as it is best for processors."""
    return ReduceReadout()(netlist)


class _Rewriter:
    """Emits the netlist once more, with smaller sums for the popcounts that are to change."""

    def __init__(
        self, netlist: Netlist, cells: list[Popcount], literal: Literals, sums: Sums
    ) -> None:
        self.old = netlist
        self.writer = Writer(netlist)
        self.carrier = _carriers(cells, literal)
        self.sums = sums.ordered()
        self.ends = np.searchsorted(self.sums.group, np.arange(sums.n + 1))
        self.bits: dict[int, list[tuple[Literals, Numbers]]] = {}  # of parts, by sum

    def netlist(self, changed: NDArray[np.bool_], parts: dict[int, list[Part]]) -> Netlist:
        """parts: by the cell right before which they are to be counted."""
        writer, index, group = self.writer, 0, 0
        for first, cell in self.old.placed():
            if isinstance(cell, Popcount):
                self._count(parts.get(index, []))
                groups = np.arange(group, group := group + len(cell.fanin))
                index += 1
                if changed[index - 1]:
                    writer.drive(first, self._sums(groups, cell.width))
                    continue
            writer.drive(first, writer.add(replace(cell, fanin=writer.read(cell.fanin))))
        return writer.close(self.old)

    def _read(self, literals: NDArray[np.integer]) -> Literals:
        """Literals of the new netlist for old literals that addends carry."""
        return self.writer.literal[self.carrier[literals]]

    def _count(self, parts: list[Part]) -> None:
        """Emit parts, one cell for those of one size, and note their bits for their users."""
        for width in sorted({part.width for part in parts}):
            some = [part for part in parts if part.width == width]
            fanin = self._read(np.array([part.literals for part in some]))
            nets = self.writer.add(Popcount(self.writer.nets(fanin))).reshape(len(some), width)
            for part, bits in zip(some, literals_of(nets), strict=True):
                for group, inverted in part.users:
                    found = (bits ^ np.uint32(inverted), part.shift + np.arange(width))
                    self.bits.setdefault(group, []).append(found)

    def _sums(self, groups: Numbers, width: int) -> IntArray:
        """Emit the sums of `groups`: nets [groups, width]."""
        first, last = self.ends[groups[0]], self.ends[groups[-1] + 1]
        sums = Sums(
            len(groups),
            self.sums.group[first:last] - groups[0],
            self._read(self.sums.literal[first:last]),
            self.sums.shift[first:last],
        )
        bits = [(row, *one) for row, group in enumerate(groups) for one in self.bits.get(group, [])]
        if bits:
            rows = np.repeat([row for row, _, _ in bits], [len(found) for _, found, _ in bits])
            literals, shifts = (np.concatenate(part) for part in list(zip(*bits, strict=True))[1:])
            sums = sums.plus(rows, literals, shifts)
        sums = sums.ordered()
        result = np.full((len(groups), width), FALSE, np.int32)
        for rows in _alike(sums.planes()):
            nets = self._emit(sums.only(np.isin(sums.group, rows)), rows)[:, :width]
            result[rows, : nets.shape[1]] = nets
        return result

    def _emit(self, sums: Sums, rows: Numbers) -> IntArray:
        """Emit those of ordered sums that `rows` names, as one cell; nets [rows, width]."""
        planes = sums.planes()
        columns = planes[rows].max(axis=0)
        if not columns.any():
            return np.zeros((len(rows), 0), np.int32)
        starts = np.cumsum(planes) - planes.reshape(-1)  # of each sum and weight in `sums`
        rank = np.arange(len(sums.group)) - starts[sums.group * planes.shape[1] + sums.shift]
        fanin = np.full((len(rows), columns.sum()), FALSE, np.int32)
        offset = np.cumsum(columns) - columns
        row = np.searchsorted(rows, sums.group)
        fanin[row, offset[sums.shift] + rank] = self.writer.nets(sums.literal)
        shift = np.repeat(np.arange(len(columns)), columns).astype(np.uint8)
        return self.writer.add(Popcount(fanin, shift)).reshape(len(rows), -1)


def _carriers(cells: list[Popcount], literal: Literals) -> IntArray:
    """For each literal, the lowest addend that stands for it; constants for themselves."""
    carrier = np.zeros(2 * len(literal), np.int32)
    carrier[1] = TRUE
    addends = np.unique(np.concatenate([cell.fanin.reshape(-1) for cell in cells]))[::-1]
    addends = addends[literal[addends] > 1]
    carrier[literal[addends]] = addends
    return carrier


def _alike(planes: Numbers) -> list[Numbers]:
    """Sums that may share a cell, since little of it would be padding: rows of planes [n, m]."""
    found: list[list[int]] = []
    widest, total = planes[:0], 0
    for row in np.lexsort([*planes.T, planes.sum(axis=1)])[::-1].tolist():
        wider = np.maximum(widest, planes[row]) if found else planes[row]
        padded, own = (
            int(wider.sum()) * (len(found[-1]) + 1 if found else 1),
            int(planes[row].sum()),
        )
        fits = _PADDING * (padded - total - own) <= padded and weight_of(wider) <= SUM_LIMIT
        if found and fits:
            found[-1].append(row)
            widest, total = wider, total + own
        else:
            found.append([row])
            widest, total = planes[row], own
    return [np.sort(rows) for rows in found]
