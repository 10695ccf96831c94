"""A module around the design that needs three pins, to place and route it and time it."""

from __future__ import annotations

from collections.abc import Sequence

from ..render import render
from .text import Port


def harness_module(name: str, ports: Sequence[Port]) -> tuple[str, bytes]:
    """The module <name>_harness and its text, for a design with these ports."""
    pins = [("clk", "clk")] if any(port.name == "clk" for port in ports) else []
    inputs, outputs = (
        [port for port in ports if port.direction == way and port.name != "clk"]
        for way in ("input", "output")
    )
    width, taken = _pins(inputs, "stimulus")
    answered, made = _pins(outputs, "answer")
    text = render(
        "verilog/harness.j2",
        module=f"{name}_harness",
        name=name,
        width=max(1, width),
        answered=answered,
        pins=[*pins, *taken, *made],
    )
    return f"{name}_harness", text.encode()


def _pins(ports: list[Port], bits: str) -> tuple[int, list[tuple[str, str]]]:
    """Bits of these ports in all, and what is connected to each."""
    at, pins = 0, []
    for port in ports:
        pins.append((port.name, f"{bits}[{at} +: {port.width}]"))
        at += port.width
    return at, pins
