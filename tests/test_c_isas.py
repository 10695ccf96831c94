"""Instruction sets of a C library: which there are, choosing one, forms of their own."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from c_checks import compiled, each_isa
from circuits import classifier, samples, with_encoder
from hypothesis import HealthCheck, given, settings
from strategies import netlists

from gatewright.backends import outline
from gatewright.backends.c import cost
from gatewright.backends.c.backend import C
from gatewright.backends.c.sets import program_sets
from gatewright.runtime.errors import EmitError, InputError
from gatewright.runtime.library import LibraryEngine


@pytest.mark.parametrize("isas", [(), ("avx2",), ("sse9", "portable"), ("portable", "portable")])
def test_unknown_instruction_sets(isas):
    with pytest.raises(EmitError, match="allowed are avx512, avx2, neon, wasm128, portable"):
        C(isas=isas)


def test_choosing_an_instruction_set_while_others_call():
    circuit = classifier(widths=(3000, 2000))
    library = compiled(circuit)
    x = samples(circuit, 600, "uint8")
    want = circuit.predict(x)
    wrong: list[object] = []
    done = threading.Event()

    def call() -> None:
        while not done.is_set():
            if not np.array_equal(library.predict(x), want):
                wrong.append("differs")

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(300):
        for isa in library.engine.isas():
            library.engine.isa = isa
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_choosing_an_instruction_set():
    library = compiled(classifier())
    with pytest.raises(InputError, match=r"isa 'sse9'; allowed here are .*portable"):
        library.engine.isa = "sse9"


def test_an_instruction_set_from_the_environment(monkeypatch):
    path = compiled(classifier()).engine.path
    monkeypatch.setenv("GATEWRIGHT_ISA", "portable")
    assert LibraryEngine(path).isa == "portable"
    monkeypatch.setenv("GATEWRIGHT_ISA", "sse9")
    with pytest.raises(InputError, match="isa 'sse9'; allowed here are"):
        LibraryEngine(path)


def test_a_portable_library_has_one_path():
    library = compiled(classifier(), C(isas=("portable",)))
    assert library.engine.isas() == ("portable",)


@pytest.mark.isa
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(netlist=netlists(kinds=("luts", "popcount")))
def test_paths_with_forms_of_their_own(netlist, monkeypatch):
    """Straight-line code in pieces where there is ternary logic, tables elsewhere."""
    monkeypatch.setattr(cost, "_LIMIT", 0)
    monkeypatch.setattr(outline, "PIECE", 3)
    circuit = with_encoder(netlist)
    library = compiled(circuit)
    x = samples(circuit, 600, "float32")
    want = circuit.bits(x)
    for isa in each_isa(library):
        assert np.array_equal(library.bits(x), want), isa


def test_only_paths_that_differ_have_tables_of_their_own():
    circuit = C().prepare(classifier())
    one, other = program_sets(circuit, [1000, 0])
    assert [one.suffix, other.suffix] == ["", "1"]
    assert program_sets(circuit, [1000, 999])[1].suffix == ""
