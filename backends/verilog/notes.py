"""What the comments at the head of a file say of clocks."""

from __future__ import annotations

from .design import Design
from .text import plural


def timing_notes(names: set[str], found: Design) -> list[str]:
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
