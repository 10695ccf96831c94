"""Loading shared libraries: from any path, or from bytes that nothing can change meanwhile."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from .folders import temporary_folder

_numbers = count()


def open_library(ffi: Any, path: str) -> Any:
    """The library at `path`, with what `ffi` declares.

    Raises:
        OSError: it cannot be loaded.
    """
    try:
        return ffi.dlopen(path)
    except UnicodeEncodeError:  # cffi knows no file names beyond the locale's, ctypes does
        return ffi.dlopen(ffi.cast("void *", ctypes.CDLL(path)._handle))


def open_copy(ffi: Any, data: bytes, suffix: str) -> tuple[Any, str]:
    """The library with this content, and the name under which the system knows it.

    It is loaded from a copy. The system reads a library as it runs and knows it by its path, so one
    loaded from where it lies would end the process if the file were cut short, and would be taken
    for its successor.

    Raises:
        OSError: it cannot be loaded.
        BuildError: there is no room for a copy.
    """
    if hasattr(os, "memfd_create"):
        with suppress(OSError), _in_memory(data) as path:
            return open_library(ffi, path), path
    with temporary_folder() as folder:
        path = str(folder / f"library{suffix}")
        Path(path).write_bytes(data)
        try:
            return open_library(ffi, path), path
        except OSError as error:
            raise OSError(_reason(str(error), path)) from None


@contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    """The path of a file in memory."""
    descriptor = os.memfd_create("gatewright")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        # No name is used twice, as libraries in C++ may stay loaded under it for good.
        unique = f"{next(_numbers):b}".replace("0", "./").replace("1", ".//")
        yield f"/proc/self/fd/{unique}{descriptor}"
    finally:
        os.close(descriptor)


def _reason(message: str, path: str) -> str:
    """Why the system could not load a library, without the name of a copy."""
    return message.split(".  Additionally")[0].split(path)[-1].lstrip("': ")
