"""From a circuit to something that answers: prepare, emit, build, load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..compiler import Circuit, verify
from ..compiler.equivalence import demand_proof
from ..runtime.archive import parse_archive, read_file
from ..runtime.compiled import CompiledCircuit, open_engine
from ..runtime.cross import cross_compiler, runs_here, this_machine
from ..runtime.cuda_compiler import build_cuda, build_emulated, wanted_architectures
from ..runtime.errors import DeviceMissing, EmitError
from ..runtime.foreign import CrossCompiled, ForeignEngine
from ..runtime.interpreter import InterpreterEngine
from ..runtime.library import LibraryEngine
from ..runtime.seal import whole
from ..runtime.toolchain import find_compiler
from ..runtime.verilator import build_model
from .artifact import Artifact
from .c.backend import C
from .c.tuning import tune as find_fastest
from .cuda.backend import Cuda
from .options import backend_of
from .plan import Numpy
from .verilog.model import Verilated

TARGETS = {"c": C, "cuda": Cuda, "numpy": Numpy, "verilator": Verilated}


def build(
    circuit: Circuit,
    target: str,
    name: str,
    proved_equal_to: Circuit | None = None,
    tune: Any = None,
    **options: Any,
) -> CompiledCircuit:
    """Compile a circuit as it is, without optimising it.

    Args:
        circuit: any verified circuit.
        target: "c", "cuda", "numpy" or "verilator".
        name: names the library and its C functions.
        proved_equal_to: a circuit that what is compiled must be proved equal to, mapping and
            lowering for the target included; no proof by default.
        tune: measure candidates on this machine and keep the fastest; True for random rows, or rows
            [n, *shape] to measure on.
        options: fields of the backend.

    Raises:
        NetlistError: it was not proved equal.
        EmitError: an unknown target or option, an unusable name, or nothing to tune.
        InputError: `tune` has another shape or dtype, or no rows.
        ExtraMissing: `triple` is another machine and ziglang is not installed.
        ToolMissing, BuildError: no C or CUDA compiler, or it failed, or the cache cannot be
            written.
    """
    backend = backend_of(TARGETS, target, options)
    verify(circuit.netlist)
    if isinstance(backend, C) and backend.triple is None:
        backend = replace(backend, triple=this_machine())
    if isinstance(backend, Cuda) and not backend.emulate:
        backend = replace(backend, architectures=wanted_architectures(backend.architectures))
    if tune is not None and tune is not False:
        backend = _tuned(circuit, backend, target, name, tune)
    prepared = backend.prepare(circuit)
    if proved_equal_to is not None:
        demand_proof(proved_equal_to, prepared, f"target {target}")
    if isinstance(backend, C):
        return _library(backend, prepared, name)
    artifact = backend.emit(prepared, name)
    if isinstance(backend, Cuda):
        return _cuda_library(artifact, backend.architectures)
    if isinstance(backend, Verilated):
        return CompiledCircuit(LibraryEngine(whole(lambda: build_model(artifact.files, name))))
    (data,) = artifact.files.values()
    return CompiledCircuit(InterpreterEngine(*parse_archive(data, name, "plan")))


def build_stages(circuit: Circuit, name: str) -> tuple[CompiledCircuit, ...]:
    """Three C libraries of a circuit: one stops after packing, one after evaluating, one is whole.

    Raises:
        EmitError, ToolMissing, BuildError: as for `build`.
    """
    verify(circuit.netlist)
    backend = C(triple=this_machine())
    prepared = backend.prepare(circuit)
    stops = ("-DGATEWRIGHT_STOP=1",), ("-DGATEWRIGHT_STOP=2",), ()
    return tuple(_library(backend, prepared, name, stop) for stop in stops)


def _tuned(circuit: Circuit, backend: Any, target: str, name: str, x: Any) -> C:
    """The C backend with what was fastest here."""
    if not isinstance(backend, C):
        raise EmitError(f"tune: target {target!r}; allowed is 'c'; leave tune out")
    if not runs_here(backend.triple or this_machine()):
        raise EmitError(
            f"tune: triple {backend.triple!r} is another machine, so nothing can be measured; "
            "leave tune out, or compile there"
        )
    return find_fastest(circuit, backend, x, lambda one: _library(one, one.prepare(circuit), name))


def _library(
    backend: C, prepared: Circuit, name: str, flags: tuple[str, ...] = ()
) -> CompiledCircuit:
    """A prepared circuit as a C library, loaded if this machine can run it."""
    triple = backend.triple or this_machine()
    if triple == this_machine():
        compiler = find_compiler()
        artifact, shared = backend.sources(prepared, name)
    else:
        compiler = cross_compiler(triple)
        artifact, shared = backend.emit(prepared, name), {}
    header = artifact.files[f"{name}.h"]

    def made() -> Path:
        return compiler.build(artifact.files, name, flags, shared)

    if not runs_here(triple):
        engine = ForeignEngine(artifact.manifest, triple, read_file(whole(made)))
        return CrossCompiled(engine, header)
    return _loaded(made, header)


def _cuda_library(artifact: Artifact, architectures: tuple[str, ...] | None) -> CompiledCircuit:
    """The CUDA files as a library, loaded if there is a device; as loops for no architectures."""
    files, name = artifact.files, artifact.name
    header = files[f"{name}.h"]
    if architectures is None:
        return _loaded(lambda: build_emulated(files, name), header)

    def made() -> Path:
        return build_cuda(files, name, architectures)

    try:
        return _loaded(made, header)
    except DeviceMissing as error:
        library = read_file(whole(made))
        engine = ForeignEngine(artifact.manifest, this_machine(), library, str(error))
        return CrossCompiled(engine, header)


def _loaded(made: Callable[[], Path], header: bytes) -> CompiledCircuit:
    """What `made` puts into the cache."""
    return CompiledCircuit(open_engine(whole(made)), header)
