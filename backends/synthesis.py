"""From a circuit to a report of what it takes of an FPGA: emit, map, place, route."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..compiler import Circuit, Encoder, Netlist, verify
from ..compiler.netlist import FIRST_INPUT
from ..compiler.sections import logic_and_head
from ..runtime.arguments import is_integer, is_number, plain
from ..runtime.errors import EmitError
from ..runtime.folders import temporary_folder
from ..runtime.synthesis.families import Family, family_of
from ..runtime.synthesis.report import Attempt, SynthesisReport
from ..runtime.synthesis.routing import ROUTERS, Routed, place_and_route
from ..runtime.synthesis.usage import Usage, count_cells, map_design
from .artifact import Artifact
from .options import backend_of
from .verilog.backend import Verilog
from .verilog.encoder import feature_width
from .verilog.flow import flow_files
from .verilog.harness import harness_module
from .verilog.text import Port


def synthesize(
    circuit: Circuit,
    device: str,
    name: str = "circuit",
    *,
    part: str | None = None,
    package: str | None = None,
    speed: str | None = None,
    seeds: int = 3,
    sections: bool = True,
    attempts: int = 3,
    router: str = ROUTERS[0],
    timeout: float = 3600,
    folder: str | os.PathLike[str] | None = None,
    tell: Callable[[str], None] | None = None,
    **options: Any,
) -> SynthesisReport:
    """Emit a circuit as Verilog for a device, map it, place and route it; it is not optimised.

    See `gatewright.synthesize`.
    """
    family = family_of(device)
    chosen = family.choose(part, package, speed) if family.parts else ("", "", "")
    if not family.parts and (part or package or speed):
        raise EmitError(
            f"device {device!r}: part, package or speed, and nothing here places and routes for "
            "that family; leave them out"
        )
    for what, number, least in (("seeds", seeds, 0), ("attempts", attempts, 1)):
        if not is_integer(number, least):
            raise EmitError(f"synth: {what} {number!r}; allowed are integers from {least} on")
    if not is_number(timeout) or timeout <= 0:
        raise EmitError(f"synth: timeout {timeout!r}; allowed are seconds above 0")
    seeds, attempts = plain(seeds), plain(attempts)
    if router not in ROUTERS:
        raise EmitError(f"synth: router {router!r}; allowed are {', '.join(ROUTERS)}")
    verify(circuit.netlist)
    _check_alone(options)
    backend = backend_of({"verilog": Verilog}, "verilog", {**options, "device": device})
    with temporary_folder() as where:
        flow = _Flow(circuit, name, family, chosen, where, timeout, router, tell or _silent)
        parts = flow.sections(backend) if sections else ()
        found = flow.run(backend, seeds if family.nextpnr else 0, attempts)
    artifact, whole, routed, tried = found
    if folder is not None:
        flow = flow_files(name, device, _ports(artifact), backend.target_mhz, chosen)
        replace(artifact, files={**artifact.files, **flow}).write(folder)
    manifest = artifact.manifest
    return SynthesisReport(
        device,
        *chosen,
        whole,
        tuple(parts),
        tuple(routed),
        manifest["latency"],
        manifest["interval"] or 1,  # a combinational module has none: one sample a clock
        backend.target_mhz,
        tuple(tried),
        _named(backend),
    )


def _silent(_: str) -> None:
    """Tell nobody."""


def _check_alone(options: dict[str, Any]) -> None:
    """Refuse options of what is emitted around the module, or beside it."""
    for name in ("interface", "cocotb", "flow"):
        value = options.get(name)
        if value and value != "ports":
            raise EmitError(
                f"synth: {name} {value!r}; what is measured is the module inside, without tests, "
                "and files for the tools are written anyway; leave the option out; emit has it"
            )


def _ports(artifact: Artifact) -> list[Port]:
    return [Port(**port) for port in artifact.manifest["ports"]]


def _named(backend: Verilog) -> dict[str, Any]:
    """The options that are not the default ones."""
    usual = {field.name: field.default for field in fields(backend)}
    return {key: value for key, value in vars(backend).items() if value != usual[key]}


class _Flow:
    """One circuit on its way to a device."""

    def __init__(
        self,
        circuit: Circuit,
        name: str,
        family: Family,
        chosen: tuple[str, str, str],
        folder: Path,
        timeout: float,
        router: str,
        tell: Callable[[str], None],
    ) -> None:
        self._circuit = circuit
        self._name = name
        self._family = family
        self._chosen = chosen
        self._folder = folder
        self._timeout = timeout
        self._router = router
        self._tell = tell

    def run(
        self, backend: Verilog, seeds: int, attempts: int
    ) -> tuple[Artifact, Usage, list[Routed], list[Attempt]]:
        """Emit, map, place and route; with more registers again where the clock is missed."""
        tried: list[Attempt] = []
        target = backend.target_mhz
        while True:
            artifact = backend.emit(self._circuit, self._name)
            self._tell(_emitted(artifact.manifest))
            whole = self._usage(artifact, "whole")
            routed = self._routed(artifact, seeds, target or self._family.mhz)
            every = artifact.manifest["registers_every"]
            attempt = Attempt(every, artifact.manifest["latency"], tuple(r.mhz for r in routed))
            tried.append(attempt)
            met = target is None or not routed or attempt.median >= target
            if met or every <= 1 or len(tried) >= attempts:
                return artifact, whole, routed, tried
            backend = replace(backend, registers_every=every - 1, target_mhz=None)

    def sections(self, backend: Verilog) -> list[Usage]:
        """Encoder, logic and head, each mapped alone and without registers."""
        found = []
        for name, circuit, bits in _sections(self._circuit, backend.feature_bits):
            alone = Verilog(feature_bits=bits, style=backend.style or "lut", device=backend.device)
            if len(circuit.netlist.outputs):
                found.append(self._usage(alone.emit(circuit, f"part_{name}"), name))
        return found

    def _usage(self, artifact: Artifact, name: str) -> Usage:
        source = self._written(f"{artifact.name}.v", artifact.files[f"{artifact.name}.v"])
        netlist = map_design(self._family, [source], artifact.name, self._folder, self._timeout)
        found = count_cells(self._family, netlist, name)
        self._tell(f"{name} mapped: {found.luts:,} LUTs, {found.registers:,} registers")
        return found

    def _routed(self, artifact: Artifact, seeds: int, mhz: float) -> list[Routed]:
        if not seeds:
            return []
        module, text = harness_module(artifact.name, _ports(artifact))
        sources = [f"{artifact.name}.json", self._written(f"{module}.v", text)]  # mapped before
        netlist = map_design(self._family, sources, module, self._folder, self._timeout)
        found = []
        for seed in range(1, seeds + 1):
            found.append(
                place_and_route(
                    self._family, self._chosen, netlist, mhz, seed, self._timeout, self._router
                )
            )
            self._tell(f"seed {seed} of {seeds} placed and routed: {found[-1].mhz:.1f} MHz")
        return found

    def _written(self, name: str, data: bytes) -> str:
        (self._folder / name).write_bytes(data)
        return name


def _emitted(manifest: dict[str, Any]) -> str:
    """A line about a module, before the minutes that mapping it may take."""
    clocks, every = manifest["latency"], manifest["registers_every"]
    timing = f"{clocks} clocks" if clocks else "combinational"
    return f"emitted: {timing}" + (f", registers every {every} levels" if every else "")


def _sections(circuit: Circuit, bits: int | None) -> list[tuple[str, Circuit, int]]:
    """The parts of a circuit as circuits, and the bits of their features."""
    logic, head = logic_and_head(circuit)
    width = feature_width(circuit.encoder, bits)
    found = []
    if width > 1:
        n = circuit.netlist.n_inputs
        wires = Netlist(n, (), np.arange(FIRST_INPUT, FIRST_INPUT + n, dtype=np.int32))
        found.append(("encoder", Circuit(circuit.encoder, wires), width))
    for name, netlist in (("logic", logic), ("head", head)):
        found.append((name, Circuit(Encoder.boolean(netlist.n_inputs), netlist), 0))
    return found
