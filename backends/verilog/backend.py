"""Verilog-2001: a circuit as combinational, hierarchical, readable text.

The top module takes features and answers with counts and the class, or with bits. Inside are an
encoder (comparators), the logic (one named net a gate, one module a tile body) and an argmax.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...compiler import Circuit
from ...runtime.errors import EmitError
from ..artifact import Artifact, check_name, describe
from ..render import render
from .encoder import encoder_module, encoder_notes, feature_width
from .logic import Modules
from .text import Port, unused
from .vectors import testbench_files

MAX_FEATURE_BITS = 24
_END = "\n`default_nettype wire\n"

# Words that Verilog or SystemVerilog tools reserve and that would pass as a name.
_RESERVED = frozenset(
    """
    accept_on alias always always_comb always_ff always_latch and assert assign assume automatic
    before begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle
    checker class clocking cmos config const constraint context continue cover covergroup
    coverpoint cross deassign default defparam design disable dist do edge else end endcase
    endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface
    endmodule endpackage endprimitive endprogram endproperty endsequence endspecify endtable
    endtask enum event eventually expect export extends extern final first_match for force foreach
    forever fork forkjoin function generate genvar global highz0 highz1 if iff ifnone ignore_bins
    illegal_bins implements implies import incdir include initial inout input inside instance int
    integer interconnect interface intersect join join_any join_none large let liblist library
    local localparam logic longint macromodule matches medium modport module nand negedge nettype
    new nexttime nmos nor noshowcancelled not notif0 notif1 null or output package packed parameter
    pmos posedge primitive priority program property protected pull0 pull1 pulldown pullup
    pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence rcmos real
    realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1
    s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal
    showcancelled signed small soft solve specify specparam static string strong strong0 strong1
    struct super supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout
    time timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef
    union unique unique0 unsigned until until_with untyped use uwire var vectored virtual void wait
    wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor
    """.split()
)

# What the top module calls its ports, nets and instances.
_OURS = frozenset(
    ("x", "bits_in", "bits", "counts", "class_index", "u_encoder", "u_logic", "u_argmax")
)


@dataclass(frozen=True)
class Verilog:
    """The Verilog-2001 backend: one combinational module.

    feature_bits: how wide an unsigned integer feature is; 1 for Boolean input. None takes 1, 8 or
        16, the least that holds every threshold. 0 leaves the encoder out: the module then takes
        the encoder's bits at port `bits_in`, which suits features that are not integers.
    """

    feature_bits: int | None = None

    def __post_init__(self) -> None:
        bits = self.feature_bits
        if bits is None or (type(bits) is int and 0 <= bits <= MAX_FEATURE_BITS):
            return
        raise EmitError(
            f"verilog: feature_bits {bits!r}; allowed are 0 to {MAX_FEATURE_BITS}, or None; "
            "8 suits pixels, and 0 takes the encoder's bits instead of features"
        )

    def prepare(self, circuit: Circuit) -> Circuit:
        """The circuit itself: every cell has a Verilog form."""
        return circuit

    def emit(self, circuit: Circuit, name: str, vectors: Any = None) -> Artifact:
        """The module as text, and with vectors a self-checking testbench.

        Args:
            circuit: what `prepare` answered.
            name: of the module; names inside begin with it.
            vectors: features [n, *shape] or [n, features] of bool, uint8, float32 or float64,
                integers of `feature_bits` bits; expected answers come from the circuit itself.

        Returns:
            `name.v`; with vectors also `name_tb.v`, `name_inputs.hex` and `name_expected.hex`.

        Raises:
            EmitError: the name is reserved, the circuit has no outputs, or its thresholds do not
                fit features of an allowed width.
            InputError: the vectors are none, of another shape or dtype, or not such integers.
        """
        _check(circuit, name)
        width = feature_width(circuit.encoder, self.feature_bits)
        ports = _ports(circuit, width)
        files = {f"{name}.v": _design(circuit, name, width, ports).encode()}
        if vectors is not None:
            files |= testbench_files(circuit, name, width, ports, vectors)
        manifest = describe(circuit, name, "verilog")
        manifest |= {
            "ports": [port._asdict() for port in ports],
            "feature_bits": width,
            "latency": 0,
            "files": list(files),
            "vectors": 0 if vectors is None else len(vectors),
        }
        return Artifact(name, files, manifest)


def _check(circuit: Circuit, name: str) -> None:
    if check_name(name) in _RESERVED:
        raise EmitError(f"name {name!r}: reserved in Verilog or SystemVerilog; choose another name")
    if name in _OURS:
        raise EmitError(f"name {name!r}: a port or part of the module has it; choose another name")
    if not len(circuit.netlist.outputs):
        raise EmitError(
            "verilog: the netlist has no outputs; allowed is 1 or more; "
            "add the nets to observe to its outputs"
        )


def _ports(circuit: Circuit, width: int) -> list[Port]:
    """The ports of the top module; an input of no bits is left out."""
    outputs = len(circuit.netlist.outputs)
    if width:
        ports = [Port("x", "input", circuit.encoder.n_features * width)]
    else:
        ports = [Port("bits_in", "input", circuit.netlist.n_inputs)]
    if circuit.decoder is None:
        ports.append(Port("bits", "output", outputs))
    else:
        classes = max(1, (circuit.decoder.groups - 1).bit_length())
        ports += [Port("counts", "output", outputs), Port("class_index", "output", classes)]
    return [port for port in ports if port.width]


def _design(circuit: Circuit, name: str, width: int, ports: list[Port]) -> str:
    """The whole text of `name.v`: the top module first, then the modules it uses."""
    modules = Modules(name)
    decoder, inputs = circuit.decoder, circuit.netlist.n_inputs
    modules.netlist(f"{name}_logic", "Bits to bits: one net a gate.", circuit.netlist)
    argmax = modules.class_argmax(decoder.groups, circuit.count_width) if decoder else None
    has_x = any(port.name == "x" for port in ports)
    top = render(
        "verilog/top.j2",
        name=name,
        notes=_notes(circuit, width),
        ports=ports,
        encoder=bool(width and inputs),
        unread="\n".join(unused(["x"] if has_x and not inputs else [])),
        input_bits=inputs,
        answer="counts" if decoder else "bits",
        argmax=argmax,
    )
    encoder = encoder_module(name, circuit.encoder, width) if width and inputs else ""
    return "".join([top, encoder, *modules.texts(), _END])


def _notes(circuit: Circuit, width: int) -> list[str]:
    """What each port means, for the head of the file."""
    notes = encoder_notes(circuit.encoder, width)
    outputs = len(circuit.netlist.outputs)
    if circuit.decoder is None:
        return [*notes, f"bits: the {outputs} answers, bit i in bits[i]."]
    groups, tau, beta = circuit.decoder.groups, circuit.decoder.tau, circuit.decoder.beta
    wide = circuit.count_width
    return [
        *notes,
        f"counts: {groups} unsigned counts of {wide} bits; class g is counts[{wide}*g +: {wide}].",
        f"  Its score is (count + beta) / tau with tau = {tau}, beta = {beta}.",
        "class_index: the class of the largest count, the lowest of equal ones. A larger count is",
        "  a larger score whatever tau > 0 and beta are, so this is the class of the scores too.",
    ]
