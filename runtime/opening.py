"""Loading shared libraries at any path."""

from __future__ import annotations

import ctypes
from typing import Any


def open_library(ffi: Any, path: str) -> Any:
    """The library at `path`, with what `ffi` declares.

    Raises:
        OSError: it cannot be loaded.
    """
    try:
        return ffi.dlopen(path)
    except UnicodeEncodeError:  # cffi knows no file names beyond the locale's, ctypes does
        return ffi.dlopen(ffi.cast("void *", ctypes.CDLL(path)._handle))
