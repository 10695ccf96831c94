"""Files for the tools of a device: a Makefile for Yosys and nextpnr or Tcl, and constraints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..render import render
from .harness import harness_module
from .text import Port


class _Tools(NamedTuple):
    """What the open tools of a family are called; `routed` and the like are suffixes of files."""

    synth: str
    nextpnr: str
    pack: str
    routed: str
    constraints: str
    output: str  # the option of nextpnr that names its result
    bitstream: str


_TOOLS = {
    "ice40": _Tools("synth_ice40", "nextpnr-ice40", "icepack", "asc", "pcf", "--asc", "bin"),
    "ecp5": _Tools("synth_ecp5", "nextpnr-ecp5", "ecppack", "config", "lpf", "--textcfg", "bit"),
}
_PARTS = {"ice40": ("hx8k", "ct256", ""), "ecp5": ("25k", "CABGA381", "6")}
VIVADO_PART = "xc7a35tcpg236-1"
_USUAL_MHZ = 100.0


def flow_files(
    name: str,
    device: str,
    ports: Sequence[Port],
    mhz: float | None,
    chosen: tuple[str, str, str] | None = None,
) -> dict[str, bytes]:
    """The files by name, for module `name` with these ports in `name.v`.

    device: "ice40", "ecp5" or "xc7". mhz: the clock to constrain; 100 if None. chosen: part,
    package and speed grade; the family's default ones if None.
    """
    top, harness = harness_module(name, ports)
    values = {
        "name": name,
        "top": top,
        "ports": ports,
        "mhz": f"{mhz or _USUAL_MHZ:g}",
        "clocked": any(port.name == "clk" for port in ports),
    }
    found = {f"{top}.v": harness}
    if device not in _TOOLS:
        period = f"{1000 / (mhz or _USUAL_MHZ):.3f}"
        for suffix in ("tcl", "xdc"):
            text = render(f"verilog/vivado.{suffix}.j2", period=period, part=VIVADO_PART, **values)
            found[f"{name}.{suffix}"] = text.encode()
        return found
    tools = _TOOLS[device]
    part, package, speed = chosen or _PARTS[device]
    options = f"--{part} --package {package}" + (f" --speed {speed}" if speed else "")
    makefile = render("verilog/makefile.j2", tools=tools, part=options, **values)
    found["Makefile"] = makefile.encode()
    text = render(f"verilog/{tools.constraints}.j2", **values)
    found[f"{name}.{tools.constraints}"] = text.encode()
    return found
