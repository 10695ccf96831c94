"""Train a small zoo of networks, ours and the peers', and write their circuits for other scripts.

    python benchmarks/networks.py DATA OUT [--only NAME ...] [--steps 1000]

DATA is MNIST as `load_dataset` reads it; the small networks learn scikit-learn's digits. Each
network becomes OUT/NAME.npz, its circuit as traced, and OUT/NAME.json: accuracy, steps, seconds,
and for networks of torchlogix the gates of its own `Circuit` before and after its `simplify()`.
Networks of peers that are not installed are left out, and the script says so.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from measuring import conditions
from peer_training import answers_right, images, layers_of, readme_network, train_by_adam
from torch import nn

import gatewright as gw
from gatewright import frontend
from gatewright.compiler.stats import n_gates
from gatewright.frontend import Dataset, fit, load_dataset

DIGITS = [2.0, 6.0, 10.0, 14.0]
MNIST = [127.0]
RANDOM = {"parametrization_kwargs": {"weight_init": "random"}}
RATES = {"gatewright": 0.03, "torchlogix": 0.01, "difflogic": 0.01}


@dataclass(frozen=True)
class Network:
    """One network of the zoo: who trains it, on what, and how their layers make it."""

    trainer: str
    data: str
    steps: int
    make: Callable[[Any, Dataset], nn.Sequential]


def temperature(widths: tuple[int, ...]) -> float:
    """So that scores of trained networks come to about 10."""
    return max(2.0, widths[-1] / 200)


def dense(*widths: int, thresholds: list[float], **options: Any) -> Any:
    """Dense layers behind thresholds, of the layers of ours or torchlogix."""

    def make(layers: Any, data: Dataset) -> nn.Sequential:
        sizes = [data.x_train[0].size * len(thresholds), *widths]
        pairs = zip(sizes, widths, strict=False)
        logic = [layers.LogicDense(*pair, **options) for pair in pairs]
        encoder = layers.FixedBinarization(thresholds=thresholds)
        head = layers.GroupSum(data.classes, tau=temperature(widths))
        return nn.Sequential(encoder, nn.Flatten(), *logic, head)

    return make


def difflogic(*widths: int, thresholds: list[float]) -> Any:
    """Dense layers of difflogic, in its Python implementation, behind thresholds of ours."""

    def make(peer: Any, data: Dataset) -> nn.Sequential:
        sizes = [data.x_train[0].size * len(thresholds), *widths]
        python = {"device": "cpu", "implementation": "python"}
        logic = [peer.LogicLayer(a, b, **python) for a, b in zip(sizes, widths, strict=False)]
        encoder = frontend.FixedBinarization(thresholds)
        head = peer.GroupSum(data.classes, temperature(widths))
        return nn.Sequential(encoder, nn.Flatten(), *logic, head)

    return make


def readme(**options: Any) -> Any:
    """The convolution of torchlogix's README."""
    return lambda layers, data: readme_network(layers, **options)


