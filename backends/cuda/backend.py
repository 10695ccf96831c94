"""The CUDA backend: kernels as text, the network as data beside the code that launches them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...compiler import Circuit
from ...compiler.passes.lutmap import LutMap
from ...compiler.passes.unroll import unroll_where
from ...runtime.errors import EmitError
from ...runtime.library import ABI_VERSION
from ...runtime.version import VERSION
from ..artifact import Artifact, check_name, describe
from ..render import render
from .bodies import large_bodies, only_luts, with_pools
from .counts import split_counts
from .forest import plan_forest
from .steps import Steps, plan_steps
from .straight import Straight, plan_program
from .values import template_values, with_class
from .windows import plan_windows

_OLDEST = 75


@dataclass(frozen=True)
class Cuda:
    """CUDA kernels and a C library that runs them, on any device from compute capability 7.5 on.

    architectures: of the devices to compile for, such as ("sm_80", "sm_90"); by default those of
    the devices here, and where there are none all from compute capability 7.5 to 9.0; newer ones by
    way of PTX.
    emulate: compile the kernels as loops, which run on the CPU and need a C compiler only.
    straight_body: LUTs of a tile body, at most, that becomes straight-line code; larger ones become
    data. straight_total: the same for all bodies together. locals: values, at most, that a thread
    keeps when it evaluates a body from data, in shared memory. straight: operations, at most, that
    become straight-line kernels, which large batches of small networks use.
    """

    architectures: tuple[str, ...] | None = None
    emulate: bool = False
    straight_body: int = 256
    straight_total: int = 4000
    locals: int = 24
    straight: int = 16_000

    def __post_init__(self) -> None:
        if self.architectures is None:
            return
        named = self.architectures
        named = (named,) if isinstance(named, str) else tuple(named)
        numbers = [re.fullmatch(r"sm_(\d{2,3})", str(name)) for name in named]
        if not named or not all(match and int(match[1]) >= _OLDEST for match in numbers):
            raise EmitError(
                f"architectures {named}; allowed are names from sm_{_OLDEST} on, such as "
                '("sm_80", "sm_90"), and None for those of the devices here'
            )
        if self.emulate:
            raise EmitError("architectures: loops on the CPU have none; leave out one of the two")
        ascending = sorted({int(match[1]) for match in numbers if match})
        object.__setattr__(self, "architectures", tuple(f"sm_{n}" for n in ascending))

    def prepare(self, circuit: Circuit) -> Circuit:
        """LUTs of at most three inputs, convolutions fused with pooling; tiles whose bodies hold
        other cells are unrolled."""
        netlist = unroll_where(circuit.netlist, lambda tile: not only_luts(tile.body))
        netlist = LutMap(3)(with_pools(netlist, self.straight_body))
        large = large_bodies(netlist, self.straight_body, self.straight_total)
        shared = {id(body) for body in large if plan_forest(body, self.locals) is None}
        if shared:
            netlist = unroll_where(netlist, lambda tile: id(tile.body) in shared)
        return circuit.with_netlist(netlist)

    def emit(self, circuit: Circuit, name: str) -> Artifact:
        """The library of a prepared circuit as `name.cu`, `name.c`, `name.h` and `name.bin`.

        Raises:
            EmitError: `name` cannot name C functions, or too many values live at once.
        """
        check_name(name)
        steps, straight = self.plan(circuit)
        manifest = {**describe(circuit, name, "cuda"), "abi": ABI_VERSION, "gatewright": VERSION}
        if self.architectures is not None:
            manifest["architectures"] = list(self.architectures)
        values, data = template_values(circuit, name, steps, straight, manifest)
        texts = {
            f"{name}.cu": render("cuda/kernels.cu.j2", **values),
            f"{name}.c": render("cuda/host.c.j2", **values),
            f"{name}.h": render("c/library.h.j2", **values),
        }
        files = {file: text.encode() for file, text in texts.items()}
        return Artifact(name, {**files, f"{name}.bin": data.tobytes()}, manifest)

    def plan(self, circuit: Circuit) -> tuple[Steps, Straight | None]:
        """What a prepared circuit is for the table-driven forms, and as straight-line code.

        Raises:
            EmitError: too many values live at once.
        """
        netlist, cut = with_class(circuit), len(circuit.netlist.cells)
        order = plan_windows(circuit.encoder, netlist).order
        large = large_bodies(netlist, self.straight_body, self.straight_total)
        planned = [(body, plan_forest(body, self.locals)) for body in large]
        forests = [(body, forest) for body, forest in planned if forest is not None]
        split, begins = split_counts(netlist)
        steps = plan_steps(split, begins[cut], forests, order)
        return steps, plan_program(netlist, cut, forests, order, self.straight, steps)
