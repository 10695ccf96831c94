"""The C library as several sources, of which circuits share most."""

from __future__ import annotations

import numpy as np
import pytest
from c_checks import compiled, compiled_apart, each_isa
from circuits import classifier, samples, with_encoder
from hypothesis import HealthCheck, given, settings
from strategies import netlists

from gatewright.backends.c import backend as c_backend
from gatewright.backends.c.backend import C
from gatewright.compiler import Builder, Circuit, Encoder
from gatewright.runtime.cross import this_machine


def wide_circuit(n_gates: int, n_outputs: int = 40) -> Circuit:
    """Three random levels; of 9,000 gates each, so wide that its tables are strings."""
    random = np.random.default_rng(0)
    builder = Builder(64)
    nets = np.arange(2, 66)
    for _ in range(3):
        nets = builder.luts(random.choice(nets, (n_gates, 2)), random.integers(1, 15, n_gates))
    return Circuit(Encoder.boolean(64), builder.build(nets[-n_outputs:]))


@pytest.mark.isa
@pytest.mark.parametrize("long", [0, 10**9])
def test_sources_compiled_apart_make_the_same_library(monkeypatch, long):
    """With tables that are strings and that are numbers; sizes as constants and as data."""
    monkeypatch.setattr(c_backend, "_LONG", long)
    for circuit in (classifier(), wide_circuit(9000)):
        library, whole = compiled_apart(circuit), compiled(circuit).engine
        assert library.engine.manifest["digest"] == whole.manifest["digest"]
        x = samples(circuit, 600, "uint8")
        for isa in each_isa(library):
            assert np.array_equal(library.bits(x), circuit.bits(x)), isa
            if circuit.decoder is not None:
                assert np.array_equal(library.scores(x), circuit.scores(x)), isa
                assert np.array_equal(library.predict(x), circuit.predict(x)), isa


@pytest.mark.isa
@pytest.mark.parametrize("straight_line", [0, 12])
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(netlist=netlists())
def test_random_netlists_compiled_apart(netlist, straight_line):
    circuit = with_encoder(netlist)
    library = compiled_apart(circuit, C(straight_line=straight_line, triple=this_machine()))
    for dtype in ("uint8", "float32"):
        x = samples(circuit, 600, dtype)
        want = circuit.bits(x)
        for isa in each_isa(library):
            assert np.array_equal(library.bits(x), want), (isa, dtype)


def test_circuits_share_sources(monkeypatch):
    """All of them between circuits of the same sizes, or where a block takes long."""
    backend = C()

    def shared(n_gates: int, n_outputs: int = 40) -> dict[str, bytes]:
        circuit = wide_circuit(n_gates, n_outputs)
        return backend.sources(backend.prepare(circuit), "net")[1]

    one, other = shared(3000), shared(3000, 41)
    assert one == shared(3100)
    assert {file for file in one if one[file] == other[file]} == {
        f"run_{isa.name}.c" for isa in backend.paths
    }
    monkeypatch.setattr(c_backend, "_LONG", 0)
    assert shared(3000) == shared(3000, 41)
