"""Milliseconds of one training step, beside torchlogix and difflogic where they are installed.

    python benchmarks/training_step.py [--rounds 15] [--only 784-2000x3]

Batch 128; a step is forward, cross-entropy, backward and Adam. All contestants start from the
same weights and wiring, must give the same relaxed answers, and take turns, three steps each after
one that is not counted. torchlogix and difflogic train with `torch.optim.Adam`, we with its fused
form, as `fit` does. difflogic runs implementation="python"; its import wants a module
`difflogic_cuda`, which may be an empty file. GATEWRIGHT_NATIVE=0 shows our plain PyTorch.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Callable
from importlib import import_module
from time import perf_counter
from typing import Any

import torch
from measuring import conditions, ratio, spread
from torch import Tensor, nn

import gatewright.frontend as ours

BATCH, CLASSES, STEPS = 128, 10, 3
DENSE = {"784-2000x3": (2000, 3), "784-8000x6": (8000, 6)}
CONVOLUTION = "convolution"


def dense_sizes(width: int, depth: int) -> list[tuple[int, int]]:
    return [(width if i else 784, width) for i in range(depth)]


def torchlogix_dense(theirs: Any, width: int, depth: int) -> nn.Sequential:
    options = {"weight_init": "random"}
    layers = [
        theirs.LogicDense(*size, parametrization_kwargs=options)
        for size in dense_sizes(width, depth)
    ]
    return nn.Sequential(*layers, theirs.GroupSum(CLASSES, tau=10))


def torchlogix_convolution(theirs: Any) -> nn.Sequential:
    """The network of torchlogix's README."""
    return nn.Sequential(
        theirs.FixedBinarization(thresholds=[0.0]),
        theirs.LogicConv2d(28, 1, 16, tree_depth=2, receptive_field_size=3),
        theirs.OrPooling2d(kernel_size=2, stride=2, padding=0),
        nn.Flatten(),
        theirs.LogicDense(2704, 4000),
        theirs.LogicDense(4000, 4000),
        theirs.GroupSum(CLASSES, tau=8),
    )


def difflogic_dense(theirs: Any, width: int, depth: int) -> nn.Sequential:
    layers = [
        theirs.LogicLayer(*size, device="cpu", implementation="python")
        for size in dense_sizes(width, depth)
    ]
    return nn.Sequential(*layers, theirs.GroupSum(CLASSES, tau=10))


def counterpart(layer: nn.Module) -> nn.Module:
    """Our layer with the weights and the wiring of a peer's."""
    kind, peer = type(layer).__name__, layer
    if kind in ("LogicDense", "LogicLayer"):
        weight = peer.weight if kind == "LogicDense" else peer.weights
        indices = peer.connections.indices if kind == "LogicDense" else torch.stack(peer.indices)
        made = ours.LogicDense(
            peer.in_dim, peer.out_dim, connections_kwargs={"indices": indices.clone()}
        )
        made.weight.data.copy_(weight)
        return made
    if kind == "LogicConv2d":
        made = ours.LogicConv2d(
            peer.in_dim,
            peer.channels,
            peer.num_kernels,
            peer.tree_depth,
            peer.receptive_field_size,
            connections_kwargs={"indices": peer.connections.indices[0][:, :, 0]},
        )
        for weight, theirs in zip(made.tree_weights, peer.tree_weights, strict=True):
            weight.data.copy_(theirs)
        return made
    if kind == "FixedBinarization":
        return ours.FixedBinarization([0.0])
    if kind == "OrPooling2d":
        return ours.OrPooling2d(peer.kernel_size, peer.stride, peer.padding)
    return ours.GroupSum(peer.k, tau=peer.tau) if kind == "GroupSum" else layer


def contestants(name: str) -> tuple[dict[str, nn.Module | str], Tensor]:
    """Models by name, or why there is none, ours first; and the samples."""
    size = DENSE.get(name)
    found: dict[str, nn.Module | str] = {"gatewright": "", "torchlogix": "", "difflogic": ""}
    if size is None:
        samples = (torch.rand(BATCH, 1, 28, 28) - 0.8).clamp(min=0)
        found["torchlogix"] = peer("torchlogix.layers", torchlogix_convolution)
        found["difflogic"] = "has no convolutions"
    else:
        samples = torch.rand(BATCH, 784).round()
        found["torchlogix"] = peer("torchlogix.layers", lambda m: torchlogix_dense(m, *size))
        found["difflogic"] = peer("difflogic", lambda m: difflogic_dense(m, *size))
    start = found["torchlogix"]
    if isinstance(start, nn.Sequential):
        found["gatewright"] = nn.Sequential(*map(counterpart, start))
    else:
        make = torchlogix_convolution(ours) if size is None else torchlogix_dense(ours, *size)
        found["gatewright"] = make
    return found, samples


def peer(module: str, build: Callable[[Any], nn.Module]) -> nn.Module | str:
    try:
        return build(import_module(module))
    except ImportError:
        return "not installed"


def check_answers(models: dict[str, nn.Module], x: Tensor) -> None:
    """Exit if a peer and our copy of it answer differently, in scores or gradients."""
    for name, model in models.items():
        if name == "gatewright":
            continue
        copy, scores = nn.Sequential(*map(counterpart, model.children())), []
        for some in (copy, model):
            scores.append(some(x))
            nn.functional.cross_entropy(
                scores[-1], torch.zeros(len(x), dtype=torch.long)
            ).backward()
        pairs = [
            scores,
            *([a.grad, b.grad] for a, b in zip(copy.parameters(), model.parameters(), strict=True)),
        ]
        worst = max(float(((a - b).abs().max() / b.abs().max()).detach()) for a, b in pairs)
        if not worst < 1e-3:
            sys.exit(f"{name}: answers or gradients differ by a share of {worst:.1e}")
        model.zero_grad()


def stepper(model: nn.Module, x: Tensor, y: Tensor, fused: bool) -> Callable[[], float]:
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=fused or None)

    def step() -> float:
        start = perf_counter()
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        return 1e3 * (perf_counter() - start)

    return step


def measure(name: str, rounds: int) -> None:
    torch.manual_seed(0)
    found, x = contestants(name)
    models = {who: model.train() for who, model in found.items() if isinstance(model, nn.Module)}
    y = torch.randint(0, CLASSES, (BATCH,))
    taken: dict[str, list[float]] = {who: [] for who in models}
    with contextlib.redirect_stdout(io.StringIO()):  # difflogic prints in every forward pass
        check_answers(models, x)
        steps = {who: stepper(m, x, y, who == "gatewright") for who, m in models.items()}
        for _ in range(rounds):
            for who, step in steps.items():
                step()
                taken[who] += [step() for _ in range(STEPS)]
    print(name)
    base = taken["gatewright"]
    for who, why in found.items():
        if who not in models:
            print(f"  {who:<11}{why}")
            continue
        times = taken[who]
        beside = "" if times is base else f"; {ratio(times, base)} as long as ours"
        print(f"  {who:<11}{spread(times, 'ms', 2)}, fastest {min(times):.2f}{beside}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", choices=[*DENSE, CONVOLUTION])
    options = parser.parse_args()
    conditions(f"{torch.get_num_threads()} threads")
    for name in [options.only] if options.only else [*DENSE, CONVOLUTION]:
        measure(name, options.rounds)


if __name__ == "__main__":
    main()
