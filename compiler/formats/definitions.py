"""What a text file defines, name by name and in any order, and the circuit that it makes."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import FileError
from ..circuit import Circuit
from ..literals import Literals
from ..names import Names
from .assemble import Cycle, assemble
from .numbers import Int64s
from .reading import Source, boolean_circuit, short

BUFFER, INVERTER = 0b10, 0b01
_INPUT = -1
_MOST_NETS = (1 << 30) - 1  # literals and net numbers fit int32


class _Numbers(dict[str, int]):
    """The number of each name; a name that is looked up gets one."""

    def __init__(self, add: Callable[[str], int]) -> None:
        super().__init__()
        self._add = add

    def __missing__(self, name: str) -> int:
        number = self[name] = self._add(name)
        return number


class Definitions:
    """The nets of one module: inputs, and LUTs of at most six nets each.

    Readers set `line` before they mention and define nets. Everything is kept as flat lists of
    numbers, of which Python holds millions.

    number: the net of each name, as `number[name]`. names: of each net, None for one that a reader
    made. mentioned: the line where each net came up first. inputs, outputs: nets.
    nets, sizes, flat, tables, lines: of each definition the net, how many nets it reads, these one
    after the other, its truth table and its line; for an input the size is -1.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.line = 0
        self.number = _Numbers(self.inner)
        self.names: list[str | None] = []
        self.mentioned: list[int] = []
        self.inputs: list[int] = []
        self.outputs: list[int] = []
        self.nets: list[int] = []
        self.sizes: list[int] = []
        self.flat: list[int] = []
        self.tables: list[int] = []
        self.lines: list[int] = []

    def inner(self, name: str | None = None) -> int:
        """A new net; without a name, no file can mention it."""
        number = len(self.names)
        if number > _MOST_NETS:
            raise self.source.error(self.line, f"over {number} nets", f"{_MOST_NETS}")
        self.names.append(name)
        self.mentioned.append(self.line)
        return number

    def input(self, net: int) -> None:
        """Say that a net is an input."""
        self.inputs.append(net)
        self.drive(net, (), 0)
        self.sizes[-1] = _INPUT

    def drive(self, net: int, fanin: Collection[int], table: int) -> int:
        """Define a net as a table of at most six nets, the first least significant; returns it."""
        self.nets.append(net)
        self.sizes.append(len(fanin))
        self.flat.extend(fanin)
        self.tables.append(table)
        self.lines.append(self.line)
        return net

    def splice(self, part: Definitions, bound: dict[int, int]) -> None:
        """Add a copy of `part`; `bound` gives nets of this module for inputs of it and outputs."""
        inputs = set(part.inputs)
        own = [bound[net] if net in inputs else self.inner() for net in range(len(part.names))]
        start = 0
        for net, size, table in zip(part.nets, part.sizes, part.tables, strict=True):
            if size != _INPUT:
                self.drive(own[net], [own[read] for read in part.flat[start : start + size]], table)
                start += size
        for net in part.outputs:
            if net in bound and net not in inputs:
                self.drive(bound[net], (own[net],), BUFFER)

    def check(self) -> None:
        """Refuse nets that are defined twice, and those that are mentioned and not defined."""
        nets = np.array(self.nets, np.int64)
        times = np.bincount(nets, minlength=len(self.names))
        if (times > 1).any():
            first, second = np.flatnonzero(nets == nets[times[nets] > 1][0])[:2].tolist()
            raise self.source.error(
                self.lines[second],
                f"{self._name(self.nets[first])} is defined a second time",
                f"one definition; line {self.lines[first]} has one",
            )
        if (times == 0).any():
            net = int(np.flatnonzero(times == 0)[0])
            raise self.source.error(
                self.mentioned[net],
                f"{self._name(net)} is read and nothing defines it",
                "inputs, and nets with a definition anywhere in the module",
            )

    def _name(self, net: int) -> str:
        return short(self.names[net] or "a net without a name")

    def circuit(self) -> Circuit:
        """The circuit; buffers, inverters and constants go into what reads them.

        Raises:
            FileError: a net is not defined, or defined twice, or nets read themselves.
        """
        self.check()
        columns = Columns(self)
        try:
            outputs = columns.literal[np.array(self.outputs, np.int64)]
            netlist = assemble(len(self.inputs), *columns.luts, outputs)
        except Cycle as error:
            raise self.cycle(columns.lut_rows[error.luts].tolist()) from None
        inputs, outputs = (
            tuple(self.names[net] or "" for net in nets) for nets in (self.inputs, self.outputs)
        )
        return boolean_circuit(netlist, Names(inputs, outputs))

    def cycle(self, rows: list[int]) -> FileError:
        """The error for definitions that read each other, each read by the next."""
        names = [short(name) for row in rows[::-1] if (name := self.names[self.nets[row]])]
        circle = " <- ".join(names[:6]) + (" <- ..." if len(names) > 6 else "")
        return self.source.error(
            min(self.lines[row] for row in rows),
            f"{len(rows)} nets read each other in a circle: {circle}",
            "circuits without cycles",
        )


