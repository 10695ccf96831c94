"""Circuits as text for people and other tools: the targets that `emit` knows."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ..compiler import Circuit, verify
from ..compiler.equivalence import demand_proof
from ..runtime.errors import EmitError
from .artifact import Artifact
from .c.backend import C
from .verilog.backend import Verilog

TARGETS = {"c": C, "verilog": Verilog}


def emit_text(
    circuit: Circuit,
    target: str,
    name: str,
    vectors: Any,
    options: dict[str, Any],
    prove: bool = False,
) -> Artifact:
    """Emit a circuit for "c" or "verilog".

    Args:
        vectors: inputs [n, \\*shape] for a testbench ("verilog" only), or None.
        options: fields of the backend.
        prove: fail unless what is emitted is proved equal to `circuit`.

    Raises:
        NetlistError: it was not proved equal.
        EmitError: an unknown target or option, vectors where none are taken, or a circuit that the
            target cannot express.
    """
    if target not in TARGETS:
        raise EmitError(f"target {target!r}; allowed are {', '.join(TARGETS)}")
    allowed = [field.name for field in fields(TARGETS[target])]
    if unknown := sorted(set(options) - set(allowed)):
        raise EmitError(
            f"option {', '.join(unknown)}; allowed for target {target!r} are {', '.join(allowed)}"
        )
    backend = TARGETS[target](**options)
    verify(circuit.netlist)
    prepared = backend.prepare(circuit)
    if prove:
        demand_proof(circuit, prepared, f"target {target}")
    if isinstance(backend, Verilog):
        return backend.emit(prepared, name, vectors)
    if vectors is not None:
        raise EmitError('vectors: only target "verilog" has a testbench; leave the argument out')
    return backend.emit(prepared, name)
