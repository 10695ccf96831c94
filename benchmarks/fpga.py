"""LUTs, registers and clock rate of networks on iCE40 and ECP5, after place and route.

    python benchmarks/fpga.py CIRCUIT.npz ... [--device ecp5] [--part 45k] [--every 1 2 4]

A CIRCUIT is a trained one, as the demo leaves it (`out/demo/digits.circuit.npz`) or as
`networks.py` writes it. It is optimised at level 2, emitted with registers at the inputs, and
mapped, placed and routed with several seeds: once with registers after each number of levels in
`--every`, and once for each clock in `--mhz` (one pipeline, not the loop that tightens it). Clock
rates are from register to register. Beside them stand the delays of `backends/verilog/devices.py`,
and a fit of level and register to what was measured. Icarus Verilog runs each module on 200 random
vectors first. Needs the extra `synth`.
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
from gatewright.backends.verilog.backend import Verilog
from gatewright.backends.verilog.devices import DEVICES
from gatewright.compiler import Circuit
from gatewright.runtime.simulators import simulate_testbench

VECTORS = 200


def check(circuit: Circuit, **options: Any) -> None:
    """Run what is emitted in Icarus Verilog; ends the script if an answer is wrong."""
    encoder = circuit.encoder
    most = max(1, int(encoder.threshold[np.isfinite(encoder.threshold)].max(initial=0)) + 1)
    most = min(most, (1 << options["feature_bits"]) - 1) if options["feature_bits"] else most
    random = np.random.default_rng(0)
    x = random.integers(0, most, (VECTORS, encoder.n_features), dtype=np.uint8, endpoint=True)
    artifact = Verilog(**options).emit(circuit, "net", x)
    found = simulate_testbench("iverilog", artifact.files, "net_tb")
    if not found.passed:
        sys.exit(f"{options}: {found.failures} of {found.vectors} answers are wrong")


def measure(circuit: Circuit, arguments: argparse.Namespace, **wish: Any) -> tuple[int, float]:
    """Print one pipeline: levels between its registers, and its period in nanoseconds."""
    options = {
        **wish,
        "feature_bits": arguments.feature_bits,
        "answer": arguments.answer,
        "style": arguments.style,
        "register_inputs": True,
        "carry_chains": arguments.carry_chains,
    }
    check(circuit, device=arguments.device, **options)
    start = perf_counter()
    report = gw.synthesize(
        circuit,
        arguments.device,
        level=0,
        part=arguments.part,
        seeds=arguments.seeds,
        sections=arguments.sections,
        router=arguments.router,
        attempts=1,
        **options,
    )
    print(f"{wish}\n{report}\n{perf_counter() - start:.0f} s\n", flush=True)
    assert report.fmax_mhz
    return report.attempts[0].registers_every, 1000 / report.fmax_mhz


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("circuits", nargs="+", type=Path)
    parser.add_argument("--device", default="ecp5", choices=["ice40", "ecp5"])
    parser.add_argument("--part")
    parser.add_argument("--every", nargs="*", type=int, default=[1, 2, 4])
    parser.add_argument("--mhz", nargs="*", type=float, default=[])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--router", default="router1")
    parser.add_argument("--feature-bits", type=int)
    parser.add_argument("--answer", default="both")
    parser.add_argument("--style", help="lut: Yosys maps what is mapped anew")
    parser.add_argument("--carry-chains", action="store_true", help="popcounts in rows on them")
    parser.add_argument("--sections", action="store_true", help="encoder, logic and head apart too")
    arguments = parser.parse_args()
    conditions()
    delays = DEVICES[arguments.device].delays
    periods = []
    for path in arguments.circuits:
        circuit = gw.optimize(gw.read(path), 2)
        print(f"{path.stem}:")
        periods += [measure(circuit, arguments, registers_every=n) for n in arguments.every]
        for mhz in arguments.mhz:
            measure(circuit, arguments, target_mhz=mhz)
    for every, period in periods:
        model = every * delays.level + delays.register
        print(f"{every} levels: {period:.2f} ns, modelled {model:.2f} ns")
    if len({every for every, _ in periods}) > 1:
        level, register = np.polyfit(*zip(*periods, strict=True), 1)
        print(f"fit: {level:.2f} ns a level, {register:.2f} ns a register")


if __name__ == "__main__":
    main()
