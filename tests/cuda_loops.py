"""CUDA kernels as loops on the CPU, for tests."""

from __future__ import annotations

from collections.abc import Iterator

from c_checks import STRICT, each_isa

from gatewright.backends.cuda.backend import Cuda
from gatewright.compiler import Circuit
from gatewright.runtime.compiled import CompiledCircuit
from gatewright.runtime.library import LibraryEngine
from gatewright.runtime.toolchain import find_compiler


def looped(circuit: Circuit, backend: Cuda = Cuda()) -> CompiledCircuit:  # noqa: B008
    """The kernels as loops, with every warning an error."""
    files = backend.emit(backend.prepare(circuit), "net").files
    flags = ("-DGATEWRIGHT_ON_CPU", *STRICT)
    return CompiledCircuit(LibraryEngine(find_compiler().build(files, "net", flags)))


def each_form(library: CompiledCircuit) -> Iterator[str]:
    """Blocks in shared memory, steps through device memory, and straight-line code if there is."""
    isas = library.engine.isas()
    assert isas[:2] == ("cpu-resident", "cpu-streamed")
    assert isas[2:] in ((), ("cpu-straight",))
    yield from each_isa(library)
