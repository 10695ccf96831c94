"""What a design takes of a device, by Yosys."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BuildError
from ..yosys import require, run_yosys
from .families import Family


@dataclass(frozen=True)
class Usage:
    """What a design, or a part of one, takes.

    depth: LUTs on the longest path from an input or register to an output or register; carry cells
    and the multiplexers behind LUTs are not counted.
    """

    name: str
    luts: int
    registers: int
    carries: int
    depth: int


def map_design(family: Family, sources: list[str], top: str, folder: Path, seconds: float) -> Path:
    """Have Yosys map files in `folder` to a family: the path of its netlist, JSON.

    sources: Verilog, and netlists that were mapped before, which stay as they are.

    Raises:
        ExtraMissing: no Yosys here. BuildError: it failed, or took too long.
    """
    require("synth", "synth")
    netlist = folder / f"{top}.json"
    commands = []
    for source in sources:
        if source.endswith(".json"):  # its models of primitives lack what mapping needs
            commands += [f"read_json {source}", "delete =A:blackbox"]
        else:
            commands.append(f"read_verilog {source}")
    commands += [f"{family.synth} -top {top}", f"write_json {netlist.name}"]
    run_yosys(commands, folder, seconds)
    if not netlist.exists():
        raise BuildError(f"yosys: it wrote no netlist of module {top}")
    return netlist


def count_cells(family: Family, netlist: Path, name: str) -> Usage:
    """What a mapped netlist takes.

    Raises:
        BuildError: it is no netlist of one module.
    """
    try:
        modules = json.loads(netlist.read_text())["modules"].values()
        (module,) = [m for m in modules if not int(str(m["attributes"].get("blackbox", "0")), 2)]
        cells = list(module["cells"].values())
        kinds = [cell["type"] for cell in cells]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BuildError(f"yosys: {netlist.name} is no netlist of one module: {error}") from None
    return Usage(
        name,
        _matching(family.luts, kinds),
        _matching(family.registers, kinds),
        _matching(family.carries, kinds),
        _depth(family, cells),
    )


def _matching(pattern: str, kinds: list[str]) -> int:
    return sum(bool(re.fullmatch(pattern, kind)) for kind in kinds)


def _depth(family: Family, cells: list[Mapping[str, Any]]) -> int:
    """LUTs on the longest path that crosses no register."""
    between = [cell for cell in cells if not re.fullmatch(family.registers, cell["type"])]
    readers: dict[Any, list[int]] = defaultdict(list)
    driven: list[list[Any]] = []
    waits = []
    for at, cell in enumerate(between):
        ways = cell.get("port_directions", {})
        ends: dict[str, list[Any]] = {"input": [], "output": []}
        for port, bits in cell["connections"].items():
            ends.setdefault(ways.get(port, ""), []).extend(b for b in bits if isinstance(b, int))
        driven.append(ends["output"])
        for bit in ends["input"]:
            readers[bit].append(at)
        waits.append(ends["input"])
    made = {bit for bits in driven for bit in bits}
    left = [sum(bit in made for bit in bits) for bits in waits]
    weight = [int(bool(re.fullmatch(family.luts, cell["type"]))) for cell in between]
    depth = weight[:]
    ready = [at for at, n in enumerate(left) if not n]
    for at in ready:  # grows while it is read
        for bit in driven[at]:
            for reader in readers[bit]:
                depth[reader] = max(depth[reader], depth[at] + weight[reader])
                left[reader] -= 1
                if not left[reader]:
                    ready.append(reader)
    return max(depth, default=0)
