"""Emitted C libraries, loaded and called through cffi."""

from __future__ import annotations

import json
import os
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cffi
import numpy as np
from numpy.typing import NDArray

from .archive import read_file
from .batch import Batch
from .errors import BuildError, FileError, GatewrightError, InputError
from .machines import built_for, elsewhere
from .opening import open_copy, open_library
from .seal import check_seal, sealed
from .toolchain import SUFFIX

ABI_VERSION = 2
DTYPES = {"bool": 0, "uint8": 1, "float32": 2, "float64": 3, "rows": 4, "planes": 5}
_BAD_DTYPE, _BAD_VALUE = 1, 6
ANSWERS = {"bits": 0, "counts": 1, "scores": 2, "classes": 3}
_ALIGNMENT = 64
_ANY_ISA = -1
_MANIFEST = ("name", "target", "shape", "input_bits", "output_bits", "decoder", "gates", "levels")

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


@dataclass(frozen=True, eq=False)
class _Opened:
    """A library that the system has loaded, and the name under which it knows it."""

    functions: Any
    name: str


class Library:
    """A shared library of ours, loaded: where it lies, its bytes, interface and manifest."""

    def __init__(self, path: str | os.PathLike[str], data: bytes | None = None) -> None:
        """Load the library at `path`. Loading runs its code: load only what you trust.

        Args:
            data: its content, if it is not to be read from there.

        Raises:
            FileError: damaged, not a shared library for this machine, or not one of ours.
        """
        self.path = Path(path).absolute()
        self.data = read_file(path) if data is None else data
        check_seal(self.data, path)
        if b"gatewright_api" not in self.data:  # before code of others runs
            raise _foreign(path, self.data)
        try:
            self._opened = _open(self.data)
            self.api: Any = self._opened.functions.gatewright_api()
        except OSError as error:
            raise FileError(
                f"{path}: not a shared library that this machine can load: "
                f"{elsewhere(self.data) or error}; compile it again here"
            ) from None
        except AttributeError:
            raise _foreign(path, self.data) from None
        if self.api.version != ABI_VERSION:
            raise FileError(
                f"{path}: interface version {self.api.version}; allowed is {ABI_VERSION}; "
                "compile it again with this Gatewright"
            )
        self.manifest = _manifest(_ffi.string(self.api.manifest), path)

    def reopened(self, ffi: Any) -> Any:
        """The same library with what another interface of cffi declares."""
        return open_library(ffi, self._opened.name)


_in_use: weakref.WeakValueDictionary[bytes, _Opened] = weakref.WeakValueDictionary()


def _open(data: bytes) -> _Opened:
    """The library with this content, the one in use if there is one."""
    found = _in_use.get(data)
    if found is None:
        found = _in_use[data] = _Opened(*open_copy(_ffi, data, SUFFIX))
    return found


def _foreign(path: str | os.PathLike[str], data: bytes) -> FileError:
    what = "a shared library, but not" if built_for(data) else "not a shared library"
    return FileError(f"{path}: {what} from gatewright; compile it with gatewright")


def _manifest(text: bytes, path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a library says of itself; FileError unless all that answering needs is there."""
    try:
        found = json.loads(text)
        if all(key in found for key in _MANIFEST):
            return found
    except (ValueError, TypeError, RecursionError):
        pass
    raise FileError(f"{path}: no manifest of a circuit; compile it with gatewright")


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
        """The library's own file, with a checksum where the format allows one."""
        return sealed(self.library.data)


def _pointer(array: NDArray[Any]) -> Any:
    """The address of an array; by way of a buffer where there can be one, which is quicker."""
    if array.flags.c_contiguous:
        return _ffi.from_buffer(array)
    return _ffi.cast("void *", array.ctypes.data)
