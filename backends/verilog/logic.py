"""Netlists in Verilog: one named net a gate, one module a tile body, popcounts and argmaxes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
from numpy.typing import NDArray

from ...compiler import Argmax, Luts, Netlist, Popcount, Tile
from ...compiler.netlist import FIRST_INPUT, Cell
from ...compiler.tables import as_tables, depends
from ..formulas import Dialect, expression
from .count import argmax_module, popcount_module
from .text import ONE, ZERO, Port, concat, module_text, plural, unused

DIALECT = Dialect(ZERO, ONE, "{select} ? {high} : {low}")
_PLACES = tuple(f"{{{i}}}" for i in range(6))
Names = NDArray[np.object_]


class Modules:
    """The modules of one design; equal tile bodies, popcounts and argmaxes become one module."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bodies: dict[Netlist, str] = {}
        self._texts: dict[str, str] = {}

    def texts(self) -> list[str]:
        """The text of every module, those that use others first."""
        return list(self._texts.values())

    def popcount(self, planes: tuple[int, ...]) -> str:
        """The name of the module that adds up bits, so many of which count 1, 2, 4 and so on."""
        module = f"{self._name}_popcount{'_'.join(map(str, planes))}"
        if module not in self._texts:
            self._texts[module] = popcount_module(module, planes)
        return module

    def argmax(self, candidates: int, bits: int) -> str:
        """The name of the module that finds the largest of `candidates` numbers of `bits` bits."""
        module = f"{self._name}_argmax{candidates}x{bits}"
        if module not in self._texts:
            self._texts[module] = argmax_module(module, candidates, bits)
        return module

    def class_argmax(self, groups: int, width: int) -> str:
        """The name of the module that finds the class."""
        module = f"{self._name}_argmax"
        self._texts[module] = argmax_module(module, groups, width)
        return module

    def tile(self, body: Netlist) -> str:
        """The name of the module that holds a tile's body."""
        if body not in self._bodies:
            module = f"{self._name}_tile{len(self._bodies)}"
            self._bodies[body] = module
            self.netlist(module, "The body of a tile: one place of a convolution.", body)
        return self._bodies[body]

    def netlist(self, module: str, comment: str, netlist: Netlist) -> None:
        """Add the module that holds a netlist with at least one output."""
        self._texts[module] = ""  # its place: before the modules that it uses
        names = _net_names(netlist)
        lines = [f"  wire n{FIRST_INPUT + i} = in[{i}];" for i in range(netlist.n_inputs)]
        for first, cell in netlist.placed():
            if cell.n_nets:
                lines += _cell_lines(self, first, cell, names)
        lines.append(f"  assign out = {concat(names[netlist.outputs].tolist())};")
        lines += unused(names[_unread(netlist)].tolist())
        ports = [Port("in", "input", netlist.n_inputs)]
        ports.append(Port("out", "output", len(netlist.outputs)))
        self._texts[module] = module_text(module, comment, ports, lines)


def _net_names(netlist: Netlist) -> Names:
    """What each net is called, [n_nets]: a constant, or n<number>."""
    return np.array([ZERO, ONE, *(f"n{net}" for net in range(2, netlist.n_nets))], dtype=object)


def _unread(netlist: Netlist) -> NDArray[np.int64]:
    """Nets that a linter may call unused: no text reads them, or only text that folds away."""
    read = np.zeros(netlist.n_nets, np.bool_)
    read[:FIRST_INPUT] = True
    read[netlist.outputs] = True
    for cell in netlist.cells:
        if not isinstance(cell, Luts):
            read[cell.fanin] |= cell.n_nets > 0  # a cell that drives nothing is left out
            continue
        tables = as_tables(cell.table)
        firm = (cell.fanin >= FIRST_INPUT).all(axis=1)
        for column in range(cell.k):
            read[cell.fanin[firm & depends(tables, column), column]] = True
    return np.flatnonzero(~read)


def _cell_lines(modules: Modules, first: int, cell: Cell, names: Names) -> list[str]:
    match cell:
        case Luts():
            return _luts(first, cell, names)
        case Popcount():
            module = modules.popcount(cell.planes)
            return list(_popcounts(module, first, cell, names))
        case Argmax():
            return _argmax(modules.argmax(*cell.fanin.shape), first, cell, names)
        case Tile():
            return list(_tiles(modules.tile(cell.body), first, cell, names))
    raise AssertionError(cell)


def _luts(first: int, cell: Luts, names: Names) -> list[str]:
    tables = np.unique(cell.table).tolist()
    text = {table: expression(table, _PLACES[: cell.k], DIALECT) for table in tables}
    rows = zip(count(first), cell.table.tolist(), names[cell.fanin].tolist(), strict=False)
    head = f"  // {plural(cell.n_nets, 'table')} of {plural(cell.k, 'input')}"
    return [head, *(f"  wire n{net} = {text[table].format(*row)};" for net, table, row in rows)]


def _popcounts(module: str, first: int, cell: Popcount, names: Names) -> Iterator[str]:
    for net, row in zip(count(first, cell.width), names[cell.fanin].tolist(), strict=False):
        driven = [f"n{bit}" for bit in range(net, net + cell.width)]
        yield f"  wire {', '.join(driven)};"
        yield f"  {module} popcount_n{net} (.in({concat(row)}), .count({concat(driven)}));"


def _argmax(module: str, first: int, cell: Argmax, names: Names) -> list[str]:
    driven = [f"n{net}" for net in range(first, first + cell.width)]
    return [
        f"  wire {', '.join(driven)};",
        f"  {module} argmax_n{first} (.in({concat(names[cell.fanin.reshape(-1)].tolist())}), "
        f".index({concat(driven)}));",
    ]


def _tiles(module: str, first: int, cell: Tile, names: Names) -> Iterator[str]:
    outputs = len(cell.body.outputs)
    yield f"  // {plural(cell.places, 'place')} of one body"
    for net, row in zip(count(first, outputs), names[cell.fanin].tolist(), strict=False):
        driven = [f"n{bit}" for bit in range(net, net + outputs)]
        pins = f".in({concat(row)}), " if row else ""
        yield f"  wire {', '.join(driven)};"
        yield f"  {module} tile_n{net} ({pins}.out({concat(driven)}));"
