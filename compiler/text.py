"""The printed form of a netlist, and its parser.

One row a line, `%net` for nets, input 0 of a truth table first::

    netlist inputs=4
      %6 = lut 0x6 %2 %3
      %7..%8 = popcount %6 %4
      %9 = argmax (%7) (%8)
      output %9

Addends that count more than one say so, as in `popcount %6 %4 2*%5`, which counts %5 twice.

Consecutive rows of one kind, width and weights make one cell; an empty line ends it. A tile prints
its body once and then a line for each place::

      tile
        netlist inputs=2
          %4 = lut 0x8 %2 %3
          output %4
      %10 = place %2 %3
      %11 = place %4 %5
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..runtime.errors import FileError
from .netlist import FIRST_INPUT, Argmax, Cell, Luts, Netlist, Popcount, Tile
from .verify import verify


def format_netlist(netlist: Netlist) -> str:
    """The printed form; `parse_netlist` reads it back to an equal netlist."""
    return "\n".join(_lines(netlist)) + "\n"


def _lines(netlist: Netlist) -> list[str]:
    lines = [f"netlist inputs={netlist.n_inputs}"]
    previous = None
    for first, cell in netlist.placed():
        shape = (type(cell), cell.fanin.shape[1], _planes(cell))
        if shape == previous and not isinstance(cell, Argmax | Tile):
            lines.append("")
        previous = shape
        lines += ["  " + line if line else "" for line in _cell_lines(first, cell)]
    lines.append("  " + " ".join(["output", *_nets(netlist.outputs)]))
    return lines


def _cell_lines(first: int, cell: Cell) -> list[str]:
    match cell:
        case Luts():
            digits = max(1, (1 << cell.k) // 4)
            return [
                " ".join([f"%{first + i} = lut 0x{int(table):0{digits}x}", *_nets(fanin)])
                for i, (fanin, table) in enumerate(zip(cell.fanin, cell.table, strict=True))
            ]
        case Popcount():
            weights = ["" if shift == 0 else f"{1 << shift}*" for shift in cell.shifts.tolist()]
            return [
                " ".join(
                    [
                        _span(first + i * cell.width, cell.width),
                        "= popcount",
                        *map(str.__add__, weights, _nets(fanin)),
                    ]
                )
                for i, fanin in enumerate(cell.fanin)
            ]
        case Argmax():
            candidates = [f"({' '.join(_nets(fanin))})" for fanin in cell.fanin]
            return [" ".join([_span(first, cell.width), "= argmax", *candidates])]
        case Tile():
            width = len(cell.body.outputs)
            return [
                "tile",
                *("  " + line if line else "" for line in _lines(cell.body)),
                *(
                    " ".join([_span(first + i * width, width), "= place", *_nets(fanin)])
                    for i, fanin in enumerate(cell.fanin)
                ),
            ]


def _planes(cell: Cell) -> tuple[int, ...]:
    return cell.planes if isinstance(cell, Popcount) else ()


def _nets(fanin: np.ndarray) -> list[str]:
    return [f"%{net}" for net in fanin]


def _span(first: int, width: int) -> str:
    return f"%{first}" if width == 1 else f"%{first}..%{first + width - 1}"


def parse_netlist(text: str) -> Netlist:
    """Read the printed form.

    Raises:
        FileError: the text is not a netlist; the message names the line.
        NetlistError: it is one, but breaks a rule of the IR.
    """
    lines = [(i, line.strip()) for i, line in enumerate(text.splitlines(), start=1)]
    while lines and not lines[-1][1]:
        lines.pop()
    try:
        netlist, rest = _parse(lines, 0)
    except RecursionError:
        raise FileError("tiles nested too deep to read; unroll them") from None
    if rest < len(lines):
        raise _error(lines[rest], "nothing after the output line")
    return verify(netlist)


@dataclass
class _Open:
    """The cell being read: rows of one kind."""

    kind: str = ""
    fanin: list[list[int]] = field(default_factory=list)
    table: list[int] = field(default_factory=list)
    shift: list[int] = field(default_factory=list)
    body: Netlist | None = None

    def takes(self, kind: str, row: list[int], shift: list[int]) -> bool:
        """Whether a row belongs to the open cell."""
        return kind == self.kind and len(row) == len(self.fanin[0]) and shift == self.shift

    def close(self) -> list[Cell]:
        """The finished cell, if there is one; afterwards no cell is open."""
        if not self.kind:
            return []
        columns = len(self.fanin[0]) if self.fanin else (self.body.n_inputs if self.body else 0)
        fanin: Any = np.array(self.fanin, np.int64).reshape(len(self.fanin), columns)
        match self.kind:
            case "lut":
                cell: Cell = Luts(fanin, np.array(self.table, np.uint64))
            case "popcount":
                cell = Popcount(fanin, np.array(self.shift, np.uint8))
            case "argmax":
                cell = Argmax(fanin)
            case _:
                assert self.body is not None
                cell = Tile(self.body, fanin)
        self.__init__()
        return [cell]


_ROW = re.compile(r"%(\d+)(?:\.\.%(\d+))? = (lut|popcount|argmax|place)\b(.*)")


def _parse(lines: list[tuple[int, str]], at: int) -> tuple[Netlist, int]:
    header = re.fullmatch(r"netlist inputs=(\d{1,10})", lines[at][1]) if at < len(lines) else None
    if header is None:
        raise _error(lines[at] if at < len(lines) else (at, ""), "`netlist inputs=N`")
    cells: list[Cell] = []
    opened = _Open()
    net = FIRST_INPUT + int(header[1])
    at += 1
    while at < len(lines):
        line = lines[at]
        at += 1
        try:
            if not line[1]:
                if opened.kind != "place":
                    cells += opened.close()
            elif line[1].split()[0] == "output":
                cells += opened.close()
                outputs: Any = _numbers(line[1][6:])
                return Netlist(int(header[1]), tuple(cells), outputs), at
            elif line[1] == "tile":
                cells += opened.close()
                body, at = _parse(lines, at)
                opened.kind, opened.body = "place", body
            else:
                net = _row(line[1], opened, cells, net)
        except (TypeError, ValueError, OverflowError) as error:
            if isinstance(error, FileError):
                raise
            raise FileError(f"line {line[0]}: {error}") from None
    raise _error((len(lines), "end of text"), "an `output` line")


def _row(line: str, opened: _Open, cells: list[Cell], net: int) -> int:
    """Read one row into the open cell; return the next net to be driven."""
    found = _ROW.fullmatch(line)
    if found is None:
        raise ValueError(f"found {line!r}; allowed are lut, popcount, argmax, tile, place, output")
    kind, rest = found[3], found[4]
    table = 0
    shift: list[int] = []
    if kind == "lut":
        literal, _, rest = rest.strip().partition(" ")
        table = int(literal, 16)
    if kind == "argmax":
        groups = re.findall(r"\(([^()]*)\)", rest)
        rows = [_numbers(group) for group in groups]
        if len({len(row) for row in rows}) != 1:
            raise ValueError("argmax candidates differ in width; allowed is one width for all")
    else:
        if kind == "popcount":
            rest, shift = _weights(rest)
        rows = [_numbers(rest)]
    if kind == "place" and opened.kind != "place":
        raise ValueError("`place` without a `tile` above it")
    if kind == "argmax" or (kind != "place" and not opened.takes(kind, rows[0], shift)):
        cells += opened.close()
        opened.kind, opened.shift = kind, shift
    opened.fanin += rows
    opened.table.append(table)
    last = int(found[2] or found[1])
    if int(found[1]) != net:
        raise ValueError(f"drives net %{found[1]}; the next net is %{net}")
    if last != net + _driven(kind, rows, opened) - 1:
        raise ValueError(
            f"drives up to %{last}; {kind} here drives {_driven(kind, rows, opened)} nets"
        )
    return last + 1


def _driven(kind: str, rows: list[list[int]], opened: _Open) -> int:
    if kind == "lut":
        return 1
    if kind == "popcount":
        return sum(1 << shift for shift in opened.shift).bit_length()
    if kind == "argmax":
        return max(1, (len(rows) - 1).bit_length())
    assert opened.body is not None
    return len(opened.body.outputs)


def _weights(text: str) -> tuple[str, list[int]]:
    """The addends of a popcount without their weights, and the weights' binary logarithms."""
    nets, shift = [], []
    for word in text.split():
        weight, _, net = word.rpartition("*")
        if weight and not (re.fullmatch(r"\d{1,10}", weight) and int(weight).bit_count() == 1):
            raise ValueError(f"found {word!r}; allowed are nets and powers of two, such as 2*%4")
        nets.append(net)
        shift.append(int(weight or 1).bit_length() - 1)
    return " ".join(nets), shift


def _numbers(text: str) -> list[int]:
    words = text.split()
    if not all(re.fullmatch(r"%\d+", word) for word in words):
        raise ValueError(f"found {text.strip()!r}; allowed are nets such as %2 %3")
    return [int(word[1:]) for word in words]


def _error(line: tuple[int, str], expected: str) -> FileError:
    return FileError(f"line {line[0]}: found {line[1]!r}; expected {expected}")
