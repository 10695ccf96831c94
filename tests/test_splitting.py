"""Functions split into LUTs: the parts compute the function, and splits that exist are found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewright.compiler.splitting import repeat, split_function


def answer(parts, n: int) -> int:
    """The table, of 2**n bits, of the last part."""
    table = 0
    for j in range(1 << n):
        signals = [j >> i & 1 for i in range(n)]
        for part in parts:
            pattern = sum(signals[i] << place for place, i in enumerate(part.inputs))
            signals.append(part.table >> pattern & 1)
        table |= signals[-1] << j
    return table


def composed(random: np.random.Generator, shared: bool) -> int:
    """h(g(inputs 1, 3, 4), inputs 0, 2, and 3 if shared): a table of five inputs."""
    g, h = random.integers(0, 256), random.integers(0, 65536)
    table = 0
    for j in range(32):
        x = [j >> i & 1 for i in range(5)]
        inner = int(g) >> (x[1] + 2 * x[3] + 4 * x[4]) & 1
        outer = x[0] + 2 * x[2] + 4 * inner + (8 * x[3] if shared else 0)
        table |= (int(h) >> outer & 1) << j
    return table


@settings(max_examples=200, deadline=None)
@given(table=st.integers(0, 2**64 - 1), n=st.integers(2, 6), k=st.integers(2, 6))
def test_parts_compute_the_function(table, n, k):
    table = repeat(table, n)
    if parts := split_function(table, n, k):
        assert answer(parts, n) == table & ((1 << (1 << n)) - 1)
        assert max(len(part.inputs) for part in parts) <= k
    else:
        assert n > k


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_what_was_composed_of_two_is_split_into_two(seed, shared):
    table = composed(np.random.default_rng(seed), shared)
    parts = split_function(repeat(table, 5), 5, 4 if shared else 3)
    assert len(parts) == 2
    assert answer(parts, 5) == table


def test_a_majority_of_five_is_refused():
    table = sum(1 << j for j in range(32) if j.bit_count() > 2)
    assert split_function(repeat(table, 5), 5, 3) == ()
