"""Wrappers that give a module with registers streams with backpressure, and their testbenches."""

from __future__ import annotations

from typing import Any

from ..render import render
from .text import CONTROL, Port

STREAMS = ("stream", "axis")
WRAPPER_NAMES = frozenset("core sample count full skip last taken ready".split())


def stream_module(name: str, interface: str, width: int, ports: list[Port]) -> str:
    """The module <name>_<interface>, which uses module <name>.

    width: bits of a feature; 0 if the input port takes the encoder's bits.
    """
    return render("verilog/stream.j2", **_values(name, interface, width, ports))


def stream_testbench(
    name: str,
    interface: str,
    width: int,
    ports: list[Port],
    latency: int,
    vectors: int,
    interval: int,
) -> bytes:
    """The testbench <name>_<interface>_tb, which reads the vectors of <name>_tb.

    interval: clocks that the module takes from a sample to the next one.
    """
    values = _values(name, interface, width, ports)
    axis = values["bytes"]
    beats = values["beats"] if axis else 1
    text = render(
        "verilog/stream_tb.j2",
        **values,
        vectors=vectors,
        in_width=8 if axis else values["x"].width,
        out_width=8 * values["out_bytes"] if axis else values["width"],
        clocks=8 * vectors * (beats + interval) + 8 * latency + 100,
    )
    return text.encode()


def _values(name: str, interface: str, width: int, ports: list[Port]) -> dict[str, Any]:
    data = [port for port in ports if port.name not in CONTROL]
    (x,) = [port for port in data if port.direction == "input"]
    outputs = [port for port in data if port.direction == "output"]
    names = [port.name for port in reversed(outputs)]
    answered = sum(port.width for port in outputs)
    parts = stream_parts(x.width, width)
    beats = parts[-1][1] // 8 + 1
    layout = "eight bits each"
    if width:
        bytes_each = -(-width // 8)
        layout = f"{bytes_each} a feature" + (", the lowest first" if bytes_each > 1 else "")
    picked = [f"sample[{high}:{low}]" for low, high, _ in reversed(parts)]
    return {
        "name": name,
        "module": f"{name}_{interface}",
        "bytes": interface == "axis",
        "x": x,
        "outputs": outputs,
        "pins": ", ".join(f".{port.name}({port.name})" for port in outputs),
        "word": f"{{{', '.join(names)}}}" if len(names) > 1 else names[0],
        "answer": " and then ".join(port.name for port in outputs),
        "width": answered,
        "out_bytes": -(-answered // 8),
        "beats": beats,
        "count_bits": max(1, (beats - 1).bit_length()),
        "parts": parts,
        "waits": any(port.name == "ready_in" for port in ports),
        "spare": 8 * beats != x.width,
        "layout": layout,
        "picked": f"{{{', '.join(picked)}}}" if len(picked) > 1 else picked[0],
    }


def stream_parts(port: int, width: int) -> list[tuple[int, int, int]]:
    """Where the bits of the input port are in a packet: first and last bit, and bit of the port.

    Each feature begins a byte.
    """
    if not width or width % 8 == 0:
        return [(0, port - 1, 0)]
    step = -(-width // 8) * 8
    return [(step * i, step * i + width - 1, width * i) for i in range(port // width)]
