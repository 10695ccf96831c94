"""Arrays at the border: what a circuit accepts, and how samples are packed into words."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError

ACCEPTED = ("bool", "uint8", "float32", "float64")  # what engines read as it is
CONVERTED = ("int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16")
_EXACT = 1 << 24  # integers up to here are float32 numbers


@lru_cache(maxsize=64)
def dtype_name(dtype: np.dtype[Any]) -> str:
    """`dtype.name`, which numpy works out anew, in microseconds, whenever it is asked."""
    return dtype.name


def as_batch(x: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return `x` as a matrix with contiguous rows.

    Args:
        x: numpy array or torch CPU tensor, [n, \\*shape] or [n, features], of bool, uint8, float32,
            float64, or, at the cost of a copy, other integers or float16. Any strides; any n, also
            0.
        shape: the shape of one sample.

    Returns:
        [n, features], each row contiguous, of a dtype in `ACCEPTED`; a view of `x` where its layout
        and dtype allow.

    Raises:
        InputError: not an array, another dtype or shape, or integers beyond 2**24.
    """
    array = as_array(x)
    features = math.prod(shape)
    accepted = dtype_name(array.dtype) in ACCEPTED
    if not accepted:
        check_dtype(array.dtype.name, array.dtype, "x.astype(numpy.float32)")
    check_shape(array.shape, shape)
    if not accepted:
        array = _exact(array)
    if features == 0:
        return np.zeros((len(array), 0), array.dtype)
    return contiguous_rows(array.reshape(len(array), features))


def _exact(array: NDArray[Any]) -> NDArray[Any]:
    """A copy in a dtype of `ACCEPTED`."""
    extremes = array.dtype.kind in "iu" and array.size > 0
    low, high = (int(array.min()), int(array.max())) if extremes else (0, 0)
    return array.astype(exact_dtype(array.dtype.name, low, high))


def check_dtype(name: str, dtype: Any, cure: str) -> None:
    """Raise InputError for a dtype that is neither read as it is nor converted; `name` is its."""
    if name not in (*ACCEPTED, *CONVERTED):
        raise InputError(
            f"input: dtype {dtype}; allowed are {', '.join((*ACCEPTED, *CONVERTED))}; "
            f"convert it, for example {cure}"
        )


def exact_dtype(name: str, low: int, high: int) -> str:
    """What dtype in `ACCEPTED` holds numbers of dtype `name`, integers from `low` to `high`.

    Raises:
        InputError: float32, in which thresholds are compared, does not hold each of them.
    """
    if name == "float16":
        return "float32"
    if low < -_EXACT or high > _EXACT:
        far = low if low < -_EXACT else high
        raise InputError(
            f"input: {name} with {far}; allowed are integers from -2**24 to 2**24, which are exact "
            "in float32; convert it, to float64 to compare it as it is, or to float32 to round it "
            "as PyTorch does"
        )
    return "uint8" if low >= 0 and high <= 255 else "float32"


