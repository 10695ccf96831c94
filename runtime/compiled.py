"""What a user calls: a compiled circuit, whatever runs beneath it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .archive import parse_archive, read_file, write_file
from .arrays import as_output, new_output
from .batch import Batch, Packed, read_batch
from .errors import FileError, InputError
from .interpreter import InterpreterEngine
from .library import Library, LibraryEngine
from .parallel import check_threads, in_chunks
from .tensors import TensorBatch, on_device, read_tensor
from .toolchain import SUFFIX


class Engine(Protocol):
    """What evaluates a circuit: a manifest, answers, and its own file."""

    manifest: dict[str, Any]

    @property
    def isa(self) -> str: ...

    def fill(self, batch: Batch, what: str, out: NDArray[Any]) -> None:
        """Write "bits", "counts", "scores" or "classes" of a batch into `out`."""
        ...

    def data(self) -> bytes:
        """The file from which `load` makes this engine again."""
        ...


@runtime_checkable
class TensorEngine(Protocol):
    """An engine that answers tensors where they lie, on a device."""

    def answer_tensor(
        self, batch: TensorBatch, what: str, shape: tuple[int, ...], out: Any
    ) -> Any: ...


class _Call(NamedTuple):
    """What is asked for: the answer, a sample's shape and dtype of it, and where it goes."""

    what: str
    shape: tuple[int, ...]
    dtype: Any
    threads: int
    out: Any


class CompiledCircuit:
    """A circuit ready to answer: raw values in, bits, counts, scores or classes out.

    Every method takes `x`, [n, \\*shape] or [n, features], of bool, uint8, float32 or float64, a
    numpy array or torch CPU tensor of any strides, and any n. Rows that are contiguous, at whatever
    distance, are read where they lie. Other integers, up to 2**24, and float16 are copied first, to
    uint8 where they fit and else to float32, which is exact. `threads` splits the batch. Objects
    may be shared between threads and pickled.

    `packed` says that x holds the netlist's input bits, which the encoder would have made:

    * "rows": uint8 [n, ceil(inputs / 8)], `numpy.packbits(bits, axis=1, bitorder="little")`;
    * "planes": uint64 [inputs, ceil(n / 64)], sample s at bit s % 64 of word s // 64, and `n`.

    Bits beyond the last input or sample are ignored.

    `out` takes the answers and is returned: a numpy array or torch CPU tensor of the shape and
    dtype that the method names, C-contiguous, writable, aligned, and apart from x.

    Where the circuit was compiled for CUDA, `x` may be a torch tensor on a device. It is read
    there, on torch's current stream, and the answer is a tensor on the same device, as is `out`.

    Raises (all methods):
        InputError: another shape or dtype, an `out` that cannot take the answers, or counts asked
            of a circuit without a decoder.
        BuildError: a device failed, such as for want of memory.
    """

    def __init__(self, engine: Engine, header: bytes | None = None) -> None:
        """header: of the C library, where it was compiled in this process."""
        self.engine = engine
        self.header = header
        manifest = engine.manifest
        self.manifest = manifest
        self.name: str = manifest["name"]
        self.shape: tuple[int, ...] = tuple(manifest["shape"])

    def bits(
        self,
        x: ArrayLike,
        *,
        threads: int = 1,
        packed: Packed | None = None,
        n: int | None = None,
        out: Any = None,
    ) -> NDArray[np.bool_]:
        """The netlist's outputs: bool [n, outputs]."""
        call = _Call("bits", (self.manifest["output_bits"],), np.bool_, threads, out)
        return self._answer(x, packed, n, call)

    def counts(
        self,
        x: ArrayLike,
        *,
        threads: int = 1,
        packed: Packed | None = None,
        n: int | None = None,
        out: Any = None,
    ) -> NDArray[np.int32]:
        """True addends of each group: int32 [n, groups]."""
        call = _Call("counts", (self._groups(),), np.int32, threads, out)
        return self._answer(x, packed, n, call)

    def scores(
        self,
        x: ArrayLike,
        *,
        threads: int = 1,
        packed: Packed | None = None,
        n: int | None = None,
        out: Any = None,
    ) -> NDArray[np.float32]:
        """What the module answers in evaluation mode: float32 [n, groups]."""
        call = _Call("scores", (self._groups(),), np.float32, threads, out)
        return self._answer(x, packed, n, call)

    def predict(
        self,
        x: ArrayLike,
        *,
        threads: int = 1,
        packed: Packed | None = None,
        n: int | None = None,
        out: Any = None,
    ) -> NDArray[np.int64]:
        """The class, the first largest score: int64 [n]."""
        self._groups()
        return self._answer(x, packed, n, _Call("classes", (), np.int64, threads, out))

    def _groups(self) -> int:
        decoder = self.manifest["decoder"]
        if decoder is None:
            raise InputError(
                f"{self.name}: the circuit has no decoder, so no counts or classes; use bits(x)"
            )
        return decoder["groups"]

    def _answer(self, x: ArrayLike, packed: str | None, n: int | None, call: _Call) -> Any:
        check_threads(call.threads)
        inputs = self.manifest["input_bits"]
        if on_device(x) and isinstance(self.engine, TensorEngine):
            tensors = read_tensor(x, self.shape, inputs, packed, n)
            return self.engine.answer_tensor(tensors, call.what, call.shape, call.out)
        batch = read_batch(x, self.shape, inputs, packed, n)
        samples = batch.n
        given = out = call.out
        if given is None:
            given = out = new_output((samples, *call.shape), call.dtype)
        else:
            out = as_output(given, (samples, *call.shape), np.dtype(call.dtype), batch.data)

        def work(start: int, stop: int) -> None:
            part = batch if stop - start == samples else batch.part(start, stop)
            self.engine.fill(part, call.what, out[start:stop])

        in_chunks(work, samples, call.threads)
        return given

    def save(self, path: str | os.PathLike[str], *, header: bool = False) -> Path:
        """Write one file that `load` reads back and that needs nothing else; returns its path.

        Args:
            header: write the C header beside it too, as `NAME.h` after the circuit's name.

        Raises:
            InputError: there is no header.
            FileError: it cannot be written.
        """
        target = Path(path)
        if header and self.header is None:
            raise InputError(
                f"{self.name}: header: only a C library that was compiled just now has one; "
                'write it with emit(circuit, "c", folder)'
            )
        write_file(target, self.engine.data())
        if header and self.header is not None:
            write_file(target.with_name(f"{self.name}.h"), self.header)
        return target

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_bytes, (self.engine.data(), self.name)

    def __repr__(self) -> str:
        gates, levels = self.manifest["gates"], self.manifest["levels"]
        return f"<CompiledCircuit {self.name}: {gates} gates, {levels} levels, {self.engine.isa}>"


