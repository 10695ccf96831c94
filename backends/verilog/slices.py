"""Counters on carry chains as modules: LUT6_2 and CARRY4 for synthesis, sums for simulators."""

from __future__ import annotations

from ..render import render
from .carries import SLICE, Chain, Position, layout
from .text import ONE, ZERO

_SHARED = 5  # pins of a LUT before the last one


def chain_module(module: str, chain: Chain) -> str:
    """The module of a counter; `in` are its bits, the lightest first."""
    found = layout(chain)
    inverted, weights = _inputs(chain)
    names = [f"{'~' if some else ''}in[{number}]" for number, some in enumerate(inverted)]
    added = len(found.positions)
    whole = added % SLICE == 0 and chain.digits > added  # its last digit is the carry of a slice
    slices = -(-(added if whole else chain.digits) // SLICE)
    first = {None: ZERO, -1: ONE}.get(found.first) or names[found.first or 0]
    sums = chain.digits - whole
    return render(
        "verilog/carry.j2",
        module=module,
        inputs=chain.inputs,
        plus=f" and {chain.plus}" if chain.plus else "",
        digits=chain.digits,
        luts=[(i, *_pins(one, names)) for i, one in enumerate(found.positions) if _reads(one)],
        constants=_constants(found.positions, SLICE * slices),
        slices=[(i, SLICE * i + SLICE - 1, SLICE * i, ZERO if i else first) for i in range(slices)],
        out=f"{{carry[{added - 1}], sum}}" if whole else f"sum[{sums - 1}:0]",
        total=_total(chain, names, weights),
    )


def _inputs(chain: Chain) -> tuple[list[bool], list[int]]:
    """Whether each input is inverted, and the binary logarithm of its weight."""
    inverted, weights = [], []
    for weight, (n, some) in enumerate(zip(chain.taken, chain.inverted, strict=True)):
        inverted += [True] * some + [False] * (n - some)
        weights += [weight] * n
    return inverted, weights


def _reads(position: Position) -> bool:
    return bool(position.reads) or position.last is not None


def _pins(position: Position, names: list[str]) -> tuple[list[str], str]:
    """What is at I0 to I5 of a LUT, and its INIT; its table inverts what is at I0 to I4."""
    pins = [f"in[{number}]" for number in position.reads]
    pins += [ZERO] * (_SHARED - len(pins))
    pins.append(ONE if position.last is None else names[position.last])
    return pins, f"64'h{position.table:016x}"


def _constants(positions: list[Position], end: int) -> list[tuple[int, int, int]]:
    """Positions without a LUT, and what O5 and O6 would be."""
    entries = dict.fromkeys(range(len(positions), end), 0)
    entries |= {i: one.table for i, one in enumerate(positions) if not _reads(one)}
    return [(i, table & 1, table >> (1 << _SHARED) & 1) for i, table in sorted(entries.items())]


def _total(chain: Chain, names: list[str], weights: list[int]) -> str:
    """The sum of words as wide as the answer."""
    wide = chain.digits
    words = [f"{wide}'d{chain.plus}"] if chain.plus else []
    for name, weight in zip(names, weights, strict=True):
        above = f"{wide - weight - 1}'d0, " if wide - weight > 1 else ""
        below = f", {weight}'d0" if weight else ""
        words.append(f"{{{above}{name}{below}}}")
    return " + ".join(words)
