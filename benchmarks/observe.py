"""LUTs saved by observing the training images, and what changes on the test images.

    python benchmarks/observe.py DATA [--model FILE ...] [--steps 2000]

DATA is what `load_dataset` reads, such as `mnist` or a .npz. Without a model or circuit file, it
trains 784 -> 8000x6 for so many steps. Both sides are optimised and mapped alike.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from measuring import conditions

import gatewright as gw
from gatewright.cli.sources import open_source
from gatewright.compiler import Circuit
from gatewright.frontend import Dataset, load_dataset


def measure(name: str, circuit: Circuit, data: Dataset, level: int) -> None:
    """Print the report of one circuit."""
    x_train = data.x_train.reshape(len(data.x_train), -1)
    start = time.perf_counter()
    result = gw.observe(
        circuit,
        x_train,
        (data.x_test.reshape(len(data.x_test), -1), data.y_test),
        max_loss=100,
        level=level,
        luts=True,
    )
    seconds = time.perf_counter() - start
    print(f"{name}, {seconds:.0f} s with the mapping\n{result.report}", flush=True)
    agree = (result.circuit.scores(x_train) == circuit.scores(x_train)).all()
    print(f"scores of {len(x_train):,} training images equal: {bool(agree)}\n", flush=True)
    if not agree:
        raise SystemExit(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--model", type=Path, nargs="+", default=[], metavar="FILE")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--level", type=int, default=2)
    options = parser.parse_args()
    conditions()
    data = load_dataset(options.data)
    for path in options.model:
        measure(path.stem, open_source(path).circuit, data, options.level)
    if not options.model:
        from mnist import trained_dense

        circuit = gw.trace(trained_dense(data, options.steps), data.input_shape)
        measure(f"784 -> 8000x6, {options.steps:,} steps", circuit, data, 2)


if __name__ == "__main__":
    main()
