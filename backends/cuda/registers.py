"""Operations as instructions over few registers.

The compiler would load an input once and keep it, and keep whatever two operations far apart read,
until it runs out of registers and moves nearly everything to and fro. Here the value that is read
last of all makes room: an input is loaded again, anything else is kept in memory meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

from ...compiler.netlist import FALSE, FIRST_INPUT, TRUE
from .operations import Operation

LOAD, STORE, FETCH, KEEP, OPERATE, SET = range(6)


class Instruction(NamedTuple):
    """LOAD input `at`, STORE output `at`, FETCH and KEEP what lies in memory at `at`; OPERATE a
    table `at` on three registers, SET to the constant `at`.
    """

    kind: int
    register: int
    at: int
    operands: tuple[int, ...] = ()


@dataclass
class Allocation:
    """Instructions in pieces, which share memory only. registers: how many there are. kept: words
    of memory for what does not fit.
    """

    pieces: list[list[Instruction]] = field(default_factory=lambda: [[]])
    registers: int = 0
    kept: int = 0

    def count(self, *kinds: int) -> int:
        return sum(instruction.kind in kinds for piece in self.pieces for instruction in piece)


def allocate(
    operations: Sequence[Operation],
    outputs: Sequence[int],
    n_inputs: int,
    registers: int,
    piece: int | None = None,
) -> Allocation:
    """The instructions that compute the operations in their order and store the outputs.

    Args:
        outputs: the net of each. piece: operations of each, at most; None for one piece, in which
            only inputs are dropped, so that more registers may be needed than there shall be.
    """
    allocator = _Allocator(operations, outputs, n_inputs, registers, piece)
    allocator.run()
    return allocator.found


class _Allocator:
    """uses: of each net the operations still to come that read it, the next one last."""

    def __init__(
        self,
        operations: Sequence[Operation],
        outputs: Sequence[int],
        n_inputs: int,
        registers: int,
        piece: int | None,
    ) -> None:
        self.found = Allocation()
        self.operations, self.most, self.piece = operations, max(4, registers), piece
        self.computed = FIRST_INPUT + n_inputs
        self.positions: dict[int, list[int]] = {}
        for position, net in enumerate(outputs):
            self.positions.setdefault(net, []).append(position)
        self.uses: dict[int, list[int]] = {}
        for index in range(len(operations) - 1, -1, -1):
            for net in {*operations[index].operands}:
                self.uses.setdefault(net, []).append(index)
        self.register: dict[int, int] = {}
        self.memory: dict[int, int] = {}
        self.free: list[int] = []
        self.free_memory: list[int] = []
        self.by_use: list[tuple[int, int]] = []  # (-next use, net), some of them outdated

    def run(self) -> None:
        for net in self.positions:
            if net < self.computed:
                self._pass(net)
        for index, operation in enumerate(self.operations):
            if self.piece and index and index % self.piece == 0:
                self._cut()
            self._operate(operation)

    def _cut(self) -> None:
        """Begin another piece; nothing stays in registers."""
        for net in list(self.register):
            if net >= self.computed and net not in self.memory:
                self._keep(net)
            self.free.append(self.register.pop(net))
        self.by_use.clear()
        self.found.pieces.append([])

    def _emit(self, kind: int, register: int, at: int, operands: tuple[int, ...] = ()) -> None:
        self.found.pieces[-1].append(Instruction(kind, register, at, operands))

    def _pass(self, net: int) -> None:
        """An output that is an input or a constant."""
        register = self._take(())
        if net in (FALSE, TRUE):
            self._emit(SET, register, net)
        else:
            self._emit(LOAD, register, net - FIRST_INPUT)
        for position in self.positions[net]:
            self._emit(STORE, register, position)
        self.free.append(register)

    def _operate(self, operation: Operation) -> None:
        net, table, operands = operation
        read = tuple(self._read(operand, operands) for operand in operands)
        for operand in {*operands}:
            self.uses[operand].pop()
            self._note(operand)
        register = self._take(())
        if read:
            self._emit(OPERATE, register, table, read)
        else:
            self._emit(SET, register, table & 1)
        for position in self.positions.get(net, ()):
            self._emit(STORE, register, position)
        self.register[net] = register
        self._note(net)

    def _read(self, net: int, wanted: tuple[int, ...]) -> int:
        if net not in self.register:
            register = self._take(wanted)
            if net < self.computed:
                self._emit(LOAD, register, net - FIRST_INPUT)
            else:
                self._emit(FETCH, register, self.memory[net])
            self.register[net] = register
            self._note(net)
        return self.register[net]

    def _note(self, net: int) -> None:
        """Give the register back if nobody reads the net again, else say when."""
        if self.uses.get(net):
            if self.piece or net < self.computed:
                heappush(self.by_use, (-self.uses[net][-1], net))
        else:
            if net in self.register:
                self.free.append(self.register.pop(net))
            if net in self.memory:
                self.free_memory.append(self.memory.pop(net))

    def _take(self, wanted: tuple[int, ...]) -> int:
        """A register that none of `wanted` lies in."""
        if not self.free and self.found.registers >= self.most:
            self._evict(wanted)
        if self.free:
            return self.free.pop()
        self.found.registers += 1
        return self.found.registers - 1

    def _keep(self, net: int) -> None:
        if not self.free_memory:
            self.free_memory.append(self.found.kept)
            self.found.kept += 1
        self.memory[net] = self.free_memory.pop()
        self._emit(KEEP, self.register[net], self.memory[net])

    def _evict(self, wanted: tuple[int, ...]) -> None:
        """Free the register whose value is read last, if there is one."""
        skipped: list[tuple[int, int]] = []
        while self.by_use:
            entry = heappop(self.by_use)
            use, net = -entry[0], entry[1]
            if net not in self.register or not self.uses[net] or self.uses[net][-1] != use:
                continue
            if net in wanted:
                skipped.append(entry)
                continue
            if net >= self.computed and net not in self.memory:
                self._keep(net)
            self.free.append(self.register.pop(net))
            break
        for entry in skipped:
            heappush(self.by_use, entry)
