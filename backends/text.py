"""Circuits as text for people and other tools: the targets that `emit` knows."""

from __future__ import annotations

from typing import Any

from ..compiler import Circuit, verify
from ..compiler.equivalence import demand_proof
from ..runtime.errors import EmitError
from .artifact import Artifact
from .c.backend import C
from .c.embedded.backend import Embedded
from .cuda.backend import Cuda
from .options import backend_of
from .verilog.backend import Verilog

TARGETS = {"c": C, "cuda": Cuda, "verilog": Verilog}
PROFILES = {"c": {"embedded": Embedded}}  # backends that stand in for their target's


def emit_text(
    circuit: Circuit,
    target: str,
    name: str,
    vectors: Any,
    options: dict[str, Any],
    prove: bool = False,
) -> Artifact:
    """Emit a circuit for "c", "cuda" or "verilog".

    Args:
        vectors: inputs [n, \\*shape] for a testbench ("verilog" only), or None.
        options: fields of the backend; and `profile`, "embedded" for "c" (see `Embedded`).
        prove: fail unless what is emitted is proved equal to `circuit`: of "verilog" the text, as
            Yosys reads it (extra `rewrite`); of others the circuit that was prepared.

    Raises:
        NetlistError: it was not proved equal.
        ExtraMissing: a proof of "verilog", and there is no Yosys.
        EmitError: an unknown target or option, vectors where none are taken, or a circuit that the
            target cannot express.
    """
    backend = backend_of(TARGETS, target, options, PROFILES)
    verify(circuit.netlist)
    prepared = backend.prepare(circuit)
    if prove:
        demand_proof(circuit, prepared, f"target {target}")
    if isinstance(backend, Verilog):
        return backend.emit(prepared, name, vectors, prove)
    if vectors is not None:
        raise EmitError('vectors: only target "verilog" has a testbench; leave the argument out')
    return backend.emit(prepared, name)
