"""Trained or random networks on a CUDA device: images/s, ns an image, and what bounds them.

    python benchmarks/cuda.py                          # every network below, one after the other
    python benchmarks/cuda.py --models 2000x3,8000x6 --seconds 5 --words 1,2,4,8,16,32
    python benchmarks/cuda.py --forms straight,resident,streamed
    python benchmarks/cuda.py --nets FOLDER            # circuits written by `gatewright.write`
    python benchmarks/cuda.py --sass sm_90             # what nvcc makes of kernels; needs no device
    python benchmarks/cuda.py --emulate --small        # loops on the CPU: does everything work?

Networks are 784 -> WIDTHxDEPTH of random gates, `readme` (torchlogix's README) and `cifar10-s`,
`-m` and `-g` (LogicTreeNet), which need torch. Each is compiled, seconds and first prediction are
told, and the script ends with status 1 if an answer differs from `simulate`'s, or from our own C's.
Samples are raw bytes, packed rows or packed planes to class, on the device, timed by its events, or
numpy arrays to numpy arrays, timed by the clock. Bounds are the time that one resource would be
busy alone: LOP3 of LUTs and counts, shared memory without and with the bank conflicts of the plan,
the tables of the network through the second-level cache, and samples through device memory, each
at the clocks that the driver names. difflogic's PackBitsTensor runs a network of the same size
where it is installed for CUDA. Without a device the script says so and ends with status 2.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from cuda_bounds import Plan, chosen_plan, report_code
from cuda_device import Device, Properties, ffi, find_device

import gatewright as gw
from gatewright.backends.cuda.backend import Cuda
from gatewright.compiler import Builder, Circuit, Decoder, Encoder, simulate
from gatewright.compiler.stats import n_gates
from gatewright.runtime.arrays import binarize, pack
from gatewright.runtime.compiled import CompiledCircuit
from gatewright.runtime.library import ANSWERS, DTYPES

MODELS = "readme,2000x3,8000x6,64000x6,cifar10-s,cifar10-m,cifar10-g"
CHECKED = 512  # samples, against `simulate`; C answers all


def dense(width: int, depth: int, features: int = 784) -> Circuit:
    """Random gates of two inputs, randomly wired, counted into ten classes."""
    random = np.random.default_rng(0)
    builder = Builder(features)
    nets = np.arange(2, 2 + features)
    for _ in range(depth):
        fanin = nets[random.integers(0, len(nets), (width, 2))]
        nets = builder.luts(fanin, random.integers(1, 15, width))
    counts = builder.popcount(nets.reshape(10, -1))
    encoder = Encoder((features,), np.arange(features), np.full(features, 127, np.float32))
    return Circuit(encoder, builder.build(counts), Decoder(10))


def network(name: str) -> Circuit:
    if "x" in name:
        return dense(*map(int, name.split("x")))
    import torch

    from gatewright import frontend
    from gatewright.frontend.zoo import build_model, model_spec

    if name == "readme":
        from mnist import readme_network

        torch.manual_seed(0)
        model = readme_network(frontend, parametrization_kwargs={"weight_init": "random"})
        return gw.trace(model.eval(), (1, 28, 28))
    name = f"logictreenet-{name}"
    model = build_model(name, seed=0, weight_init="random").eval()
    return gw.trace(model, model_spec(name).input_shape)


def networks(options: argparse.Namespace) -> Iterator[tuple[str, Circuit]]:
    if options.nets:
        for path in sorted(Path(options.nets).glob("*.npz")):
            yield path.stem, gw.read(path)
        return
    for name in options.models.split(","):
        try:
            yield name, network(name)
        except ImportError as error:
            print(f"{name}: left out: {error}")


class Samples:
    """Random bytes for a circuit in every form, and what `simulate` answers for the first ones."""

    def __init__(self, circuit: Circuit, n: int) -> None:
        random = np.random.default_rng(0)
        encoder = circuit.encoder
        few = random.integers(0, 256, (min(n, 1 << 14), *encoder.shape), dtype=np.uint8)
        bits = binarize(few.reshape(len(few), -1), encoder.feature, encoder.threshold)
        self.n = n
        self.bytes = np.resize(few, (n, *encoder.shape))
        rows = np.packbits(bits, axis=1, bitorder="little")
        self.rows = np.resize(rows, (n, rows.shape[1]))
        self.planes = np.ascontiguousarray(np.resize(pack(bits).T, (-(-n // 64), bits.shape[1])).T)
        head = circuit.class_netlist()
        answers = simulate(head, bits[:CHECKED])[:, -len(head.outputs) :]
        self.classes = (answers.astype(np.int64) << np.arange(answers.shape[1])).sum(1)

    def forms(self) -> Iterator[tuple[str, np.ndarray, dict[str, Any], str, int]]:
        """What it is, the array, how `predict` takes it, its dtype in C, and bytes a sample."""
        yield "bytes", self.bytes, {}, "uint8", self.bytes[0].size
        yield "packed rows", self.rows, {"packed": "rows"}, "rows", self.rows.shape[1]
        planes = {"packed": "planes", "n": self.n}
        yield "packed planes", self.planes, planes, "planes", -(-len(self.planes) // 8)


def same(what: str, found: np.ndarray, wanted: np.ndarray) -> None:
    if not np.array_equal(found, wanted):
        sys.exit(f"{what}: {(found != wanted).sum()} of {len(wanted)} answers differ")


def clocked(call: Callable[[], Any], total: float) -> float:
    """The median of a call's seconds by the clock."""
    taken: list[float] = []
    while len(taken) < 3 or sum(taken) < total:
        start = perf_counter()
        call()
        taken.append(perf_counter() - start)
    return median(taken)


