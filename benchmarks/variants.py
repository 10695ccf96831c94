"""Every emitted variant of the Verilog of a circuit against the circuit, in two simulators.

    python benchmarks/variants.py [CIRCUIT.npz] [--vectors 1000] [--simulators iverilog verilator]
        [--styles ...] [--prove]

Variants are style x pipeline x interface x answer x width of features; streams are stalled at
random on both sides. Each runs its own testbenches in each simulator and is linted by `verilator
--lint-only -Wall`; with --prove, Yosys reads it and it is proved equal too. Without a CIRCUIT it is
a small random classifier of bytes. Prints a line a variant, then how many there are; ends with
status 1 if an answer is wrong, or lint says anything.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import gatewright as gw
from gatewright.backends.artifact import Artifact
from gatewright.backends.verilog.backend import Verilog
from gatewright.compiler import Builder, Circuit, Decoder, Encoder
from gatewright.runtime.errors import GatewrightError
from gatewright.runtime.simulators import available, lint, simulate_testbench

STYLES: dict[str, dict[str, Any]] = {
    "gates": {"style": "gates"},
    "lut": {"style": "lut"},
    "behavioural": {"style": "behavioural"},
    "keep": {"keep_hierarchy": True},
    "xilinx": {"primitives": "xilinx"},
}
PIPELINES: dict[str, dict[str, Any]] = {
    "none": {},
    "every 2": {"registers_every": 2},
    "latency 3": {"max_latency": 3, "reset": True},
    "150 MHz": {"target_mhz": 150, "reset": True, "enable": True},
}
STALLED = "150 MHz"  # streams need a reset and an enable
ANSWERS = ("class", "scores", "both")
WIDTHS = (0, 8)


def classifier() -> Circuit:
    """A random classifier of 30 bytes: two levels of gates, four classes."""
    random = np.random.default_rng(7)
    builder = Builder(60)
    nets = np.arange(2, 62)
    for width in (120, 80):
        nets = builder.luts(random.choice(nets, (width, 2)), random.integers(1, 15, width))
    counts = builder.popcount(nets.reshape(4, -1))
    threshold = random.integers(1, 250, 60).astype(np.float32)
    encoder = Encoder((30,), np.repeat(np.arange(30), 2), threshold)
    return Circuit(encoder, builder.build(counts), Decoder(4, tau=3.0))


def variants(styles: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and options of all of them."""
    for style, pipeline, answer, width in product(styles, PIPELINES, ANSWERS, WIDTHS):
        interfaces = ("ports", "stream", "axis") if pipeline == STALLED else ("ports",)
        for interface in interfaces:
            options = {**STYLES[style], **PIPELINES[pipeline], "answer": answer}
            options |= {"feature_bits": width, "interface": interface}
            yield f"{style:12}{pipeline:10}{interface:7}{answer:7}{width}", options


def check(artifact: Artifact, interface: str, simulators: list[str]) -> list[str]:
    """What was wrong, nothing if all is well."""
    wrong = []
    tops = ["net_tb", *([f"net_{interface}_tb"] if interface != "ports" else [])]
    for simulator, top in product(simulators, tops):
        found = simulate_testbench(simulator, artifact.files, top)
        if not found.passed:
            wrong.append(f"{simulator} {top}: {found.failures} of {found.vectors}")
    if "verilator" in available():
        with tempfile.TemporaryDirectory() as name:
            file = Path(name) / "net.v"
            file.write_bytes(artifact.files["net.v"])
            try:
                lint(file, "net" if interface == "ports" else f"net_{interface}")
            except GatewrightError as error:
                wrong.append(str(error))
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("circuit", nargs="?", type=Path)
    parser.add_argument("--vectors", type=int, default=1000)
    parser.add_argument("--simulators", nargs="+", default=list(available()))
    parser.add_argument("--styles", nargs="+", default=list(STYLES), choices=STYLES)
    parser.add_argument("--prove", action="store_true")
    options = parser.parse_args()
    circuit = gw.optimize(gw.read(options.circuit), 2) if options.circuit else classifier()
    shape = (options.vectors, *circuit.encoder.shape)
    x = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    done = failed = 0
    for name, chosen in variants(options.styles):
        start = perf_counter()
        artifact = Verilog(**chosen).emit(circuit, "net", x, prove=options.prove)
        wrong = check(artifact, chosen["interface"], options.simulators)
        done, failed = done + 1, failed + bool(wrong)
        latency, seconds = artifact.manifest["latency"], perf_counter() - start
        verdict = "; ".join(wrong) or "equal"
        print(f"{name}  {latency:3} clocks  {seconds:5.1f} s  {verdict}", flush=True)
    checked = ", ".join(options.simulators)
    print(f"{done} variants, {options.vectors:,} vectors each, in {checked}: {failed} wrong")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
