"""Circuits that between them need every CUDA kernel."""

from __future__ import annotations

import numpy as np
from circuits import classifier, every_popcount, with_encoder
from strategies import KINDS, random_netlist

from gatewright.backends.cuda.backend import Cuda
from gatewright.compiler import Builder, Circuit, Netlist


def trees(seed: int, outputs: int, shared: int) -> Netlist:
    """A body of trees of LUTs, some of which read gates that others read too."""
    random = np.random.default_rng(seed)
    builder = Builder(9)
    common = [2, *range(2, 11)]
    if shared:
        common += builder.luts(random.integers(2, 11, (shared, 2)), [6] * shared).tolist()
    found = []
    for size in random.integers(1, 30, outputs):
        nets = list(common)
        for _ in range(size):
            fanin = [[nets[-1], *random.choice(nets[:-1], 2)]]
            nets += builder.luts(fanin, random.integers(1, 255, 1)).tolist()
        found.append(nets[-1])
    return builder.build([*found, found[0], 3, 1, *common[-1:]])


def convolution(body: Netlist, places: int) -> Circuit:
    random = np.random.default_rng(places)
    builder = Builder(30)
    nets = builder.tile(body, random.integers(0, 32, (places, body.n_inputs)))
    return with_encoder(builder.build(nets.reshape(-1)))


def pooled(size: int = 12) -> Circuit:
    """A convolution over 3 x 3 windows, and an OR over 2 x 2 windows of each channel."""
    random = np.random.default_rng(size)
    plane = np.arange(2, 2 + (size + 2) ** 2).reshape(size + 2, -1)
    builder = Builder(plane.size)
    inner = Builder(9)
    nets = inner.luts(random.integers(2, 11, (40, 3)), random.integers(1, 255, 40))
    body = inner.build(inner.luts(random.choice(nets, (6, 3)), random.integers(1, 255, 6)))
    windows = np.lib.stride_tricks.sliding_window_view(plane, (3, 3)).reshape(-1, 9)
    made = builder.tile(body, windows).reshape(size // 2, 2, size // 2, 2, 6)
    inner = Builder(4)
    pool = inner.build(inner.luts([[*inner.luts([[2, 3], [4, 5]], 14)]], 14))
    nets = builder.tile(pool, made.transpose(0, 2, 4, 1, 3).reshape(-1, 4))
    return with_encoder(builder.build(nets.ravel()))


def random_circuit(seed: int) -> Circuit:
    random = np.random.default_rng(seed)
    kinds = [KINDS[i] for i in random.integers(0, len(KINDS), 12)]
    return with_encoder(random_netlist(random, 9, kinds, KINDS, 6, 2))


def every_kernel() -> dict[str, tuple[Circuit, Cuda]]:
    """Circuits by name, and how to compile them, that between them need every kernel."""
    tables, bodies = Cuda(straight=0, straight_body=0), Cuda(straight_body=40, straight_total=40)
    return {
        "dense": (classifier(features=70, widths=(100, 80)), Cuda()),
        "popcounts": (every_popcount((1, 2, 5, 17, 40)), Cuda()),
        "trees": (convolution(trees(9, 9, 4), 5), tables),
        "bodies": (convolution(trees(9, 9, 4), 5), bodies),
        "pooled": (pooled(), Cuda()),
        "random 1": (random_circuit(1), Cuda()),
        "random 2": (random_circuit(2), tables),
    }
