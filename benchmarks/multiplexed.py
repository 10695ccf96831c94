"""LUTs, registers and clocks of convolutions that run in turn, for several places a clock.

    python benchmarks/multiplexed.py CIRCUIT.npz ... [--places 1 4 13 26] [--flow ecp5] [--level 2]

A CIRCUIT is a trained convolutional one as `networks.py` writes it. It is optimised with
`keep_tiles`, emitted for several `places_per_clock`, counted by Yosys (`synth_ecp5` or
`synth_ice40`, flattened; needs pyosys), and answers are compared with the circuit's by Verilator on
`--vectors` random rows, which takes minutes each; 0 leaves it out. `parallel` is the same circuit
without the option, optimised as by default, with registers at its outputs. LUTs of two halves count
by what they take of the device: adders' carry cells count two, multiplexers of LUTs nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import gatewright as gw
from gatewright.backends.verilog.backend import Verilog
from gatewright.compiler import Circuit

FLOWS = {
    "ecp5": "synth_ecp5 -top {top} -nobram -nolutram -nodsp -noiopad",
    "ice40": "synth_ice40 -top {top} -nobram",
}
CELLS = {"LUT4": 1, "CCU2C": 2, "SB_LUT4": 1, "SB_CARRY": 0}
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


def synthesised(text: bytes, flow: str) -> Size:
    """The size of module `net`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "net.v").write_bytes(text)
        commands = ["read_verilog net.v", FLOWS[flow].format(top="net")]
        commands += ["tee -q -o stat.json stat -json"]
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
    luts = sum(n * CELLS.get(kind, 0) for kind, n in cells.items())
    registers = sum(n for kind, n in cells.items() if kind.startswith(("SB_DFF", "TRELLIS_FF")))
    return Size(luts, registers)


def measure(circuit: Circuit, options: dict[str, Any], flow: str, vectors: int) -> None:
    """Print one line of a table."""
    artifact = Verilog(feature_bits=0, reset=True, **options).emit(circuit, "net")
    manifest = artifact.manifest
    size = synthesised(artifact.files["net.v"], flow)
    turns = "; ".join(
        f"{tile['places']} places, {tile['lanes']} at once" for tile in manifest["tiles"]
    )
    checked = ""
    if vectors:
        compiled = gw.compile(
            circuit, "verilator", level=0, name="net", feature_bits=0, reset=True, **options
        )
        shape = (vectors, *circuit.encoder.shape)
        x = np.random.default_rng(0).integers(0, 2, shape).astype(np.bool_)
        if not np.array_equal(compiled.bits(x), circuit.bits(x)):
            sys.exit("answers differ")
        checked = f"; {vectors} answers agree"
    print(
        f"  {options.get('places_per_clock', 'parallel'):>8}  {size.luts:>7,} LUTs "
        f"{size.registers:>7,} registers  a sample in {manifest['interval']} clocks, "
        f"latency {manifest['latency']}  ({turns or 'all at once'}{checked})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("circuits", nargs="+", type=Path)
    parser.add_argument("--places", nargs="+", type=int, default=[1, 4, 13, 26])
    parser.add_argument("--flow", default="ecp5", choices=FLOWS)
    parser.add_argument("--level", type=int, default=2)
    parser.add_argument("--answer", default="class")
    parser.add_argument("--vectors", type=int, default=0)
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {options.flow}")
    for path in options.circuits:
        circuit: Circuit = gw.read(path)
        print(f"{path.stem}, level {options.level}, answer {options.answer}")
        answer: dict[str, Any] = {"answer": options.answer} if circuit.decoder else {}
        parallel = gw.optimize(circuit, options.level)
        measure(parallel, {"max_latency": 1, "style": "gates", **answer}, options.flow, 0)
        kept = gw.optimize(circuit, options.level, keep_tiles=True)
        for places in options.places:
            checked = options.vectors if options.answer == "both" else 0
            measure(kept, {"places_per_clock": places, **answer}, options.flow, checked)


if __name__ == "__main__":
    main()
