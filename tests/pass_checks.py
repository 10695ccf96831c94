"""What every pass must keep, as assertions; and small netlists to try passes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from textwrap import dedent

import numpy as np
from strategies import all_inputs

from gatewright.compiler import Builder, Circuit, Netlist, Tile, simulate, verify
from gatewright.compiler.equivalence import equivalent
from gatewright.compiler.netlist import Cell
from gatewright.compiler.text import parse_netlist

Pass = Callable[[Netlist], Netlist]
ALL_KINDS = """
netlist inputs=3
  %5 = lut 0x6 %2 %2
  %6 = lut 0x8 %1 %3
  %7..%8 = popcount %5 %6 %4
  %9 = argmax (%7 %8) (%2 %3)
  tile
    netlist inputs=2
      %4 = lut 0x8 %2 %3
      output %4 %2
  %10..%11 = place %2 %9
  %12..%13 = place %3 %4
  output %9 %10 %13
"""
"""A netlist of all four cells, printed."""


def assert_pass(one: Pass, netlist: Netlist, idempotent: bool = True) -> Netlist:
    """Apply a pass and check its contract on every input pattern; returns what it returned."""
    printed = str(netlist)
    result = verify(one(netlist))
    assert str(netlist) == printed, "the pass changed its argument"
    assert_same_function(netlist, result)
    if idempotent:
        assert one(result) is result, f"not idempotent:\n{result}\n{one(result)}"
    if result == netlist:
        assert result is netlist, "nothing changed, so the argument itself is due"
    return result


def assert_same_function(netlist: Netlist, result: Netlist) -> None:
    """Both have the same inputs, and `simulate` answers the same for all patterns of them."""
    assert result.n_inputs == netlist.n_inputs
    bits = all_inputs(netlist.n_inputs)
    np.testing.assert_array_equal(simulate(result, bits), simulate(netlist, bits))


def assert_proved(before: Netlist | Circuit, after: Netlist | Circuit) -> None:
    """Both are proved to compute the same, or past proofs agree on a million patterns."""
    found = equivalent(before, after)
    agreed = found.status == "unproved" and found.samples >= 1_000_000
    assert found or agreed, found.explain()


def parse(text: str) -> Netlist:
    return parse_netlist(dedent(text).lstrip("\n"))


def golden(one: Pass, before: str, after: str) -> None:
    """A pass turns one printed netlist into another, and keeps its contract."""
    netlist = parse(before)
    assert str(one(netlist)) == dedent(after).lstrip("\n")
    assert_pass(one, netlist, idempotent=False)


def flat_cells(netlist: Netlist) -> list[Cell]:
    """The cells of a netlist and of all bodies in it."""
    inner = [cell.body for cell in netlist.cells if isinstance(cell, Tile)]
    return [*netlist.cells, *(cell for body in inner for cell in flat_cells(body))]


def tiles(netlist: Netlist) -> list[Tile]:
    return [cell for cell in netlist.cells if isinstance(cell, Tile)]


def dense(inputs: int, width: int, depth: int, seed: int = 0) -> Netlist:
    """A random dense logic network of 2-input LUTs; its last level is the output."""
    random = np.random.default_rng(seed)
    builder = Builder(inputs)
    nets = np.arange(2, 2 + inputs)
    for _ in range(depth):
        nets = builder.luts(random.choice(nets, (width, 2)), random.integers(0, 16, width))
    return builder.build(nets)


def chain(table: int, depth: int) -> Netlist:
    """`depth` LUTs, each reading the one before and input 1; the last is the output."""
    builder = Builder(2)
    net = np.int32(2)
    for _ in range(depth):
        net = builder.luts([[net, 3]], [table])[0]
    return builder.build(net)


def parities(inputs: int, order: Iterable[int]) -> Netlist:
    """The parity of all inputs, added up in some order."""
    builder = Builder(inputs)
    net = np.int32(0)
    for i in order:
        net = builder.luts([[net, 2 + i]], [0x6])[0]
    return builder.build(net)