def line(what: str, seconds: float, n: int, other: float | None = None) -> None:
    beside = f"; {other / seconds:.1f} x our C" if other else ""
    print(f"  {what}: {n / seconds / 1e6:.2f} M images/s, {1e9 * seconds / n:.3f} ns{beside}")


def on_device(
    device: Device, compiled: CompiledCircuit, samples: Samples, wanted: np.ndarray, total: float
) -> Iterator[tuple[str, float, int]]:
    """Each form of samples that lie on the device: seconds between events, bytes a sample."""
    library: Any = compiled.engine.library.reopened(ffi)  # type: ignore[attr-defined]
    for what, x, _, dtype, size in samples.forms():
        classes = np.zeros(samples.n, np.int64)
        at, out = device.put(x), device.put(classes)
        stride = x.strides[0]
        pointers = ffi.cast("void *", at), ffi.cast("void *", out)

        def call(dtype: int = DTYPES[dtype], stride: int = stride, p: Any = pointers) -> None:
            status = library.gatewright_cuda_run(
                0, ffi.NULL, p[0], dtype, samples.n, stride, ANSWERS["classes"], p[1]
            )
            if status:
                sys.exit(f"the kernels failed with {status}")

        seconds = device.seconds(call, total)
        same(f"{what} on the device", device.get(out, classes), wanted)
        device.free(at)
        device.free(out)
        yield what, seconds, size


def difflogic(width: int, depth: int, n: int) -> str:
    """difflogic's PackBitsTensor on a network of the same size, bits on the device to sums."""
    try:
        import torch
        from difflogic import GroupSum, LogicLayer, PackBitsTensor

        sizes = [784, *[width] * depth]
        layers = [
            LogicLayer(a, b, device="cuda", implementation="cuda") for a, b in pairwise(sizes)
        ]
        model = torch.nn.Sequential(*layers, GroupSum(10, 1.0)).to("cuda").eval()
        bits = torch.rand(n, 784, device="cuda") > 0.5
        packed = PackBitsTensor(bits)
        for _ in range(3):
            model(packed)
        events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
        events[0].record()
        for _ in range(10):
            model(packed)
        events[1].record()
        torch.cuda.synchronize()
        seconds = events[0].elapsed_time(events[1]) / 1e4
    except (ImportError, RuntimeError, AssertionError, TypeError) as error:
        return f"  difflogic: not measured: {error}"
    return f"  difflogic, packed bits to sums, {n} samples: {n / seconds / 1e6:.2f} M images/s"


