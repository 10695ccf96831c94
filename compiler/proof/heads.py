"""Readouts out of LUTs, back as popcounts and argmaxes: each step by proof, so the netlists that
come out equal those that went in.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..bodies import with_bodies
from ..equivalence import demand_proof, equivalent
from ..literals import Writer
from ..netlist import FALSE, TRUE, Argmax, Cell, IntArray, Luts, Netlist, Popcount, Tile
from ..passes.unroll import unroll
from ..simulate import simulate
from .counters import Sum, added_up, as_count, rows_of

_TRIED = 256  # random patterns before a proof
_SECONDS = 60.0  # for an argmax
_MUX = np.uint64(0xCA)  # inputs low, high, select


def recognised(netlist: Netlist) -> Netlist:
    """The netlist with popcounts for tiles that count their inputs, and argmaxes for such tiles."""
    return with_bodies(netlist, _Heads().recognised)


def taken_apart(netlist: Netlist) -> Netlist:
    """Popcounts of what their addends add up, where these are counters of two LUTs and more."""
    return with_bodies(netlist, _taken_apart)


def paired(netlist: Netlist) -> Netlist:
    """Argmaxes as rounds of argmaxes of two, of which the first is compared with the second.

    Raises:
        NetlistError: it was not proved that an argmax of some shape is that.
    """
    proved: set[tuple[int, ...]] = set()

    def change(netlist: Netlist) -> Netlist:
        wide = [c for c in netlist.cells if isinstance(c, Argmax) and len(c.fanin) > 2]
        for cell in wide:
            if cell.fanin.shape not in proved:
                demand_proof(*_both(cell.fanin.shape), f"rounds of {len(cell.fanin)} numbers")
                proved.add(cell.fanin.shape)
        return _paired(netlist) if wide else netlist

    return with_bodies(netlist, change)


def _both(shape: tuple[int, ...]) -> tuple[Netlist, Netlist]:
    """An argmax of so many numbers and bits, as one and in rounds."""
    candidates, bits = shape
    cell = Argmax(np.arange(2, 2 + candidates * bits, dtype=np.int32).reshape(shape))
    first = 2 + candidates * bits
    whole = Netlist(
        candidates * bits, (cell,), np.arange(first, first + cell.width, dtype=np.int32)
    )
    return whole, _paired(whole)


def _paired(netlist: Netlist) -> Netlist:
    writer = Writer(netlist)
    for first, cell in netlist.placed():
        if isinstance(cell, Argmax) and len(cell.fanin) > 2:
            writer.drive(first, _rounds(writer, writer.read(cell.fanin)))
        else:
            writer.drive(first, writer.add(_moved(writer, cell)))
    return writer.close(netlist)


def _rounds(writer: Writer, numbers: IntArray) -> IntArray:
    """Emit the index of the largest of numbers [candidates, bits]; of equal ones the lowest."""
    index = np.zeros((len(numbers), 0), np.int32)
    while len(numbers) > 1:
        left = len(numbers) % 2  # the last one waits
        low, high = numbers[: len(numbers) - left : 2], numbers[1::2]
        right = np.concatenate(
            [writer.add(Argmax(np.stack(two))) for two in zip(low, high, strict=True)]
        )
        values = _chosen(writer, low, high, right)
        bits = _chosen(writer, index[: len(index) - left : 2], index[1::2], right)
        index = np.concatenate(
            [
                np.column_stack([bits, right]),
                np.pad(index[len(index) - left :], [(0, 0), (0, 1)], constant_values=FALSE),
            ]
        )
        numbers = np.concatenate([values, numbers[len(numbers) - left :]])
    return index[0]


def _chosen(writer: Writer, low: IntArray, high: IntArray, right: IntArray) -> IntArray:
    """Emit `high` where `right`, else `low`, bits [pairs, bits]."""
    select = np.broadcast_to(right[:, None], low.shape)
    rows = np.stack([low, high, select], axis=-1).reshape(-1, 3)
    return writer.luts(rows, _MUX).reshape(low.shape) if len(rows) else low


def flattened(netlist: Netlist) -> Netlist:
    """Popcounts of what others count, in place of popcounts of the digits of others."""
    counts: dict[int, tuple[int, Sum, range]] = {}  # by net: its digit, the sum, nets of all digits
    writer = Writer(netlist)
    for first, cell in netlist.placed():
        if not isinstance(cell, Popcount):
            writer.drive(first, writer.add(_moved(writer, cell)))
            continue
        weights = [1 << shift for shift in cell.shifts.tolist()]
        for i, row in enumerate(cell.fanin.tolist()):
            nets = range(first + i * cell.width, first + (i + 1) * cell.width)
            total = _inlined(counts, _weights(row, weights))
            counts.update((net, (digit, total, nets)) for digit, net in enumerate(nets))
            writer.drive(nets[0], _count(writer, total, cell.width))
    return writer.close(netlist)


def _inlined(counts: dict[int, tuple[int, Sum, range]], total: dict[int, int]) -> Sum:
    """A sum of nets, and of sums for the digits of counts that are there as a whole."""
    offset, total = total.pop(TRUE, 0), dict(total)
    for net in sorted(total, reverse=True):
        digit, inner, nets = counts.get(net, (0, None, range(0)))
        if inner is None or net not in total:
            continue
        most = inner.offset + sum(inner.weight.values())
        used = nets[: most.bit_length()]
        times = total[net] >> digit
        if net not in used or all(total.get(n) == times << i for i, n in enumerate(used)):
            for n in used if net in used else [net]:
                del total[n]
            if net in used:
                offset += times * inner.offset
                for n, weight in inner.weight.items():
                    total[n] = total.get(n, 0) + times * weight
    return Sum(offset, total)


def _weights(row: list[int], weights: list[int]) -> dict[int, int]:
    total: dict[int, int] = {}
    for net, times in zip(row, weights, strict=True):
        total[net] = total.get(net, 0) + times
    total.pop(FALSE, None)
    return total


class _Heads:
    """What bodies compute, found once for each."""

    def __init__(self) -> None:
        self._known: dict[Netlist, Sum | tuple[int, int] | None] = {}

    def recognised(self, netlist: Netlist) -> Netlist:
        kinds = {
            i: self._kind(cell.body)
            for i, cell in enumerate(netlist.cells)
            if isinstance(cell, Tile)
        }
        if not any(kinds.values()):
            return netlist
        writer = Writer(netlist)
        for i, (first, cell) in enumerate(netlist.placed()):
            kind = kinds.get(i)
            if kind is None or not isinstance(cell, Tile):
                writer.drive(first, writer.add(_moved(writer, cell)))
            elif isinstance(kind, Sum):
                digits = len(cell.body.outputs)
                bits = [_count(writer, _at(kind, row), digits) for row in cell.fanin]
                writer.drive(first, np.stack(bits))
            else:
                numbers = writer.read(cell.fanin).reshape(cell.places, *kind)
                bits = [writer.add(Argmax(fanin)) for fanin in numbers]
                writer.drive(first, np.stack(bits))
        return writer.close(netlist)

    def _kind(self, body: Netlist) -> Sum | tuple[int, int] | None:
        """The sum that a body of LUTs counts, the shape of the argmax that it is, or neither."""
        if body not in self._known:
            flat = unroll(body)
            plain = all(isinstance(cell, (Luts, Popcount)) for cell in flat.cells)
            plain = plain and len(flat.outputs) > 0
            self._known[body] = (as_count(flat) or _argmax(flat)) if plain else None
        return self._known[body]


def _moved(writer: Writer, cell: Cell) -> Cell:
    return replace(cell, fanin=writer.read(cell.fanin))


def _at(found: Sum, row: IntArray) -> Sum:
    """The sum of a body's inputs, nets 2, 3 and so on, as one of the nets that are put there."""
    weight: dict[int, int] = {}
    for net, times in found.weight.items():
        at = int(row[net - 2])
        weight[at] = weight.get(at, 0) + times
    return Sum(found.offset, weight)


