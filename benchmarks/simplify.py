"""Gates after our level 2, and LUTs of three inputs, beside torchlogix's `simplify()`.

    python benchmarks/simplify.py CIRCUIT.npz ... --data MNIST [--samples 100]

A CIRCUIT is a trained one as `networks.py` writes it. It is handed to torchlogix as a `Circuit` of
its own, gate by gate as traced, tiles unrolled; `simplify()` runs its six passes until nothing
changes, and its nodes are counted as it counts them. Where the network is one of torchlogix's, what
its own tracer made of it is shown too. Gates of more than two inputs it cannot express.
The counts that both give on real samples are compared, by its own evaluation and by our simulator.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from measuring import conditions, summary
from peers import exported

import gatewright as gw
from gatewright.compiler import Circuit
from gatewright.compiler.passes.lutmap import LutMap
from gatewright.compiler.passes.unroll import unroll
from gatewright.compiler.stats import lut_histogram, n_gates
from gatewright.frontend import load_dataset


def measure(path: Path, x: np.ndarray, level: int) -> tuple[float, float] | None:
    """Print a line; returns our gates and our LUTs over torchlogix's nodes."""
    circuit: Circuit = gw.read(path)
    flat = circuit.with_netlist(unroll(circuit.netlist))
    if max(lut_histogram(flat.netlist)) > 2:
        print(f"{path.stem:<26} gates of more than two inputs: torchlogix cannot express them")
        return None
    theirs = importlib.import_module("torchlogix.circuit").Circuit.from_dict(exported(flat))
    before = sum(gate.op.name not in ("WIRE", "CONST_TRUE", "CONST_FALSE") for gate in theirs.gates)
    start = perf_counter()
    theirs.simplify()
    slow = perf_counter() - start
    start = perf_counter()
    small = gw.optimize(flat, level)
    taken = perf_counter() - start
    mapped = small.with_netlist(LutMap(3)(small.netlist))
    x = x.reshape(len(x), *circuit.encoder.shape)
    check(theirs, circuit, [small, mapped], x)
    nodes, gates, luts = len(theirs.gates), n_gates(small.netlist), n_gates(mapped.netlist)
    known = json.loads(path.with_suffix(".json").read_text()).get("torchlogix")
    own = f" [its own tracer {known['simplified']:,}]" if known else ""
    print(
        f"{path.stem:<26} gates {before:>6,}  torchlogix {nodes:>6,} ({slow:5.1f} s)"
        f"{own}"
        f"  ours {gates:>6,} ({taken:5.1f} s, {gates / nodes:.3f})"
        f"  LUT3 {luts:>6,} ({luts / nodes:.3f})",
        flush=True,
    )
    return gates / nodes, luts / nodes


def check(theirs: Any, circuit: Circuit, ours: list[Circuit], x: np.ndarray) -> None:
    """End the script unless all give the same counts."""
    counts = circuit.counts(x)
    bits = torch.from_numpy(circuit.encoder(x))
    if not np.allclose(theirs(bits).numpy(), circuit.scores(x), rtol=1e-6):
        sys.exit("torchlogix's simplified circuit scores otherwise than the traced network")
    for each in ours:
        if not np.array_equal(each.counts(x), counts):
            sys.exit("our optimised circuit counts otherwise than the traced network")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("circuits", nargs="+", type=Path)
    parser.add_argument("--data", required=True, help="MNIST, as load_dataset reads it")
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--level", type=int, default=2)
    options = parser.parse_args()
    try:
        importlib.import_module("torchlogix.circuit")
    except (ImportError, SyntaxError):
        sys.exit("torchlogix is not installed; it needs Python 3.12")
    conditions(f"level {options.level}", f"{options.samples} samples")
    sets = {"digits": load_dataset("digits"), "mnist": load_dataset(options.data)}
    found = []
    for path in options.circuits:
        data = sets[json.loads(path.with_suffix(".json").read_text())["data"]]
        ratios = measure(path, data.x_test[: options.samples], options.level)
        found += [ratios] if ratios else []
    gates, luts = zip(*found, strict=True)
    print(f"of torchlogix's nodes: gates {summary(gates)}; LUT3 {summary(luts)}")


if __name__ == "__main__":
    main()
