"""The target "verilator": the module, and C++ that answers through a Verilator model of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...compiler import Circuit
from ...runtime.errors import EmitError
from ...runtime.library import ABI_VERSION
from ..artifact import Artifact
from ..c.data import c_float, c_string
from ..render import render
from .backend import Verilog
from .text import CONTROL

_PER_LINE = 12


@dataclass(frozen=True)
class Verilated(Verilog):
    """The Verilog backend's module, to be compiled for this machine.

    Takes the options of `Verilog`, whose `answer` is "both" and `interface` is "ports".
    With feature_bits=0 the C++ applies the thresholds, so that features of any kind are taken, and
    packed bits.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.answer != "both":
            raise EmitError(
                f'verilator: answer {self.answer!r}; allowed is "both", since a compiled circuit '
                "is asked for counts and classes; leave the option out"
            )

        if self.interface != "ports":
            raise EmitError(
                f'verilator: interface {self.interface!r}; allowed is "ports"; the testbench that '
                'target "verilog" emits checks the others; leave the option out'
            )

    def emit(
        self, circuit: Circuit, name: str, vectors: Any = None, prove: bool = False
    ) -> Artifact:
        """The files `name.v` and `name.cpp`; there is no testbench."""
        if vectors is not None:
            raise EmitError('vectors: only target "verilog" has a testbench; leave them out')
        module = super().emit(circuit, name, prove=prove)
        manifest = {**module.manifest, "target": "verilator", "isas": ["verilator"]}
        manifest["files"] = [f"{name}.v", f"{name}.cpp"]
        text = _model(circuit, name, manifest)
        return Artifact(name, {**module.files, f"{name}.cpp": text.encode()}, manifest)


def _model(circuit: Circuit, name: str, manifest: dict[str, Any]) -> str:
    """The C++ text."""
    ports, width = manifest["ports"], manifest["feature_bits"]
    data = [port for port in ports if port["name"] not in CONTROL]
    inputs = [port for port in data if port["direction"] == "input"]
    outputs = [port for port in data if port["direction"] == "output"]
    encoder, decoder = circuit.encoder, circuit.decoder
    compares = not width and len(encoder.feature) > 0
    return render(
        "verilog/model.cpp.j2",
        name=name,
        features=encoder.n_features,
        inputs=circuit.netlist.n_inputs,
        outputs=len(circuit.netlist.outputs),
        groups=decoder.groups if decoder else 0,
        tau=c_float(decoder.tau) if decoder else "",
        beta=c_float(decoder.beta) if decoder else "",
        width=width,
        latency=manifest["latency"],
        interval=manifest["interval"] if manifest["tiles"] else 0,
        feature=_numbers(encoder.feature) if compares else "",
        thresholds=_numbers(encoder.threshold.view(np.uint32)) if compares else "",
        port_name=inputs[0]["name"] if inputs else "",
        port_bits=inputs[0]["width"] if inputs else 0,
        outputs_of=outputs,
        bits_port=outputs[0]["name"],
        control=[port["name"] for port in ports if port["name"] in CONTROL],
        manifest=c_string(json.dumps(manifest, sort_keys=True)),
        abi=ABI_VERSION,
    )


def _numbers(values: NDArray[Any]) -> str:
    """The inside of an array's initialiser."""
    texts = [f"{value}u" for value in values.tolist()]
    rows = [", ".join(texts[i : i + _PER_LINE]) for i in range(0, len(texts), _PER_LINE)]
    return "".join(f"    {row},\n" for row in rows)
