"""Bounds of this machine, measured on one core, and the steps of a compiled circuit beside them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from time import thread_time
from typing import Any

import cffi
import numpy as np

from gatewright.backends.build import build_stages
from gatewright.backends.program import legal
from gatewright.compiler import Circuit, Netlist
from gatewright.compiler.passes.lower import lower
from gatewright.compiler.stats import n_gates
from gatewright.runtime.compiled import CompiledCircuit
from gatewright.runtime.toolchain import find_compiler

WORD, SAMPLES = 64, 512  # bytes and samples of the widest word
DECLARED = """
uint64_t probe_read(const void *from, int64_t bytes);
void probe_ternary(int64_t rounds);
void probe_rows(void *room, int64_t words, int64_t rounds);
"""


def nanoseconds(call: Callable[[], Any], rounds: int) -> float:
    """The median time of a call."""
    taken = []
    for _ in range(rounds + 1):
        start = thread_time()
        call()
        taken.append(thread_time() - start)
    return 1e9 * median(taken[1:])


class Machine:
    """What one core does at most, from `probe.c`."""

    def __init__(self) -> None:
        source = Path(__file__).with_name("probe.c").read_bytes()
        library = find_compiler().build({"probe.c": source}, "probe", ("-march=native",))
        self.ffi: Any = cffi.FFI()
        self.ffi.cdef(DECLARED)
        self.probe: Any = self.ffi.dlopen(str(library))

    def reader(self, x: np.ndarray) -> Callable[[], Any]:
        """What reads an array once, from the next multiple of 64 bytes on; several threads may."""
        pad = -x.ctypes.data % WORD
        pointer = self.ffi.cast("void *", x.ctypes.data + pad)
        return lambda: self.probe.probe_read(pointer, max(0, x.nbytes - pad))

    def read(self, x: np.ndarray) -> float:
        """ns to read an array once."""
        once = self.reader(x)
        calls = max(1, 2_000_000 // x.nbytes)

        def call() -> None:
            for _ in range(calls):
                once()

        return nanoseconds(call, 9) / calls

    @cached_property
    def ternary(self) -> float:
        """ns of one ternary operation on a word, when none waits for another."""
        return nanoseconds(lambda: self.probe.probe_ternary(100_000), 9) / 1_600_000

    def row(self, working_set: int) -> float:
        """ns to read three words and write one, in order, in so many bytes."""
        words = max(16, working_set // WORD)
        room = np.zeros(WORD * (words + 1), np.uint8)
        start = room.ctypes.data
        pointer = self.ffi.cast("void *", start + -start % WORD)
        rounds = max(1, 100_000 // words)
        call = lambda: self.probe.probe_rows(pointer, words, rounds)  # noqa: E731
        return nanoseconds(call, 9) / (rounds * (words // 4 * 4))


@dataclass(frozen=True)
class Steps:
    """A circuit built three times: to stop after packing, after evaluating, and not at all."""

    packing: CompiledCircuit
    evaluating: CompiledCircuit
    whole: CompiledCircuit
    luts: int
    operations: int
    working_set: int

    @staticmethod
    def of(circuit: Circuit) -> Steps:
        """Builds an optimised circuit."""
        prepared = legal(circuit)
        built = build_stages(circuit, "steps")
        header = (built[-1].header or b"").decode()
        (room,) = re.findall(r"#define STEPS_WORKSPACE_BYTES (\d+)", header)
        whole: Netlist = prepared.class_netlist()
        return Steps(*built, n_gates(prepared.netlist), n_gates(lower(whole)), int(room))

    def show(self, machine: Machine, x: np.ndarray, rounds: int) -> str:
        """ns a sample of `predict` by steps, each beside its bounds."""
        n = len(x)
        calls = max(1, 20_000 // n)
        times: list[list[float]] = [[], [], []]
        for _ in range(rounds):
            for which, compiled in enumerate((self.packing, self.evaluating, self.whole)):
                compiled.predict(x)
                start = thread_time()
                for _ in range(calls):
                    compiled.predict(x)
                times[which].append(1e9 * (thread_time() - start) / calls / n)
        first, second, third = map(median, times)
        packing, logic, answer = first, second - first, third - second
        reading = machine.read(x) / n
        arithmetic = self.operations * machine.ternary / SAMPLES
        traffic = self.luts * machine.row(self.working_set) / SAMPLES
        return (
            f"packing {packing:.1f} ns (reading the bytes alone {reading:.1f}: "
            f"{reading / packing:.0%}); logic and counting {logic:.1f} ns "
            f"({self.operations:,} ternary operations, {1 / machine.ternary:.1f} a ns, "
            f"{arithmetic:.1f}: {arithmetic / logic:.0%}; if each of {self.luts:,} LUTs read three "
            f"words and wrote one in {self.working_set / 1024:,.0f} KiB, which straight-line code "
            f"partly saves, {traffic:.1f}); answers {answer:.1f} ns"
        )
