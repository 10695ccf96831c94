"""Verilog-2001: a circuit as hierarchical, readable text, combinational or pipelined.

The top module takes features and answers with counts, the class or both, or with bits. Inside are
an encoder (comparators) and the logic (one named net a gate or LUT, and a module each for tile
bodies, popcounts and argmaxes).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from ...compiler import Circuit
from ...runtime.errors import EmitError
from ..artifact import Artifact, describe
from ..render import render
from .cells import PRIMITIVES
from .chain_cells import CHAIN_CELLS
from .cocotb import cocotb_test
from .design import Design, design
from .devices import DEVICES
from .encoder import encoder_module, feature_width
from .flow import flow_files
from .named import named_module
from .notes import head_notes
from .options import Options
from .ports import input_port, ports_of
from .proof import Given, prove_module
from .registers import Clocking
from .sequential import Wishes, sequential_design
from .stream import STREAMS, stream_module, stream_testbench
from .text import CONTROL, Port, unused
from .vectors import named_testbench, testbench_files

_END = "\n`default_nettype wire\n"


@dataclass(frozen=True)
class Verilog(Options):
    """The Verilog-2001 backend: one module, and files beside it; see `Options`."""

    def prepare(self, circuit: Circuit) -> Circuit:
        """The circuit itself: every cell has a Verilog form."""
        return circuit

    def emit(
        self, circuit: Circuit, name: str, vectors: Any = None, prove: bool = False
    ) -> Artifact:
        """The module as text, and with vectors a self-checking testbench.

        Args:
            circuit: what `prepare` answered.
            name: of the module; names inside begin with it.
            vectors: features [n, *shape] or [n, features], as `Circuit.bits` takes them, integers
                of `feature_bits` bits; expected answers come from the circuit itself.
            prove: fail unless the module is proved to answer what the circuit does; see
                `proof.prove_module`. Modules around it, for streams and names, are no part of that.

        Returns:
            `name.v`; with vectors also `name_tb.v`, `name_inputs.hex` and `name_expected.hex`.

        Raises:
            EmitError: the name is reserved, the circuit has no outputs or no decoder for the answer
                that is asked for, or its thresholds do not fit features of an allowed width.
            InputError: the vectors are none, of another shape or dtype, or not such integers.
            NetlistError: it was not proved.
            ExtraMissing: a proof is wanted, and there is no Yosys.
        """
        self.check_circuit(circuit, name)
        self._check_wishes(vectors, prove)
        width = feature_width(circuit.encoder, self.feature_bits)
        found = self._design(circuit, name, width)
        ports = ports_of(circuit, width, self, found)
        text, bench = self._text(circuit, name, width, ports, found)
        files = {f"{name}.v": text.encode()}
        if vectors is not None:
            files |= self._tests(circuit, name, width, ports, found, vectors, bench)
        if self.flow and self.device:
            files |= flow_files(name, self.device, ports, self.target_mhz)
        manifest = self._manifest(circuit, name, width, ports, found)
        manifest |= {"files": list(files), "vectors": 0 if vectors is None else len(vectors)}
        if prove:
            clocking = Clocking(found.latency, self.reset, self.enable)
            given = Given(name, found.steps, width, clocking)
            manifest["proof"] = asdict(prove_module(files[f"{name}.v"], circuit, given))
        return Artifact(name, files, manifest)

    def _check_wishes(self, vectors: Any, prove: bool) -> None:
        if self.cocotb and vectors is None:
            raise EmitError(
                "verilog: cocotb without vectors; its tests are of vectors; give some (vectors=, "
                "--vectors), or leave cocotb out"
            )
        if prove and self.places_per_clock is not None:
            raise EmitError(
                "verilog: prove and places_per_clock; allowed is a proof of modules whose tiles do "
                "not take turns; use vectors, or target 'verilator'"
            )

    def _tests(
        self,
        circuit: Circuit,
        name: str,
        width: int,
        ports: list[Port],
        found: Design,
        vectors: Any,
        bench: str,
    ) -> dict[str, bytes]:
        """Testbenches, of the module and of what is around it, and tests for cocotb."""
        waits = found.interval if found.tiles else 0
        streams = [self.interface] if self.interface in STREAMS else []
        files = testbench_files(circuit, name, width, ports, found.latency, vectors, waits)
        if bench:
            files |= named_testbench(name, ports, found.latency, len(vectors), waits, bench)
        timing = (ports, found.latency, len(vectors), found.interval)
        for interface in streams:
            files[f"{name}_{interface}_tb.v"] = stream_testbench(name, interface, width, *timing)
        for interface in ("ports", *streams) if self.cocotb else ():
            files |= cocotb_test(name, interface, width, *timing)
        return files

    def _manifest(
        self, circuit: Circuit, name: str, width: int, ports: list[Port], found: Design
    ) -> dict[str, Any]:
        named = {"names": asdict(circuit.names)} if circuit.names else {}
        return {
            **describe(circuit, name, "verilog"),
            "ports": [port._asdict() for port in ports],
            "feature_bits": width,
            "interface": self.interface,
            "answer": self.answer if circuit.decoder else "bits",
            "style": self.written_style(),
            "primitives": self.instances(),
            "carry_chains": self.carry_chains,
            "device": self.device,
            "registers_every": found.every,
            "latency": found.latency,
            "interval": found.interval if found.latency else 0,
            "tiles": list(found.tiles),
            "registers": found.registers,
            "emitted_levels": found.levels,
            **named,
        }

    def _design(self, circuit: Circuit, name: str, width: int) -> Design:
        style, pipeline, primitives = self.written_style(), self.pipeline(), self.instances()
        device = DEVICES[self.device] if self.device else None
        compares = device.compare_levels(width) if device else int(width > 1)
        lut_inputs = device.lut_inputs if device else 6
        if primitives:
            lut_inputs = PRIMITIVES[primitives].most
        cells = CHAIN_CELLS[primitives] if primitives and self.carry_chains else None
        how = (self.keep_hierarchy, primitives, lut_inputs, cells)
        if self.places_per_clock is not None:
            wishes = Wishes(
                name, style, self.places_per_clock, pipeline, self.reset, self.enable, *how
            )
            return sequential_design(circuit, self.answer, compares, wishes)
        found = design(circuit, name, self.answer, style, compares, pipeline, self.enable, *how)
        if not self.register_inputs:
            return found
        wide = sum(port.width for port in input_port(circuit, width))
        return replace(found, latency=found.latency + 1, registers=found.registers + wide + 1)

    def _text(
        self,
        circuit: Circuit,
        name: str,
        width: int,
        ports: list[Port],
        found: Design,
    ) -> tuple[str, str]:
        """The text of `name.v`, the top module first, and of a testbench of names in it."""
        inputs = circuit.netlist.n_inputs
        has_x = any(port.name == "x" for port in ports)
        answers = [p.name for p in ports if p.direction == "output" and p.name not in CONTROL]
        encoder = bool(width and inputs)
        top = render(
            "verilog/top.j2",
            name=name,
            notes=head_notes(circuit, width, ports, found),
            ports=ports,
            encoder=encoder,
            unread="\n".join(unused(["x"] if has_x and not inputs else [])),
            input_bits=inputs,
            pins=found.pins,
            answer=answers[0] if len(answers) == 1 else f"{{{', '.join(reversed(answers))}}}",
            latency=found.latency,
            sequential=bool(found.tiles),
            reset=self.reset,
            enable=self.enable,
            held=next((port for port in ports if port.name in ("x", "bits_in")), None)
            if self.register_inputs
            else None,
        )
        style, around, bench = self.written_style(), "", ""
        inside = encoder_module(name, circuit.encoder, width, style) if encoder else ""
        if self.interface in STREAMS:
            around = stream_module(name, self.interface, width, ports)
        elif self.interface == "named":
            around, bench = named_module(circuit, name, width, ports)
        return "".join([top, inside, *found.texts, around, _END]), bench
