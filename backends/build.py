"""From a circuit to something that answers: prepare, emit, build, load."""

from __future__ import annotations

from ..compiler import Circuit, verify
from ..compiler.equivalence import demand_proof
from ..runtime.archive import parse_archive
from ..runtime.compiled import CompiledCircuit
from ..runtime.errors import EmitError, FileError
from ..runtime.interpreter import InterpreterEngine
from ..runtime.library import LibraryEngine
from ..runtime.toolchain import find_compiler
from .c.backend import C
from .plan import Numpy

TARGETS = {"c": C, "numpy": Numpy}


def build(
    circuit: Circuit, target: str, name: str, proved_equal_to: Circuit | None = None
) -> CompiledCircuit:
    """Compile a circuit as it is, without optimising it.

    Args:
        circuit: any verified circuit.
        target: "c" or "numpy".
        name: names the library and its C functions.
        proved_equal_to: a circuit that what is compiled must be proved equal to, mapping and
            lowering for the target included; no proof by default.

    Raises:
        NetlistError: it was not proved equal.
        EmitError: an unknown target or an unusable name.
        ToolMissing, BuildError: no C compiler, or it failed, or the cache cannot be written.
    """
    if target not in TARGETS:
        raise EmitError(f"target {target!r}; allowed are {', '.join(TARGETS)}")
    verify(circuit.netlist)
    backend = TARGETS[target]()
    prepared = backend.prepare(circuit)
    if proved_equal_to is not None:
        demand_proof(proved_equal_to, prepared, f"target {target}")
    artifact = backend.emit(prepared, name)
    if target == "numpy":
        (data,) = artifact.files.values()
        return CompiledCircuit(InterpreterEngine(*parse_archive(data, name, "plan")))
    compiler = find_compiler()
    library = compiler.build(artifact.files, name)
    try:
        return CompiledCircuit(LibraryEngine(library))
    except FileError:  # damaged in the cache, such as by a power cut: once more
        library.unlink(missing_ok=True)
        return CompiledCircuit(LibraryEngine(compiler.build(artifact.files, name)))
