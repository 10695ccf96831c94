"""Seconds to prove trained networks equal to what the optimiser makes of them.

    python benchmarks/proofs.py CIRCUIT.npz ... [--seconds 60]

Prints for each circuit and each way of optimising it: the gates of both sides, the answer, how it
was found, the outputs proved, the pairs that a SAT solver was asked about, and the seconds. With
--verilog, instead, the seconds to prove modules that are emitted of each circuit at level 2,
combinational and pipelined, equal to it; that needs Yosys.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import gatewright as gw
from gatewright.backends.verilog.backend import Verilog
from gatewright.compiler.equivalence import equivalent
from gatewright.compiler.passes.lutmap import LutMap
from gatewright.compiler.passes.readout import ReduceReadout
from gatewright.compiler.passes.resynthesize import Resynthesize
from gatewright.compiler.passes.satsweep import SatSweep
from gatewright.compiler.pipeline import Pass, run
from gatewright.compiler.stats import n_gates

WAYS: dict[str, tuple[Pass, ...]] = {
    "level 2": (gw.optimize,),
    "LutMap(3)": (gw.optimize, LutMap(3)),
    "LutMap(6)": (gw.optimize, LutMap(6)),
    "readout": (ReduceReadout(3),),
    "sweeping": (SatSweep(),),
    "resynthesis": (gw.optimize, Resynthesize(), gw.optimize),
}


VERILOG: tuple[dict[str, Any], ...] = (
    {},
    {"target_mhz": 150, "reset": True, "enable": True},
    {"style": "behavioural", "registers_every": 2},
    {"primitives": "xilinx", "registers_every": 2},
)


def prove_verilog(path: str) -> None:
    """Prove the emitted variants of a circuit; ends with an error where one is not proved."""
    small = gw.optimize(gw.read(path), 2)
    for options in VERILOG:
        proof = Verilog(**options).emit(small, "net", prove=True).manifest["proof"]
        words = " ".join(f"{key}={value}" for key, value in options.items()) or "combinational"
        print(
            f"{Path(path).stem:28} {words:48} {proof['outputs']:,} outputs proved, "
            f"{proof['latency']} clocks, {proof['seconds']:.1f} s",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("circuits", nargs="+")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--verilog", action="store_true", help="prove emitted Verilog")
    options = parser.parse_args()
    if options.verilog:
        for path in options.circuits:
            prove_verilog(path)
        return
    print(f"{'circuit':28} {'against':12} {'gates':>7} {'after':>7}  answer")
    for path in options.circuits:
        netlist = gw.read(path).netlist
        for name, passes in WAYS.items():
            after = run(netlist, passes)
            found = equivalent(netlist, after, seconds=options.seconds)
            print(
                f"{Path(path).stem:28} {name:12} {n_gates(netlist):7,} {n_gates(after):7,}  "
                f"{found.status} by {found.method}, {found.proved:,} of {found.outputs:,} outputs, "
                f"{found.sat or 0:,} pairs to SAT, {found.seconds:.2f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
