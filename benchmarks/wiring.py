"""What learned wiring is worth: accuracy on held-out digits at equal gates, over several seeds.

Two dense layers behind four thresholds a pixel, trained by `fit` for the same steps.

python benchmarks/wiring.py [--seeds 3] [--gates 100 400] [--steps 600]
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from typing import Any

import torch
from measuring import conditions, summary
from torch import nn

from gatewright.frontend import FixedBinarization, GroupSum, LogicDense, evaluate, fit, load_dataset

THRESHOLDS = [2.0, 6.0, 10.0, 14.0]
WIRINGS: dict[str, dict[str, Any]] = {
    "fixed": {},
    "learned, all candidates": {"connections": "learnable"},
    "learned, 8 candidates": {
        "connections": "learnable",
        "connections_kwargs": {"num_candidates": 8},
    },
    "learned, 8 candidates, soft": {
        "connections": "learnable",
        "connections_kwargs": {
            "num_candidates": 8,
            "forward_sampling": "soft",
            "temperature": 0.3,
        },
    },
}


def model(features: int, gates: int, options: dict[str, Any]) -> nn.Sequential:
    return nn.Sequential(
        FixedBinarization(THRESHOLDS),
        nn.Flatten(),
        LogicDense(features, gates, **options),
        LogicDense(gates, gates, **options),
        GroupSum(10, gates / 80),
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--gates", type=int, nargs="+", default=[100, 400])
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    conditions()
    for gates in options.gates:
        for name, wiring in WIRINGS.items():
            found = []
            for seed in range(options.seeds):
                data = load_dataset("digits", seed=seed)
                torch.manual_seed(seed)
                network = model(64 * len(THRESHOLDS), gates, wiring)
                start = time.perf_counter()
                fit(
                    network,
                    data.x_train,
                    data.y_train,
                    steps=options.steps,
                    lr=0.02,
                    seed=seed,
                    progress=False,
                )
                seconds = time.perf_counter() - start
                found.append((evaluate(network, data.x_test, data.y_test), seconds))
            right, seconds = zip(*found, strict=True)
            print(f"2 x {gates} gates, {name}: {summary(right, '.2%')}, {median(seconds):.1f} s")


if __name__ == "__main__":
    main()
