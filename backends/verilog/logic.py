"""Netlists in Verilog: one named net a gate, one module a tile body, popcounts and argmaxes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, takewhile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...compiler import Argmax, Luts, Netlist, Popcount, Tile
from ...compiler.netlist import FIRST_INPUT, Cell, IntArray
from ...compiler.tables import as_tables, depends
from ..formulas import Dialect, expression
from .behaviour import argmax_module, popcount_module
from .cells import Cells, KeptLuts, Primitives
from .head import Parts
from .row_cells import rows_module
from .rows import RowChain
from .slices import chain_module
from .text import ONE, ZERO, Port, clocked, clocks, concat, listed, module_text, plural, unused
from .timing import Timing, Timings

DIALECT = Dialect(ZERO, ONE)
_FORMULA_INPUTS = 3  # of a table that is written as a formula
_PLACES = tuple(f"{{{i}}}" for i in range(6))
Names = NDArray[np.object_]
Cuts = tuple[int, ...]


class Module(NamedTuple):
    """A module as those that use it need to know it."""

    name: str
    clocked: bool


class Modules:
    """The modules of one design; equal bodies that are cut alike become one module.

    parts: what bodies are called, and a comment, where they are no convolution's, and which are
    counters on carry chains. enable: whether registers have a clock enable. keep: whether synthesis
    shall not flatten what has a label, nor map its LUTs anew. primitives: of which device LUTs are
    instances, if of any.
    """

    def __init__(
        self,
        name: str,
        timings: Timings,
        parts: Parts,
        enable: bool = False,
        keep: bool = False,
        primitives: str | None = None,
    ) -> None:
        self.prefix = f"{name}_"
        self.timings = timings
        self._labels, self._chains = parts.labels, parts.chains
        self._enable = enable
        self._keep = keep
        self._device = primitives
        self._primitives = Primitives(name, primitives) if primitives else None
        self._kept_luts = KeptLuts(name)
        self._made: dict[object, Module] = {}
        self._names: set[str] = set()
        self._tiles = count()
        self._texts: dict[str, str] = {}

    def texts(self) -> list[str]:
        """The text of every module, those that use others first."""
        cells = [self._kept_luts, *([self._primitives] if self._primitives else [])]
        return [*self._texts.values(), *(text for some in cells for text in some.texts())]

    def pins(self, module: Module) -> str:
        """The connections of a module's clock, with a comma behind."""
        return "".join(
            f".{port.name}({port.name}), " for port in clocks(module.clocked, self._enable)
        )

    def of(self, cell: Cell, cuts: Cuts) -> Module:
        """The module of a cell with registers at these of its levels."""
        match cell:
            case Popcount():
                planes = cell.planes
                name = "popcount" + "_".join(map(str, planes))
                return self._operators(name, planes, cuts, popcount=True)
            case Argmax():
                name = f"argmax{'x'.join(map(str, cell.fanin.shape))}"
                return self._operators(name, cell.fanin.shape, cuts, popcount=False)
            case Tile():
                return self._tile(cell.body, cuts)
        raise AssertionError(cell)

    def _operators(
        self, name: str, sizes: tuple[int, ...], cuts: Cuts, *, popcount: bool
    ) -> Module:
        """A popcount or an argmax written as operators, of these planes or this shape."""
        key = (name, cuts)
        if key not in self._made:
            module = self._fresh(name)
            if popcount:
                text = popcount_module(module, sizes, cuts, self._enable)
            else:
                text = argmax_module(module, (sizes[0], sizes[1]), cuts, self._enable)
            self._texts[module] = text
            self._made[key] = Module(module, bool(cuts))
        return self._made[key]

    def _tile(self, body: Netlist, cuts: Cuts) -> Module:
        key = (body, cuts)
        if body in self._chains and key not in self._made:
            chain = self._chains[body]
            module = self._fresh(chain.name)
            if isinstance(chain, RowChain):
                assert self._device
                self._texts[module] = rows_module(module, chain, self._device)
            else:
                self._texts[module] = chain_module(module, chain)
            self._made[key] = Module(module, False)
        if key not in self._made:
            label, comment = self._labels.get(body, ("", ""))
            module = self._fresh(label or f"tile{next(self._tiles)}")
            comment = comment or "The body of a tile: one place of a convolution."
            timing = self.timings.of_body(body)
            self._made[key] = self.netlist(module, comment, body, timing, cuts)
        return self._made[key]

    def _fresh(self, name: str) -> str:
        """A name of a module that no other has."""
        found = self.prefix + name
        variants = (f"{found}_{i}" for i in count(1))
        while found in self._names:
            found = next(variants)
        self._names.add(found)
        return found

    def netlist(
        self, module: str, comment: str, netlist: Netlist, timing: Timing, cuts: Cuts
    ) -> Module:
        """Add the module that holds a netlist with at least one output."""
        self._texts[module] = ""  # its place: before the modules that it uses
        keep = self._keep and netlist in self._labels
        cells = self._primitives or (self._kept_luts if keep else None)
        text = _Text(self, netlist, timing, cuts, cells)
        lines = text.lines()
        ports = clocks(text.clocked, self._enable)
        ports.append(Port("in", "input", netlist.n_inputs))
        ports.append(Port("out", "output", len(netlist.outputs)))
        lines += clocked(text.updates, self._enable)
        self._texts[module] = module_text(module, comment, ports, lines, keep)
        return Module(module, text.clocked)


