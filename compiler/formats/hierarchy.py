"""Modules that hold modules of the same file, flattened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from .definitions import Definitions
from .reading import Source, short

_FREE_NETS = 1 << 20  # that flattened modules may come to however small the file is
_NETS_PER_BYTE = 16


class Part(NamedTuple):
    """A module within another; pins: of its ports the nets outside, as many as the port has."""

    line: int
    name: str
    pins: dict[str, list[int]]


@dataclass
class Module:
    """A module of a file; ports: the nets of each, inputs and outputs."""

    name: str
    line: int
    nets: Definitions
    ports: dict[str, list[int]] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)


def flattened(main: Module, modules: dict[str, Module], how: str) -> Definitions:
    """The nets of `main` with all other modules put in their place, from the inside out.

    how: what messages call a module within another.

    Raises:
        FileError: a module is not in the file or holds itself, pins do not fit, or what comes out
            is too large for such a file.
    """
    source = main.nets.source
    room = _FREE_NETS + _NETS_PER_BYTE * len(source.data)
    for module in _inside_out(source, main, modules, how):
        for part in module.parts:
            inner = modules[part.name].nets
            room -= len(inner.names)
            if room < 0:
                raise source.error(
                    part.line,
                    "modules in modules that come to too many nets",
                    "fewer",
                    "flatten it",
                )
            module.nets.line = part.line
            module.nets.splice(inner, _bound(source, modules[part.name], part, how))
        module.nets.check()
    return main.nets


def _inside_out(source: Source, main: Module, modules: dict[str, Module], how: str) -> list[Module]:
    """The modules that `main` needs, each behind those that it needs itself."""
    order: list[Module] = []
    state: dict[str, bool] = {}  # whether all that it needs is done
    waiting = [(main.line, main.name, False)]
    while waiting:
        line, name, leave = waiting.pop()
        if name not in modules:
            raise source.error(
                line, f"{how} {short(name)}, which is not in the file", "modules of the same file"
            )
        if leave:
            state[name] = True
            order.append(modules[name])
        elif name not in state:
            state[name] = False
            waiting.append((line, name, True))
            waiting += [(part.line, part.name, False) for part in modules[name].parts]
        elif not state[name]:
            raise source.error(
                line, f"{how} {short(name)}, which holds itself", "modules without cycles"
            )
    return order


def _bound(source: Source, module: Module, part: Part, how: str) -> dict[int, int]:
    """The net outside for each net of the ports of a part."""
    bound: dict[int, int] = {}
    wrong: list[str] = []
    for port, nets in part.pins.items():
        inner = module.ports.get(port)
        if inner is None:
            wrong.append(f"no port {short(port)}")
        elif len(inner) != len(nets):
            wrong.append(f"{len(nets)} bits at port {short(port)} of {len(inner)}")
        else:
            bound |= dict(zip(inner, nets, strict=True))
    names = [module.nets.names[net] or "" for net in module.nets.inputs if net not in bound]
    wrong += [f"input {short(name)} is open" for name in names]
    if wrong:
        raise source.error(
            part.line, f"{how} {short(part.name)}: {wrong[0]}", "its inputs, all, and its outputs"
        )
    return bound
