"""Straight-line kernels: a run of gates and sums, or a tile body, with values in registers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...compiler import Netlist, Tile
from .bodies import only_luts
from .counts import split_counts
from .gather import gather, size_of
from .operations import operations_of
from .parts import parts_of
from .registers import FETCH, KEEP, LOAD, OPERATE, SET, STORE, Allocation, Instruction, allocate
from .steps import CHOOSE, SLOT_BYTES, STRAIGHT, Forests, Steps, plan_straight

PIECE = 3000  # operations of a kernel; compilers take more than linear time for more
REGISTERS = 160  # for values of a run; the compiler adds some for what is on its way
_BY_WORDS = {4: 22, 2: 46, 1: REGISTERS}  # the same for a body, by words a thread


@dataclass(frozen=True)
class Kernel:
    """words: that a thread evaluates. alone: whether it has one place, whose slots are constants.
    outputs: of the body. positions: among them, of those that it computes.

    A long run is launched in pieces, as kernels of their own.
    """

    allocation: Allocation
    words: int
    alone: bool
    outputs: int
    positions: Sequence[int]

    @property
    def listed(self) -> list[list[int]]:
        """For each piece which outputs and inputs of the body a place lists, in the order in which
        they are used; some of them again, up to a multiple of four. None for its only place.
        """
        if self.alone:
            return [[] for _ in self.allocation.pieces]
        (piece,) = self.allocation.pieces
        ports = [self._port(made) for made in piece if made.kind in (LOAD, STORE)]
        return [ports + ports[:1] * (-len(ports) % 4)]

    def _port(self, instruction: Instruction) -> int:
        if instruction.kind == LOAD:
            return self.outputs + instruction.at
        return self.positions[instruction.at]

    @property
    def tables(self) -> set[int]:
        found = (made for piece in self.allocation.pieces for made in piece)
        return {instruction.at for instruction in found if instruction.kind == OPERATE}

    def texts(self, ports: NDArray[np.uint32] | None, slots: int) -> list[str]:
        """The statements of each piece.

        Args:
            ports: of its only place. slots: behind which lies what it keeps.
        """
        return [
            "\n".join(self._statements(piece, ports if self.alone else None, slots))
            for piece in self.allocation.pieces
        ]

    def _statements(
        self, piece: Sequence[Instruction], ports: NDArray[np.uint32] | None, slots: int
    ) -> Iterator[str]:
        used = 0  # of those listed
        for made in piece:
            kind, register, at, operands = made
            if kind == OPERATE:
                a, b, c = operands
                yield f"LOP{self.words}({register}, {at:02X}, {c}, {b}, {a})"
            elif kind == SET:
                yield f"SET{self.words}({register}, {'0xFFFFFFFF' if at else '0'})"
            elif kind in (FETCH, KEEP):
                verb = "LOOK" if kind == FETCH else "PUT"
                yield f"{verb}({register}, {SLOT_BYTES * (slots + at)})"
            elif ports is not None:
                verb = "LOOK" if kind == LOAD else "PUT"
                yield f"{verb}({register}, {SLOT_BYTES * int(ports[self._port(made)])})"
            else:
                if used % 4 == 0:
                    yield f"LIST({used // 4})"
                yield f"{'LOAD' if kind == LOAD else 'STORE'}{self.words}({register}, {used % 4})"
                used += 1


@dataclass(frozen=True)
class Straight:
    """A program of the same circuit. whole: whether all of it is straight-line code."""

    steps: Steps
    kernels: tuple[Kernel, ...]

    @property
    def whole(self) -> bool:
        return bool(np.isin(self.steps.steps[:, 0], (STRAIGHT, CHOOSE)).all())

    @property
    def slots(self) -> int:
        """With those for what kernels keep."""
        kept = max((kernel.allocation.kept for kernel in self.kernels), default=0)
        return max(1, self.steps.n_slots + kept)

    def texts(self) -> list[tuple[Kernel, str]]:
        """Each piece of each kernel."""
        at = 0
        found: list[tuple[Kernel, str]] = []
        for kernel in self.kernels:
            texts = kernel.texts(self.steps.ports[at], self.steps.n_slots)
            found += [(kernel, text) for text in texts]
            at += len(texts)
        return found


def plan_run(body: Netlist) -> Kernel:
    """The kernel of LUTs and popcounts of one place; what fits no register is kept in slots."""
    operations, outputs = operations_of(body)
    pieces = -(-len(operations) // PIECE) or 1
    piece = -(-len(operations) // pieces) or 1
    found = allocate(operations, outputs, body.n_inputs, REGISTERS, piece)
    return Kernel(found, 1, True, len(outputs), range(len(outputs)))


def plan_body(body: Netlist) -> list[Kernel]:
    """The kernels of a tile's body, as many words a thread as registers allow.

    Args:
        body: LUTs.
    """
    operations, outputs = operations_of(body)
    words, registers = 1, REGISTERS
    for words, registers in _BY_WORDS.items():
        found = allocate(operations, outputs, body.n_inputs, registers)
        if found.registers <= registers and words * len(operations) <= PIECE:
            break
    kernels: list[Kernel] = []
    for part in parts_of(operations, outputs, words):
        needed = [operation for operation in operations if operation.net in part.nets]
        stored = [outputs[position] for position in part.positions]
        found = allocate(needed, stored, body.n_inputs, registers)
        kernels.append(Kernel(found, words, False, len(outputs), part.positions))
    return kernels


def plan_program(
    netlist: Netlist,
    cut: int,
    forests: Forests,
    input_order: NDArray[np.integer],
    budget: int,
    beside: Steps,
) -> Straight | None:
    """The program of a netlist in which what the budget allows is straight-line code.

    Args:
        netlist: LUTs of at most three inputs, popcounts, argmaxes, tiles of LUTs.
        cut: where the cells of the class begin.
        budget: operations; bodies of many places come first, then all that is in no tile.
        beside: the steps of the table-driven forms.

    Returns:
        None if less than half of the work would be straight-line code.
    """
    planned: list[tuple[Netlist, list[Kernel]]] = []
    work = 0
    for body, places in _tile_bodies(netlist):
        size = size_of(body.cells)
        if size > min(PIECE, budget):
            continue
        kernels = plan_body(body)
        if kernels[0].words * size <= budget:
            budget -= kernels[0].words * size
            work += places * size
            planned.append((body, kernels))
    alone: list[Netlist] = []
    gathered, runs = netlist, size_of(netlist.cells)
    if runs <= budget:
        gathered, alone, cut = gather(netlist, cut)
        work += runs
    if not work or 2 * work < _work(netlist):
        return None
    planned += [(body, [plan_run(body)]) for body in alone]
    parts = [
        (body, [ports for kernel in made for ports in kernel.listed]) for body, made in planned
    ]
    straight = {id(body) for body, _ in planned}
    left = [(body, forest) for body, forest in forests if id(body) not in straight]
    split, begins = split_counts(gathered)
    steps = plan_straight(split, begins[cut], left, input_order, parts, beside)
    kernels = tuple(kernel for _, made in planned for kernel in made)
    return Straight(steps, kernels) if steps.narrow == beside.narrow else None


def _tile_bodies(netlist: Netlist) -> list[tuple[Netlist, int]]:
    """Bodies of LUTs and how many places they have, most places first."""
    tiles = [cell for cell in netlist.cells if isinstance(cell, Tile) and only_luts(cell.body)]
    bodies = {id(cell.body): cell.body for cell in tiles}
    places = dict.fromkeys(bodies, 0)
    for cell in tiles:
        places[id(cell.body)] += cell.places
    return sorted(((bodies[key], n) for key, n in places.items()), key=lambda found: -found[1])


def _work(netlist: Netlist) -> int:
    """Operations at all places."""
    tiles = [cell for cell in netlist.cells if isinstance(cell, Tile)]
    return size_of(netlist.cells) + sum(cell.places * size_of(cell.body.cells) for cell in tiles)
