"""The C library's answers on every path: classes, counts and bits of many widths."""

from __future__ import annotations

import numpy as np
import pytest
from c_checks import compiled, each_isa
from circuits import samples

from gatewright.compiler import Builder, Circuit, Decoder, Encoder


def counting(groups: int, addends: int) -> Circuit:
    random = np.random.default_rng(groups)
    builder = Builder(30)
    nets = random.integers(0, 32, (groups, addends))  # constants too
    return Circuit(
        Encoder.boolean(30), builder.build(builder.popcount(nets)), Decoder(groups, tau=3, beta=0.7)
    )


@pytest.mark.isa
@pytest.mark.parametrize(
    ("groups", "addends"), [(1, 1), (1, 300), (2, 1), (2, 70_000), (3, 5), (17, 260), (1000, 2)]
)
def test_answers_of_many_widths(groups, addends):
    circuit = counting(groups, addends)
    library = compiled(circuit)
    for n in (1, 63, 65, 600):
        x = samples(circuit, n, "bool")
        for isa in each_isa(library):
            assert np.array_equal(library.counts(x), circuit.counts(x)), isa
            assert np.array_equal(library.scores(x), circuit.scores(x)), isa
            assert np.array_equal(library.predict(x), circuit.predict(x)), isa
            assert np.array_equal(library.bits(x), circuit.bits(x)), isa
