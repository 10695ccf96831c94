"""What PTX instructions compute, of numpy arrays: one element a thread.

`operation` gives the function of an instruction such as ("mad", "lo", "s32"), and its types.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from .module import PtxError

SHARED_WINDOW = 1 << 60  # where shared memory lies among generic addresses
Values = np.ndarray
Function = Callable[..., Values]

TYPES = {
    f"{letter}{bits}": np.dtype(f"{kind}{bits // 8}")
    for letter, kind in (("u", "u"), ("b", "u"), ("s", "i"), ("f", "f"))
    for bits in (8, 16, 32, 64)
    if (letter, bits) != ("f", 8)
} | {"pred": np.dtype(np.bool_)}
_COMPARE: dict[str, Function] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}
_UNORDERED = {"equ": "ne", "neu": "eq", "ltu": "ge", "leu": "gt", "gtu": "le", "geu": "lt"}


@lru_cache
def operation(parts: tuple[str, ...]) -> tuple[Function, list[np.dtype], np.dtype]:
    """The function, its operands' types, and its result's.

    Raises: PtxError for an instruction that is not known here.
    """
    name = parts[0]
    if name == "setp":
        return _setp(parts)
    if name == "cvt":
        return _convert(parts)
    kind = TYPES.get(parts[-1])
    if kind is None:
        raise PtxError(f"{'.'.join(parts)} is not known here")
    if name == "selp":
        return (lambda a, b, p: np.where(p, a, b)), [kind, kind, TYPES["pred"]], kind
    if name in ("shl", "shr"):
        return _SHIFTS[name, kind.kind], [kind, TYPES["u32"]], kind
    if name == "shf" and parts[1:] in (("l", "wrap", "b32"), ("r", "wrap", "b32")):
        return _funnel(parts[1] == "l"), [kind] * 3, kind
    if name == "cvta":
        return _window(parts), [kind], kind
    if name in ("mul", "mad") and kind.kind != "f":
        return _multiply(parts, kind)
    exact = all(part in ("rn", *TYPES) for part in parts[1:])
    if (found := _PLAIN.get((name, kind.kind))) and exact:
        return found[1], [kind] * found[0], kind
    raise PtxError(f"{'.'.join(parts)} is not known here")


def _setp(parts: tuple[str, ...]) -> tuple[Function, list[np.dtype], np.dtype]:
    how, kind, predicate = parts[1], TYPES[parts[-1]], TYPES["pred"]
    same = {"lo": "lt", "ls": "le", "hi": "gt", "hs": "ge"}.get(how, how)
    opposite = _COMPARE.get(_UNORDERED.get(same, ""))
    compare = _COMPARE.get(same) or (lambda a, b: ~opposite(a, b))  # pyright: ignore[reportOptionalCall]
    if same not in _COMPARE and not opposite:
        raise PtxError(f"{'.'.join(parts)} is not known here")
    if len(parts) == 3:
        return compare, [kind, kind], predicate
    both = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}[parts[2]]
    return (lambda a, b, p: both(compare(a, b), p)), [kind, kind, predicate], predicate


def _convert(parts: tuple[str, ...]) -> tuple[Function, list[np.dtype], np.dtype]:
    to, of = TYPES[parts[-2]], TYPES[parts[-1]]
    rounding = parts[1:-2]
    if (of.kind == "f" and to.kind != "f") or rounding not in ((), ("rn",)):
        raise PtxError(f"{'.'.join(parts)} is not known here")
    return (lambda a: a.astype(to)), [of], to


def _multiply(parts: tuple[str, ...], kind: np.dtype) -> tuple[Function, list[np.dtype], np.dtype]:
    add = parts[0] == "mad"
    if parts[1] == "lo":
        product, to = np.multiply, kind
    elif parts[1] == "wide":
        to = np.dtype(f"{kind.kind}{2 * kind.itemsize}")
        product = lambda a, b: a.astype(to) * b.astype(to)  # noqa: E731
    elif parts[1] == "hi" and kind.itemsize == 4:
        wide, to = np.dtype(f"{kind.kind}8"), kind
        product = lambda a, b: (a.astype(wide) * b.astype(wide) >> 32).astype(kind)  # noqa: E731
    else:
        raise PtxError(f"{'.'.join(parts)} is not known here")
    if add:
        return (lambda a, b, c: product(a, b) + c), [kind, kind, to], to
    return product, [kind, kind], to


def _window(parts: tuple[str, ...]) -> Function:
    """Generic addresses of global memory are its own; those of shared memory lie in a window."""
    space, back = parts[-2], parts[1] == "to"
    window = np.uint64({"global": 0, "shared": SHARED_WINDOW}[space])
    return (lambda a: a - window) if back else (lambda a: a + window)


def _shifted(shift: Function, beyond: Function) -> Function:
    """Shifts by the type's width or more are defined, unlike numpy's."""

    def function(a: Values, by: Values) -> Values:
        width = 8 * a.itemsize
        by = np.asarray(by, np.int64)
        inside = shift(a, np.minimum(by, width - 1).astype(a.dtype))
        return np.where(by < width, inside, beyond(inside))

    return function


def _quotient(divide: Function, remainder: bool) -> Function:
    """By 0, as devices do: a quotient of all ones, or the dividend for a remainder."""

    def function(a: Values, b: Values) -> Values:
        zero = a if remainder else ~np.zeros_like(a)
        return np.where(b == 0, zero, divide(a, np.where(b == 0, np.ones_like(b), b)))

    return function


def _lop3(a: Values, b: Values, c: Values, table: Values) -> Values:
    made = np.zeros(np.broadcast(a, b, c).shape, a.dtype)
    for i in range(8):
        if int(table.flat[0]) >> i & 1:
            made |= (a if i & 4 else ~a) & (b if i & 2 else ~b) & (c if i & 1 else ~c)
    return made


def _prmt(a: Values, b: Values, how: Values) -> Values:
    both = a.astype(np.uint64) | b.astype(np.uint64) << np.uint64(32)
    made = np.zeros(np.broadcast(a, b, how).shape, np.uint32)
    for i in range(4):
        digit = how >> np.uint32(4 * i) & np.uint32(15)
        byte = both >> (digit & np.uint32(7)).astype(np.uint64) * np.uint64(8) & np.uint64(255)
        sign = np.where(byte & np.uint64(128), np.uint64(255), np.uint64(0))
        made |= np.where(digit & np.uint32(8), sign, byte).astype(np.uint32) << np.uint32(8 * i)
    return made


def _bfi(a: Values, b: Values, at: Values, length: Values) -> Values:
    at, length = (np.minimum(v & np.uint32(255), 64).astype(np.uint64) for v in (at, length))
    mask = (np.uint64(1) << np.minimum(length, 32)) - np.uint64(1)
    mask = np.where(at < 32, mask << np.minimum(at, 32), np.uint64(0)).astype(np.uint32)
    moved = (a.astype(np.uint64) << np.minimum(at, 32)).astype(np.uint32)
    return moved & mask | b & ~mask


def _bfe(a: Values, at: Values, length: Values) -> Values:
    at, length = (np.minimum(v & np.uint32(255), 32).astype(np.uint64) for v in (at, length))
    mask = (np.uint64(1) << length) - np.uint64(1)
    return (a.astype(np.uint64) >> at & mask).astype(np.uint32)


def _funnel(left: bool) -> Function:
    def function(low: Values, high: Values, by: Values) -> Values:
        both = low.astype(np.uint64) | high.astype(np.uint64) << np.uint64(32)
        by = (by & np.uint32(31)).astype(np.uint64)
        return ((both << by) >> np.uint64(32) if left else both >> by).astype(np.uint32)

    return function


_left = _shifted(np.left_shift, np.zeros_like)
_SHIFTS: dict[tuple[str, str], Function] = {
    ("shl", "u"): _left,
    ("shl", "i"): _left,
    ("shr", "u"): _shifted(np.right_shift, np.zeros_like),
    ("shr", "i"): _shifted(np.right_shift, lambda inside: inside),
}
_PLAIN: dict[tuple[str, str], tuple[int, Function]] = {
    **{
        (name, kind): (2, function)
        for name, function in (
            ("add", np.add),
            ("sub", np.subtract),
            ("min", np.minimum),
            ("max", np.maximum),
        )
        for kind in "ui"
    },
    **{("add", "f"): (2, np.add), ("sub", "f"): (2, np.subtract), ("mul", "f"): (2, np.multiply)},
    ("div", "f"): (2, np.divide),
    ("div", "u"): (2, _quotient(np.floor_divide, False)),
    ("rem", "u"): (2, _quotient(np.remainder, True)),
    ("mov", "u"): (1, lambda a: a),
    ("mov", "i"): (1, lambda a: a),
    ("mov", "f"): (1, lambda a: a),
    ("mov", "b"): (1, lambda a: a),
    ("not", "u"): (1, np.bitwise_not),
    ("not", "b"): (1, np.logical_not),
    ("neg", "i"): (1, np.negative),
    **{
        (name, kind): (2, function)
        for name, function in (
            ("and", np.bitwise_and),
            ("or", np.bitwise_or),
            ("xor", np.bitwise_xor),
        )
        for kind in "ub"
    },
    ("lop3", "u"): (4, _lop3),
    ("prmt", "u"): (3, _prmt),
    ("bfi", "u"): (4, _bfi),
    ("bfe", "u"): (3, _bfe),
    ("popc", "u"): (1, lambda a: np.bitwise_count(a).astype(np.uint32)),
}
