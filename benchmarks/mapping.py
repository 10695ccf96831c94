"""LUT counts of ours beside ABC's for the same logic, k = 3 and 6, each answer checked.

    python benchmarks/mapping.py CIRCUIT ... [--k 3 6] [--level 2] [--seconds 300]

A CIRCUIT is a trained one (.npz, as `networks.py` writes them) or a public netlist (.aig, .blif).
Its logic is cut out at popcounts and argmaxes, as traced, before any optimisation, and written as
AIGER. Both sides start from that file: ours by `optimize` and `LutMap(k)`, ABC by
`strash; dc2; dc2; if -K k -a`. ABC proves its own result with `cec`; ours is compared with the file
by ABC's `cec` too, or on random vectors where that takes too long. LUTs of one input are not
counted on either side: ABC adds buffers for outputs that share a driver, and inverters. `whole` is
what the circuit itself takes, optimised and mapped with its popcounts in place.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
from measuring import conditions, summary

import gatewright as gw
from gatewright.compiler import Circuit, Netlist
from gatewright.compiler.formats.reading import boolean_circuit
from gatewright.compiler.passes.lutmap import LutMap
from gatewright.compiler.passes.rewrite_engines import find_abc
from gatewright.compiler.passes.unroll import unroll
from gatewright.compiler.stats import lut_histogram
from gatewright.compiler.subject_split import split
from gatewright.compiler.windows import logic_netlist
from gatewright.runtime.errors import ToolMissing

VECTORS = 1 << 20


def logic_of(netlist: Netlist) -> Netlist:
    """The logic between popcounts and argmaxes: from their nets and the inputs to what is read.

    What is read several times, or inverted, is one output; constants and leaves are none.
    """
    subject, _ = split(unroll(netlist))
    roots = np.unique(subject.outputs >> 1)
    roots = roots[roots >= subject.first_gate].astype(np.uint32)
    stage = np.zeros(len(roots), np.int32)
    return logic_netlist(replace(subject, outputs=2 * roots, output_stage=stage))


def started(script: str, folder: Path, seconds: float) -> str:
    """What ABC prints; nothing if it takes longer."""
    command = [find_abc(), "-s", "-q", script]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def by_abc(folder: Path, k: int, seconds: float) -> tuple[int, float, str]:
    """ABC's LUTs, seconds, and how they were checked."""
    script = f"read_aiger logic.aig; strash; dc2; dc2; if -K {k} -a"
    start = perf_counter()
    printed = started(f"{script}; write_blif mapped.blif", folder, seconds)
    taken = perf_counter() - start
    if not (folder / "mapped.blif").exists():
        sys.exit(f"ABC stopped early: {printed.strip()[-300:]}")
    text = (folder / "mapped.blif").read_text().replace("\\\n", "")
    sizes = [len(names.split()) - 1 for names in re.findall(r"^\.names(.*)$", text, re.MULTILINE)]
    return sum(size >= 2 for size in sizes), taken, proved(folder, "mapped.blif", seconds)


def luts_of(netlist: Netlist) -> int:
    """LUTs of two inputs and more."""
    return sum(count for k, count in lut_histogram(netlist).items() if k >= 2)


def proved(folder: Path, name: str, seconds: float) -> str:
    """Whether ABC proves a file equal to the logic; ends the script if they differ."""
    printed = started(f"cec -n logic.aig {name}", folder, seconds)
    if "NOT EQUIVALENT" in printed:
        sys.exit(f"{name} differs from the logic it came from")
    return "proved" if "Networks are equivalent" in printed else "unproved"


def by_us(folder: Path, k: int, level: int, seconds: float) -> tuple[int, float, str]:
    """Our LUTs, seconds, and how they were checked."""
    source = gw.read(folder / "logic.aig").netlist
    start = perf_counter()
    mapped = LutMap(k)(gw.optimize(source, level))
    taken = perf_counter() - start
    gw.write(boolean_circuit(mapped), folder / "ours.aig")
    how = proved(folder, "ours.aig", seconds)
    if how != "proved":
        how = compared(source, mapped)
    return luts_of(mapped), taken, how


def compared(a: Netlist, b: Netlist) -> str:
    """Compare on random vectors; ends the script if two netlists differ."""
    from gatewright.compiler.simulate import simulate_words

    random = np.random.default_rng(0)
    for _ in range(VECTORS // 4096):
        words = random.integers(0, 1 << 64, (a.n_inputs, 64), dtype=np.uint64)
        if not np.array_equal(simulate_words(a, words), simulate_words(b, words)):
            sys.exit("our netlist differs from the logic it came from")
    return f"{VECTORS:,} vectors"


def measure(path: Path, ks: list[int], level: int, seconds: float) -> list[tuple[int, float]]:
    """Print a line for each k; returns k and ratio."""
    circuit: Circuit = gw.read(path)
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        logic = logic_of(circuit.netlist)
        gw.write(boolean_circuit(logic), folder / "logic.aig")
        for k in ks:
            theirs, slow, proof = by_abc(folder, k, seconds)
            ours, taken, how = by_us(folder, k, level, seconds)
            whole = ""
            if path.suffix == ".npz":
                mapped = LutMap(k)(gw.optimize(unroll(circuit.netlist), level))
                inverters = lut_histogram(mapped).get(1, 0)
                whole = f"; whole {luts_of(mapped):,} and {inverters:,} inverters"
            ratio = ours / max(theirs, 1)
            print(
                f"{path.stem:<24} k={k}  ours {ours:>7,} ({taken:6.2f} s, {how})  "
                f"ABC {theirs:>7,} ({slow:6.2f} s, {proof})  ratio {ratio:.3f}{whole}",
                flush=True,
            )
            found.append((k, ratio))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("circuits", nargs="+", type=Path)
    parser.add_argument("--k", nargs="+", type=int, default=[3, 6])
    parser.add_argument("--level", type=int, default=2, help="of our optimiser")
    parser.add_argument("--seconds", type=float, default=300, help="for each run of ABC at most")
    options = parser.parse_args()
    try:
        find_abc()
    except ToolMissing as error:
        raise SystemExit(str(error)) from None
    conditions(f"level {options.level}")
    ratios = [
        pair
        for path in options.circuits
        for pair in measure(path, options.k, options.level, options.seconds)
    ]
    for k in options.k:
        own = [ratio for each, ratio in ratios if each == k]
        below = sum(ratio < 1 for ratio in own)
        print(f"k={k}: ratio {summary(own)}; below ABC on {below} of {len(own)}")


if __name__ == "__main__":
    main()