def load(path: str | os.PathLike[str]) -> CompiledCircuit:
    """Load a compiled circuit from the one file that `CompiledCircuit.save` wrote.

    A shared library runs its own code when loaded: load only what you trust. The files of the numpy
    target are data and are checked.

    Raises:
        FileError: no such file, damaged, not one of ours, or built for another machine.
        DeviceMissing: it is for CUDA devices and there is none, or no driver.
    """
    data = read_file(path)
    if data.startswith(b"PK"):
        manifest, arrays = parse_archive(data, str(path))
        if (kind := manifest["gatewright"]) != "plan":
            raise FileError(
                f"{path}: holds a {kind}, which is not compiled; compile it first, "
                "for example: gatewright compile FILE -o FILE.so"
            )
        return CompiledCircuit(InterpreterEngine(manifest, arrays))
    return CompiledCircuit(open_engine(path, data))


def open_engine(path: str | os.PathLike[str], data: bytes | None = None) -> LibraryEngine:
    """What answers from a shared library: CUDA devices, if it holds kernels for them, or the CPU.

    Args:
        path: where it lies. data: its content, if that is known already.

    Raises:
        FileError: it cannot be loaded.
        DeviceMissing: it needs a CUDA device.
    """
    library = Library(path, data)
    if library.manifest["target"] == "cuda":
        from .cuda import CudaEngine, holds_kernels

        if holds_kernels(library):
            return CudaEngine(library)
    return LibraryEngine(library)


def _from_bytes(data: bytes, name: str) -> CompiledCircuit:
    if data.startswith(b"PK"):
        return CompiledCircuit(InterpreterEngine(*parse_archive(data, name, "plan")))
    return CompiledCircuit(open_engine(f"{name}{SUFFIX}", data))
