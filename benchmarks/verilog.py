"""LUTs and depth of our Verilog beside torchlogix's for the same trained networks, by Yosys.

    python benchmarks/verilog.py CIRCUIT.npz ... [--flows lut6 xilinx] [--styles gates gates+keep]

A CIRCUIT is a trained one as `networks.py` writes it. Both sides take bits and answer with counts:
torchlogix gets the circuit gate by gate, tiles unrolled, runs `simplify()` and writes its Verilog;
ours is optimised at level 2 and emitted with `answer="scores"` and `feature_bits=0`. `lut6` is
`synth -lut 6 -flatten`, `xilinx` is `synth_xilinx -flatten` without block RAM, DSPs and pads; depth
is the longest path that `ltp` finds in the flat result, carry cells included. Styles: `gates` and
`lut`; `+keep` is with `keep_hierarchy`, `+primitives` with `primitives="xilinx"` (`xilinx` only).
Of ours, `whole` is with encoder and argmax, and `logic` without popcounts. Needs pyosys.
Without torchlogix on the path, only ours is measured. Icarus Verilog runs what
is emitted on 1,000 random vectors first, or `--vectors n`.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import numpy as np
from mapping import logic_of
from peers import exported

import gatewright as gw
from gatewright.backends.verilog.backend import Verilog
from gatewright.compiler import Circuit, Encoder
from gatewright.compiler.passes.unroll import unroll
from gatewright.compiler.stats import lut_histogram
from gatewright.runtime.simulators import simulate_testbench

FLOWS = {
    "lut6": "synth -lut 6 -flatten -top {top}",
    "xilinx": "synth_xilinx -flatten -nodsp -nobram -noiopad -noclkbuf -top {top}",
}
STYLES = ["gates", "gates+keep", "lut+primitives"]
SCRIPT = """
from pyosys import libyosys as ys
design = ys.Design()
for command in {commands!r}:
    ys.run_pass(command, design)
"""


class Size(NamedTuple):
    """What Yosys counts."""

    luts: int
    registers: int
    depth: int

    def __str__(self) -> str:
        return f"{self.luts:>7,} LUTs depth {self.depth:>3}"


def synthesised(text: bytes, top: str, flow: str) -> Size:
    """The size of a design after a flow of Yosys."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "design.v").write_bytes(text)
        commands = ["read_verilog design.v", FLOWS[flow].format(top=top)]
        commands += ["setattr -mod -unset keep_hierarchy *", "flatten", "opt_clean"]
        commands += ["tee -q -o stat.json stat -json", "tee -q -o ltp.txt ltp -noff"]
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(commands=commands)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"Yosys failed: {done.stdout[-1000:]}{done.stderr[-1000:]}")
        cells = json.loads((folder / "stat.json").read_text())["design"]["num_cells_by_type"]
        length = re.search(r"length=(\d+)", (folder / "ltp.txt").read_text())
    luts = sum(n for kind, n in cells.items() if re.fullmatch(r"\$lut|LUT[1-6]|INV", kind))
    registers = sum(n for kind, n in cells.items() if re.search(r"dff|^FD[RSCP]E", kind, re.I))
    return Size(luts, registers, int(length[1]) if length else 0)


def by_torchlogix(circuit: Circuit) -> bytes | None:
    """Its Verilog of the circuit, simplified; None if it is not there or cannot express it."""
    if importlib.util.find_spec("torchlogix") is None:
        return None
    flat = unroll(circuit.netlist)
    if max(lut_histogram(flat)) > 2:
        return None
    theirs = importlib.import_module("torchlogix.circuit").Circuit.from_dict(
        exported(circuit.with_netlist(flat))
    )
    theirs.simplify()
    return theirs.get_verilog_code().encode()


def emitted(
    circuit: Circuit, style: str = "gates", vectors: object = None, **options: object
) -> dict[str, bytes]:
    """Our files; a style with `+keep` or `+primitives` behind it is emitted so."""
    style, _, way = style.partition("+")
    more = {"keep": {"keep_hierarchy": True}, "primitives": {"primitives": "xilinx"}}
    chosen = {"style": style, **more.get(way, {}), **options}
    backend = Verilog(**chosen)  # type: ignore[arg-type]
    return dict(backend.emit(circuit, "net", vectors).files)


def check(circuit: Circuit, style: str, vectors: int) -> None:
    """Run what is emitted in Icarus Verilog; ends the script if an answer is wrong."""
    inputs = circuit.netlist.n_inputs
    boolean = replace(circuit, encoder=Encoder.boolean(inputs))
    x = np.random.default_rng(0).integers(0, 2, (vectors, inputs)).astype(np.bool_)
    files = emitted(boolean, style, x, answer="scores", feature_bits=0)
    found = simulate_testbench("iverilog", files, "net_tb")
    if not found.passed:
        sys.exit(f"{style}: {found.failures} of {found.vectors} answers are wrong")


def measure(
    path: Path, flows: list[str], styles: list[str], vectors: int
) -> list[tuple[str, float, float]]:
    """Print the sizes of one circuit; for each flow and style, LUTs and depth over theirs."""
    circuit: Circuit = gw.read(path)
    small = gw.optimize(circuit, 2)
    theirs = by_torchlogix(circuit)
    logic = logic_of(small.netlist)
    found = []
    for flow in flows:
        peer = synthesised(theirs, "circuit", flow) if theirs else None
        print(f"{path.stem} {flow}: torchlogix {peer or 'cannot express it, or is not there'}")
        alone = Circuit(Encoder.boolean(logic.n_inputs), logic)
        print(
            f"  ours, logic alone    {synthesised(emitted(alone)['net.v'], 'net', flow)}",
            flush=True,
        )
        for style in styles:
            if style.endswith("+primitives") and flow != "xilinx":
                continue
            if vectors:
                check(small, style, vectors)
            start = perf_counter()
            size = synthesised(
                emitted(small, style, answer="scores", feature_bits=0)["net.v"], "net", flow
            )
            whole = synthesised(emitted(small, style)["net.v"], "net", flow)
            line = f"  ours, {style:<12}   {size}"
            if peer:
                ratios = size.luts / peer.luts, size.depth / peer.depth
                line += f"  ratio {ratios[0]:.3f}, {ratios[1]:.3f}"
                found.append((f"{flow} {style}", *ratios))
            print(f"{line}; whole {whole}  ({perf_counter() - start:.0f} s)", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("circuits", nargs="+", type=Path)
    parser.add_argument("--flows", nargs="+", default=list(FLOWS), choices=FLOWS)
    parser.add_argument("--styles", nargs="+", default=STYLES)
    parser.add_argument("--vectors", type=int, default=1000, help="0: answers are not checked")
    options = parser.parse_args()
    if importlib.util.find_spec("pyosys") is None:
        sys.exit("needs Yosys: pip install pyosys")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    ratios = [
        row
        for path in options.circuits
        for row in measure(path, options.flows, options.styles, options.vectors)
    ]
    for kind in dict.fromkeys(kind for kind, _, _ in ratios):
        luts = median(luts for each, luts, _ in ratios if each == kind)
        depth = median(depth for each, _, depth in ratios if each == kind)
        print(f"{kind}: median ratio of LUTs {luts:.3f}, of depth {depth:.3f}")


if __name__ == "__main__":
    main()