def measure(
    name: str, circuit: Circuit, options: argparse.Namespace, device: Device | None
) -> None:
    level = options.level if options.level is not None else 1 if name == "cifar10-g" else 2
    start = perf_counter()
    circuit = gw.optimize(circuit, level)
    optimized = perf_counter()
    compiled = gw.compile(circuit, "cuda", level=0, emulate=options.emulate)
    assert isinstance(compiled, CompiledCircuit)
    built = perf_counter()
    samples = Samples(circuit, options.samples)
    made = perf_counter()
    compiled.predict(samples.bytes[:64])
    first = perf_counter() - made
    print(
        f"{name}: {n_gates(circuit.netlist)} gates at level {level}; optimised in "
        f"{optimized - start:.1f} s, prepared, emitted and built in {built - optimized:.1f}, first "
        f"prediction after {first:.2f} more"
    )
    properties = device.properties() if device else None
    shared, processors = (
        (properties.shared_bytes, properties.processors) if properties else (227 << 10, 132)
    )
    plan = chosen_plan(Cuda().prepare(circuit), shared, processors)
    words = f", {plan.resident} words a slot" if plan.resident else ""
    print(
        f"  {plan.slots} slots, {plan.steps} steps, {plan.numbers} bytes of tables: "
        f"{plan.form}{words}"
    )
    wanted = compiled.predict(samples.bytes)
    same("simulate", wanted[:CHECKED], samples.classes[: len(wanted)])
    c = gw.compile(circuit, level=0, name="beside")
    same("C", c.predict(samples.bytes, threads=os.cpu_count() or 1), wanted)
    part = samples.bytes[: max(1, samples.n // 4)]
    of_c = clocked(lambda: c.predict(part, threads=os.cpu_count() or 1), options.seconds / 4)
    of_c *= samples.n / len(part)
    line(f"our C, {os.cpu_count()} threads, bytes from numpy", of_c, samples.n)
    if device and properties:
        tell(device, properties, compiled, plan, samples, wanted, of_c, options.seconds)
    for what, x, how, _, _ in samples.forms():
        same(f"{what} from numpy", compiled.predict(x, **how), wanted)
        seconds = clocked(lambda x=x, how=how: compiled.predict(x, **how), options.seconds / 4)
        line(f"{what} from numpy, answers to numpy", seconds, samples.n, of_c)
    if device and "x" in name:
        print(difflogic(*map(int, name.split("x")), samples.n))


def tell(
    device: Device,
    properties: Properties,
    compiled: CompiledCircuit,
    plan: Plan,
    samples: Samples,
    wanted: np.ndarray,
    of_c: float,
    total: float,
) -> None:
    """Times on the device, each beside its bounds."""
    for what, seconds, size in on_device(device, compiled, samples, wanted, total):
        line(f"{what} on the device", seconds, samples.n, of_c)
        shares = plan.bounds(properties, size)
        parts = [
            f"{bound}: {100 * bounded * samples.n / seconds:.0f} %" if bounded else f"{bound}: ?"
            for bound, bounded in shares.items()
        ]
        print(f"    of the bound of {', '.join(parts)}")


def report(name: str, circuit: Circuit, architecture: str, level: int) -> None:
    """What nvcc makes of the kernels, and bank conflicts of the plan where 227 KiB are shared."""
    prepared = Cuda().prepare(gw.optimize(circuit, level))
    start = os.times()
    said = report_code(Cuda().emit(prepared, "net").files["net.cu"], architecture)
    used = sum(os.times()[2:4]) - sum(start[2:4])
    print(f"{name}, {architecture}; compilers took {used:.1f} s of processor time\n{said}")
    for plan in (Plan.of(prepared, 227 << 10), Plan.straight(prepared)):
        if plan and plan.values:
            print(
                f"  {plan.form}, for 32 samples: {plan.lop3} LOP3, {plan.values} words of values "
                f"read and written, {plan.slots} slots"
            )
        if plan and plan.resident and plan.values:
            turns = plan.waves / plan.values
            print(f"  {plan.resident} words a slot, {turns:.2f} turns of shared memory an access")


def in_turn(option: str, variable: str, values: str) -> None:
    """The script again for each value, in processes of their own: a device is opened once in each.

    Args:
        option: that lists the values, such as "--forms". variable: of the environment.
    """
    given = sys.argv[1:]
    arguments = [
        word
        for before, word in zip(["", *given], given, strict=False)
        if option not in (before, word) and not word.startswith(f"{option}=")
    ]
    for value in values.split(","):
        print(f"{variable}={value}", flush=True)
        environment = {**os.environ, variable: value}
        subprocess.run([sys.executable, __file__, *arguments], env=environment, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default=MODELS)
    parser.add_argument("--nets", help="a folder of circuits instead")
    parser.add_argument("--samples", type=int, default=1 << 20)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each figure")
    parser.add_argument("--level", type=int, help="of optimising; default 2, for cifar10-g 1")
    parser.add_argument("--words", help="words a slot at most, such as 1,2,4: each in turn")
    parser.add_argument("--forms", help="such as straight,resident,streamed: each in turn")
    parser.add_argument("--sass", metavar="ARCHITECTURE")
    parser.add_argument("--emulate", action="store_true")
    parser.add_argument("--small", action="store_true", help="a small network and few samples")
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    if options.small:
        options.models, options.samples, options.seconds = "300x2", 3000, 0.01
    if options.sass:
        for name, circuit in networks(options):
            report(name, circuit, options.sass, options.level or 1)
        return
    device = None if options.emulate else find_device()
    if device is None and not options.emulate:
        print(
            "no CUDA device here: libcuda.so.1 cannot be opened or finds none; --emulate runs loops"
        )
        sys.exit(2)
    if options.forms:
        in_turn("--forms", "GATEWRIGHT_CUDA_FORM", options.forms)
        return
    if options.words:
        in_turn("--words", "GATEWRIGHT_CUDA_WORDS", options.words)
        return
    print(f"device: {device.properties() if device else 'loops on the CPU'}")
    for name, circuit in networks(options):
        measure(name, circuit, options, device)


if __name__ == "__main__":
    main()
