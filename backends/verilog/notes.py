"""What the comments at the head of a file say of ports and clocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...compiler import Circuit
from .design import Design
from .encoder import encoder_notes
from .text import Port, plural

_LONGEST = 80  # characters of a name


def head_notes(circuit: Circuit, width: int, ports: Sequence[Port], found: Design) -> list[str]:
    """What each port means, and when samples are taken and answers come.

    width: bits of a feature; 0 if the input port takes the encoder's bits.
    """
    names = {port.name for port in ports}
    notes = [*encoder_notes(circuit.encoder, width), *_input_names(circuit, width)]
    if "bits" in names:
        notes.append(f"bits: the {len(circuit.netlist.outputs)} answers, bit i in bits[i].")
        if circuit.names:
            notes += _called("bits[{}]", circuit.names.outputs)
    if circuit.decoder:
        groups, tau, beta = circuit.decoder.groups, circuit.decoder.tau, circuit.decoder.beta
        wide = circuit.count_width
        if "counts" in names:
            notes += [
                f"counts: {groups} unsigned counts of {wide} bits; class g is "
                f"counts[{wide}*g +: {wide}].",
                f"  Its score is (count + beta) / tau with tau = {tau}, beta = {beta}.",
            ]
        if "class_index" in names:
            notes += [
                "class_index: the class of the largest count, the lowest of equal ones. A larger",
                "  count is a larger score whatever tau > 0 and beta are, so this is the class of",
                "  the scores too.",
            ]
        if circuit.names:
            notes += _called("class {}", circuit.names.classes)
    return notes + _timing_notes(names, found)


def _input_names(circuit: Circuit, width: int) -> Iterator[str]:
    """What features are called, and bits where each bit of the input port is one."""
    if circuit.names is None:
        return
    yield from _called("feature {}", circuit.names.features)
    if not width:
        yield from _called("bits_in[{}]", circuit.names.inputs)
    elif width == 1:
        yield from _called("x[{}]", circuit.names.inputs, circuit.encoder.feature.tolist())


def _called(what: str, names: Sequence[str], at: Sequence[int] | None = None) -> Iterator[str]:
    """A line for each name; at: the number of each, if not its place.

    In ASCII and within quotes nothing can end a comment or look like a pragma.
    """
    for number, name in zip(range(len(names)) if at is None else at, names, strict=False):
        text = ascii(name)
        text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
        yield f"  {what.format(number)} = {text}"


def _timing_notes(names: set[str], found: Design) -> list[str]:
    """When samples are taken and answers come, for a module with these ports."""
    if not found.latency:
        return []
    if found.tiles:
        return _sequential_notes(names, found)
    clocks = plural(found.latency, "clock")
    notes = [
        f"clk: a sample is taken at every rising edge, and its answer is there {clocks} later.",
        f"  At most {found.every} of {found.levels} levels lie between registers.",
        "valid_in, valid_out: whether there is a sample, and whether there is an answer.",
    ]
    return notes + _reset_notes(names)


def _sequential_notes(names: set[str], found: Design) -> list[str]:
    notes = [
        "clk: a sample is taken at a rising edge where valid_in and ready_in are true; its answer",
        f"  is there {plural(found.latency, 'clock')} later, or more if samples before it are in "
        "its way,",
        f"  which take {plural(found.interval, 'clock')} each.",
        *(_in_turn(tile) for tile in found.tiles),
        f"  At most {found.every} of {found.levels} levels lie between registers.",
        "ready_in: whether a sample can be taken.",
        "valid_in, valid_out: whether there is a sample, and whether there is an answer, which is",
        "  there for one clock.",
    ]
    return notes + _reset_notes(names)


def _in_turn(tile: dict[str, int]) -> str:
    where = f"Stage {tile['stage']}: {plural(tile['places'], 'place')} of a tile"
    return f"  {where}, {tile['lanes']} at once, in {plural(tile['clocks'], 'clock')}."


def _reset_notes(names: set[str]) -> list[str]:
    notes = []
    if "rst" in names:
        notes.append("rst: synchronous; forgets which answers are valid.")
    if "enable" in names:
        notes.append("enable: where false, nothing moves.")
    return notes