def _count(writer: Writer, total: Sum, digits: int) -> IntArray:
    """Emit a popcount of a sum of old nets; its digits, bits [digits]."""
    offset, addends = total.offset, []
    for net, times in total.weight.items():
        offset += min(times, 0)
        literal = int(writer.literal[net]) ^ (times < 0)
        addends += _binary(abs(times), literal)
    nets = [(shift, int(writer.nets(np.array([literal]))[0])) for shift, literal in addends]
    nets += _binary(offset, TRUE)
    if not nets:
        return np.zeros(digits, np.int32)
    shifts, fanin = zip(*sorted(nets), strict=True)
    bits = writer.add(Popcount(np.array([fanin], np.int32), np.array(shifts, np.uint8)))[:digits]
    return np.pad(bits, (0, digits - len(bits)), constant_values=FALSE)


def _binary(number: int, net: int) -> list[tuple[int, int]]:
    """Shifts at which a net, or literal, is added to count so many times."""
    return [(shift, net) for shift in range(number.bit_length()) if number >> shift & 1]


def _argmax(body: Netlist) -> tuple[int, int] | None:
    """The shape of the argmax that a body proves to be, if it is one."""
    n = body.n_inputs
    random = np.random.default_rng(0).random((_TRIED, n)) < 0.5
    for candidates in range(2, n + 1):
        width = max(1, (candidates - 1).bit_length())
        if n % candidates or width != len(body.outputs):
            continue
        shape = candidates, n // candidates
        whole, _ = _both(shape)
        if (simulate(whole, random) == simulate(body, random)).all() and (
            equivalent(whole, body, seconds=_SECONDS).status == "proved"
        ):
            return shape
    return None


def _taken_apart(netlist: Netlist) -> Netlist:
    if not any(isinstance(cell, Popcount) for cell in netlist.cells):
        return netlist
    luts = rows_of(netlist)
    writer = Writer(netlist)
    for first, cell in netlist.placed():
        if isinstance(cell, Popcount):
            weights = [1 << shift for shift in cell.shifts.tolist()]
            rows = [
                _count(writer, _row(luts, row, weights), cell.width) for row in cell.fanin.tolist()
            ]
            writer.drive(first, np.stack(rows))
        else:
            writer.drive(first, writer.add(_moved(writer, cell)))
    return writer.close(netlist)


def _row(luts: dict, row: list[int], weights: list[int]) -> Sum:
    return added_up(luts, _weights(row, weights), None, least=2)
