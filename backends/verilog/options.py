"""What a user may ask of the Verilog backend, and what does not go together."""

from __future__ import annotations

from dataclasses import dataclass

from ...compiler import Circuit
from ...runtime.arguments import is_integer
from ...runtime.errors import EmitError
from .cells import PRIMITIVES
from .chain_cells import CHAIN_CELLS
from .design import ANSWERS, STYLES
from .devices import DEVICES
from .names import check_module_name
from .pipeline import Pipeline
from .stream import STREAMS, WRAPPER_NAMES

INTERFACES = ("ports", "named", *STREAMS)
MAX_FEATURE_BITS = 24


@dataclass(frozen=True)
class Options:
    """What the module is to be; combinational unless it is told to be pipelined.

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
        if not (bits is None or is_integer(bits, 0, MAX_FEATURE_BITS)):
            raise EmitError(
                f"verilog: feature_bits {bits!r}; allowed are 0 to {MAX_FEATURE_BITS}, or None; "
                "8 suits pixels, and 0 takes the encoder's bits instead of features"
            )
        if self.answer not in ANSWERS:
            raise EmitError(f"verilog: answer {self.answer!r}; allowed are {', '.join(ANSWERS)}")
        self._check_primitives()
        if self.style is not None and self.style not in STYLES:
            raise EmitError(f"verilog: style {self.style!r}; allowed are {', '.join(STYLES)}")
        self._check_device()
        self._check_places()
        self._check_chains()
        self._check_registers()

    def _check_primitives(self) -> None:
        if self.primitives is None:
            return
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

    def _check_device(self) -> None:
        if self.device is not None and self.device not in DEVICES:
            raise EmitError(f"verilog: device {self.device!r}; allowed are {', '.join(DEVICES)}")
        if self.flow and self.device is None:
            raise EmitError(
                f"verilog: flow, and no device; name one of {', '.join(DEVICES)} too (device)"
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

    def _check_chains(self) -> None:
        if self.carry_chains and self.instances() not in CHAIN_CELLS:
            raise EmitError(
                "verilog: carry_chains, and LUTs are no instances of a device that it is for; "
                f"allowed are {' and '.join(CHAIN_CELLS)}; name one as primitives, or leave it out"
            )

    def _check_registers(self) -> None:
        pipelined = self.pipeline() is not None or self.places_per_clock is not None
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

    def pipeline(self) -> Pipeline | None:
        """How registers are placed; None for a combinational module."""
        asked = (self.registers_every, self.max_latency, self.target_mhz)
        if asked == (None, None, None):
            return None
        return Pipeline(*asked, **({"delays": DEVICES[self.device].delays} if self.device else {}))

    def instances(self) -> str | None:
        """Of which device LUTs are instances."""
        if self.primitives or self.style or self.device is None or not self.pipeline():
            return self.primitives
        return next(name for name, one in PRIMITIVES.items() if one.device == self.device)

    def written_style(self) -> str:
        """The style, chosen where none is named."""
        return self.style or ("lut" if self.pipeline() or self.primitives else "gates")

    def check_circuit(self, circuit: Circuit, name: str) -> None:
        """Refuse what no module of these options can be.

        Raises:
            EmitError: a reserved name, no outputs, or none of what is asked for.
        """
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
