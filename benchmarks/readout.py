"""What reducing the readout saves: addends, adders, LUTs once lowered, and time in C.

    python benchmarks/readout.py CIRCUIT.npz ... [--parts 15 3] [--samples 8192] [--seconds 3]

Each circuit is folded, hashed and swept, which is the base; then its readout is reduced. LUTs are
those of up to three inputs with all popcounts lowered, folded and hashed again. Answers are
compared on random samples, and the libraries run in turn, in one thread.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np
from measuring import Calls, conditions, in_turn, ratio

import gatewright as gw
from gatewright.backends.build import build
from gatewright.compiler import Netlist, Popcount
from gatewright.compiler.literals import literals_of
from gatewright.compiler.passes.fold import fold
from gatewright.compiler.passes.lower import lower_popcount
from gatewright.compiler.passes.readout import ReduceReadout
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.passes.sweep import sweep
from gatewright.compiler.pipeline import run
from gatewright.compiler.stats import n_gates
from gatewright.compiler.sums import sums_of

CLEAN = (fold, strash, sweep)


def figures(netlist: Netlist) -> str:
    cells = [cell for cell in netlist.cells if isinstance(cell, Popcount)]
    sums = sums_of(cells, literals_of(np.arange(netlist.n_nets)))
    lowered = n_gates(run(lower_popcount(netlist), CLEAN))
    return f"{len(sums.group):>8,} {int(sums.adders().sum()):>8,} {lowered:>9,}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("circuits", nargs="+", type=Path)
    parser.add_argument("--parts", nargs="+", type=int, default=[15, 3])
    parser.add_argument("--samples", type=int, default=8192)
    parser.add_argument("--seconds", type=float, default=3.0, help="of running them (3)")
    options = parser.parse_args()
    conditions("time in C: the base beside each")
    print(f"{'circuit':<24} part  addends   adders      LUTs  seconds  in C")
    for path in options.circuits:
        circuit = gw.read(path)
        base = run(circuit.netlist, CLEAN)
        forms, spent = {"": base}, {"": 0.0}
        for part in options.parts:
            start = perf_counter()
            reduced = ReduceReadout(part)(base)
            spent[str(part)] = perf_counter() - start
            forms[str(part)] = run(reduced, CLEAN)
        libraries = {
            key: build(circuit.with_netlist(netlist), "c", "net") for key, netlist in forms.items()
        }
        random = np.random.default_rng(0)
        x = random.integers(0, 256, (options.samples, *circuit.encoder.shape), dtype=np.uint8)
        wanted = circuit.counts(x[:512])
        for key, library in libraries.items():
            assert np.array_equal(library.counts(x[:512]), wanted), f"{path}: {key} is wrong"
        calls: Calls = {key: lambda one=one, x=x: one.predict(x) for key, one in libraries.items()}
        times = in_turn(calls, len(x), options.seconds)
        for key, netlist in forms.items():
            line = f"{path.stem:<24} {key or '-':>4} {figures(netlist)} {spent[key]:>8.2f}"
            print(f"{line}  {ratio(times[''], times[key], 2)}", flush=True)


if __name__ == "__main__":
    main()
