"""LUTs and depth of our Verilog beside torchlogix's for the same trained networks, by Yosys.

    python benchmarks/verilog.py CIRCUIT.npz ... [--flows lut6 xilinx] [--styles gates lut+keep]

A CIRCUIT is a trained one as `networks.py` writes it. Both sides take bits and answer with counts:
torchlogix gets the circuit gate by gate, tiles unrolled, runs `simplify()` and writes its Verilog;
ours is optimised at level 2 and emitted with `answer="scores"` and `feature_bits=0`. `lut6` is
`synth -lut 6 -flatten`, `xilinx` is `synth_xilinx -flatten` without block RAM, DSPs and pads; depth
is the longest path that `ltp` finds in the flat result, a LUT and a CARRY4 a level each. A LUT6_2,
whose two outputs are those of one LUT of the device, counts as one LUT. Sites are LUTs, and those
positions of carry chains that are used without a LUT, where the device's can do little else.
Styles: `gates` and `lut`; `+keep` is with `keep_hierarchy` (`lut6` only), `+primitives` with
`primitives="xilinx"` (`xilinx` only). With `--parts`, ours is shown with encoder and argmax too,
and without popcounts. Needs Yosys. Without torchlogix on the path, only ours is measured. Icarus
Verilog first runs both sides on 1,000 random vectors, or `--vectors n`: a wrong answer of ours ends
the script, wrong ones of theirs are counted. Medians of the ratios are over circuits that
torchlogix can express.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from mapping import logic_of
from measuring import conditions
from numpy.typing import NDArray
from verilog_peer import by_torchlogix, wrong_answers

import gatewright as gw
from gatewright.backends.verilog.backend import Verilog
from gatewright.compiler import Circuit, Encoder
from gatewright.runtime import yosys
from gatewright.runtime.simulators import simulate_testbench

FLOWS = {
    "lut6": "synth -lut 6 -flatten -top {top}",
    "xilinx": "synth_xilinx -flatten -nodsp -nobram -noiopad -noclkbuf -top {top}",
}
STYLES = ["gates", "lut+keep", "lut+primitives"]
SECONDS = 3600  # for a run of Yosys
ONLY = {"keep": "lut6", "primitives": "xilinx"}  # the flow of what is behind a plus


class Size(NamedTuple):
    """What Yosys counts."""

    luts: int
    sites: int
    registers: int
    depth: int

    def over(self, other: Size) -> list[float]:
        """LUTs, sites and depth for one of the other's."""
        pairs = (self.luts, other.luts), (self.sites, other.sites), (self.depth, other.depth)
        return [ours / theirs for ours, theirs in pairs]

    def __str__(self) -> str:
        return f"{self.luts:>7,} LUTs {self.sites:>7,} sites depth {self.depth:>3}"