class _Text:
    """The lines of one netlist.

    A net is called n<number>; after t cuts more than it comes with, n<number>_<cuts>.
    """

    def __init__(
        self, modules: Modules, netlist: Netlist, timing: Timing, cuts: Cuts, cells: Cells | None
    ) -> None:
        self.modules, self.netlist, self.timing, self.cuts = modules, netlist, timing, cuts
        self.names = _net_names(netlist)
        self.stage = self._cuts_before(timing.level)
        self.until = np.maximum(self._cuts_before(timing.last), self.stage)
        self.updates: list[str] = []
        self.tables: set[str] = set()  # declared
        self.cells = cells
        self.clocked = False

    def _cuts_before(self, level: IntArray) -> IntArray:
        """How many cuts lie between the inputs and these levels."""
        return np.searchsorted(np.array(self.cuts, np.int64), level).astype(np.int32)

    def lines(self) -> list[str]:
        netlist = self.netlist
        inputs = np.arange(FIRST_INPUT, FIRST_INPUT + netlist.n_inputs, dtype=np.int32)
        lines = [f"  wire n{FIRST_INPUT + i} = in[{i}];" for i in range(netlist.n_inputs)]
        lines += self._registers(inputs)
        for begin, (first, cell) in zip(self.timing.starts, netlist.placed(), strict=True):
            if cell.n_nets:
                lines += self._cell(begin, first, cell)
                lines += self._registers(np.arange(first, first + cell.n_nets, dtype=np.int32))
        lines.append(f"  assign out = {concat(self._outputs())};")
        unread = _unread(netlist)
        lines += unused(self._named(unread, self.until[unread]).tolist())
        self.clocked |= bool(self.updates)
        return lines

    def _outputs(self) -> list[str]:
        """What the module answers: at the end of the whole logic, in a body as it comes."""
        outputs = self.netlist.outputs
        return self._named(outputs, self._cuts_before(self._output_level(outputs))).tolist()

    def _output_level(self, outputs: IntArray) -> IntArray:
        end = self.timing.end
        return np.full(len(outputs), end) if end else self.timing.level[outputs]

    def _registers(self, nets: IntArray) -> list[str]:
        """Declares the registers behind nets, and notes their updates."""
        declared = []
        for net in nets[self.until[nets] > self.stage[nets]].tolist():
            name = self.names[net]
            for stage in range(int(self.stage[net]) + 1, int(self.until[net]) + 1):
                declared.append(f"n{net}_{stage}")
                self.updates.append(f"{declared[-1]} <= {name};")
                name = declared[-1]
        return listed(declared, "reg")

    def _named(self, nets: IntArray, stage: IntArray | int) -> Names:
        """What carries `nets` after so many cuts, in the shape of `nets`."""
        found = self.names[nets]
        late = (self.stage[nets] < stage) & (nets >= FIRST_INPUT)
        if late.any():
            at = np.broadcast_to(np.asarray(stage), nets.shape)[late].tolist()
            pairs = zip(nets[late].tolist(), at, strict=True)
            found[late] = [f"n{net}_{cuts}" for net, cuts in pairs]
        return found

    def _cell(self, begin: int, first: int, cell: Cell) -> Iterator[str]:
        if isinstance(cell, Luts):
            return self._luts(first, cell)
        end = begin + self.modules.timings.depth(cell)
        cuts = tuple(cut - begin for cut in self.cuts if begin < cut < end)
        module = self.modules.of(cell, cuts)
        self.clocked |= module.clocked
        fanin = self._named(cell.fanin, int(self._cuts_before(np.array(begin + 1, np.int32))))
        pins = self.modules.pins(module)
        label = "".join(takewhile(str.isalpha, module.name.removeprefix(self.modules.prefix)))
        if isinstance(cell, Argmax):
            fanin = fanin.reshape(1, -1)
        output = {Popcount: "count", Argmax: "index"}.get(type(cell), "out")
        width = cell.n_nets // len(fanin)
        return _instances(module.name, label, pins, output, first, fanin, width)

    def _luts(self, first: int, cell: Luts) -> Iterator[str]:
        yield f"  // {plural(cell.n_nets, 'table')} of {plural(cell.k, 'input')}"
        stage = self.stage[first : first + cell.n_nets]
        fanin = self._named(cell.fanin, stage[:, None])
        text = {}
        pins = ", ".join(reversed(_PLACES[: cell.k]))
        for table in np.unique(cell.table).tolist():
            if self.cells and self.cells.takes(cell.k):
                text[table] = self.cells.instance(cell.k, table)
                continue
            if cell.k <= _FORMULA_INPUTS:
                formula = expression(table, _PLACES[: cell.k], DIALECT)
                text[table] = f"wire {{net}} = {formula};"
                continue
            name = f"T{cell.k}_{table:0{(1 << cell.k) // 4}x}"
            text[table] = f"wire {{net}} = {name}[{{{{{pins}}}}}];"
            if name not in self.tables:
                self.tables.add(name)
                bits = 1 << cell.k
                yield f"  localparam [{bits - 1}:0] {name} = {bits}'h{name.split('_')[1]};"
        rows = zip(count(first), cell.table.tolist(), fanin.tolist(), strict=False)
        for net, table, row in rows:
            yield "  " + text[table].format(*row, net=f"n{net}")


def _instances(
    module: str, label: str, pins: str, output: str, first: int, fanin: Names, width: int
) -> Iterator[str]:
    """An instance for each row of fanin, each driving `width` nets."""
    if len(fanin) > 1:
        yield f"  // {plural(len(fanin), 'place')} of one body"
    for net, row in zip(count(first, width), fanin.tolist(), strict=False):
        driven = [f"n{bit}" for bit in range(net, net + width)]
        inputs = f".in({concat(row)}), " if row else ""
        yield from listed(driven, "wire")
        yield f"  {module} {label}_n{net} ({pins}{inputs}.{output}({concat(driven)}));"


def _net_names(netlist: Netlist) -> Names:
    """What each net is called, [n_nets]: a constant, or n<number>."""
    return np.array([ZERO, ONE, *(f"n{net}" for net in range(2, netlist.n_nets))], dtype=object)


def _unread(netlist: Netlist) -> IntArray:
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
    return np.flatnonzero(~read).astype(np.int32)
