"""A batch of samples: rows of values, or bits that are packed already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arguments import is_integer
from .arrays import as_array, as_batch, binarize, contiguous_rows, dtype_name, pack
from .errors import InputError

Packed = Literal["rows", "planes"]


@dataclass(frozen=True)
class Batch:
    """`n` samples.

    data: rows of values [n, features] if `packed` is None; else packed input bits of the netlist,
    "rows" uint8 [n, bytes] or "planes" uint64 [inputs, words]. Rows are contiguous.
    """

    data: NDArray[Any]
    n: int
    packed: Packed | None = None

    @property
    def dtype(self) -> str:
        """What the data hold: the name of a dtype, "rows" or "planes"."""
        return self.packed or dtype_name(self.data.dtype)

    def part(self, start: int, stop: int) -> Batch:
        """Samples start to stop, a view; start is a multiple of 64."""
        stop = min(stop, self.n)
        if self.packed == "planes":
            return Batch(self.data[:, start // 64 : -(-stop // 64)], stop - start, self.packed)
        return Batch(self.data[start:stop], stop - start, self.packed)

    def planes(
        self, feature: NDArray[np.integer[Any]], threshold: NDArray[np.float32]
    ) -> NDArray[np.uint64]:
        """Bit planes, [inputs, ceil(n / 64)] words, of values compared as `binarize` does, or of
        the packed bits.
        """
        if self.packed == "planes":
            return self.data
        if self.packed == "rows":
            count = len(feature)
            bits = np.unpackbits(self.data, axis=1, count=count, bitorder="little")
            return pack(bits.view(np.bool_))
        return pack(binarize(self.data, feature, threshold))


def read_batch(
    x: ArrayLike, shape: tuple[int, ...], inputs: int, packed: str | None, n: int | None
) -> Batch:
    """The batch that a caller hands over, without copying where its layout allows.

    Args:
        x: values, see `arrays.as_batch`; or packed bits, see `CompiledCircuit`.
        shape: of one sample. inputs: bits that the encoder makes of a sample.
        packed: None, "rows" or "planes". n: how many samples the planes hold; else None.

    Raises:
        InputError: another dtype or shape, or `n` is missing, negative or not asked for.
    """
    options = check_options(packed, n)
    if options == "planes":
        return _planes(x, inputs, n)
    if options == "rows":
        return _rows(x, inputs)
    rows = as_batch(x, shape)
    return Batch(rows, len(rows))


def check_options(packed: str | None, n: int | None) -> Packed | None:
    """`packed`; InputError if there is no such form, or `n` does not go with it."""
    if packed not in (None, "rows", "planes"):
        raise InputError(f"packed {packed!r}; allowed are None, 'rows' and 'planes'")
    if packed == "planes":
        if not is_integer(n, 0):
            raise InputError(
                f"packed planes: n {n!r}; allowed is the number of samples, 0 or more; "
                "name it, for example predict(planes, packed='planes', n=1000)"
            )
        return "planes"
    if n is not None:
        raise InputError(
            f"n {n!r}; allowed is n with packed='planes' only; leave it out, or cut the rows: x[:n]"
        )
    return "rows" if packed else None


def _rows(x: ArrayLike, inputs: int) -> Batch:
    array, width = as_array(x), -(-inputs // 8)
    if array.dtype != np.uint8 or array.ndim != 2 or array.shape[1] != width:
        raise InputError(
            f"packed rows: {array.dtype} {list(array.shape)}; allowed is uint8 [n, {width}], "
            f"{inputs} bits a row: numpy.packbits(bits, axis=1, bitorder='little')"
        )
    return Batch(contiguous_rows(array), len(array), "rows")


def _planes(x: ArrayLike, inputs: int, n: int | None) -> Batch:
    assert n is not None  # `check_options` saw to it
    array, words = as_array(x), -(-int(n) // 64)
    if array.dtype.name != "uint64" or array.shape != (inputs, words):
        raise InputError(
            f"packed planes: {array.dtype} {list(array.shape)}; allowed is uint64 "
            f"[{inputs}, {words}], one plane an input bit, sample s at bit s % 64 of word s // 64"
        )
    return Batch(contiguous_rows(array), int(n), "planes")
