"""What kernels read and write: bounds, alignment, and who was there without a barrier between."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .module import PtxError

NOBODY, MANY = -1, -2


@dataclass
class Who:
    """Threads that do something at once: their number in the launch, block, and barriers passed."""

    threads: np.ndarray
    blocks: np.ndarray
    epochs: np.ndarray


@dataclass
class Region:
    """Bytes from an address on, and who last accessed what begins at each of them."""

    start: int
    data: np.ndarray  # uint8
    name: str
    constant: bool = False
    marks: dict[str, np.ndarray] = field(default_factory=dict)

    def mark(self, what: str) -> np.ndarray:
        if what not in self.marks:
            self.marks[what] = np.full(len(self.data), NOBODY, np.int32)
        return self.marks[what]

    def read(self, offsets: np.ndarray, dtype: np.dtype, who: Who) -> np.ndarray:
        if not self.constant:
            self._ordered("written", offsets, who, "reads what another has written")
            self._mark_reader(offsets, who)
        return self._items(dtype)[offsets // dtype.itemsize]

    def write(self, offsets: np.ndarray, values: np.ndarray, who: Who) -> None:
        if self.constant:
            raise PtxError(f"{self.name} is written")
        self._ordered("written", offsets, who, "writes what another has written")
        self._ordered("read", offsets, who, "writes what another has read")
        self._mark("written", offsets, who)
        if (self.mark("written")[offsets] != who.threads).any():
            raise PtxError(f"{self.name}: two threads write one place at once")
        self._items(values.dtype)[offsets // values.itemsize] = values

    def _items(self, dtype: np.dtype) -> np.ndarray:
        return self.data[: len(self.data) // dtype.itemsize * dtype.itemsize].view(dtype)

    def _mark(self, what: str, offsets: np.ndarray, who: Who) -> None:
        self.mark(what)[offsets] = who.threads
        self.mark(what + " by block")[offsets] = who.blocks
        self.mark(what + " at")[offsets] = who.epochs

    def _mark_reader(self, offsets: np.ndarray, who: Who) -> None:
        """Several readers between two barriers are MANY, of one block or of MANY."""
        last, block = self.mark("read"), self.mark("read by block")
        before, of, at = last[offsets], block[offsets], self.mark("read at")[offsets]
        same = at == who.epochs
        several = (before != NOBODY) & (before != who.threads) & (same | (of != who.blocks))
        others = (before != NOBODY) & (of != who.blocks)
        self._mark("read", offsets, who)
        several |= last[offsets] != who.threads
        others |= block[offsets] != who.blocks
        last[offsets[several]] = MANY
        block[offsets[others]] = MANY

    def _ordered(self, what: str, offsets: np.ndarray, who: Who, does: str) -> None:
        """Earlier accesses were the thread's own, or its block's before a barrier."""
        if what not in self.marks:
            return
        before = self.marks[what][offsets]
        block, at = self.mark(what + " by block")[offsets], self.mark(what + " at")[offsets]
        safe = (
            (before == NOBODY)
            | (before == who.threads)
            | ((block == who.blocks) & (at < who.epochs))
        )
        if not safe.all():
            i = int(np.argmin(safe))
            raise PtxError(
                f"{self.name}: thread {who.threads[i]} {does} at byte {offsets[i]}"
                f" (thread {before[i]}) with no barrier between"
            )


class Memory:
    """Regions in one space of addresses."""

    def __init__(self, regions: list[Region] | None = None) -> None:
        self.regions = regions or []

    def find(
        self, addresses: np.ndarray, size: int
    ) -> list[tuple[Region, np.ndarray | None, np.ndarray]]:
        """Region, which of the addresses lie there (None: all), and their offsets."""
        if (addresses % size).any():
            wrong = int(addresses[addresses % size != 0][0])
            raise PtxError(f"{size} bytes at {wrong:#x}, which is no multiple of {size}")
        found, left = [], np.ones(len(addresses), np.bool_)
        for region in self.regions:
            start, end = region.start, region.start + len(region.data)
            here = (addresses >= start) & (addresses + size <= end)
            if here.all():
                return [(region, None, (addresses - start).astype(np.int64))]
            if here.any():
                left &= ~here
                found.append((region, here, (addresses[here] - start).astype(np.int64)))
        if left.any():
            wrong = int(addresses[left][0])
            near = ", ".join(f"{r.name} {r.start:#x}+{len(r.data)}" for r in self.regions)
            raise PtxError(f"{size} bytes at {wrong:#x} are outside of everything: {near}")
        return found