class Columns:
    """Definitions, each net one, as the arrays that `assemble` takes.

    literal: uint32, of each net. luts: fanin, size and table. lut_rows: the definition of each LUT.
    """

    def __init__(self, found: Definitions) -> None:
        self.nets = np.array(found.nets, np.int64)
        sizes = np.array(found.sizes, np.int64)
        table = np.array(found.tables, np.uint64)
        self.flat = np.array(found.flat, np.int64)
        self.starts = np.cumsum(sizes.clip(0)) - sizes.clip(0)
        sizes[(sizes == 1) & ((table == 0) | (table == 3))] = 0
        self.lut_rows = np.flatnonzero(sizes > 1)
        node = np.zeros(len(self.nets), np.uint32)  # of each net
        node[self.nets] = (table & np.uint64(1)) * (sizes == 0)
        node[np.array(found.inputs, np.int64)] = 2 * np.arange(1, 1 + len(found.inputs))
        luts = 1 + len(found.inputs) + np.arange(len(self.lut_rows))
        node[self.nets[self.lut_rows]] = 2 * luts
        target, inverted = self._stand_ins(np.flatnonzero(sizes == 1), table, found)
        self.literal: Literals = node[target] ^ inverted
        sizes = sizes[self.lut_rows]
        self.luts = (self._rows(sizes), sizes.astype(np.uint8), table[self.lut_rows])

    def _stand_ins(
        self, single: Int64s, table: NDArray[np.uint64], found: Definitions
    ) -> tuple[Int64s, Literals]:
        """For each net the one at the end of its chain of buffers and inverters, and the phase.

        single: the rows that are buffers and inverters.
        """
        target = np.arange(len(self.nets))
        inverted = np.zeros(len(self.nets), np.uint32)
        target[self.nets[single]] = self.flat[self.starts[single]]
        inverted[self.nets[single]] = table[single] & np.uint64(1)
        once = target
        for _ in range(len(single).bit_length() + 1):  # paths double in length
            inverted ^= inverted[target]
            target = target[target]
        row = np.full(len(self.nets), -1)
        row[self.nets[single]] = single
        circular = np.flatnonzero(row[target] >= 0)
        if len(circular):
            path = [int(target[circular[0]])]
            while (net := int(once[path[-1]])) != path[0]:
                path.append(net)
            raise found.cycle(row[path[::-1]].tolist())
        return target, inverted

    def _rows(self, sizes: Int64s) -> Literals:
        """What each LUT reads: literals [luts, k]."""
        rows = np.zeros((len(sizes), int(sizes.max(initial=1))), np.uint32)
        starts = self.starts[self.lut_rows]
        for column in range(rows.shape[1]):
            some = np.flatnonzero(sizes > column)
            rows[some, column] = self.literal[self.flat[starts[some] + column]]
        return rows
