"""What the cost model of the C backend predicts, beside what is measured on this machine.

    python benchmarks/cost.py FILE.npz ... [--random 8000x6 64000x6]

Each circuit is compiled as rows of tables and as straight-line code (its tile bodies too), and
larger ones as they are by default. Every path is timed on one sample, one block and 2,048 samples,
the fastest of interleaved calls. Random dense networks stand for those that exceed caches.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from measuring import conditions, summary
from random_networks import circuit, size_of

import gatewright as gw
from gatewright.backends.build import build
from gatewright.backends.c.isa import ISAS
from gatewright.backends.c.tuning import measure, rows_of
from gatewright.compiler import Circuit, Luts


def compare(name: str, network: Circuit) -> list[float]:
    """Print a line a path and form; returns measured time over predicted, of a batch."""
    luts = sum(cell.n_nets for cell in network.netlist.cells if isinstance(cell, Luts))
    ratios = []
    for limit in (0, 6000) if luts <= 6000 else (None,):
        library = build(network, "c", "circuit", straight_line=limit)
        form = {0: "rows", 6000: "straight-line", None: "default"}[limit]
        (found,) = measure([library], rows_of(network, True))
        for isa, cost in found.items():
            guess = library.manifest["times"][isa]
            sample = cost.sample(ISAS[isa])
            ratios.append(sample / guess["sample_ns"])
            print(
                f"{name:<24}{form:<14}{isa:<9}{guess['block_ns']:>10,}{cost.block:>10,.0f}"
                f"{guess['row_ns']:>9.2f}{cost.row:>8.2f}"
                f"{guess['sample_ns']:>10.2f}{sample:>9.2f}{ratios[-1]:>7.2f}",
                flush=True,
            )
    return ratios


def main() -> None:
    """Every circuit that is named, then random ones."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--random", nargs="*", default=["8000x6", "64000x6"])
    options = parser.parse_args()
    conditions("ns a block, a row and a sample: predicted, measured")
    named = {path.stem: path for path in options.files}
    ratios = [r for name, path in named.items() for r in compare(name, gw.read(path))]
    for size in options.random:
        ratios += compare(f"random {size}", circuit(*size_of(size)))
    print(f"measured over predicted: {summary(ratios, '.2f')}")


if __name__ == "__main__":
    main()
