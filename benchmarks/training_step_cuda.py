"""Milliseconds and memory of one training step on a CUDA device.

    python benchmarks/training_step_cuda.py [--steps 50] [--batch 128]

Ours in Triton, with and without pooling fused into convolutions, beside plain PyTorch on the same
device and the CUDA kernels of difflogic and convlogic where those are installed. Each way runs in a
process of its own, Adam on cross-entropy; ours must reach the same loss.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from contextlib import nullcontext
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import nn

WARMUP = 5  # steps in which kernels are compiled
DENSE = {"784 -> 8000x6": (784, 8_000, 6), "3072 -> 128000x4": (3072, 128_000, 4)}
TREES = ("logictreenet-mnist-s", "logictreenet-cifar10-s", "logictreenet-cifar10-m")
OURS = ("triton, fused pooling", "triton", "plain PyTorch")
TOLERANCE = 1e-2  # of losses, whose sums have another order


def ours(name: str, device: str) -> tuple[nn.Module, tuple[int, ...]]:
    """The network and the shape of a sample; samples are bits."""
    from gatewright.frontend import GroupSum, LogicDense
    from gatewright.frontend.zoo import build_model

    if name in DENSE:
        features, width, depth = DENSE[name]
        layers = [
            LogicDense(features if i == 0 else width, width, grad_factor=1.0) for i in range(depth)
        ]
        return nn.Sequential(*layers, GroupSum(10, tau=10)).to(device), (features,)
    model = build_model(name, thresholds=None, device=device)
    return model, tuple(model.input_shape)


def difflogic(name: str, device: str) -> tuple[nn.Module, tuple[int, ...]]:
    from difflogic import GroupSum, LogicLayer

    features, width, depth = DENSE[name]
    layers = [LogicLayer(features if i == 0 else width, width, device) for i in range(depth)]
    return nn.Sequential(*layers, GroupSum(10, tau=10, device=device)).to(device), (features,)


def convlogic(name: str, device: str) -> tuple[nn.Module, tuple[int, ...]]:
    """The same blocks and widths as ours."""
    from convlogic import ConvLogicLayer
    from difflogic import GroupSum, LogicLayer

    from gatewright.frontend.zoo import model_spec

    spec = model_spec(name)
    layers: list[nn.Module] = []
    channels = spec.input_shape[0]
    for block in spec.blocks:
        window = {"kernel": block.window, "padding": block.padding}
        layers.append(ConvLogicLayer(channels, block.kernels, complete=True, **window))
        channels = block.kernels
    layers.append(nn.Flatten())
    features = spec.features
    for width in spec.widths:
        layers.append(LogicLayer(features, width, device))
        features = width
    layers.append(GroupSum(10, tau=spec.tau, device=device))
    return nn.Sequential(*layers).to(device), spec.input_shape


def measure(name: str, way: str, steps: int, batch: int, device: str) -> None:
    """Print the last loss, the median and the fastest step in ms, and peak memory in MiB."""
    torch.manual_seed(0)
    build: Any = {"difflogic": difflogic, "convlogic": convlogic}.get(way, ours)
    model, shape = build(name, device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    x = torch.rand(batch, *shape).round().to(device)
    y = torch.randint(0, 10, (batch,)).to(device)
    fuse: Any = nullcontext()
    if way == OURS[0]:
        from gatewright.frontend import fused_pooling

        fuse = fused_pooling(model)
    taken, loss = [], torch.zeros(())
    with fuse:
        for step in range(WARMUP + steps):
            _wait(device)
            start = perf_counter()
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            _wait(device)
            if step >= WARMUP:
                taken.append(1e3 * (perf_counter() - start))
    peak = torch.cuda.max_memory_allocated() / 2**20 if device != "cpu" else 0
    print(loss.item(), median(taken), min(taken), peak)


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def compare(name: str, options: argparse.Namespace) -> None:
    """One line a way."""
    print(f"{name}, batch {options.batch}:")
    losses = []
    for way in (*OURS, "difflogic" if name in DENSE else "convlogic"):
        if name in DENSE and way == OURS[0]:
            continue
        command = [sys.executable, __file__, "--one", name, way, "--device", options.device]
        command += ["--steps", str(options.steps), "--batch", str(options.batch)]
        native = "0" if way == OURS[2] else "1"
        environment = {**os.environ, "GATEWRIGHT_NATIVE": native}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            print(f"  {way}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
            continue
        loss, typical, fast, peak = map(float, done.stdout.split()[-4:])
        print(f"  {way}: {typical:.2f} ms (fastest {fast:.2f}), {peak:.0f} MiB")
        if way in OURS:
            losses.append(loss)
    if losses and max(losses) - min(losses) > TOLERANCE:
        sys.exit(f"{name}: losses {losses} differ")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--only", choices=[*DENSE, *TREES], help="one network")
    parser.add_argument("--device", default="cuda", help="cpu tries the script out")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    if options.one:
        measure(*options.one, options.steps, options.batch, options.device)
        return
    if options.device != "cpu" and not torch.cuda.is_available():
        sys.exit("no CUDA device: PyTorch finds none here, so there is nothing to measure")
    name = "CPU, without Triton: this only tries the script out"
    if options.device != "cpu":
        name = torch.cuda.get_device_name()
    print(f"{name}, torch {torch.__version__}, load average {os.getloadavg()[0]:.1f}")
    for network in [options.only] if options.only else [*DENSE, *TREES]:
        compare(network, options)


if __name__ == "__main__":
    main()
