"""Trace and optimise large networks of random gates: seconds and peak memory of each step.

    python benchmarks/scale.py [--dense 10000x10,100000x10] [--live 100000x10] [--trees s,m,b,l,g]
        [--levels 1,2]
    python benchmarks/scale.py --dense 1000000x10 --trees "" --levels 1
    python benchmarks/scale.py --dense "" --live "" --trees "" --verilog 100000x10

Each level of each network runs in a process of its own, since peaks only rise. Making the module is
shown apart from tracing it; the peak of a step holds all that came before, PyTorch and the module
too. Gates count tiles unrolled. `--dense` and `--live` take gates of a layer x layers: modules of
all 16 functions, most of which cleaning removes, and netlists where every gate
depends on both inputs and is read, so that nearly all remain. `--verilog` writes such a netlist as
Verilog without optimising it, and has `verilator --lint-only -Wall` read it.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from time import perf_counter

from measuring import conditions, peak
from random_networks import CLASSES, FEATURES, module, needed, size_of

DENSE = "10000x10,100000x10"
LIVE = "100000x10"
TREES = "s,m,b,l,g"


def show(what: str, gates: int, seconds: float, *whose: int) -> None:
    print(f"  {what:<14}{gates:>14,} gates{seconds:>9.2f} s{peak(*whose):>7.2f} GiB", flush=True)


def measure_live(width: int, depth: int, level: int) -> None:
    """Print what optimising a netlist takes whose gates are all needed."""
    import gatewright as gw
    from gatewright.compiler.stats import n_gates

    netlist = needed(width, depth)
    print(f"{width}x{depth}, live, level {level}")
    start = perf_counter()
    show(f"level {level}", n_gates(gw.optimize(netlist, level)), perf_counter() - start)


def measure_verilog(width: int, depth: int) -> None:
    """Print what writing a netlist as Verilog takes, and what Verilator takes to lint it."""
    import gatewright as gw
    from gatewright.compiler import Circuit, Decoder, Encoder
    from gatewright.compiler.stats import n_gates
    from gatewright.runtime.simulators import lint

    circuit = Circuit(Encoder.boolean(FEATURES), needed(width, depth), Decoder(CLASSES, 1.0, 0.0))
    gates = n_gates(circuit.netlist)
    print(f"{width}x{depth}, live, Verilog")
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        gw.emit(circuit, "verilog", folder, name="net", answer="class")
        show("emit", gates, perf_counter() - start)
        start = perf_counter()
        lint(os.path.join(folder, "net.v"), "net", timeout=3600)
        show("lint", gates, perf_counter() - start, resource.RUSAGE_CHILDREN)


def measure(name: str, level: int) -> None:
    """Print the steps of one network at one level."""
    import torch

    import gatewright as gw
    from gatewright.compiler.stats import n_gates
    from gatewright.frontend.zoo import build_model, model_spec

    torch.set_num_threads(1)
    start = perf_counter()
    if "x" in name:
        shape: tuple[int, ...] = (FEATURES,)
        model = module(*size_of(name))
    else:
        name = f"logictreenet-cifar10-{name}"
        shape = model_spec(name).input_shape
        model = build_model(name, seed=0, weight_init="random")
    made = perf_counter()
    circuit = gw.trace(model.eval(), shape)
    traced = perf_counter()
    print(f"{name}, level {level}")
    gates = n_gates(circuit.netlist)
    show("module", gates, made - start)
    show("trace", gates, traced - made)
    traced = perf_counter()
    small = gw.optimize(circuit, level)
    show(f"level {level}", n_gates(small.netlist), perf_counter() - traced)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dense", default=DENSE, help=f"gates of a layer x layers ({DENSE})")
    parser.add_argument("--live", default=LIVE, help=f"the same, all needed ({LIVE})")
    parser.add_argument("--trees", default=TREES, help=f"sizes of LogicTreeNet ({TREES})")
    parser.add_argument("--levels", default="1,2", help="how hard to optimise (1,2)")
    parser.add_argument("--verilog", default="", help="write these as Verilog and lint them")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one and options.one.startswith("verilog"):
        measure_verilog(*size_of(options.one.removeprefix("verilog")))
        return
    if options.one and options.one.startswith("live"):
        measure_live(*size_of(options.one.removeprefix("live")), int(options.levels))
        return
    if options.one:
        measure(options.one, int(options.levels))
        return
    conditions()
    needed = ",".join(f"live{size}" for size in options.live.split(",") if size)
    for name in filter(None, f"{options.dense},{needed},{options.trees}".split(",")):
        for level in options.levels.split(","):
            command = [sys.executable, __file__, "--one", name, "--levels", level]
            subprocess.run(command, check=True)
    for size in filter(None, options.verilog.split(",")):
        subprocess.run([sys.executable, __file__, "--one", f"verilog{size}"], check=True)


if __name__ == "__main__":
    main()
