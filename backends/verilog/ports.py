"""The ports of the top module."""

from __future__ import annotations

from ...compiler import Circuit
from .design import Design
from .options import Options
from .text import Port


def ports_of(circuit: Circuit, width: int, options: Options, found: Design) -> list[Port]:
    """All ports, features of `width` bits: what registers need, then inputs, then answers."""
    return [
        *_control(options, found),
        *input_port(circuit, width),
        *_outputs(circuit, options.answer),
    ]


def input_port(circuit: Circuit, width: int) -> list[Port]:
    """The port of features or bits; none of no bits."""
    if width:
        port = Port("x", "input", circuit.encoder.n_features * width)
    else:
        port = Port("bits_in", "input", circuit.netlist.n_inputs)
    return [port] if port.width else []


def _control(options: Options, found: Design) -> list[Port]:
    """The ports that registers need."""
    if not found.latency:
        return []
    names = ["clk", *["rst"] * options.reset, *["enable"] * options.enable, "valid_in"]
    answers = [*["ready_in"] * bool(found.tiles), "valid_out"]
    return [
        *(Port(each, "input", 1) for each in names),
        *(Port(each, "output", 1) for each in answers),
    ]


def _outputs(circuit: Circuit, answer: str) -> list[Port]:
    """The ports of what is answered."""
    outputs = len(circuit.netlist.outputs)
    if circuit.decoder is None:
        return [Port("bits", "output", outputs)]
    classes = max(1, (circuit.decoder.groups - 1).bit_length())
    ports = [Port("counts", "output", outputs), Port("class_index", "output", classes)]
    return {"both": ports, "scores": ports[:1], "class": ports[1:]}[answer]
