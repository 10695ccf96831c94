"""What passes do with tiles: kernels, places, and bodies that tiles share."""

from __future__ import annotations

import numpy as np
import pytest
from pass_checks import dense, golden, tiles

from gatewright.compiler import Builder, Netlist
from gatewright.compiler.bodies import with_bodies
from gatewright.compiler.passes.decompose import Decompose
from gatewright.compiler.passes.fold import fold
from gatewright.compiler.passes.specialize import Specialize
from gatewright.compiler.passes.strash import strash
from gatewright.compiler.passes.sweep import sweep
from gatewright.compiler.passes.unroll import UnrollSmall


def test_duplicate_and_dead_kernels_leave_the_body() -> None:
    """Kernels 0 and 1 are equal, nobody reads kernel 3, and the last place is the first again."""
    golden(
        lambda netlist: sweep(strash(fold(netlist))),
        """
        netlist inputs=4
          tile
            netlist inputs=3
              %5 = lut 0x8 %2 %3
              %6 = lut 0x8 %3 %2
              %7 = lut 0x6 %2 %3
              %8 = lut 0x6 %3 %4
              output %5 %6 %7 %8
          %6..%9 = place %2 %3 %4
          %10..%13 = place %3 %4 %5
          %14..%17 = place %2 %3 %4
          output %6 %7 %8 %10 %11 %14 %15
        """,
        """
        netlist inputs=4
          tile
            netlist inputs=2
              %4 = lut 0x8 %2 %3
              %5 = lut 0x6 %2 %3
              output %4 %5
          %6..%7 = place %2 %3
          %8..%9 = place %3 %4
          output %6 %6 %7 %8 %8 %6 %6
        """,
    )


def test_outputs_of_nested_bodies_that_some_place_needs_stay() -> None:
    golden(
        sweep,
        """
        netlist inputs=3
          tile
            netlist inputs=2
              tile
                netlist inputs=2
                  %4 = lut 0x6 %2 %3
                  %5 = lut 0x8 %2 %3
                  %6 = lut 0xe %2 %3
                  output %4 %5 %6
              %4..%6 = place %2 %3
              %7..%9 = place %3 %2
              output %4 %5 %9
          %5..%7 = place %2 %3
          %8..%10 = place %3 %4
          output %5 %9
        """,
        """
        netlist inputs=3
          tile
            netlist inputs=2
              tile
                netlist inputs=2
                  %4 = lut 0x6 %2 %3
                  %5 = lut 0x8 %2 %3
                  output %4 %5
              %4..%5 = place %2 %3
              output %4 %5
          %5..%6 = place %2 %3
          %7..%8 = place %3 %4
          output %5 %8
        """,
    )


@pytest.mark.parametrize(
    "one", [fold, strash, sweep, Decompose(2), Specialize(worth=0, share=0), UnrollSmall(0)]
)
def test_every_distinct_body_is_processed_once(one: object) -> None:
    """Hundreds of tiles of one body share one body afterwards, and still do in bodies."""
    body = dense(6, 30, 3)
    builder = Builder(40)
    random = np.random.default_rng(0)
    nets = [builder.tile(body, _windows(random, 40, 6)) for _ in range(500)]
    middle = builder.build(np.concatenate(nets))
    outer = Builder(50)
    nets = [outer.tile(middle, _windows(random, 50, 40)) for _ in range(3)]
    result = one(outer.build(np.concatenate(nets)))  # type: ignore[operator]
    assert len({id(tile.body) for tile in tiles(result)}) == 1
    assert len({id(tile.body) for tile in tiles(tiles(result)[0].body)}) == 1


def _windows(random: np.random.Generator, inputs: int, size: int) -> np.ndarray:
    """What two places read of as many inputs, none of them twice."""
    return np.stack([random.permutation(inputs)[:size] + 2 for _ in range(2)])


def test_with_bodies_changes_every_distinct_body_once() -> None:
    body = dense(2, 4, 2)
    middle = Builder(3)
    shared = middle.build(
        np.concatenate([middle.tile(body, [[2, 3]]), middle.tile(body, [[3, 4]])])
    )
    outer = Builder(3)
    nets = [outer.tile(shared, [[2, 3, 4]]), outer.tile(body, [[4, 4]]).reshape(1, -1)]
    netlist = outer.build(np.concatenate(nets, axis=1))
    seen: list[Netlist] = []
    assert with_bodies(netlist, lambda part: seen.append(part) or part) is netlist
    assert [id(part) for part in seen] == [id(part) for part in (body, shared, netlist)]
