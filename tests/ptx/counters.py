"""What warps execute, and what their accesses to memory cost a device."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from .machine import Threads
from .module import Instruction
from .operations import TYPES, Values

WARP, BANKS, SECTOR = 32, 32, 32
_WIDTHS = {"v2": 2, "v4": 4}


@dataclass
class Counters:
    """A `watch` of `launch`.

    instructions: of warps, by name, such as "lop3" or "ld.shared"; threads: the same of threads.
    wavefronts: turns of 32 banks that accesses to shared memory take, a quarter of a warp at once
    where threads access 16 bytes. sectors: of 32 bytes that accesses to device memory touch, each
    once an instruction and warp.
    """

    instructions: Counter[str] = field(default_factory=Counter)
    threads: Counter[str] = field(default_factory=Counter)
    wavefronts: int = 0
    sectors: int = 0

    def __call__(
        self, instruction: Instruction, threads: Threads, addresses: Values | None
    ) -> None:
        parts = instruction.parts
        name = ".".join(parts[:2]) if parts[0] in ("ld", "st") else parts[0]
        self.instructions[name] += len(np.unique(threads // WARP))
        self.threads[name] += len(threads)
        if addresses is None:
            return
        each = TYPES[parts[-1]].itemsize * max(_WIDTHS.get(part, 1) for part in parts)
        if "shared" in parts:
            self.wavefronts += _wavefronts(threads, addresses, each)
        else:
            warps = (threads // WARP).astype(np.uint64) << np.uint64(40)
            first = addresses.min() // SECTOR
            self.sectors += len(np.unique(addresses // SECTOR - first + warps))

    @property
    def total(self) -> int:
        return sum(self.instructions.values())


def _wavefronts(threads: Threads, addresses: Values, each: int) -> int:
    """Of each part of a warp that is served at once: the most words that one bank gives."""
    words = max(1, each // 4)
    part = threads // (WARP // words)
    word = addresses.astype(np.int64)[:, None] // 4 + np.arange(words)
    distinct = np.unique(np.column_stack([np.repeat(part, words), word.ravel()]), axis=0)
    parts, number = np.unique(distinct[:, 0], return_inverse=True)
    of_bank = np.bincount(number * BANKS + distinct[:, 1] % BANKS, minlength=len(parts) * BANKS)
    return int(of_bank.reshape(-1, BANKS).max(axis=1).sum())
