"""The netlist: nets are integers, cells are read-only arrays.

One bit of value is a **net**, an `int32`. Nets 0 and 1 are the constants false and true, then come
the inputs, then what each cell drives, in order::

    0      1      2 .. n_inputs+1      n_inputs+2 ..
    false  true   inputs               first cell, second cell, ...

A cell reads only nets driven before it, and the rows of one cell are independent: a `Luts` cell is
a level. There are no complemented edges; inversion lives in the reader's truth table. Padding is a
fanin of net 0 or 1. Passes never mutate a netlist; they build another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .tables import table_dtype

if TYPE_CHECKING:
    import networkx

IntArray: TypeAlias = NDArray[np.int32]
FALSE, TRUE, FIRST_INPUT = 0, 1, 2
MAX_FANIN = 6
MAX_SHIFT = 30
SUM_LIMIT = (1 << (MAX_SHIFT + 1)) - 1


def frozen(array: ArrayLike, dtype: Any, ndim: int) -> NDArray[Any]:
    """`array` as a read-only contiguous array of `dtype`; shared if it is one already."""
    found = np.asarray(array)
    if found.ndim != ndim:
        raise TypeError(f"expected {ndim} dimensions, found shape {found.shape}")
    if found.dtype == dtype and not found.flags.writeable and found.flags.c_contiguous:
        return found
    if found.size and found.dtype.kind not in "iub":
        raise TypeError(f"expected integers, found dtype {found.dtype}")
    result = np.array(found, dtype=dtype, order="C")
    if found.dtype != dtype and not np.array_equal(result, found):
        raise TypeError(f"values do not fit {np.dtype(dtype)}")
    result.flags.writeable = False
    return result


class _Cell:
    """What all cells share: `fanin` [rows, columns], `n_nets` driven, structural equality."""

    fanin: IntArray

    @property
    def n_nets(self) -> int:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and np.array_equal(self.fanin, other.fanin)  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.fanin.shape))


@dataclass(frozen=True, eq=False)
class Luts(_Cell):
    """`n` lookup tables of `k` inputs each; drives `n` nets.

    fanin: int32 [n, k], 1 <= k <= 6. table: unsigned [n]; bit `j` of `table[i]` is the output for
    the fanin pattern `j`, where fanin column 0 is the least significant bit of `j`.
    """

    fanin: IntArray
    table: NDArray[Any]

    def __post_init__(self) -> None:
        fanin = frozen(self.fanin, np.int32, 2)
        k = fanin.shape[1]
        if not 1 <= k <= MAX_FANIN:
            raise TypeError(f"Luts: fanin has {k} columns; allowed are 1 to {MAX_FANIN}")
        table = frozen(self.table, table_dtype(k), 1)
        if len(table) != len(fanin):
            raise TypeError(
                f"Luts: {len(fanin)} fanin rows, {len(table)} tables; allowed is one each"
            )
        object.__setattr__(self, "fanin", fanin)
        object.__setattr__(self, "table", table)

    @property
    def k(self) -> int:
        return self.fanin.shape[1]

    @property
    def n_nets(self) -> int:
        return len(self.fanin)

    def __eq__(self, other: object) -> bool:
        return _Cell.__eq__(self, other) and np.array_equal(self.table, other.table)  # type: ignore[attr-defined]

    __hash__ = _Cell.__hash__


@dataclass(frozen=True, eq=False)
class Popcount(_Cell):
    """Adds up the true addends of each group, column `j` counting `2**shift[j]`; drives
    `groups * width` nets, group by group, least significant bit first, where `width` is what the
    sum of all weights takes.

    fanin: int32 [groups, m], m >= 1. Ragged groups are padded with net 0; constants are addends.
    shift: uint8 [m], ascending, the weights together below 2**31; None if every addend counts one,
    and kept as None if it is all zeros.
    """

    fanin: IntArray
    shift: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        fanin = frozen(self.fanin, np.int32, 2)
        if fanin.shape[1] < 1:
            raise TypeError("Popcount: groups of 0 addends; allowed is 1 or more")
        object.__setattr__(self, "fanin", fanin)
        if self.shift is not None:
            shift = frozen(self.shift, np.uint8, 1)
            _check_shift(shift, fanin.shape[1])
            object.__setattr__(self, "shift", shift if shift.any() else None)

    @property
    def shifts(self) -> NDArray[np.uint8]:
        """The binary logarithm of each column's weight: uint8 [m]."""
        if self.shift is None:
            return np.zeros(self.fanin.shape[1], np.uint8)
        return self.shift

    @property
    def planes(self) -> tuple[int, ...]:
        """How many columns count 1, 2, 4 and so on, up to the heaviest."""
        return tuple(np.bincount(self.shifts).tolist())

    @property
    def width(self) -> int:
        return weight_of(self.planes).bit_length()

    @property
    def n_nets(self) -> int:
        return len(self.fanin) * self.width

    def __eq__(self, other: object) -> bool:
        return _Cell.__eq__(self, other) and np.array_equal(self.shifts, other.shifts)  # type: ignore[attr-defined]

    __hash__ = _Cell.__hash__