def check_shape(found: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Raise InputError unless `found` is [n, \\*shape] or [n, features]."""
    features = math.prod(shape)
    if len(found) < 1 or found[1:] not in (tuple(shape), (features,)):
        expected = ", ".join(map(str, shape))
        raise InputError(
            f"input: shape {list(found)}; allowed is [n, {expected}]"
            + ("" if shape == (features,) else f" or [n, {features}]")
            + "; one sample alone is x[None]"
        )


def contiguous_rows(rows: NDArray[Any]) -> NDArray[Any]:
    """A matrix itself if each row is contiguous, at any address and stride; else a copy."""
    if rows.strides[1] != rows.itemsize or not rows.dtype.isnative:
        rows = np.ascontiguousarray(rows, dtype=rows.dtype.newbyteorder("="))
    return rows


def as_array(x: Any) -> NDArray[Any]:
    """A numpy array or torch tensor as a numpy array; raises InputError for anything else."""
    if np.ma.is_masked(x):
        raise InputError(
            "input: an array with masked values; allowed are arrays without; "
            "say what they are, for example x.filled(numpy.nan)"
        )
    if isinstance(x, np.ndarray):
        return np.asarray(x)  # a subclass may compare and index in its own way
    if hasattr(x, "detach") and hasattr(x, "numpy"):  # a torch tensor, without importing torch
        try:
            return x.detach().cpu().numpy()
        except (TypeError, RuntimeError) as error:
            raise InputError(
                f"input: a tensor that numpy cannot hold: {error}; "
                "convert it, for example x.float() or x.to_dense()"
            ) from None
    raise InputError(
        f"input: {type(x).__name__}; allowed is a numpy array or a torch tensor; "
        "wrap it with numpy.asarray(x)"
    )


def new_output(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Memory for answers; InputError if there is not enough for so many samples."""
    try:
        return np.empty(shape, dtype)
    except (MemoryError, ValueError):  # ValueError: more than an address can say
        raise InputError(
            f"input: {shape[0]:,} samples, whose answers do not fit into memory; "
            "hand over fewer at a time"
        ) from None


def as_output(
    out: Any, shape: tuple[int, ...], dtype: np.dtype[Any], x: NDArray[Any]
) -> NDArray[Any]:
    """The memory of `out` as a numpy array, to be written.

    Args:
        out: numpy array or torch CPU tensor. shape, dtype: what it must have.
        x: what is read meanwhile.

    Raises:
        InputError: neither of these, another shape or dtype, not C-contiguous, aligned and
            writable, or in the memory of `x`.
    """
    device = getattr(out, "device", None) if hasattr(out, "detach") else None
    if not isinstance(out, np.ndarray) and device is None:
        raise InputError(
            f"out: {type(out).__name__}; allowed is a numpy array or a torch CPU tensor; "
            "leave it out to get a new array"
        )
    if str(device or "cpu") != "cpu":
        raise InputError(f"out: a tensor on {device}; allowed is cpu; make it there")
    array = as_array(out)
    if array.shape != shape or array.dtype != dtype:
        raise InputError(
            f"out: {array.dtype} {list(array.shape)}; allowed is {dtype} {list(shape)}; "
            f"make it with numpy.empty({shape}, numpy.{dtype})"
        )
    if not array.flags.carray:
        raise InputError(
            "out: not C-contiguous, aligned and writable; allowed is an array that is; "
            "make it with numpy.empty, and cut only rows from it"
        )
    if np.may_share_memory(array, x):
        raise InputError("out: overlaps with the input; allowed is memory apart; copy one of them")
    return array


def binarize(
    rows: NDArray[Any], feature: NDArray[np.integer[Any]], threshold: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Bits [n, m]: `rows[:, feature] > threshold`, compared as PyTorch does.

    rows: [n, features], as from `as_batch`; in float64 if that is its dtype, else in float32. NaN
    compares false.
    """
    wide = rows.dtype if rows.dtype == np.float64 else np.dtype(np.float32)
    return rows[:, feature].astype(wide) > threshold.astype(wide)


def pack(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Bit planes of a batch: [n, m] bool to [m, ceil(n / 64)] words, sample 0 in the lowest bit."""
    n, m = bits.shape
    words = -(-n // 64)
    packed = np.zeros((m, words * 8), np.uint8)
    packed[:, : -(-n // 8)] = np.packbits(bits.T, axis=1, bitorder="little")
    return packed.view("<u8").astype(np.uint64, copy=False)


def unpack(words: NDArray[np.uint64], n: int) -> NDArray[np.bool_]:
    """The inverse of `pack`: [m, w] words to [n, m] bool, for the first n samples."""
    planes = np.ascontiguousarray(words, dtype="<u8").view(np.uint8)
    return np.unpackbits(planes, axis=1, count=n, bitorder="little").T.astype(np.bool_)
