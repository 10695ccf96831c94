"""Tiles in turn: a few copies of a body evaluate the places of a tile, some at each clock.

The logic becomes stages of such tiles with plain logic between them, see `stages`. A stage takes a
sample, works for a fixed number of clocks, and hands on its answers when the next one is free, so
that consecutive samples may be in consecutive stages. The plain logic behind the last stage is a
pipeline as it is in other modules; it has registers at its outputs at least.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...compiler import Circuit, Netlist, Tile
from ...compiler.netlist import FIRST_INPUT, IntArray
from ...compiler.passes.fold import fold
from ...compiler.passes.lutmap import count_luts
from ...compiler.passes.sweep import sweep
from ...compiler.passes.unroll import unroll
from ...runtime.errors import EmitError
from ..c.pooling import fuse_pools
from ..render import render
from .cells import CHAINED
from .chain_cells import ChainCells
from .cuts import choose_cuts
from .design import Design, answering, styled
from .head import Parts
from .logic import Module, Modules
from .pipeline import Pipeline
from .places import Schedule, schedule
from .sequencer import Sequencer
from .stages import Job, Stage, Stages
from .text import Port, plural
from .timing import Timing, Timings

_SMALL_LUT = 4  # inputs of the LUTs of small devices


class Wishes(NamedTuple):
    """What a module is asked to be; see `Verilog`. lanes: copies of a body."""

    name: str
    style: str
    lanes: int
    pipeline: Pipeline | None
    reset: bool
    enable: bool
    keep: bool
    primitives: str | None
    lut_inputs: int
    cells: ChainCells | None = None


def worth(tile: Tile, found: Schedule) -> bool:
    """Whether a tile takes fewer LUTs in turn, a register of a result counted as half of one."""
    body = count_luts(tile.body, _SMALL_LUT)
    taken = found.chains.bits + found.lanes * (body + found.clocks * found.outputs / 2)
    return taken < body * tile.places


def sequential_design(circuit: Circuit, answer: str, compares: int, wishes: Wishes) -> Design:
    """Lay out the logic of a circuit, tiles in turn where that takes fewer LUTs.

    compares: levels of the comparators before it.

    Raises:
        EmitError: no tile takes fewer.
    """
    netlist = sweep(fuse_pools(fold(answering(circuit, answer))))
    found: dict[int, Schedule] = {}

    def chosen(tile: Tile) -> bool:
        found[id(tile)] = schedule(tile, wishes.lanes)
        return worth(tile, found[id(tile)])

    stages = Stages(netlist, chosen)
    if not stages.stages:
        raise EmitError(
            f"verilog: places_per_clock {wishes.lanes}, and no tile of the circuit takes fewer "
            "LUTs so; allowed are circuits with large convolutions that are still tiles; optimise "
            "with keep_tiles=True, or leave the option out"
        )
    return _Layout(stages, wishes).design(netlist, found, compares)


class _Layout:
    """The modules of one design, and what they add up to."""

    def __init__(self, stages: Stages, wishes: Wishes) -> None:
        self._stages, self._wishes = stages, wishes
        carry = wishes.primitives == CHAINED
        late = wishes.pipeline is None
        self._parts = Parts(wishes.lut_inputs, late, carry, wishes.cells)
        self._timings = Timings(self._parts.chains)
        self._modules = Modules(
            wishes.name, self._timings, self._parts, wishes.enable, wishes.keep, wishes.primitives
        )
        self._bodies: dict[Netlist, tuple[Module, int, int]] = {}
        self._texts: list[str] = []
        self._tiles: list[dict[str, int]] = []
        self._registers = self._levels = self._every = 0

    def design(self, netlist: Netlist, schedules: dict[int, Schedule], start: int) -> Design:
        """All of it. start: levels before the logic."""
        stages = self._stages.stages
        running = [
            [self._sequencer(k, job, schedules[id(job.tile)]) for job in stage.jobs]
            for k, stage in enumerate(stages, 1)
        ]
        wanted = [
            np.concatenate([*(one.loads for one, _ in jobs), stage.carried])
            for jobs, stage in zip(running, stages, strict=True)
        ]
        given = [np.arange(FIRST_INPUT, FIRST_INPUT + netlist.n_inputs, dtype=np.int32)]
        given += [
            np.concatenate([*(one.answers for one, _ in jobs), stage.carried])
            for jobs, stage in zip(running, stages, strict=True)
        ]
        segments = [
            self._segment(k, nets, 0 if k else start, last=k == len(stages))
            for k, nets in enumerate(zip(given, [*wanted, netlist.outputs], strict=True))
        ]
        facts = [
            _stage_facts(k, jobs, stage)
            for k, (jobs, stage) in enumerate(zip(running, stages, strict=True), 1)
        ]
        tail = segments[-1][1]
        control = self._control(netlist, facts, segments)
        clocks = [fact["moves"] + 1 for fact in facts]
        ports = [*_control_ports(self._wishes), Port("valid_out", "output", 1)]
        self._registers += tail + sum(f["carried"] + 1 + f["count_bits"] for f in facts)
        return Design(
            [control, *self._texts, *self._modules.texts()],
            "".join(f".{port.name}({port.name}), " for port in ports),
            self._levels,
            self._every,
            sum(clocks) + tail,
            self._registers,
            interval=max(clocks),
            tiles=tuple(self._tiles),
        )

    def _control(
        self, netlist: Netlist, facts: list[dict[str, Any]], segments: list[tuple[Module, int]]
    ) -> str:
        """The text of <name>_logic, which holds the stages and the segments between them."""
        wishes = self._wishes
        ports = [*_control_ports(wishes), Port("in", "input", netlist.n_inputs)]
        ports += [Port("valid_out", "output", 1), Port("out", "output", len(netlist.outputs))]
        inputs = ["in" if netlist.n_inputs else "", *(f"answers{f['number']}" for f in facts)]
        outputs = [*(f"load{f['number']}" for f in facts), "out"]
        return render(
            "verilog/stages.j2",
            module=f"{wishes.name}_logic",
            ports=[port for port in ports if port.width],
            stages=facts,
            segments=[
                {
                    "module": module.name,
                    "label": f"segment{k}",
                    "pins": self._modules.pins(module),
                    "input": f".in({read}), " if read else "",
                    "output": driven,
                }
                for k, ((module, _), read, driven) in enumerate(
                    zip(segments, inputs, outputs, strict=True)
                )
            ],
            tail=segments[-1][1],
            reset=wishes.reset,
            enable=wishes.enable,
        )

    def _sequencer(self, number: int, job: Job, found: Schedule) -> tuple[Sequencer, str]:
        """A tile of a stage, and the name of its module."""
        body, delay, registers = self._body(job.tile)
        one = Sequencer(job, found, delay)
        module = f"{self._wishes.name}_places{len(self._tiles)}"
        pins = self._modules.pins(body)
        self._texts.append(one.text(module, body, pins, self._wishes.enable))
        self._registers += one.registers + found.lanes * registers
        self._tiles.append(
            {
                "stage": number,
                "places": job.tile.places,
                "lanes": found.lanes,
                "clocks": one.moves,
                "registers": one.registers,
            }
        )
        return one, module

    def _body(self, tile: Tile) -> tuple[Module, int, int]:
        """The module of a body, the clocks that it takes, and its registers."""
        _, body = styled(unroll(tile.body), self._wishes.style, self._parts)
        if body not in self._bodies:
            timing = self._timings.of_whole(body, 0)
            cuts = self._cuts(timing)[:-1]  # the last one is that of the results
            name = f"{self._wishes.name}_body{len(self._bodies)}"
            comment = "The body of a tile: one place of a convolution."
            module = self._modules.netlist(name, comment, body, timing, cuts)
            self._bodies[body] = module, len(cuts), int(timing.live[list(cuts)].sum())
        return self._bodies[body]

    def _segment(
        self, number: int, nets: tuple[IntArray, IntArray], start: int, *, last: bool
    ) -> tuple[Module, int]:
        """The module of plain logic, and its cuts: those of a pipeline behind the last stage."""
        _, netlist = styled(self._stages.segment(number, *nets), self._wishes.style, self._parts)
        timing = self._timings.of_whole(netlist, start)
        cuts = self._cuts(timing) if last else ()
        if not last:
            self._every = max(self._every, timing.end - 1)
        name = f"{self._wishes.name}_segment{number}"
        comment = "Logic before, between or behind the stages: one net a gate or table."
        module = self._modules.netlist(name, comment, netlist, timing, cuts)
        self._levels += timing.end - 1
        self._registers += int(timing.live[list(cuts)].sum())
        return module, len(cuts)

    def _cuts(self, timing: Timing) -> tuple[int, ...]:
        """Where to put registers; at the end only if there is no wish for a pipeline."""
        levels = timing.end - 1
        every = self._wishes.pipeline.every(levels) if self._wishes.pipeline else levels
        self._every = max(self._every, every)
        return choose_cuts(timing.live, every)


def _stage_facts(number: int, jobs: list[tuple[Sequencer, str]], stage: Stage) -> dict[str, Any]:
    """What the text of a stage says."""
    moves = max(one.moves for one, _ in jobs)
    facts, load, out = [], 0, 0
    for one, module in jobs:
        following = load + len(one.loads), out + len(one.answers)
        facts.append(
            {
                "module": module,
                "label": module.rpartition("_")[2],
                "moves": one.moves,
                "load_low": load,
                "load_high": following[0] - 1,
                "out_low": out,
                "out_high": following[1] - 1,
            }
        )
        load, out = following
    return {
        "number": number,
        "comment": f"{plural(len(jobs), 'tile')}, {plural(moves + 1, 'clock')} a sample.",
        "moves": moves,
        "count_bits": moves.bit_length(),
        "jobs": facts,
        "loads": load + len(stage.carried),
        "answers": out + len(stage.carried),
        "carried": len(stage.carried),
    }


def _control_ports(wishes: Wishes) -> list[Port]:
    names = ["clk", *["rst"] * wishes.reset, *["enable"] * wishes.enable, "valid_in"]
    return [*(Port(name, "input", 1) for name in names), Port("ready_in", "output", 1)]
