"""Emitted C libraries, loaded and called through cffi."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any

import cffi
import numpy as np
from numpy.typing import NDArray

from .archive import read_file
from .batch import Batch
from .cache import store_bytes
from .errors import BuildError, FileError, GatewrightError, InputError
from .opening import open_library
from .seal import check_seal
from .toolchain import SUFFIX

ABI_VERSION = 2
DTYPES = {"bool": 0, "uint8": 1, "float32": 2, "float64": 3, "rows": 4, "planes": 5}
_BAD_DTYPE, _BAD_VALUE = 1, 6
ANSWERS = {"bits": 0, "counts": 1, "scores": 2, "classes": 3}
_ALIGNMENT = 64
_ANY_ISA = -1

_ffi: Any = cffi.FFI()
_ffi.cdef(
    """
    struct gatewright_api {
      uint32_t version;
      uint32_t size;
      const char *manifest;
      int32_t isa_count;
      const char *(*isa_name)(int32_t isa);
      int32_t (*isa_supported)(int32_t isa);
      uint64_t (*workspace_bytes)(int32_t isa);
      int32_t (*run)(int32_t isa, const void *x, int32_t dtype, int64_t n, int64_t stride,
                     int32_t what, void *out, void *workspace);
    };
    const struct gatewright_api *gatewright_api(void);
    """
)


class Library:
    """A shared library of ours, loaded: where it lies, its bytes, interface and manifest."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Load the library at `path`. Loading runs its code: load only what you trust.

        Raises:
            FileError: damaged, not a shared library for this machine, or not one of ours.
        """
        self.path = Path(path).absolute()
        self.data = read_file(path)
        check_seal(self.data, path)
        try:
            self._loaded_as = _loadable(self.path, self.data)
            self._opened = open_library(_ffi, self._loaded_as)
            self.api: Any = self._opened.gatewright_api()
        except OSError as error:
            raise FileError(
                f"{path}: not a shared library that this machine can load: "
                f"{str(error).split('.  Additionally')[0]}; "
                "compile it again here"
            ) from None
        except AttributeError:
            raise FileError(
                f"{path}: a shared library, but not from gatewright; compile it with gatewright"
            ) from None
        if self.api.version != ABI_VERSION:
            raise FileError(
                f"{path}: interface version {self.api.version}; allowed is {ABI_VERSION}; "
                "compile it again with this Gatewright"
            )
        self.manifest: dict[str, Any] = json.loads(_ffi.string(self.api.manifest).decode())

    def reopened(self, ffi: Any) -> Any:
        """The same library with what another interface of cffi declares."""
        return open_library(ffi, self._loaded_as)


class LibraryEngine:
    """Answers from a shared library; see `runtime.compiled.Engine`.

    Calls release the interpreter lock, and each thread has a workspace of its own, so one engine
    may be called from many threads at once.
    """

    def __init__(self, library: Library | str | os.PathLike[str]) -> None:
        """library: loaded, or where it lies.

        Raises:
            FileError: it cannot be loaded, see `Library`.
            BuildError: nothing in it runs here.
        """
        self.library = library if isinstance(library, Library) else Library(library)
        self.path, self._api = self.library.path, self.library.api
        self.manifest = self.library.manifest
        self._local = threading.local()
        if not self.isas():
            raise self._no_isa()
        self._isa = 0
        self.isa = os.environ.get("GATEWRIGHT_ISA") or None

    def isas(self) -> tuple[str, ...]:
        """The instruction sets in the library that this machine has, best first."""
        return tuple(
            _ffi.string(self._api.isa_name(i)).decode()
            for i in range(self._api.isa_count)
            if self._api.isa_supported(i)
        )

    @property
    def isa(self) -> str:
        """The instruction set in use, of large batches if the library chooses for each call.

        Assign one of `isas()` to use that, None to let the library choose.
        """
        if self._isa == _ANY_ISA:
            times: dict[str, Any] = self.manifest["times"]
            return min(self.isas(), key=lambda name: times[name]["sample_ns"])
        return _ffi.string(self._api.isa_name(self._isa)).decode()

    @isa.setter
    def isa(self, name: str | None) -> None:
        if name is None:
            self._isa = _ANY_ISA if "times" in self.manifest else self._first()
            return
        if name not in self.isas():
            raise InputError(f"isa {name!r}; allowed here are {', '.join(self.isas())}")
        names = [_ffi.string(self._api.isa_name(i)).decode() for i in range(self._api.isa_count)]
        self._isa = names.index(name)

    def _first(self) -> int:
        return next(i for i in range(self._api.isa_count) if self._api.isa_supported(i))

    def fill(self, batch: Batch, what: str, out: NDArray[Any]) -> None:
        """Write the answers for a batch into the contiguous array `out`."""
        isa = self._isa  # read once: another thread may choose another meanwhile
        status = self._api.run(
            isa,
            _pointer(batch.data),
            DTYPES[batch.dtype],
            batch.n,
            batch.data.strides[0],
            ANSWERS[what],
            _pointer(out),
            self._workspace(isa),
        )
        self._check(status)

    def _check(self, status: int) -> None:
        if status:
            raise self._error(status)

    def _error(self, status: int) -> GatewrightError:
        """What was wrong with a call; only emitted Verilog refuses what a batch can hold."""
        name, bits = self.manifest["name"], self.manifest.get("feature_bits", 0)
        instead = "feature_bits=0 compiles it to take any features, and packed bits"
        if status == _BAD_DTYPE:
            return InputError(f"{name}: packed bits; the module takes features; {instead}")
        if status == _BAD_VALUE:
            return InputError(
                f"{name}: a feature that is no integer from 0 to {(1 << bits) - 1}; the module "
                f"takes features of {bits} bits; {instead}"
            )
        return BuildError(
            f"{name}: the library answered with status {status}; compile it again, "
            "and report what cannot be mended so"
        )

    def _no_isa(self) -> BuildError:
        return BuildError(f"{self.path.name}: no path for this machine; compile it again here")

    def _workspace(self, isa: int) -> Any:
        held: dict[int, tuple[Any, Any]] = self._local.__dict__.setdefault("held", {})
        if isa not in held:
            size = self._api.workspace_bytes(isa)
            try:
                buffer = np.empty(size + _ALIGNMENT, np.uint8)
            except MemoryError:
                raise BuildError(f"no memory for a workspace of {size} bytes") from None
            start = buffer.ctypes.data
            held[isa] = buffer, _ffi.cast("void *", start + -start % _ALIGNMENT)
        return held[isa][1]

    def data(self) -> bytes:
        """The library's own file, as it was loaded."""
        return self.library.data


def _pointer(array: NDArray[Any]) -> Any:
    """The address of an array; by way of a buffer where there can be one, which is quicker."""
    if array.flags.c_contiguous:
        return _ffi.from_buffer(array)
    return _ffi.cast("void *", array.ctypes.data)


_loaded: dict[str, bytes] = {}


def _loadable(path: Path, data: bytes) -> str:
    """Where to load the library from: `path`, or a copy in the cache.

    The system knows a loaded library by its path, and would answer with the old one after the file
    was overwritten. And cffi takes only names that are text.
    """
    name = str(path)
    digest = hashlib.sha256(data).digest()
    if name.isprintable() and _loaded.setdefault(name, digest) == digest:
        return name
    return str(store_bytes(data, f"library{SUFFIX}"))