def weight_of(planes: Iterable[int]) -> int:
    """The sum of all weights where so many columns count 1, 2, 4 and so on."""
    return sum(count << shift for shift, count in enumerate(planes))


def _check_shift(shift: NDArray[np.uint8], m: int) -> None:
    if len(shift) != m:
        raise TypeError(f"Popcount: {m} columns, {len(shift)} shifts; allowed is one each")
    if (np.diff(shift.astype(np.int16)) < 0).any():
        raise TypeError("Popcount: a shift below the one before it; allowed are ascending shifts")
    if int(shift.max()) > MAX_SHIFT or weight_of(np.bincount(shift).tolist()) > SUM_LIMIT:
        raise TypeError(
            f"Popcount: {m} columns of shifts up to {int(shift.max())}; allowed are 0 to "
            f"{MAX_SHIFT}, and weights of together below 2**{MAX_SHIFT + 1}"
        )


@dataclass(frozen=True, eq=False)
class Argmax(_Cell):
    """The index of the largest candidate, ties to the lowest; drives `width` nets, least
    significant first, with `width = max(1, (candidates - 1).bit_length())`.

    fanin: int32 [candidates, bits], unsigned numbers, least significant bit first.
    """

    fanin: IntArray

    def __post_init__(self) -> None:
        fanin = frozen(self.fanin, np.int32, 2)
        if 0 in fanin.shape:
            raise TypeError(
                f"Argmax: shape {fanin.shape}; allowed is at least one candidate and bit"
            )
        object.__setattr__(self, "fanin", fanin)

    @property
    def width(self) -> int:
        return max(1, (len(self.fanin) - 1).bit_length())

    @property
    def n_nets(self) -> int:
        return self.width


@dataclass(frozen=True, eq=False)
class Tile(_Cell):
    """The same `body` at many places; drives `places * len(body.outputs)` nets, place by place.

    fanin: int32 [places, body.n_inputs]; row `p` feeds the inputs of place `p`. A convolution is a
    tile: the body once, the places as an array.
    """

    body: Netlist
    fanin: IntArray

    def __post_init__(self) -> None:
        fanin = frozen(self.fanin, np.int32, 2)
        if fanin.shape[1] != self.body.n_inputs:
            raise TypeError(
                f"Tile: fanin has {fanin.shape[1]} columns; the body takes {self.body.n_inputs}"
            )
        object.__setattr__(self, "fanin", fanin)

    @property
    def places(self) -> int:
        return len(self.fanin)

    @property
    def n_nets(self) -> int:
        return self.places * len(self.body.outputs)

    def __eq__(self, other: object) -> bool:
        return _Cell.__eq__(self, other) and self.body == other.body  # type: ignore[attr-defined]

    __hash__ = _Cell.__hash__


Cell: TypeAlias = Luts | Popcount | Argmax | Tile


def renumbered(cell: Cell, nets: NDArray[np.int32]) -> Cell:
    """The same cell reading `nets[f]` where it read `f`."""
    return replace(cell, fanin=nets[cell.fanin])


@dataclass(frozen=True, eq=False)
class Netlist:
    """Bits to bits: `n_inputs` inputs, `cells` in order, and the nets that are `outputs`.

    outputs: int32 [m]; any net may be an output, several times, constants and inputs too.
    Construction checks shapes and dtypes; `verify` checks that every net is driven before it is
    read.
    """

    n_inputs: int
    cells: tuple[Cell, ...]
    outputs: IntArray

    def __post_init__(self) -> None:
        if self.n_inputs < 0:
            raise TypeError(f"Netlist: n_inputs is {self.n_inputs}; allowed is 0 or more")
        object.__setattr__(self, "cells", tuple(self.cells))
        object.__setattr__(self, "outputs", frozen(self.outputs, np.int32, 1))

    @cached_property
    def n_nets(self) -> int:
        """All nets: two constants, the inputs, and what the cells drive."""
        return FIRST_INPUT + self.n_inputs + sum(cell.n_nets for cell in self.cells)

    def placed(self) -> Iterator[tuple[int, Cell]]:
        """Each cell with the first net that it drives."""
        first = FIRST_INPUT + self.n_inputs
        for cell in self.cells:
            yield first, cell
            first += cell.n_nets

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Netlist)
            and self.n_inputs == other.n_inputs
            and np.array_equal(self.outputs, other.outputs)
            and self.cells == other.cells
        )

    def __hash__(self) -> int:
        return hash((self.n_inputs, len(self.outputs), self.cells))

    def __str__(self) -> str:
        from .text import format_netlist

        return format_netlist(self)

    def __repr__(self) -> str:
        return (
            f"<Netlist {self.n_inputs} inputs, {len(self.cells)} cells, {self.n_nets} nets, "
            f"{len(self.outputs)} outputs>"
        )

    def to_networkx(self) -> networkx.DiGraph:
        """The graph view; see `compiler.graph.to_networkx`."""
        from .graph import to_networkx

        return to_networkx(self)

    @staticmethod
    def from_networkx(graph: networkx.DiGraph) -> Netlist:
        """A netlist from its graph view; see `compiler.graph.from_networkx`."""
        from .graph import from_networkx

        return from_networkx(graph)
