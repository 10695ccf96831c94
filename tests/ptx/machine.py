"""Kernels executed: all threads of some blocks at once, those that are furthest behind first."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

import numpy as np

from .memory import Memory, Region, Who
from .module import Address, Instruction, Kernel, Operand, PtxError, Register
from .operations import TYPES, Values, operation

SHARED_BYTES = 227 * 1024  # of a block on the devices that have most
_AT_ONCE = 1 << 14  # threads
_BARRIERS = (("bar", "sync"), ("barrier", "sync"))
_NUMPY = {0: np.dtype(np.bool_), 16: np.dtype("u2"), 32: np.dtype("u4"), 64: np.dtype("u8")}

Threads = np.ndarray  # numbers of threads within a group, ascending
Watch = Callable[[Instruction, Threads, Values | None], None]


def launch(
    kernel: Kernel,
    memory: Memory,
    grid: tuple[int, int],
    threads: int,
    shared: int,
    parameters: bytes,
    watch: Watch | None = None,
) -> None:
    """Execute a grid of blocks. memory: what of the device's is allocated.

    watch: told each instruction, the threads that execute it, warps being 32 of them, and the
        addresses at which they access global or shared memory.

    Raises: PtxError for whatever a device would not do.
    """
    if not 0 < threads <= kernel.most_threads or shared > SHARED_BYTES:
        raise PtxError(f"{kernel.name}: {threads} threads, {shared} bytes of shared memory")
    if not (0 < grid[0] < 1 << 31 and 0 < grid[1] < 1 << 16):
        raise PtxError(f"{kernel.name}: grid {grid}")
    for region in memory.regions:
        region.marks.clear()
    blocks, each = grid[0] * grid[1], max(1, _AT_ONCE // threads)
    for first in range(0, blocks, each):
        numbers = np.arange(first, min(first + each, blocks))
        _Group(kernel, memory, grid, numbers, threads, shared, parameters, watch).run()


class _Group:
    """Blocks that are executed together."""

    def __init__(
        self,
        kernel: Kernel,
        memory: Memory,
        grid: tuple[int, int],
        blocks: np.ndarray,
        threads: int,
        shared: int,
        parameters: bytes,
        watch: Watch | None,
    ) -> None:
        self.kernel, self.memory, self.watch = kernel, memory, watch
        given = Region(0, np.frombuffer(parameters, np.uint8), "parameters", constant=True)
        self.parameters = Memory([given])
        self.all = np.arange(len(blocks) * threads)
        self.registers: list[np.ndarray | None] = [None] * kernel.registers
        self.random = np.random.default_rng(len(kernel.code))
        self.block = self.all // threads
        number = blocks[self.block]
        self.numbers = number * threads + self.all % threads
        self.special = {
            "%tid.x": self.all % threads,
            "%ntid.x": np.array([threads]),
            "%ctaid.x": number % grid[0],
            "%ctaid.y": number // grid[0],
            "%nctaid.x": np.array([grid[0]]),
            "%nctaid.y": np.array([grid[1]]),
            "%laneid": self.all % threads % 32,
        }
        self.block_numbers = number
        self.pitch = -(-max(shared, 16) // 16) * 16
        data = self.random.integers(0, 256, self.pitch * len(blocks), dtype=np.uint8)
        self.shared, self.shared_bytes = Region(0, data, "shared memory"), shared
        self.epochs = np.zeros(len(blocks), np.int32)
        self.waiting = np.full(len(self.all), -1)  # at which barrier
        self.alive = np.ones(len(self.all), np.bool_)
        self.carry = np.zeros(len(self.all), np.uint64)
        self.groups: dict[int, list[Threads]] = {}
        self.heap: list[int] = []

    def run(self) -> None:
        self._add(0, self.all)
        while self.heap:
            at = heappop(self.heap)
            parts = self.groups.pop(at)
            threads = parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))
            while threads is not None and len(threads):
                if at >= len(self.kernel.code):
                    raise PtxError(f"{self.kernel.name}: no end")
                threads, at = self._step(self.kernel.code[at], at, threads), at + 1
                if self.heap and self.heap[0] <= at:
                    if threads is not None and len(threads):
                        self._add(at, threads)
                    break
        if self.alive.any():
            raise PtxError(f"{self.kernel.name}: threads wait at a barrier that others never reach")

    def _add(self, at: int, threads: Threads) -> None:
        if not len(threads):
            return
        if at not in self.groups:
            self.groups[at] = []
            heappush(self.heap, at)
        self.groups[at].append(threads)

    def _step(self, instruction: Instruction, at: int, threads: Threads) -> Threads | None:
        """The threads that go on to the next instruction."""
        doing, rest = threads, threads[:0]
        if instruction.guard:
            register, inverted = instruction.guard
            true = self._read(register, TYPES["pred"], threads) != inverted
            if not true.all():
                doing, rest = threads[true], threads[~true]
        if not len(doing):
            return threads
        name = instruction.parts[0]
        try:
            if name in ("bra", "brx", "ret", "exit") or instruction.parts[:2] in _BARRIERS:
                if self.watch:
                    self.watch(instruction, doing, None)
                return self._leave(instruction, at, doing, rest)
            addresses = self._execute(instruction, doing)
        except PtxError as error:
            where = f"{self.kernel.name}, line {instruction.line}, {instruction.name}"
            raise PtxError(f"{where}: {error}") from None
        if self.watch:
            self.watch(instruction, doing, addresses)
        return threads

    def _leave(self, instruction: Instruction, at: int, doing: Threads, rest: Threads) -> Threads:
        """Branches, ends and barriers: those that do not take it go on."""
        name = instruction.parts[0]
        if name == "bra":
            self._add(instruction.targets[0], doing)
        elif name == "brx":
            which = self._read(instruction.operands[0], TYPES["u32"], doing)
            if (which >= len(instruction.targets)).any():
                raise PtxError(f"branch {int(which.max())} of {len(instruction.targets)}")
            for i in np.unique(which):
                self._add(instruction.targets[int(i)], doing[which == i])
        elif name in ("ret", "exit"):
            self.alive[doing] = False
            self._release()
        else:
            self.waiting[doing] = at
            self._release()
        return rest

    def _release(self) -> None:
        """Threads of blocks in which all that live have come to the barrier."""
        still = np.bincount(self.block[self.alive & (self.waiting < 0)], minlength=len(self.epochs))
        held = np.flatnonzero((self.waiting >= 0) & (still[self.block] == 0))
        if not len(held):
            return
        at = self.waiting[held]
        first = np.full(len(self.epochs), -1)
        first[self.block[held]] = at
        if (first[self.block[held]] != at).any():
            raise PtxError("threads of one block are at different barriers")
        self.epochs[np.unique(self.block[held])] += 1
        self.waiting[held] = -1
        for one in np.unique(at):
            self._add(int(one) + 1, held[at == one])

    def _execute(self, instruction: Instruction, threads: Threads) -> Values | None:
        """The addresses that memory was accessed at, if it was."""
        parts, operands = instruction.parts, instruction.operands
        if parts[0] in ("ld", "st"):
            return self._access(instruction, threads)
        if parts[0] == "mov" and any(isinstance(operand, tuple) for operand in operands):
            return self._repack(instruction, threads)
        if parts[0] == "madc" or (parts[0] == "mad" and "cc" in parts):
            return self._carry(instruction, threads)
        function, types, _ = operation(parts)
        values = [
            self._read(operand, kind, threads)
            for operand, kind in zip(operands[1:], types, strict=True)
        ]
        self._write(operands[0], function(*values), threads)
        return None

    def _carry(self, instruction: Instruction, threads: Threads) -> None:
        """mad of 32 bits that sets the carry (.cc), or adds it (madc)."""
        parts, low = instruction.parts, np.uint64((1 << 32) - 1)
        if parts[1] not in ("lo", "hi") or parts[-1] != "u32":
            raise PtxError(f"{'.'.join(parts)} is not known here")
        a, b, c = (
            self._read(operand, TYPES["u32"], threads).astype(np.uint64)
            for operand in instruction.operands[1:]
        )
        total = c + (a * b >> np.uint64(32) if parts[1] == "hi" else a * b & low)
        if parts[0] == "madc":
            total = total + self.carry[threads]
        if "cc" in parts:
            self.carry[threads] = total >> np.uint64(32)
        self._write(instruction.operands[0], (total & low).astype(np.uint32), threads)

    def _repack(self, instruction: Instruction, threads: Threads) -> None:
        """mov between a register and the narrower ones of a vector."""
        to, of = instruction.operands
        wide = TYPES[instruction.parts[-1]]
        if isinstance(to, tuple):
            narrow = np.dtype(f"u{wide.itemsize // len(to)}")
            value = np.broadcast_to(self._read(of, wide, threads), threads.shape)
            columns = np.ascontiguousarray(value).view(narrow).reshape(len(threads), len(to))
            for i, register in enumerate(to):
                self._write(register, columns[:, i], threads)
        elif isinstance(of, tuple):
            narrow = np.dtype(f"u{wide.itemsize // len(of)}")
            columns = [
                np.broadcast_to(self._read(each, narrow, threads), threads.shape) for each in of
            ]
            self._write(to, np.stack(columns, axis=1).view(wide)[:, 0], threads)

    def _access(self, instruction: Instruction, threads: Threads) -> Values | None:
        parts, operands = instruction.parts, instruction.operands
        words = [part for part in parts[1:-1] if part not in ("volatile", "nc", "relaxed")]
        many = int(words.pop()[1:]) if words[-1] in ("v2", "v4") else 1
        if len(words) != 1 or words[0] not in ("param", "global", "shared"):
            raise PtxError("such a space of memory is not known here")
        kind = TYPES[parts[-1]]
        loads = parts[0] == "ld"
        address, values = (operands[1], operands[0]) if loads else (operands[0], operands[1])
        registers = values if isinstance(values, tuple) else (values,)
        if not isinstance(address, Address) or len(registers) != many:
            raise PtxError("operands are not understood")
        at = self._addresses(address, threads)
        found = self._places(words[0], at, kind.itemsize * many, threads)
        for region, here, offsets in found:
            some = threads if here is None else threads[here]
            who = Who(self.numbers[some], self.block_numbers[some], self.epochs[self.block[some]])
            for i, register in enumerate(registers):
                where = offsets + i * kind.itemsize
                if loads:
                    self._write(register, region.read(where, kind, who), some)
                else:
                    value = np.broadcast_to(self._read(register, kind, some), some.shape)
                    region.write(where, value, who)
        return None if words[0] == "param" else at

    def _addresses(self, address: Address, threads: Threads) -> Values:
        if isinstance(address.base, str):
            return np.full(len(threads), self._variable(address.base) + address.offset, np.uint64)
        kind = _NUMPY[address.base.width]
        at = self._read(address.base, kind, threads).astype(np.uint64)
        return at + np.uint64(address.offset & (1 << 64) - 1)

    def _variable(self, name: str) -> int:
        """The address of a parameter or of shared memory, each in its own space."""
        if name != "gw_shared" and name not in self.kernel.parameters:
            raise PtxError(f"{name} is not known here")
        return self.kernel.parameters.get(name, 0)

    def _places(
        self, space: str, at: Values, size: int, threads: Threads
    ) -> list[tuple[Region, np.ndarray | None, np.ndarray]]:
        if space != "shared":
            return (self.memory if space == "global" else self.parameters).find(at, size)
        if (at % size).any() or (at + size > self.shared_bytes).any():
            raise PtxError(f"{size} bytes at {int(at.max())} of {self.shared_bytes} shared ones")
        return [(self.shared, None, at.astype(np.int64) + self.block[threads] * self.pitch)]

    def _read(self, operand: Operand, kind: np.dtype, threads: Threads) -> Values:
        if isinstance(operand, str):
            return self._constant(operand, kind, threads)
        if not isinstance(operand, Register):
            raise PtxError("operands are not understood")
        values = self.registers[operand.number]
        if values is None:
            raise PtxError("a register is read before anything was written to it")
        if len(threads) != len(self.all):
            values = values[threads]
        if values.itemsize > kind.itemsize:
            values = values.astype(f"u{kind.itemsize}")
        if values.itemsize != kind.itemsize:
            raise PtxError("a register is narrower than its instruction")
        return values.view(kind)

    def _constant(self, word: str, kind: np.dtype, threads: Threads) -> Values:
        if word in self.special:
            values = self.special[word]
            return (values if len(values) == 1 else values[threads]).astype(kind)
        if not word[0].isdigit() and word[0] != "-":
            return np.array([self._variable(word)], kind)
        if word[:2] in ("0f", "0F", "0d", "0D"):
            return np.frombuffer(bytes.fromhex(word[2:])[::-1], kind)
        bits = int(word.rstrip("U"), 0) & (1 << 8 * kind.itemsize) - 1
        return np.array([bits], f"u{kind.itemsize}").view(kind)

    def _write(self, operand: Operand, values: Values, threads: Threads) -> None:
        if not isinstance(operand, Register):
            raise PtxError("operands are not understood")
        kind = _NUMPY[operand.width]
        if values.itemsize < kind.itemsize:
            values = values.astype(f"{'i' if values.dtype.kind == 'i' else 'u'}{kind.itemsize}")
        if values.itemsize > kind.itemsize:
            raise PtxError("a register is narrower than its instruction")
        to = self.registers[operand.number]
        if to is None:
            junk = self.random.integers(0, 256, len(self.all) * kind.itemsize, dtype=np.uint8)
            to = self.registers[operand.number] = junk.view(kind) if operand.width else junk > 127
        if len(threads) == len(self.all):
            to[:] = values.view(kind)
        else:
            to[threads] = values.view(kind)