ZOO = {
    "digits-300x2": Network(
        "gatewright", "digits", 600, dense(300, 300, thresholds=DIGITS, **RANDOM)
    ),
    "digits-dense": Network(
        "gatewright", "digits", 2000, dense(3000, 3000, 3000, thresholds=DIGITS, **RANDOM)
    ),
    "mnist-2000x3": Network(
        "gatewright", "mnist", 2000, dense(2000, 2000, 2000, thresholds=MNIST, **RANDOM)
    ),
    "mnist-2000x3-residual": Network(
        "gatewright", "mnist", 2000, dense(2000, 2000, 2000, thresholds=MNIST)
    ),
    "mnist-8000x6": Network(
        "gatewright", "mnist", 2000, dense(*(8000,) * 6, thresholds=MNIST, **RANDOM)
    ),
    "mnist-conv-readme": Network("gatewright", "mnist", 1000, readme(**RANDOM)),
    "tl-digits-1000x3": Network(
        "torchlogix", "digits", 600, dense(1000, 1000, 1000, thresholds=DIGITS)
    ),
    "tl-mnist-2000x3": Network(
        "torchlogix", "mnist", 1000, dense(2000, 2000, 2000, thresholds=MNIST)
    ),
    "tl-mnist-2000x3-random": Network(
        "torchlogix", "mnist", 1000, dense(2000, 2000, 2000, thresholds=MNIST, **RANDOM)
    ),
    "tl-mnist-conv-readme": Network("torchlogix", "mnist", 700, readme()),
    "tl-mnist-8000x6": Network("torchlogix", "mnist", 500, dense(*(8000,) * 6, thresholds=MNIST)),
    "difflogic-digits-1000x3": Network(
        "difflogic", "digits", 600, difflogic(1000, 1000, 1000, thresholds=DIGITS)
    ),
    "difflogic-mnist-2000x3": Network(
        "difflogic", "mnist", 700, difflogic(2000, 2000, 2000, thresholds=MNIST)
    ),
    "mnist-rank4-1000x2": Network(
        "gatewright",
        "mnist",
        1000,
        dense(1000, 1000, thresholds=MNIST, lut_rank=4, parametrization="warp"),
    ),
}


def train(network: Network, layers: Any, data: Dataset, steps: int, seed: int) -> nn.Sequential:
    """A trained network: by `fit` for ours, by Adam at the peer's usual rate for theirs."""
    torch.manual_seed(seed)
    model = network.make(layers, data)
    x = images(data.x_train)
    y = torch.as_tensor(data.y_train)
    rate = RATES[network.trainer]
    if network.trainer == "gatewright":
        options: dict[str, Any] = {"schedule": "cosine", "seed": seed, "progress": False}
        fit(model, x, y, steps=steps, lr=rate, **options)
        return model
    train_by_adam(model, x, y, rate, steps, seed)
    return model


def own_counts(model: nn.Sequential, shape: tuple[int, ...]) -> dict[str, int]:
    """The gates of torchlogix's own circuit, without the binarisation, which it cannot export."""
    bits = tuple(model[0](torch.zeros(1, *shape)).shape[1:])
    circuit = importlib.import_module("torchlogix.circuit").Circuit.from_model(model[1:], bits)
    before = len(circuit.gates)
    circuit.simplify()
    return {"gates": before, "simplified": len(circuit.gates)}


def write(name: str, data: Dataset, steps: int | None, seed: int, out: Path) -> None:
    """Train one network and write its two files."""
    network = ZOO[name]
    layers = layers_of(network.trainer)
    if layers is None:
        print(f"{name}: left out, {network.trainer} is not installed", flush=True)
        return
    steps = min(network.steps, steps or network.steps)
    start = time.perf_counter()
    model = train(network, layers, data, steps, seed)
    seconds = time.perf_counter() - start
    test = images(data.x_test), torch.as_tensor(data.y_test)
    found: dict[str, Any] = {"trainer": network.trainer, "data": network.data, "steps": steps}
    found |= {"seconds": round(seconds, 1), "accuracy": answers_right(model, *test, False)}
    shape = tuple(test[0].shape[1:])
    circuit = gw.trace(model.eval(), shape)
    gw.write(circuit, out / f"{name}.npz")
    found["gates"] = n_gates(circuit.netlist)
    if network.trainer == "torchlogix":
        found["torchlogix"] = own_counts(model, shape)
    (out / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
    print(name, json.dumps(found), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="MNIST, as load_dataset reads it")
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="+", choices=list(ZOO), default=list(ZOO), metavar="NAME")
    parser.add_argument("--steps", type=int, help="at most this many")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    conditions(f"{torch.get_num_threads()} threads")
    sets = {"digits": load_dataset("digits"), "mnist": load_dataset(options.data)}
    for name in options.only:
        write(name, sets[ZOO[name].data], options.steps, options.seed, options.out)


if __name__ == "__main__":
    main()
