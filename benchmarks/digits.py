"""Accuracy of the demo's network on held-out digits, over several seeds of split and training.

python benchmarks/digits.py [--seeds 5]
"""

from __future__ import annotations

import argparse
from statistics import median

import gatewright as gw
from gatewright.compiler.stats import n_gates
from gatewright.frontend import evaluate, load_dataset, recipe


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    found = []
    for seed in range(parser.parse_args().seeds):
        data = load_dataset("digits", seed=seed)
        model, history = recipe("digits").train(data, seed=seed, progress=False)
        relaxed, discrete = (
            evaluate(model, data.x_test, data.y_test, mode) for mode in ("relaxed", "discrete")
        )
        gates = n_gates(gw.optimize(gw.trace(model, data.input_shape)).netlist)
        found.append((discrete, relaxed, gates, history.seconds))
        print(
            f"seed {seed}: discrete {discrete:.2%}, relaxed {relaxed:.2%}, "
            f"{gates:,} gates after optimising, {history.seconds:.0f} s of training"
        )
    discrete, relaxed, gates, seconds = map(median, zip(*found, strict=True))
    print(f"median: {discrete:.2%}, relaxed {relaxed:.2%}, {gates:,} gates, {seconds:.0f} s")


if __name__ == "__main__":
    main()
