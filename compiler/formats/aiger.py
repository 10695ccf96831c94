"""AIGER files, ASCII and binary: AND gates with inverted edges.

Biere, "The AIGER And-Inverter Graph (AIG) Format" (2007), and Biere, Heljanko and Wieringa, "AIGER
1.9 And Beyond" (2011). Circuits here are combinational: latches and what 1.9 adds are refused.
"""

from __future__ import annotations

import os
import re

import numpy as np

from ..circuit import Circuit
from ..literals import Literals
from ..names import Names
from ..netlist import Netlist
from .assemble import Cycle, assemble
from .numbers import BadByte, Bytes, Int64s, decimals, decode_groups
from .reading import Source, boolean_circuit, short

_AND = np.uint64(0x8)
_MOST_VARIABLES = (1 << 30) - 1  # literals and net numbers fit int32
_HEADER = "'aag' or 'aig' and the numbers M I L O A, up to 9 with those of AIGER 1.9"
_SECTIONS = ("bad state properties", "invariant constraints", "justice properties")


def read_aiger(path: str | os.PathLike[str]) -> Circuit:
    """Read a combinational circuit, ASCII or binary as the file's first word says.

    Inputs are Boolean. AND gates stay as they are; inversions go into truth tables.

    Raises:
        FileError: no such file, latches or properties, or it is damaged; the message gives the line
            or byte.
    """
    return _Reader(Source.read(path)).circuit()


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.bytes: Bytes = np.frombuffer(source.data, np.uint8)
        self.at = 0  # the byte to read next
        self.line = 1  # and its line, in what is text
        self._header()

    def circuit(self) -> Circuit:
        netlist = self._binary_netlist() if self.binary else self._ascii_netlist()
        return boolean_circuit(netlist, self._symbols())

    def _binary_netlist(self) -> Netlist:
        outputs, lines = self._rows(self.outputs, 1)
        reads = self._binary_gates()
        known = np.arange(1 + self.inputs + self.gates)
        fanin = self._nodes(reads, np.zeros(reads.shape, np.int64), known)
        return _ands(self.inputs, fanin, self._nodes(outputs[:, 0], lines, known))

    def _ascii_netlist(self) -> Netlist:
        inputs, input_lines = self._rows(self.inputs, 1)
        outputs, lines = self._rows(self.outputs, 1)
        gates, gate_lines = self._rows(self.gates, 3)
        defined = np.concatenate([inputs[:, 0], gates[:, 0]])
        self._check_defined(defined, np.concatenate([input_lines, gate_lines]))
        known = np.concatenate([[0], defined >> 1])
        reads = self._nodes(gates[:, 1:], np.repeat(gate_lines[:, None], 2, axis=1), known)
        try:
            return _ands(self.inputs, reads, self._nodes(outputs[:, 0], lines, known))
        except Cycle as error:
            literals = " <- ".join(str(gates[gate, 0]) for gate in error.luts[::-1][:6])
            raise self.source.error(
                int(gate_lines[error.luts[0]]),
                f"{len(error.luts)} gates read each other in a circle: {literals}",
                "circuits without cycles",
            ) from None

    def _header(self) -> None:
        line = self._line()
        words = line.split()
        self.binary = words[:1] == ["aig"]
        numbers = [int(word) for word in words[1:] if re.fullmatch("[0-9]{1,10}", word)]
        if words[:1] not in (["aig"], ["aag"]) or not 5 <= len(numbers) == len(words) - 1 <= 9:
            raise self.source.error(1, f"header {short(line)}", _HEADER)
        most, self.inputs, latches, self.outputs, self.gates, *more = numbers
        if latches:
            raise self.source.error(
                1,
                f"{latches} latches",
                "none, a combinational circuit",
                "cut them into inputs and outputs, for example with ABC's `comb`",
            )
        for count, what in zip(more, (*_SECTIONS, "fairness constraints"), strict=False):
            if count:
                raise self.source.error(1, f"{count} {what}", "none, outputs only")
        named = self.inputs + self.gates
        if most > _MOST_VARIABLES or most < named or (self.binary and most != named):
            rule = f"I + A = {named}" + ("" if self.binary else " or more")
            raise self.source.error(
                1, f"M is {most}", f"{rule}, at most {_MOST_VARIABLES}", "correct the header"
            )
        self.source.check_inputs(self.inputs)
        self.most = most

    def _line(self) -> str:
        """The next line, without its end."""
        data = self.source.data
        stop = data.find(b"\n", self.at)
        stop = len(data) if stop < 0 else stop
        line = self.source.decode(self.at, stop)
        self.at, self.line = stop + 1, self.line + 1
        return line.removesuffix("\r")

    def _rows(self, count: int, columns: int) -> tuple[Int64s, Int64s]:
        """The next `count` lines of `columns` literals: [count, columns], and their lines [count].

        Raises FileError where a line has more or fewer, or another thing stands there.
        """
        rest = self.bytes[self.at :]
        ends = np.flatnonzero(rest == ord("\n"))[:count]
        if count and len(ends) == count - 1 and not self.source.data.endswith(b"\n"):
            ends = np.append(ends, len(rest))  # the last line may lack its end
        if len(ends) < count:
            raise self.source.error(
                self.line + len(ends),
                f"the file ends {count - len(ends)} lines of literals early",
                "as many as the header declares",
                "the file is truncated, or its header wrong",
            )
        stop = int(ends[-1]) if count else 0
        try:
            values, starts = decimals(rest[:stop])
        except BadByte as error:
            line = self.line + int(np.searchsorted(ends, error.offset))
            raise self._bad_line(line, ends, columns) from None
        row = np.searchsorted(ends, starts)
        counts = np.bincount(row, minlength=count)
        if (counts != columns).any():
            line = self.line + int(np.flatnonzero(counts != columns)[0])
            raise self._bad_line(line, ends, columns)
        lines = self.line + np.arange(count)
        self.at, self.line = self.at + stop + (count > 0), self.line + count
        return values.reshape(count, columns), lines

    def _bad_line(self, line: int, ends: Int64s, columns: int) -> Exception:
        row = line - self.line
        start = self.at + (int(ends[row - 1]) + 1 if row else 0)
        text = self.source.data[start : self.at + int(ends[row])].decode(errors="replace")
        what = "one literal" if columns == 1 else "three literals: a gate and what it reads"
        return self.source.error(line, short(text), what)

    def _binary_gates(self) -> Int64s:
        """What each gate reads: literals [gates, 2]."""
        if 2 * self.gates > len(self.bytes) - self.at:
            left = max(0, len(self.bytes) - self.at)
            raise self.source.error(
                f"byte {min(self.at, len(self.bytes))}",
                f"{self.gates} gates declared, {left} bytes left",
                "two bytes or more a gate",
                "the file is truncated, or its header wrong",
            )
        try:
            deltas, size = decode_groups(self.bytes[self.at :], 2 * self.gates)
        except BadByte as error:
            raise self.source.error(
                f"byte {self.at + error.offset}",
                "the gates end early, or a number takes more than 5 bytes",
                f"{self.gates} gates, as the header declares",
                "the file is truncated or damaged",
            ) from None
        first, second = deltas.reshape(-1, 2).T
        own = 2 * (1 + self.inputs + np.arange(self.gates))
        wrong = (first == 0) | (first + second > own)
        if wrong.any():
            gate = int(np.flatnonzero(wrong)[0])
            raise self.source.error(
                f"gate {gate}, literal {own[gate]}",
                f"reads {own[gate] - first[gate]} and {own[gate] - first[gate] - second[gate]}",
                "literals below its own, the larger first",
            )
        self.at += size
        return np.stack([own - first, own - first - second], axis=1)

    def _check_defined(self, literals: Int64s, lines: Int64s) -> None:
        """Refuse literals that inputs and gates cannot define, or define twice."""
        wrong = (literals < 2) | (literals & 1 == 1) | (literals > 2 * self.most + 1)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise self.source.error(
                int(lines[row]),
                f"literal {literals[row]} of an input or gate",
                f"even literals from 2 to {2 * self.most}",
            )
        order = np.argsort(literals, kind="stable")
        again = np.flatnonzero(np.diff(literals[order]) == 0)
        if len(again):
            first, second = order[again[0]], order[again[0] + 1]
            raise self.source.error(
                int(lines[second]),
                f"literal {literals[second]} is defined a second time",
                f"once; line {lines[first]} defines it",
            )

    def _nodes(self, literals: Int64s, lines: Int64s, known: Int64s) -> Literals:
        """`literals` of the file as literals of nodes; node i is variable known[i]."""
        order = np.argsort(known, kind="stable")
        place = np.searchsorted(known[order], literals >> 1).clip(max=len(known) - 1)
        wrong = known[order[place]] != literals >> 1
        if wrong.any():
            literal, line = int(literals[wrong][0]), int(lines[wrong][0])
            raise self.source.error(
                line or None,
                f"literal {literal} is read and not defined",
                "constants, and literals of inputs and gates",
            )
        return (2 * order[place] + (literals & 1)).astype(np.uint32)

    def _symbols(self) -> Names | None:
        """The names of inputs and outputs; x0, ... and y0, ... where some have none."""
        found: dict[str, dict[int, str]] = {"i": {}, "o": {}}
        counts = {"i": self.inputs, "o": self.outputs}
        # ABC's `&write` puts sections of its own into the comment, right behind the `c`.
        while self.at < len(self.bytes) and self.source.data[self.at] != ord("c"):
            number = self.line if not self.binary else None
            line = self._line()
            if not line and self.at >= len(self.bytes):
                break
            position, _, name = line[1:].partition(" ")
            kind = line[:1]
            fits = position.isascii() and position.isdigit() and len(position) <= 10
            if kind not in found or not fits or int(position) >= counts[kind] or not name:
                raise self.source.error(
                    number,
                    f"symbol {short(line)}",
                    f"i0 to i{self.inputs - 1} and o0 to o{self.outputs - 1} with a name, "
                    "and then a line 'c' before comments",
                )
            if int(position) in found[kind]:
                raise self.source.error(number, f"a second symbol {kind}{position}", "one")
            found[kind][int(position)] = name
        if not any(found.values()):
            return None
        inputs, outputs = (
            tuple(found[kind].get(i, f"{letter}{i}") for i in range(counts[kind]))
            for kind, letter in (("i", "x"), ("o", "y"))
        )
        return Names(inputs, outputs)


def _ands(n_inputs: int, fanin: Literals, outputs: Literals) -> Netlist:
    size = np.full(len(fanin), 2, np.uint8)
    return assemble(n_inputs, fanin, size, np.full(len(fanin), _AND), outputs)
