"""Nanoseconds a sample of trained networks, from bytes to class, beside the peers' compiled forms.

    python benchmarks/inference.py CIRCUIT.npz ... --data MNIST [--cache FOLDER]

CIRCUITs are what `networks.py` writes: Boolean layers behind one threshold a feature. torchlogix
and difflogic compile the same gates (`peers.py`), and all see the same images in this one process
and thread, in turn; the script ends if any answer differs. Two forms are timed: *bytes to class*,
where peers get numpy's comparison before and its argmax behind, shown apart, and *bits to scores*,
Boolean rows as peers take them. A peer's figure is that of its fastest word: at its default -O1, at
its fastest level, and granted -O3 -march=native, which it cannot be asked for. Times are of the
thread's own processor clock, so that another process beside costs caches and memory but not its
turns; threads and single samples are timed by the wall's. Peers' libraries are kept in FOLDER; to
build them takes long once, a compiler is stopped after --limit seconds, and the script says so.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from bounds import Machine, Steps
from measuring import Calls, conditions, in_turn, ratio, spread
from peers import BITS, Compilers, Peer, candidates

import gatewright as gw
from gatewright.compiler import Circuit
from gatewright.compiler.circuit import Encoder
from gatewright.compiler.stats import n_gates
from gatewright.frontend import load_dataset
from gatewright.runtime.folders import cache_folder

BATCHES = (131_072, 1024)  # beyond the last cache of most machines, and within the second
SHARED = 16_384  # within the last


@contextmanager
def beside() -> Iterator[None]:
    """Prints how many cores other processes used meanwhile, by the kernel's own count."""
    start, own, busy = perf_counter(), sum(os.times()[:4]), busy_seconds()
    yield
    wall = perf_counter() - start
    others = busy_seconds() - busy - (sum(os.times()[:4]) - own)
    print(
        f"  {wall:.0f} s; beside this script {max(0.0, others) / wall:.2f} of {os.cpu_count()} "
        f"cores were busy; load average {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def busy_seconds() -> float:
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    except OSError:
        return 0.0
    ticks = [int(field) for field in fields[:8]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


class Network:
    """A trained circuit in all its forms, and the images."""

    def __init__(self, path: Path, images: np.ndarray) -> None:
        circuit: Circuit = gw.read(path)
        encoder = circuit.encoder
        bits = encoder.n_features
        if not np.array_equal(encoder.feature, np.arange(bits)):
            sys.exit(f"{path}: the peers' forms are made for one threshold a feature")
        self.circuit = circuit
        self.images = images.reshape(len(images), *encoder.shape)
        levels = np.floor(encoder.threshold).astype(np.uint8)
        self.level = levels[0] if (levels == levels[0]).all() else levels
        start = perf_counter()
        self.optimized = gw.optimize(circuit)
        self.whole = gw.compile(self.optimized, level=0, name="whole")
        self.seconds = perf_counter() - start
        logic = replace(self.optimized, encoder=Encoder.boolean(bits))
        self.logic = gw.compile(logic, level=0, name="logic")

    def rows(self, n: int) -> np.ndarray:
        return np.resize(self.images, (n, *self.images.shape[1:]))

    def binarized(self, x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """What peers are given: Boolean rows [n, features]."""
        return np.greater(x.reshape(len(x), -1), self.level, out=out)

    def check(self, peers: list[Peer]) -> None:
        """End the script unless all answer the same, and as the circuit is simulated."""
        x = self.images
        bits = self.binarized(x)
        scores, classes = self.logic.scores(bits), self.whole.predict(x)
        few = x[:512]
        right = [
            np.array_equal(self.circuit.scores(few), scores[:512]),
            np.array_equal(self.circuit.predict(few), classes[:512]),
            np.array_equal(scores.argmax(1), classes),
        ]
        if not all(right):
            sys.exit("our compiled network answers otherwise than its simulation")
        counts = self.logic.counts(bits)
        whole = len(x) // 64 * 64
        for peer in peers:
            wanted = counts if peer.name == "difflogic" else scores
            if not np.allclose(peer.scores(bits[:whole]), wanted[:whole], rtol=1e-6):
                sys.exit(f"{peer}: scores differ from ours")


def fastest(network: Network, every: list[Peer]) -> list[Peer]:
    """The fastest word of each peer at -O1, at any level, and with what we grant, by a trial."""
    bits = network.binarized(network.rows(8192))
    taken = [
        median(in_turn({"": lambda p=peer: p.scores(bits)}, len(bits), 0.05)[""]) for peer in every
    ]
    best: list[Peer] = []
    for name in dict.fromkeys(peer.name for peer in every):
        for granted, levels in ((False, (1,)), (False, (1, 2, 3)), (True, (3,))):
            fit = [
                (time, number)
                for number, (time, peer) in enumerate(zip(taken, every, strict=True))
                if (peer.name, peer.granted) == (name, granted) and peer.level in levels
            ]
            if fit and every[min(fit)[1]] not in best:
                best.append(every[min(fit)[1]])
    return best


def compare(network: Network, peers: list[Peer], n: int, seconds: float) -> None:
    """Print both forms for batches of n."""
    x = network.rows(n)
    bits = network.binarized(x)
    room, scores = np.empty_like(bits), network.logic.scores(bits)
    print(f"  {n:,} samples a call, {x.nbytes / 1e6:,.1f} MB of bytes")
    numpy_calls: Calls = {
        "comparison": lambda: network.binarized(x, room),
        "argmax": lambda: scores.argmax(1),
    }
    for form in ("bytes to class", "bits to scores"):
        raw = form == "bytes to class"
        ours = network.whole.predict if raw else network.logic.scores
        given = x if raw else bits
        calls: Calls = {"gatewright": lambda ours=ours, given=given: ours(given)}
        if raw:
            for peer in peers:
                calls[str(peer)] = lambda p=peer: p.scores(network.binarized(x, room)).argmax(1)
            calls |= numpy_calls if peers else {}
        else:
            calls |= {str(peer): lambda p=peer: p.scores(bits) for peer in peers}
        times = in_turn(calls, n, seconds)
        mine = times.pop("gatewright")
        numpy_times = [times.pop(name) for name in numpy_calls if name in times]
        print(f"    {form}: {spread(mine, 'ns')}, {1e3 / median(mine):.2f} million samples/s")
        for name, taken in times.items():
            line = f"{spread(taken, 'ns')}  {ratio(taken, mine)} as long as ours: {name}"
            print(f"      {line}", flush=True)
        if numpy_times:
            before, behind = map(median, numpy_times)
            print(f"      of it numpy's comparison {before:.1f} ns, argmax {behind:.1f} ns")


def threads(network: Network, machine: Machine, n: int) -> None:
    """Print what a second thread brings, and what it brings to reading the same bytes alone."""
    x = network.rows(n)
    halves = x[: n // 2], x[n // 2 :]
    readers = [machine.reader(half) for half in halves]
    predict = network.whole.predict
    with ThreadPoolExecutor(2) as pool:
        calls: Calls = {
            "one": lambda: predict(x),
            "two": lambda: predict(x, threads=2),
            "callers": lambda: list(pool.map(predict, halves)),
            "reader": machine.reader(x),
            "readers": lambda: list(pool.map(lambda read: read(), readers)),
        }
        found = {
            name: median(taken) for name, taken in in_turn(calls, n, 2.0, perf_counter).items()
        }
    print(
        f"  {n:,} samples: threads=2 {found['one'] / found['two']:.2f} times one "
        f"({found['one']:.1f} and {found['two']:.1f} ns), two callers "
        f"{found['one'] / found['callers']:.2f} times; two plain readers "
        f"{found['reader'] / found['readers']:.2f} times one ({found['reader']:.1f} and "
        f"{found['readers']:.1f} ns)"
    )


def latency(network: Network) -> None:
    """Print the time of one sample."""
    one = network.rows(1)
    taken = in_turn({"": lambda: network.whole.predict(one)}, 1, 0.5, perf_counter)[""]
    print(f"  one sample {median(taken) / 1e3:.1f} us")


def measure(path: Path, images: np.ndarray, options: argparse.Namespace) -> None:
    network = Network(path, images)
    print(
        f"{path.stem}: {n_gates(network.circuit.netlist):,} gates as traced, "
        f"{network.whole.manifest['gates']:,} LUTs; optimised and compiled in "
        f"{network.seconds:.1f} s; {network.whole.engine.isa}",
        flush=True,
    )
    found = []
    compilers = Compilers(options.cache.absolute(), options.limit)
    every = candidates(network.circuit, compilers, options.levels, options.bits)
    for each in every if options.levels else ():
        if isinstance(each, str):
            print(f"  {each}", flush=True)
        else:
            found.append(each)
    network.check(found)
    best = fastest(network, found)
    with beside():
        for n in options.samples:
            compare(network, best, n, options.seconds)
        steps, machine = Steps.of(network.optimized), Machine()
        for n in options.samples:
            print(f"  {n:,} samples: {steps.show(machine, network.rows(n), 9)}")
        for n in (max(options.samples), SHARED):
            threads(network, machine, n)
        latency(network)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("circuits", nargs="+", type=Path)
    parser.add_argument("--data", required=True, help="MNIST, as load_dataset reads it")
    parser.add_argument(
        "--cache", type=Path, default=cache_folder() / "peers", help="where peers' libraries lie"
    )
    parser.add_argument(
        "--levels", type=int, nargs="*", default=[1, 2, 3], help="of gcc (1 2 3); none: no peers"
    )
    parser.add_argument("--bits", type=int, nargs="+", default=BITS, help="of peers' words")
    parser.add_argument("--limit", type=int, default=300, help="seconds of one gcc (300)")
    parser.add_argument("--samples", type=int, nargs="+", default=BATCHES, help="of one call")
    parser.add_argument("--seconds", type=float, default=6.0, help="for each table (6)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    conditions("one thread")
    images = load_dataset(options.data).x_test
    for path in options.circuits:
        measure(path, images, options)


if __name__ == "__main__":
    main()
