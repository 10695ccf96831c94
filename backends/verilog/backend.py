"""Verilog-2001: a circuit as hierarchical, readable text, combinational or pipelined.

The top module takes features and answers with counts, the class or both, or with bits. Inside are
an encoder (comparators) and the logic (one named net a gate or LUT, and a module each for tile
bodies, popcounts and argmaxes).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from ...compiler import Circuit
from ...runtime.arguments import is_integer
from ...runtime.errors import EmitError
from ..artifact import Artifact, describe
from ..render import render
from .cells import PRIMITIVES
from .chain_cells import CHAIN_CELLS
from .cocotb import cocotb_test
from .design import ANSWERS, STYLES, Design, design
from .devices import DEVICES
from .encoder import encoder_module, feature_width
from .flow import flow_files
from .named import named_module
from .names import check_module_name
from .notes import head_notes
from .pipeline import Pipeline
from .proof import Given, prove_module
from .registers import Clocking
from .sequential import Wishes, sequential_design
from .stream import STREAMS, WRAPPER_NAMES, stream_module, stream_testbench
from .text import CONTROL, Port, unused
from .vectors import named_testbench, testbench_files

INTERFACES = ("ports", "named", *STREAMS)
MAX_FEATURE_BITS = 24
_END = "\n`default_nettype wire\n"


@dataclass(frozen=True)
class Verilog:
    """The Verilog-2001 backend: one module, combinational unless it is told to be pipelined.

    feature_bits: how wide an unsigned integer feature is; 1 for Boolean input. None takes 1, 8 or
        16, the least that holds every threshold. 0 leaves the encoder out: the module then takes
        the encoder's bits at port `bits_in`, which suits features that are not integers.
    answer: "class", "scores" (the counts) or "both", for circuits with a decoder.
    style: "gates", logic as it comes, popcounts and argmaxes in LUTs of six inputs; "lut", logic
        mapped to LUTs; "behavioural", comparisons and additions as operators. None is
        "lut" for a pipelined module, whose LUTs stand between registers, and, with `device`, the
        `primitives` of that too; else "gates".
    registers_every: registers after so many levels at most; a level is a gate or LUT, or an
        operator. max_latency: as few registers as make so many clocks. target_mhz: as few as
        `cuts.DelayModel` says that clock needs. One of them makes the module pipelined: it takes
        inputs and gives answers every clock, with registers at its outputs.
    reset: a synchronous reset of what says which answers are valid. enable: a clock enable for
        every register, which stalls the whole module. Both only where there are registers.
    keep_hierarchy: ask synthesis to keep popcounts and argmaxes as modules, unless "behavioural".
        LUTs inside of four inputs and more become modules too, one for each table, so that
        synthesis takes the LUTs that it is given; tools behind it may want them flat.
    primitives: "xilinx", "ice40" or "ecp5": instances of its LUTs where SYNTHESIS is defined, which
        synthesis takes as they are, and style "lut".
    carry_chains: with LUTs of "ice40" or "ecp5" as instances, popcounts in rows of adders on carry
        chains where that takes fewer LUTs or as many; see `rows`. "xilinx" has chains anyway.
    device: "ice40", "ecp5" or "xc7": map to LUTs of as many inputs as the device has, and take
        `target_mhz` by its delays. None maps to six inputs, and takes rough delays.
    register_inputs: registers at the inputs of a pipelined module too, one clock more.
    flow: files for the device's tools too: constraints and a Makefile for Yosys and nextpnr, or
        Tcl and constraints for Vivado.
    places_per_clock: run tiles in turn, with so many copies of a body at most, where that takes
        fewer LUTs. The module takes a sample where `valid_in` and `ready_in` are true, and answers
        some clocks later; registers_every and target_mhz cut the bodies and what follows them.
    interface: "named" adds module <name>_named around the design, whose ports are called what the
        circuit calls features, or inputs and outputs; see `named.named_module`. "stream" adds
        <name>_stream around a pipelined one, with valid and ready on both sides, and "axis"
        <name>_axis, AXI4-Stream that takes a sample byte by byte. These two need `reset` and
        `enable`, and come with a testbench that stalls at random.
    cocotb: with vectors, a test for cocotb 2 too, `test_<module>.py`, which runs by itself.
    """

    feature_bits: int | None = None
    answer: str = "both"
    style: str | None = None
    registers_every: int | None = None
    max_latency: int | None = None
    target_mhz: float | None = None
    reset: bool = False
    enable: bool = False
    keep_hierarchy: bool = False
    primitives: str | None = None
    interface: str = "ports"
    device: str | None = None
    register_inputs: bool = False
    flow: bool = False
    places_per_clock: int | None = None
    cocotb: bool = False
    carry_chains: bool = False

    def __post_init__(self) -> None:
        bits = self.feature_bits
        if not (bits is None or (is_integer(bits, 0, MAX_FEATURE_BITS))):
            raise EmitError(
                f"verilog: feature_bits {bits!r}; allowed are 0 to {MAX_FEATURE_BITS}, or None; "
                "8 suits pixels, and 0 takes the encoder's bits instead of features"
            )
        if self.answer not in ANSWERS:
            raise EmitError(f"verilog: answer {self.answer!r}; allowed are {', '.join(ANSWERS)}")
        if self.primitives is not None:
            if self.primitives not in PRIMITIVES:
                raise EmitError(
                    f"verilog: primitives {self.primitives!r}; allowed are {', '.join(PRIMITIVES)}"
                )
            if self.style not in (None, "lut"):
                raise EmitError(
                    f"verilog: style {self.style!r} and primitives; these are LUTs of the device, "
                    'so allowed is "lut"; leave the style out'
                )
            family = PRIMITIVES[self.primitives].device
            if self.device not in (None, family):
                raise EmitError(
                    f"verilog: device {self.device!r} and primitives {self.primitives!r}; these "
                    f"are of {family!r}; leave one of both out"
                )
        if self.style is not None and self.style not in STYLES:
            raise EmitError(f"verilog: style {self.style!r}; allowed are {', '.join(STYLES)}")
        if self.device is not None and self.device not in DEVICES:
            raise EmitError(f"verilog: device {self.device!r}; allowed are {', '.join(DEVICES)}")
        if self.flow and self.device is None:
            raise EmitError(
                f"verilog: flow, and no device; name one of {', '.join(DEVICES)} too (device)"
            )
        self._check_places()
        if self.carry_chains and self._primitives() not in CHAIN_CELLS:
            raise EmitError(
                "verilog: carry_chains, and LUTs are no instances of a device that it is for; "
                f"allowed are {' and '.join(CHAIN_CELLS)}; name one as primitives, or leave it out"
            )
        pipelined = self._pipeline() is not None or self.places_per_clock is not None
        if self.interface not in INTERFACES:
            raise EmitError(
                f"verilog: interface {self.interface!r}; allowed are {', '.join(INTERFACES)}"
            )
        if self.interface in STREAMS and not (pipelined and self.reset and self.enable):
            raise EmitError(
                f"verilog: interface {self.interface!r} needs registers that stall; give reset, "
                "enable and one of registers_every, max_latency, target_mhz and places_per_clock "
                "too"
            )
        if not pipelined and (self.reset or self.enable or self.register_inputs):
            raise EmitError(
                "verilog: reset, enable and register_inputs are for registers, and there are "
                "none; give one of registers_every, max_latency, target_mhz and places_per_clock "
                "too"
            )

    def _check_places(self) -> None:
        lanes = self.places_per_clock
        if lanes is None:
            return
        if not is_integer(lanes, 1):
            raise EmitError(
                f"verilog: places_per_clock {lanes!r}; allowed are integers from 1 on, or None for "
                "all places at once"
            )
        if self.max_latency is not None:
            raise EmitError(
                f"verilog: max_latency {self.max_latency} and places_per_clock; the latency is "
                "that of the places in turn; allowed are registers_every and target_mhz"
            )
        if self.register_inputs:
            raise EmitError(
                "verilog: register_inputs and places_per_clock; samples go into registers anyway; "
                "leave register_inputs out"
            )

    def _pipeline(self) -> Pipeline | None:
        asked = (self.registers_every, self.max_latency, self.target_mhz)
        if asked == (None, None, None):
            return None
        return Pipeline(*asked, **({"delays": DEVICES[self.device].delays} if self.device else {}))

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
        self._check(circuit, name)
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
        width = feature_width(circuit.encoder, self.feature_bits)
        style = self.style or ("lut" if self._pipeline() or self.primitives else "gates")
        primitives = self._primitives()
        found = self._design(circuit, name, style, width, primitives)
        if self.register_inputs:
            wide = sum(port.width for port in _input(circuit, width))
            found = replace(found, latency=found.latency + 1, registers=found.registers + wide + 1)
        inputs, outputs = _input(circuit, width), _outputs(circuit, self.answer)
        ports = [*self._control(found), *inputs, *outputs]
        text = self._text(circuit, name, width, ports, found, style)
        streams = self.interface in STREAMS
        bench = ""
        if streams:
            text += stream_module(name, self.interface, width, ports)
        elif self.interface == "named":
            module, bench = named_module(circuit, name, width, ports)
            text += module
        files = {f"{name}.v": (text + _END).encode()}
        waits = found.interval if found.tiles else 0
        if vectors is not None:
            files |= testbench_files(circuit, name, width, ports, found.latency, vectors, waits)
        if bench and vectors is not None:
            files |= named_testbench(name, ports, found.latency, len(vectors), waits, bench)
        if streams and vectors is not None:
            files[f"{name}_{self.interface}_tb.v"] = stream_testbench(
                name, self.interface, width, ports, found.latency, len(vectors), found.interval
            )
        if self.cocotb and vectors is not None:
            timing = (ports, found.latency, len(vectors), found.interval)
            for interface in ("ports", *([self.interface] if streams else [])):
                files |= cocotb_test(name, interface, width, *timing)
        if self.flow and self.device:
            files |= flow_files(name, self.device, ports, self.target_mhz)
        manifest = describe(circuit, name, "verilog")
        manifest |= {
            "ports": [port._asdict() for port in ports],
            "feature_bits": width,
            "interface": self.interface,
            "answer": self.answer if circuit.decoder else "bits",
            "style": style,
            "primitives": primitives,
            "carry_chains": self.carry_chains,
            "device": self.device,
            "registers_every": found.every,
            "latency": found.latency,
            "interval": found.interval if found.latency else 0,
            "tiles": list(found.tiles),
            "registers": found.registers,
            "emitted_levels": found.levels,
            "files": list(files),
            "vectors": 0 if vectors is None else len(vectors),
        }
        if circuit.names:
            manifest["names"] = asdict(circuit.names)
        if prove:
            clocking = Clocking(found.latency, self.reset, self.enable)
            given = Given(name, found.steps, width, clocking)
            manifest["proof"] = asdict(prove_module(files[f"{name}.v"], circuit, given))
        return Artifact(name, files, manifest)

    def _primitives(self) -> str | None:
        """Of which device LUTs are instances."""
        if self.primitives or self.style or self.device is None or not self._pipeline():
            return self.primitives
        return next(name for name, one in PRIMITIVES.items() if one.device == self.device)

    def _design(
        self, circuit: Circuit, name: str, style: str, width: int, primitives: str | None
    ) -> Design:
        pipeline = self._pipeline()
        device = DEVICES[self.device] if self.device else None
        compares = device.compare_levels(width) if device else int(width > 1)
        lut_inputs = device.lut_inputs if device else 6
        if primitives:
            lut_inputs = PRIMITIVES[primitives].most
        cells = CHAIN_CELLS[primitives] if primitives and self.carry_chains else None
        if self.places_per_clock is None:
            return design(
                circuit,
                name,
                self.answer,
                style,
                compares,
                pipeline,
                self.enable,
                self.keep_hierarchy,
                primitives,
                lut_inputs,
                cells,
            )
        wishes = Wishes(
            name,
            style,
            self.places_per_clock,
            pipeline,
            self.reset,
            self.enable,
            self.keep_hierarchy,
            primitives,
            lut_inputs,
            cells,
        )
        return sequential_design(circuit, self.answer, compares, wishes)

    def _check(self, circuit: Circuit, name: str) -> None:
        check_module_name(name)
        if not len(circuit.netlist.outputs):
            raise EmitError(
                "verilog: the netlist has no outputs; allowed is 1 or more; "
                "add the nets to observe to its outputs"
            )
        if self.interface in STREAMS and not circuit.netlist.n_inputs:
            raise EmitError(
                f"verilog: interface {self.interface!r}, and the circuit has no inputs to stream; "
                'allowed is "ports"'
            )
        if self.interface in STREAMS and name in WRAPPER_NAMES:
            raise EmitError(f"name {name!r}: a part of the wrapper has it; choose another name")
        if circuit.decoder is None and self.answer != "both":
            raise EmitError(
                f"verilog: answer {self.answer!r}, and the circuit has no decoder, so it answers "
                "with bits; leave the option out"
            )

    def _control(self, found: Design) -> list[Port]:
        """The ports that registers need."""
        if not found.latency:
            return []
        names = ["clk", *["rst"] * self.reset, *["enable"] * self.enable, "valid_in"]
        answers = [*["ready_in"] * bool(found.tiles), "valid_out"]
        return [
            *(Port(each, "input", 1) for each in names),
            *(Port(each, "output", 1) for each in answers),
        ]

    def _text(
        self,
        circuit: Circuit,
        name: str,
        width: int,
        ports: list[Port],
        found: Design,
        style: str,
    ) -> str:
        """The whole text of `name.v`: the top module first, then the modules it uses."""
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
        text = encoder_module(name, circuit.encoder, width, style) if encoder else ""
        return "".join([top, text, *found.texts])


def _input(circuit: Circuit, width: int) -> list[Port]:
    """The port of features or bits; none of no bits."""
    if width:
        port = Port("x", "input", circuit.encoder.n_features * width)
    else:
        port = Port("bits_in", "input", circuit.netlist.n_inputs)
    return [port] if port.width else []


def _outputs(circuit: Circuit, answer: str) -> list[Port]:
    """The ports of what is answered."""
    outputs = len(circuit.netlist.outputs)
    if circuit.decoder is None:
        return [Port("bits", "output", outputs)]
    classes = max(1, (circuit.decoder.groups - 1).bit_length())
    ports = [Port("counts", "output", outputs), Port("class_index", "output", classes)]
    return {"both": ports, "scores": ports[:1], "class": ports[1:]}[answer]
