"""What a device allows at most for a circuit's kernels, from their plan; what a compiler made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from cuda_device import Properties

from gatewright.backends.cuda.backend import Cuda
from gatewright.backends.cuda.banks import MOST_WORDS, block_words, wavefronts
from gatewright.backends.cuda.registers import FETCH, KEEP, LOAD, OPERATE, STORE
from gatewright.backends.cuda.steps import CHOOSE, COUNT, FOREST, ROWS, STRAIGHT, Steps
from gatewright.compiler import Circuit
from gatewright.compiler.stats import n_gates

LANES = 64  # LOP3 a clock and multiprocessor, compute capability 7.5 to 9.0
BANKS = 32  # words of shared memory a clock and multiprocessor
CACHE_BYTES = 64  # that a multiprocessor takes from the second-level cache a clock, at most


@dataclass
class Plan:
    """Operations of one word (32 samples). values: words read and written, in shared memory by the
    resident form.

    waves: the same times what bank conflicts repeat. numbers: bytes of the network's tables.
    resident: words of each slot in a block, 0 for the other forms.
    """

    form: str
    lop3: int
    values: int
    waves: float
    numbers: int
    slots: int
    steps: int
    resident: int

    @classmethod
    def of(cls, circuit: Circuit, shared_bytes: int) -> Plan:
        """Of a prepared circuit, as the library evaluates many samples for their class."""
        steps, _ = Cuda().plan(circuit)
        words = block_words(steps.n_slots, 4 * 256 * steps.locals, shared_bytes)
        lop3 = values = 0
        waves = 0.0
        phase = MOST_WORDS // words if words else 1
        for kind, first, items, _ in steps.steps.tolist():
            if kind == ROWS:
                rows = _rows(steps, first, items)
                reads = np.array([items, items, items, (rows[:, 3] != rows[:, 1]).sum()])
                lop3 += items
                values += int(reads.sum())
                waves += reads @ [wavefronts(column, phase) for column in rows.T]
                continue
            if kind == COUNT:
                width, _, head, addends = steps.data[first : first + 4].tolist()
                lop3 += 2 * items * addends
                values += items * (addends + width)
                read = steps.data[first + head :][: items * addends].reshape(items, addends)
                waves += items * (width + sum(wavefronts(column, phase) for column in read.T))
            elif kind == CHOOSE:
                candidates, bits = steps.data[first : first + 2].tolist()
                moved = items * candidates * bits
                lop3, values, waves = lop3 + 4 * moved, values + moved, waves + moved
        if FOREST in steps.steps[:, 0] or steps.bodies:
            lop3 = max(lop3, n_gates(circuit.netlist))  # places of tiles, a LUT each
            values = waves = 0
        form = "resident" if words else "streamed"
        numbers = steps.data.nbytes
        return cls(form, lop3, values, waves, numbers, steps.n_slots, len(steps.steps), words)

    @classmethod
    def straight(cls, circuit: Circuit) -> Plan | None:
        """Of the straight-line form, if all of the circuit is that; without the argmax."""
        _, program = Cuda().plan(circuit)
        if program is None or not program.whole:
            return None
        places: dict[int, int] = {}
        for kind, _, items, kernel in program.steps.steps.tolist():
            if kind == STRAIGHT:
                places[kernel] = places.get(kernel, 0) + items
        lop3 = values = at = 0
        for kernel in program.kernels:
            found, items = kernel.allocation, places.get(at, 0)
            lop3 += items * found.count(OPERATE)
            values += items * found.count(LOAD, STORE, FETCH, KEEP)
            at += len(found.pieces)
        numbers, steps = program.steps.data.nbytes, len(program.steps.steps)
        return cls("straight", lop3, values, 0, numbers, program.slots, steps, 0)

    def bounds(self, device: Properties, input_bytes: int) -> dict[str, float]:
        """Seconds a sample at least, by what would be busy all the time; 0 where unknown."""
        clocks = device.processors * device.clock or float("inf")
        memory = device.memory_bytes
        banks = 32 * BANKS * clocks if self.resident else float("inf")
        cached = self.numbers / (32 * self.resident) if self.resident else 4 * self.values / 32
        return {
            "LOP3": self.lop3 / 32 / LANES / clocks,
            "shared memory": self.values / banks,
            "the same with bank conflicts": self.waves / banks,
            "second-level cache": cached / CACHE_BYTES / clocks,
            "device memory": (input_bytes + 8) / memory if memory else 0.0,
        }


def chosen_plan(circuit: Circuit, shared_bytes: int, processors: int) -> Plan:
    """Of the form that a large batch takes, or that the environment names."""
    form, plan = os.environ.get("GATEWRIGHT_CUDA_FORM"), Plan.of(circuit, shared_bytes)
    straight = Plan.straight(circuit) if form in (None, "straight") else None
    if straight and (form or 8 * processors * 128 * straight.slots <= 1 << 28):
        return straight
    stream = form == "streamed" or (not form and plan.resident < 4)
    return replace(plan, form="streamed", resident=0) if stream else plan


def _rows(steps: Steps, first: int, items: int) -> np.ndarray:
    """Slots of each row: output and operands [items, 4]."""
    if steps.narrow:
        return steps.data[first : first + 2 * items].astype("<u4").view("<u2").reshape(-1, 4)
    rows = steps.data[first : first + 4 * items].reshape(-1, 4)
    return rows & np.array([0xFF_FFFF, ~0, ~0, ~0], np.int64).astype(np.uint32)


def report_code(source: bytes, architecture: str) -> str:
    """What nvcc makes of the kernels: registers, spills, occupancy, instructions that matter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "kernels.cu").write_bytes(source)
        command = ["nvcc", "-cubin", f"-arch={architecture}", "-Xptxas=-v", "-o", "kernels.cubin"]
        said = subprocess.run(
            [*command, "kernels.cu"], cwd=folder, capture_output=True, text=True, check=True
        ).stderr
        code = ""
        if shutil.which("cuobjdump"):
            command = ["cuobjdump", "-sass", "kernels.cubin"]
            code = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, check=True
            ).stdout
    threads = dict(re.findall(r"#define (RESIDENT|STEP|STRAIGHT)_BLOCK (\d+)", source.decode()))
    lines = []
    for part in said.split("entry function")[1:]:
        name = re.findall(r"'(\w+)'", part)[0]
        spilled = re.findall(r"(\d+) bytes spill stores", part)[0]
        registers = int(re.findall(r"Used (\d+) registers", part)[0])
        kind = "STRAIGHT" if name.startswith("straight") else "STEP"
        block = int(threads["RESIDENT" if name == "resident" else kind])
        blocks = min(32, 2048 // block, 65536 // (-(-registers // 8) * 8 * block))
        lines.append(
            f"  {name}: {registers} registers, {spilled} bytes spilled, {blocks * block // 32} of "
            f"64 warps but for shared memory; {_instructions(code, name)}"
        )
    return "\n".join(lines)


def _instructions(code: str, kernel: str) -> str:
    body = re.search(rf"Function : {kernel}\n(.*?)(?=Function : |\Z)", code, re.DOTALL)
    if not body:
        return "cuobjdump is not installed"
    every = re.findall(r"/\*[0-9a-f]{4,6}\*/\s+(?:@!?U?P\w+\s+)?([A-Z0-9_.]+)", body[1])
    kinds = Counter(re.sub(r"^(LOP3|BRX|PRMT|BAR).*", r"\1", name) for name in every)
    chosen = [k for k in sorted(kinds) if re.match(r"LOP3|BRX|PRMT|BAR|LD[SGL]|ST[SGL]", k)]
    return f"{len(every)} instructions, " + ", ".join(f"{kinds[k]} {k}" for k in chosen)
