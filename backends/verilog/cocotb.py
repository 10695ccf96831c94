"""Tests for cocotb, which drive a module or the stream around it from Python."""

from __future__ import annotations

from ..render import render
from .stream import stream_parts
from .text import CONTROL, Port


def cocotb_test(
    name: str,
    interface: str,
    width: int,
    ports: list[Port],
    latency: int,
    vectors: int,
    interval: int,
) -> dict[str, bytes]:
    """`test_<module>.py` for module <name>, or for <name>_<interface>; reads the vectors' files.

    width: bits of a feature; 0 if the input port takes the encoder's bits.
    interval: clocks that the module takes from a sample to the next one.
    """
    data = [port for port in ports if port.name not in CONTROL]
    inputs = [port for port in data if port.direction == "input"]
    outputs = [(port.name, port.width) for port in data if port.direction == "output"]
    names = {port.name for port in ports}
    answered = sum(bits for _, bits in outputs)
    x_width = inputs[0].width if inputs else 0
    parts = stream_parts(x_width, width) if interface == "axis" else []
    beats = parts[-1][1] // 8 + 1 if parts else 0
    values = {
        "data": inputs[0].name if inputs else "",
        "clk": "clk" if latency else "",
        "rst": "rst" if "rst" in names else "",
        "advance": "enable" if "enable" in names else "",
        "valid_in": "valid_in",
        "ready_in": "ready_in" if "ready_in" in names else "",
        "valid_out": "valid_out",
    }
    if interface != "ports":
        s, m = ("s_axis_t", "m_axis_t") if beats else ("s_", "m_")
        values |= {"data": f"{s}data", "valid_in": f"{s}valid", "ready_in": f"{s}ready"}
        values |= {"valid_out": f"{m}valid", "advance": f"{m}ready"}
        values |= {"clk": "aclk", "rst": "aresetn"} if beats else {}
        outputs = [(f"{m}data", answered)]
    top = name if interface == "ports" else f"{name}_{interface}"
    text = render(
        "verilog/cocotb.j2",
        **values,
        name=name,
        top=top,
        vectors=vectors,
        outputs=outputs,
        width=answered,
        x_width=x_width,
        rst_on=0 if beats else 1,
        parts=parts,
        beats=beats,
        latency=latency if interface == "ports" else 0,
        interval=interval if "ready_in" in names and interface == "ports" else 0,
        clocks=4 * vectors * interval + 4 * latency + 100,
    )
    return {f"test_{top}.py": text.encode()}
