"""LUTs, registers and clocks of convolutions that run in turn, for several places a clock.

    python benchmarks/multiplexed.py CIRCUIT.npz ... [--places 1 4 13 26] [--device ecp5]

A CIRCUIT is a trained convolutional one as `networks.py` writes it. It is emitted for several
`places_per_clock`, its LUTs as instances of the device's, and mapped by Yosys; with `--seeds` it is
placed and routed too. Answers are compared with the circuit's by Verilator on `--vectors` random
rows, which takes minutes each; 0 leaves it out. `parallel` is the same circuit without the option,
optimised as by default, with registers at its outputs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from measuring import conditions

import gatewright as gw
from gatewright.compiler import Circuit

PARALLEL: dict[str, Any] = {"max_latency": 1}
PRIMITIVES = {"ice40": "ice40", "ecp5": "ecp5", "xc7": "xilinx"}


def check(circuit: Circuit, level: int, vectors: int, **options: Any) -> None:
    """Run random rows through the verilated module; ends the script if an answer differs."""
    compiled = gw.compile(circuit, "verilator", level=level, name="net", **options)
    shape = (vectors, *circuit.encoder.shape)
    x = np.random.default_rng(0).integers(0, 2, shape).astype(np.bool_)
    if not np.array_equal(compiled.bits(x), circuit.bits(x)):
        sys.exit(f"{options}: answers differ")


def measure(circuit: Circuit, arguments: argparse.Namespace, places: int | None) -> int:
    """Print one line of the table, and answer its LUTs."""
    turns = PARALLEL if places is None else {"places_per_clock": places}
    options = {"feature_bits": 0, "reset": True, "device": arguments.device, **turns}
    options["primitives"] = PRIMITIVES[arguments.device]
    start = perf_counter()
    report = gw.synthesize(
        circuit,
        name="net",
        level=arguments.level,
        part=arguments.part,
        seeds=arguments.seeds,
        sections=False,
        attempts=1,
        **({"answer": arguments.answer} if circuit.decoder else {}),
        **options,
    )
    seconds = perf_counter() - start
    if arguments.vectors:
        check(circuit, arguments.level, arguments.vectors, **options)
    whole = report.whole
    rate = "" if report.fmax_mhz is None else f", {report.fmax_mhz:.0f} MHz"
    print(
        f"  {places or 'parallel':>8}  {whole.luts:>7,} LUTs {whole.carries:>5,} carries "
        f"{whole.registers:>7,} registers  depth {whole.depth:>3}, a sample in "
        f"{report.interval} clocks, latency {report.latency}{rate}  ({seconds:.0f} s)",
        flush=True,
    )
    return whole.luts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("circuits", nargs="+", type=Path)
    parser.add_argument("--places", nargs="+", type=int, default=[1, 4, 13, 26])
    parser.add_argument("--device", default="ecp5", choices=PRIMITIVES)
    parser.add_argument("--part")
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--level", type=int, default=2)
    parser.add_argument("--answer", default="class")
    parser.add_argument("--vectors", type=int, default=0)
    arguments = parser.parse_args()
    conditions(arguments.device)
    for path in arguments.circuits:
        circuit: Circuit = gw.read(path)
        print(f"{path.stem}, level {arguments.level}, answer {arguments.answer}")
        found = [measure(circuit, arguments, places) for places in arguments.places]
        parallel = measure(circuit, arguments, None)
        print(f"  LUTs of parallel: {', '.join(f'{n / parallel:.3f}' for n in found)}")


if __name__ == "__main__":
    main()
