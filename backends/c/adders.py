"""Sums in straight-line code: addends go into adders as soon as they are computed."""

from __future__ import annotations

from itertools import count

from ...compiler import Netlist, Popcount
from ...compiler.netlist import FIRST_INPUT

ZERO = "ZERO"


class Adders:
    """Full adders for the popcounts of a body, as lines of C.

    No more than two bits of a weight wait in a sum, so few values live at a time. A sum goes by its
    lowest net.

    fanin: the addends of each sum, and of a sum's other nets the lowest.
    """

    def __init__(self, body: Netlist, lines: list[str]) -> None:
        """lines: to which definitions of words are appended."""
        self.fanin: dict[int, list[int]] = {}
        self._lines = lines
        self._names = count()
        self._waiting: dict[int, list[list[str]]] = {}
        self._given: dict[int, list[tuple[int, int]]] = {}  # inputs and constants among addends
        self._readers: dict[int, list[tuple[int, int]]] = {}
        for first, cell in body.placed():
            if not isinstance(cell, Popcount):
                continue
            for row, nets in enumerate(cell.fanin.tolist()):
                lowest = first + row * cell.width
                self.fanin[lowest] = nets
                self.fanin |= {lowest + i: [lowest] for i in range(1, cell.width)}
                self._waiting[lowest] = [[] for _ in range(cell.width)]
                self._given[lowest] = []
                for net, shift in zip(nets, cell.shifts.tolist(), strict=True):
                    if net < FIRST_INPUT + body.n_inputs:
                        self._given[lowest].append((net, shift))
                    else:
                        self._readers.setdefault(net, []).append((lowest, shift))

    def count(self, net: int, word: str) -> None:
        """Add a net that has just been computed wherever it is an addend."""
        for lowest, shift in self._readers.get(net, ()):
            self.add(lowest, word, shift)

    def given(self, net: int) -> list[tuple[int, int]]:
        """The addends of a sum, with shifts, that nobody computes; none if it is no sum."""
        return self._given.get(net, [])

    def add(self, lowest: int, word: str, shift: int) -> None:
        """Add a word to a sum."""
        if word != ZERO:
            self._put(self._waiting[lowest], word, shift)

    def planes(self, lowest: int) -> list[str]:
        """What to call the bits of a sum all of whose addends were added; none if it is no sum."""
        waiting = self._waiting.get(lowest, [])
        for shift in range(len(waiting)):
            if len(waiting[shift]) == 2:
                self._join(waiting, shift)
        return [bits[0] if bits else ZERO for bits in waiting]

    def _put(self, waiting: list[list[str]], word: str, shift: int) -> None:
        waiting[shift].append(word)
        if len(waiting[shift]) == 3:
            self._join(waiting, shift)

    def _join(self, waiting: list[list[str]], shift: int) -> None:
        """One bit of that weight; what is carried to the next, which beyond the last is false."""
        bits, number = waiting[shift], next(self._names)
        full = len(bits) == 3
        total = f"SUM({', '.join(bits)})" if full else " ^ ".join(bits)
        carry = f"CARRY({', '.join(bits)})" if full else " & ".join(bits)
        self._lines.append(f"    const word s{number} = {total};")
        waiting[shift] = [f"s{number}"]
        if shift + 1 < len(waiting):
            self._lines.append(f"    const word c{number} = {carry};")
            self._put(waiting, f"c{number}", shift + 1)
