"""The module of a tile in turn: chains that move, copies of the body, and rows of results.

Answers enter the top of a row of registers that moves with the chains, so that after the last clock
the answer of clock `t` is bit `t`: no answer needs an address.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...compiler.netlist import FIRST_INPUT, IntArray
from ..render import render
from .chains import ANYTHING, CONSTANT, HELD
from .logic import Module
from .places import Schedule
from .stages import Job
from .text import ONE, ZERO, Port, concat, plural, unused


@dataclass(frozen=True, eq=False)
class Sequencer:
    """A tile, when its places are evaluated, and the registers inside the body, in clocks."""

    job: Job
    schedule: Schedule
    delay: int

    @property
    def moves(self) -> int:
        """Clocks from the load until all answers are there."""
        return self.schedule.clocks + self.delay

    @property
    def loads(self) -> IntArray:
        """The nets that are loaded, in the order of the port."""
        chains = self.schedule.chains
        moving = [chain[chain >= FIRST_INPUT] for chain in chains.chains]
        return np.concatenate([chains.held, *moving]).astype(np.int32)

    @property
    def answers(self) -> IntArray:
        """The nets at the port of answers, row by row; -1 for none."""
        rows = self._rows
        size = sum(self.schedule.clocks - low for low in rows.values())
        found = np.full(size, -1, np.int32)
        start = dict(zip(rows, self._starts(), strict=True))
        for net in self.job.read.tolist():
            lane, output, clock = self._where(net)
            found[start[lane, output] + clock - rows[lane, output]] = self.job.first + net
        return found

    @property
    def registers(self) -> int:
        """Bits of chains and results, without those inside of bodies."""
        return self.schedule.chains.bits + len(self.answers)

    def text(self, module: str, body: Module, pins: str, enable: bool) -> str:
        """The module. pins: of the body's clock."""
        found, results = self.schedule, self._rows
        control = ["clk", *["enable"] * enable, "load", "move"]
        ports = [Port(name, "input", 1) for name in control]
        ports += [Port("in", "input", len(self.loads)), Port("out", "output", len(self.answers))]
        comment = f"{plural(self.job.tile.places, 'place')} of a tile, {found.lanes} at once, in "
        return render(
            "verilog/sequencer.j2",
            module=module,
            comment=f"{comment}{plural(found.clocks, 'clock')}.",
            moves=self.moves,
            ports=ports,
            held=len(found.chains.held),
            chains=list(self._chains()),
            outputs=found.outputs,
            clocks=found.clocks,
            lanes=[concat(list(self._taps(lane))) for lane in range(found.lanes)],
            body=body.name,
            pins=pins,
            results=[
                {"name": _row(lane, output), "low": low, "moved": self._moved(lane, output, low)}
                for (lane, output), low in results.items()
            ],
            out=concat([_row(lane, output) for lane, output in results]),
            unused="\n".join(unused(self._unread(set(results)))),
            enable=enable,
        )

    def _chains(self) -> Iterator[dict[str, object]]:
        """How long each chain is, and what it loads."""
        at = len(self.schedule.chains.held)
        for number, chain in enumerate(self.schedule.chains.chains):
            loads = []
            for entry, net in enumerate(chain.tolist()):
                if net >= FIRST_INPUT:
                    loads.append(f"in[{at}]")
                    at += 1
                elif net != ANYTHING:
                    loads.append(ONE if net else ZERO)
                else:  # what moves there anyway
                    loads.append(f"chain{number}[{entry + 1}]")
            yield {"length": len(chain), "load": concat(loads)}

    def _taps(self, lane: int) -> Iterator[str]:
        """What a lane's body reads."""
        for chain, at in self.schedule.chains.taps:
            if chain == CONSTANT:
                yield ONE if at else ZERO
            elif chain == HELD:
                yield f"held[{at}]"
            else:
                yield f"chain{chain}[{lane * self.schedule.clocks + at}]"

    def _where(self, net: int) -> tuple[int, int, int]:
        """Lane, output and clock that answer a net of the tile."""
        place, output = divmod(net, self.schedule.outputs)
        lane, clock = divmod(int(self.schedule.time[place]), self.schedule.clocks)
        return lane, output, clock

    @cached_property
    def _rows(self) -> dict[tuple[int, int], int]:
        """The first clock whose answer is read, for each lane and output that has any."""
        found: dict[tuple[int, int], int] = {}
        for net in self.job.read.tolist():
            lane, output, clock = self._where(net)
            found[lane, output] = min(clock, found.get((lane, output), clock))
        return dict(sorted(found.items()))

    def _starts(self) -> Iterator[int]:
        """Where each row of results begins at the port."""
        at = 0
        for low in self._rows.values():
            yield at
            at += self.schedule.clocks - low

    def _moved(self, lane: int, output: int, low: int) -> str:
        """What a row of results takes at each clock."""
        last = self.schedule.clocks - 1
        new = f"lane{lane}[{output}]"
        return f"{{{new}, {_row(lane, output)}[{last}:{low + 1}]}}" if last > low else new

    def _unread(self, rows: set[tuple[int, int]]) -> list[str]:
        lanes, outputs = range(self.schedule.lanes), range(self.schedule.outputs)
        return [f"lane{i}[{o}]" for i in lanes for o in outputs if (i, o) not in rows]


def _row(lane: int, output: int) -> str:
    return f"result{lane}_{output}"
