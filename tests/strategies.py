"""Random netlists with all four cells, for hypothesis."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from gatewright.compiler import Builder, Netlist

KINDS = ("luts", "popcount", "argmax", "tile")


@st.composite
def netlists(
    draw: st.DrawFn,
    max_inputs: int = 6,
    max_cells: int = 6,
    kinds: tuple[str, ...] = KINDS,
    max_k: int = 6,
    depth: int = 2,
) -> Netlist:
    """A valid netlist: LUTs of 1 to `max_k` inputs, popcounts, argmaxes, tiles `depth` deep.

    Half of the popcounts have weights. Fanins and outputs are drawn from every net that exists,
    constants included, so repeated, constant, unused and dead parts all occur.
    """
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    n_inputs = draw(st.integers(0, max_inputs))
    cells = draw(st.lists(st.sampled_from(kinds), max_size=max_cells))
    return random_netlist(random, n_inputs, cells, kinds, max_k, depth)


def random_netlist(
    random: np.random.Generator,
    n_inputs: int,
    cells: list[str],
    kinds: tuple[str, ...],
    max_k: int,
    depth: int,
) -> Netlist:
    """A netlist of cells of these kinds, whose tiles have bodies of `kinds`."""
    builder = Builder(n_inputs)
    n_nets = 2 + n_inputs

    def fanin(rows: int, columns: int) -> np.ndarray:
        return random.integers(0, n_nets, (rows, columns))

    for kind in cells:
        if kind == "luts":
            k = int(random.integers(1, max_k + 1))
            rows = int(random.integers(1, 8))
            table = random.integers(0, 2 ** min(1 << k, 63), rows, dtype=np.uint64)
            table *= np.uint64(0x9E3779B97F4A7C15) if k == 6 else np.uint64(1)
            made = builder.luts(fanin(rows, k), table)
        elif kind == "popcount":
            m = int(random.integers(1, 12))
            weighted = random.random() < 0.5
            shift = np.sort(random.integers(0, random.integers(1, 5), m)) if weighted else None
            made = builder.popcount(fanin(int(random.integers(1, 4)), m), shift)
        elif kind == "argmax":
            made = builder.argmax(fanin(int(random.integers(1, 6)), int(random.integers(1, 5))))
        elif depth:
            inner = [kinds[i] for i in random.integers(0, len(kinds), random.integers(1, 4))]
            body = random_netlist(
                random, int(random.integers(0, 5)), inner, kinds, max_k, depth - 1
            )
            if not len(body.outputs):
                continue
            made = builder.tile(body, fanin(int(random.integers(1, 5)), body.n_inputs))
        else:
            continue
        n_nets += made.size
    outputs = random.integers(0, n_nets, int(random.integers(0, 9)))
    return builder.build(outputs)


def all_inputs(n: int) -> np.ndarray:
    """Every input pattern, bool [2**n, n]."""
    return (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(np.bool_)
