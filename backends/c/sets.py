"""The programs of a library: paths that want different forms of a circuit have their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...compiler import Circuit
from ..outline import outline, runs
from ..program import assemble, with_class
from .code import Programs, program_list
from .data import c_array
from .pieces import cut_bodies, unroll_few
from .pooling import fuse_pools


@dataclass(frozen=True)
class ProgramSet:
    """A program with what is under it, and how its tables are called in C."""

    programs: Programs
    suffix: str = ""

    @property
    def slots(self) -> int:
        return max(1, self.programs.slots)

    def arrays(self, narrow: bool) -> list[str]:
        """Its tables as C; the code in 16 bits if `narrow`, else in 32."""
        program = self.programs.programs[0]
        outputs = program.output_slot
        code = self.programs.code().astype(np.uint16 if narrow else np.uint32)
        return [
            *([c_array(f"output_slot{self.suffix}", outputs)] if len(outputs) else []),
            c_array(f"code{self.suffix}", code),
            *self.programs.body_arrays(),
            *self.programs.rows.arrays(self.suffix),
        ]


def program_sets(circuit: Circuit, limits: Sequence[int]) -> list[ProgramSet]:
    """The set of each path, given up to how many gates it wants as straight-line code.

    Paths for which that makes no difference share one, and so do all if inputs would lie in other
    slots, because rows are packed for all paths alike.
    """
    least = min(limits)
    tiles = cut_bodies(fuse_pools(unroll_few(circuit.netlist, least), least), least)
    netlist, cut = with_class(circuit.with_netlist(tiles))
    kinds = [tuple(runs(netlist, limit, cut)) for limit in limits]
    made: dict[tuple[tuple[int, int, bool], ...], ProgramSet] = {}
    for limit, kind in zip(limits, kinds, strict=True):
        if kind not in made:
            program = assemble(*outline(netlist, limit, cut))
            suffix = str(len(made) or "")
            made[kind] = ProgramSet(program_list(program, limit), suffix)
    sets = [made[kind] for kind in kinds]
    first = sets[0].programs.programs[0].input_slot
    if all(np.array_equal(first, found.programs.programs[0].input_slot) for found in sets):
        return sets
    return [sets[0]] * len(sets)
