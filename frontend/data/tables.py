"""Text tables to bits: one bit for each value of each column."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...runtime.errors import FileError
from .dataset import Pair
from .folder import read_at_most

_MOST = 1 << 23  # bytes of a file; adult.data, the largest, holds 3,974,305


@dataclass(frozen=True)
class Column:
    """One column of a table, and its bits.

    name: for messages. place: in a row, from 0.
    values: what it may hold, a bit each, in order; empty for a number.
    cuts: of a number: bit i says that i of them are not above it.
    """

    name: str
    place: int
    values: tuple[str, ...] = ()
    cuts: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """How many bits."""
        return len(self.values) or len(self.cuts) + 1

    def bit(self, text: str) -> int:
        """Which bit `text` sets; ValueError if it is not allowed."""
        return self.values.index(text) if self.values else bisect_right(self.cuts, int(text))

    def allowed(self) -> str:
        """What it may hold, in words."""
        return ", ".join(self.values) if self.values else "an integer"


@dataclass(frozen=True)
class Table:
    """The layout of a text file with one sample a line.

    width: columns of a row. columns: those that become bits, in the order of the bits.
    label, classes: where the class stands, and its names in order. separator: None is white space.
    blank: bits at the end that are always 0.
    """

    width: int
    columns: tuple[Column, ...]
    label: int
    classes: tuple[str, ...]
    separator: str | None = ","
    blank: int = 0

    def read(self, path: Path) -> Pair:
        """Bits bool [n, bits] and classes int64 [n] of a file; rows with a `?` are left out.

        Raises:
            FileError: it cannot be read, or a row is not of this layout.
        """
        x: list[Any] = []
        y: list[int] = []
        starts = np.cumsum([0, *(column.width for column in self.columns)])
        for line, row in self._rows(path):
            bits = np.zeros(starts[-1] + self.blank, np.bool_)
            for start, column in zip(starts, self.columns, strict=False):
                bits[start + self._bit(column, row, f"{path}: line {line}")] = True
            x.append(bits)
            y.append(self._class(row[self.label], f"{path}: line {line}"))
        if not x:
            raise FileError(f"{path}: no rows; download it again")
        return np.array(x), np.array(y, np.int64)

    def _rows(self, path: Path) -> Iterator[tuple[int, list[str]]]:
        """Line numbers and rows, without comments, empty lines and rows with missing values."""
        try:
            text = read_at_most(path, _MOST).decode("utf-8")
        except UnicodeDecodeError as error:
            raise FileError(f"{path}: not text: {error}; download it again") from None
        for line, content in enumerate(text.splitlines(), 1):
            content = content.strip().removesuffix(".")
            if not content or content.startswith("|"):
                continue
            row = [part.strip() for part in content.split(self.separator)]
            if len(row) != self.width:
                raise FileError(
                    f"{path}: line {line} has {len(row)} columns; allowed are {self.width}"
                )
            if "?" not in row:
                yield line, row

    def _bit(self, column: Column, row: list[str], where: str) -> int:
        try:
            return column.bit(row[column.place])
        except ValueError:
            raise FileError(
                f"{where}: {column.name} {row[column.place][:80]!r}; allowed is {column.allowed()}"
            ) from None

    def _class(self, text: str, where: str) -> int:
        if text not in self.classes:
            raise FileError(f"{where}: class {text[:80]!r}; allowed are {', '.join(self.classes)}")
        return self.classes.index(text)
