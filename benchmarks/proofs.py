"""Seconds to prove trained networks equal to what the optimiser makes of them.

    python benchmarks/proofs.py CIRCUIT.npz ... [--seconds 60]

Prints for each circuit and each way of optimising it: the gates of both sides, the answer, how it
was found, the outputs proved, the pairs that a SAT solver was asked about, and the seconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import gatewright as gw
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("circuits", nargs="+")
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
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