def synthesised(text: bytes, top: str, flow: str) -> Size:
    """The size of a design after a flow of Yosys."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "design.v").write_bytes(text)
        commands = ["read_verilog design.v", FLOWS[flow].format(top=top)]
        commands += ["setattr -mod -unset keep_hierarchy *", "flatten", "opt_clean"]
        commands += ["tee -q -o stat.json stat -json", "tee -q -o ltp.txt ltp -noff"]
        commands += ["write_json net.json"]
        yosys.run_yosys(commands, folder, SECONDS)
        cells = json.loads((folder / "stat.json").read_text())["design"]["num_cells_by_type"]
        module = json.loads((folder / "net.json").read_text())["modules"][top]
        length = re.search(r"length=(\d+)", (folder / "ltp.txt").read_text())
    luts = sum(n for kind, n in cells.items() if re.fullmatch(r"\$lut|LUT[1-6](_2)?|INV", kind))
    registers = sum(n for kind, n in cells.items() if re.search(r"dff|^FD[RSCP]E", kind, re.I))
    sites = luts + carries_alone(module)
    return Size(luts, sites, registers, int(length[1]) if length else 0)


def carries_alone(module: dict[str, Any]) -> int:
    """The positions of CARRY4 that are used, as far as anything reads above, without a LUT."""
    cells = module["cells"].values()
    ports = [port["bits"] for port in module["ports"].values() if port["direction"] == "output"]
    ports += [
        bits
        for cell in cells
        for pin, bits in cell["connections"].items()
        if cell["port_directions"][pin] == "input"
    ]
    read = {bit for bits in ports for bit in bits}
    found = 0
    for pins in (cell["connections"] for cell in cells if cell["type"] == "CARRY4"):
        used = [i for i in range(4) if {pins["O"][i], pins["CO"][i]} & read]
        found += sum(isinstance(bit, str) for bit in pins["S"][: max(used, default=-1) + 1])
    return found


def emitted(
    circuit: Circuit, style: str = "gates", vectors: object = None, **options: object
) -> dict[str, bytes]:
    """Our files; a style with `+keep` or `+primitives` behind it is emitted so."""
    style, _, way = style.partition("+")
    more = {"keep": {"keep_hierarchy": True}, "primitives": {"primitives": "xilinx"}}
    chosen = {"style": style, **more.get(way, {}), **options}
    backend = Verilog(**chosen)  # type: ignore[arg-type]
    return dict(backend.emit(circuit, "net", vectors).files)


def random_bits(circuit: Circuit, vectors: int) -> NDArray[np.bool_]:
    return np.random.default_rng(0).random((vectors, circuit.netlist.n_inputs)) < 0.5


def taking_bits(circuit: Circuit) -> Circuit:
    return replace(circuit, encoder=Encoder.boolean(circuit.netlist.n_inputs))


def check(circuit: Circuit, style: str, vectors: int) -> None:
    """Run what is emitted in Icarus Verilog; ends the script if an answer is wrong."""
    x = random_bits(circuit, vectors)
    files = emitted(taking_bits(circuit), style, x, answer="scores", feature_bits=0)
    found = simulate_testbench("iverilog", files, "net_tb")
    if not found.passed:
        sys.exit(f"{style}: {found.failures} of {found.vectors} answers are wrong")


def measure(path: Path, options: argparse.Namespace) -> list[tuple[str, tuple[float, ...]]]:
    """Print the sizes of one circuit; LUTs, sites and depth over theirs for each way."""
    circuit: Circuit = gw.read(path)
    small = gw.optimize(circuit, 2)
    theirs = by_torchlogix(circuit)
    wrong = ""
    if theirs and options.vectors:
        x = random_bits(circuit, options.vectors)
        wrong = f", {wrong_answers(theirs, taking_bits(circuit), x)}"
    for style in options.styles if options.vectors else []:
        check(small, style, options.vectors)
    found = []
    for flow in options.flows:
        peer = synthesised(theirs.encode(), "circuit", flow) if theirs else None
        said = f"{peer}{wrong}" if peer else "cannot express it, or is not there"
        print(f"{path.stem} {flow}: torchlogix {said}", flush=True)
        for style in options.styles:
            if ONLY.get(style.partition("+")[2], flow) == flow:
                size = measured(small, flow, style)
                ratios = tuple(size.over(peer)) if peer else ()
                print(
                    f"  ours, {style:<14} {size}  {', '.join(f'{r:.3f}' for r in ratios)}",
                    flush=True,
                )
                found += [(f"{flow} {style}", ratios)] if ratios else []
        if options.parts:
            show_parts(small, flow, options.styles)
    return found


def measured(circuit: Circuit, flow: str, style: str) -> Size:
    text = emitted(circuit, style, answer="scores", feature_bits=0)["net.v"]
    return synthesised(text, "net", flow)


def show_parts(circuit: Circuit, flow: str, styles: list[str]) -> None:
    """Print the sizes of the logic alone, and of the whole with encoder and argmax."""
    logic = logic_of(circuit.netlist)
    alone = Circuit(Encoder.boolean(logic.n_inputs), logic)
    print(f"  logic alone          {synthesised(emitted(alone)['net.v'], 'net', flow)}")
    for style in styles:
        if ONLY.get(style.partition("+")[2], flow) == flow:
            whole = synthesised(emitted(circuit, style)["net.v"], "net", flow)
            print(f"  whole, {style:<13} {whole}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("circuits", nargs="+", type=Path)
    parser.add_argument("--flows", nargs="+", default=list(FLOWS), choices=FLOWS)
    parser.add_argument("--styles", nargs="+", default=STYLES)
    parser.add_argument("--parts", action="store_true", help="logic alone and the whole too")
    parser.add_argument("--vectors", type=int, default=1000, help="0: answers are not checked")
    options = parser.parse_args()
    yosys.require("benchmarks/verilog.py", "synth")
    conditions()
    ratios = [row for path in options.circuits for row in measure(path, options)]
    for kind in dict.fromkeys(kind for kind, _ in ratios):
        rows = [row for each, row in ratios if each == kind]
        luts, sites, depth = map(median, zip(*rows, strict=True))
        print(
            f"{kind}: median ratio of LUTs {luts:.3f}, of sites {sites:.3f}, of depth {depth:.3f}"
        )


if __name__ == "__main__":
    main()
