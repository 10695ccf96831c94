"""The compiler's native algorithms: built once by our runtime, each with a fallback in numpy.

`kernels/NAME.c` is one library, declared by `kernels/NAME.h`; other headers there are shared.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import BuildError
from ..runtime.native import load_native, wanted
from . import kernels

_TYPES = {
    "b": "uint8_t *",
    "i1": "int8_t *",
    "u1": "uint8_t *",
    "u2": "uint16_t *",
    "i4": "int32_t *",
    "u4": "uint32_t *",
    "i8": "int64_t *",
    "u8": "uint64_t *",
}


@cache
def library(name: str) -> Native | None:
    """The algorithms of `kernels/NAME.c`, or None where they cannot be had; says once why."""
    if not wanted():
        return None
    try:
        # -O3 takes twice as long to build, and gains less than a tenth.
        ffi, found = load_native(
            kernels, f"gatewright_{name}", f"{name}.h", only=(f"{name}.c",), flags=("-O2",)
        )
    except (BuildError, OSError) as error:
        warn_once(str(error))
        return None
    return Native(ffi, found)


@cache
def warn_once(why: str) -> None:
    """One warning for all libraries, since what ails one ails most others."""
    warnings.warn(f"optimising in Python, which is slower: {why}", stacklevel=3)


class Native:
    """A loaded library whose functions take numpy arrays as pointers."""

    def __init__(self, ffi: Any, functions: Any) -> None:
        self.ffi = ffi
        self._functions = functions

    def call(self, function: str, *arguments: Any) -> Any:
        """Call a function; arrays, C-contiguous, become pointers to their items, None the null one.

        Arrays are not copied, so a function may write into those that are writeable.
        """
        return getattr(self._functions, function)(*map(self._argument, arguments))

    def _argument(self, value: Any) -> Any:
        if value is None:
            return self.ffi.NULL
        if not isinstance(value, np.ndarray):
            return value
        return self._pointer(value)

    def _pointer(self, array: NDArray[Any]) -> Any:
        assert array.flags.c_contiguous, "native code takes contiguous arrays"
        kind = array.dtype.str[1:] if array.dtype != np.bool_ else "b"
        return self.ffi.cast(_TYPES[kind], array.ctypes.data)
