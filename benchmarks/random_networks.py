"""Networks of random gates, the same at every run, of gates of a layer x layers, as "8000x6".

Imports numpy and torch where they are needed, so that peaks of memory belong to who caused them.
"""

from __future__ import annotations

from typing import Any

FEATURES, CLASSES = 784, 10
_TABLES = (1, 2, 4, 6, 7, 8, 9, 11, 13, 14)  # of functions that need both inputs


def size_of(name: str) -> tuple[int, int]:
    """Gates of a layer, and layers."""
    width, depth = map(int, name.split("x"))
    return width, depth


def module(width: int, depth: int) -> Any:
    """A PyTorch module of all 16 functions behind one threshold, most of which cleaning removes."""
    import torch

    from gatewright.frontend import FixedBinarization, GroupSum, LogicDense

    torch.manual_seed(0)
    random = {"weight_init": "random"}
    layers = [
        LogicDense(FEATURES if i == 0 else width, width, parametrization_kwargs=random)
        for i in range(depth)
    ]
    return torch.nn.Sequential(FixedBinarization([127.5]), *layers, GroupSum(CLASSES)).eval()


def circuit(width: int, depth: int) -> Any:
    """A circuit whose gates depend on both inputs."""
    import numpy as np

    from gatewright.compiler import Builder, Circuit, Decoder, Encoder

    random = np.random.default_rng(0)
    builder = Builder(FEATURES)
    nets = np.arange(2, 2 + FEATURES)
    for _ in range(depth):
        fanin = random.integers(nets[0], nets[-1] + 1, (width, 2), np.int32)
        nets = builder.luts(fanin, random.choice(np.array(_TABLES, np.uint8), width))
    each = width // CLASSES
    counts = builder.popcount(nets[: CLASSES * each].reshape(CLASSES, each))
    encoder = Encoder((FEATURES,), np.arange(FEATURES), np.full(FEATURES, 127, np.float32))
    return Circuit(encoder, builder.build(counts), Decoder(CLASSES, 1.0, 0.0))


def needed(width: int, depth: int) -> Any:
    """A netlist whose gates are all needed: they depend on both inputs, and each is read."""
    import numpy as np

    from gatewright.compiler import Builder

    random = np.random.default_rng(0)
    builder = Builder(FEATURES)
    nets = np.arange(2, 2 + FEATURES)
    for _ in range(depth):
        every = random.permutation(np.resize(nets, width))
        fanin = np.column_stack([every, random.choice(nets, width)])
        nets = builder.luts(fanin, random.choice(np.array(_TABLES), width))
    return builder.build(builder.popcount(nets.reshape(CLASSES, -1)))
