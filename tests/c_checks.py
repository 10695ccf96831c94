"""Circuits built as C libraries, with every warning an error, and called on every path."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gatewright.backends.c.backend import C
from gatewright.compiler import Builder, Circuit, Netlist
from gatewright.runtime.compiled import CompiledCircuit
from gatewright.runtime.cross import this_machine
from gatewright.runtime.library import LibraryEngine
from gatewright.runtime.toolchain import find_compiler

# Large tables are strings, longer than a pedant allows; every compiler we know takes them.
STRICT = ("-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wno-overlength-strings", "-Werror")


def compiled(circuit: Circuit, backend: C | None = None) -> CompiledCircuit:
    """Built with every warning an error."""
    backend = backend or C()
    artifact = backend.emit(backend.prepare(circuit), "net")
    return CompiledCircuit(LibraryEngine(find_compiler().build(artifact.files, "net", STRICT)))


def compiled_apart(circuit: Circuit, backend: C | None = None) -> CompiledCircuit:
    """Built from several sources, with every warning an error."""
    backend = backend or C(triple=this_machine())
    artifact, shared = backend.sources(backend.prepare(circuit), "net")
    path = find_compiler().build(artifact.files, "net", STRICT, shared)
    return CompiledCircuit(LibraryEngine(path))


def each_isa(library: CompiledCircuit) -> Iterator[str]:
    """Its instruction sets, each in force until the next is asked for."""
    engine = library.engine
    assert isinstance(engine, LibraryEngine)
    for isa in engine.isas():
        engine.isa = isa
        yield isa


def logic(random: np.random.Generator, n_inputs: int, outputs: int, levels: int = 3) -> Netlist:
    """A body of LUTs of up to three inputs; outputs may be constants, inputs or repeated."""
    builder = Builder(n_inputs)
    nets = np.arange(2 + n_inputs)
    for _ in range(levels):
        k = int(random.integers(1, 4))
        fanin = random.choice(nets, (int(random.integers(1, 9)), k))
        nets = np.append(nets, builder.luts(fanin, random.integers(0, 1 << (1 << k), len(fanin))))
    return builder.build(random.choice(nets, outputs))
