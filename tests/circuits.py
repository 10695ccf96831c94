"""Circuits for tests: random ones, and the batches that every target must answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import numpy as np

from gatewright.compiler import Builder, Circuit, Decoder, Encoder, Netlist

BATCHES = (0, 1, 63, 64, 65, 511, 513, 10_000)
DTYPES = ("bool", "uint8", "float32", "float64")
THRESHOLDS = np.array([-1, 0, 0.5, 3.2, 100, 127.5, 254, 254.5, 255, 300, np.inf], np.float32)


def with_encoder(netlist: Netlist, seed: int = 0) -> Circuit:
    """A circuit whose encoder repeats, skips and reorders features, with edge-case thresholds."""
    random = np.random.default_rng(seed)
    features = 2 * netlist.n_inputs + 1
    feature = random.integers(0, features, netlist.n_inputs)
    threshold = random.choice(THRESHOLDS, netlist.n_inputs)
    return Circuit(Encoder((features,), feature, threshold), netlist)


def classifier(
    features: int = 20, widths: tuple[int, ...] = (60, 40), classes: int = 4, seed: int = 0
) -> Circuit:
    """Random dense two-input layers on thresholded bytes, counted into classes."""
    random = np.random.default_rng(seed)
    builder = Builder(features)
    nets = np.arange(2, 2 + features)
    for width in widths:
        fanin = nets[random.integers(0, len(nets), (width, 2))]
        nets = builder.luts(fanin, random.integers(0, 16, width))
    counts = builder.popcount(nets.reshape(classes, -1))
    threshold = random.integers(1, 250, features).astype(np.float32)
    encoder = Encoder((features,), np.arange(features), threshold)
    return Circuit(encoder, builder.build(counts), Decoder(classes, tau=3.0, beta=-1.5))


def many_gates() -> Circuit:
    """One level of 70,000 gates, more than 16 bits can number, counted into two classes."""
    random = np.random.default_rng(0)
    builder = Builder(200)
    nets = builder.luts(random.integers(2, 202, (70_000, 2)), random.integers(1, 15, 70_000))
    netlist = builder.build(builder.popcount(nets.reshape(2, -1)))
    return Circuit(Encoder.boolean(200), netlist, Decoder(2))


def every_popcount(sizes: Iterable[int] = range(1, 41)) -> Circuit:
    """Popcounts of so many addends, 40 at most."""
    builder = Builder(40)
    counts = [builder.popcount(np.arange(2, 2 + m)[None]).ravel() for m in sizes]
    return Circuit(Encoder.boolean(40), builder.build(np.concatenate(counts)))


def samples(circuit: Circuit, n: int, dtype: str, seed: int = 0) -> np.ndarray:
    """Random samples [n, *shape]: whole numbers; for floats fractions, some of them NaN."""
    random = np.random.default_rng(seed)
    shape = (n, *circuit.encoder.shape)
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(np.bool_)
    if dtype == "uint8":
        return random.integers(0, 256, shape, dtype=np.uint8)
    x = random.uniform(-2, 302, shape)
    x[random.random(shape) < 0.02] = np.nan
    x[random.random(shape) < 0.1] = 100.0  # exactly on a threshold
    return x.astype(dtype)


def assert_at_once(call: Callable[[], np.ndarray], want: np.ndarray, times: int) -> None:
    """Four threads call at once, each so often, and all are answered right."""
    wrong: list[int] = []

    def work() -> None:
        for _ in range(times):
            if not np.array_equal(call(), want):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
