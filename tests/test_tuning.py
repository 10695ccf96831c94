"""Which path and form a C library takes: as measured, and as told."""

from dataclasses import replace

import numpy as np
import pytest
from circuits import classifier, samples
from pass_checks import parse

import gatewright as gw
from gatewright.backends.build import build
from gatewright.backends.c.backend import C, Measured
from gatewright.backends.c.cost import Cost
from gatewright.backends.c.tuning import tune
from gatewright.cli.main import main
from gatewright.runtime.errors import BuildError, EmitError, InputError
from gatewright.runtime.library import _ffi

UINT8, BITS = 1, 0


def trace_of(library, path, x):
    """What a path leaves in a workspace, which shows the width of its words."""
    api = library.engine._api
    size = api.workspace_bytes(-1)
    room = np.full(size + 64, 0xAA, np.uint8)
    start = -room.ctypes.data % 64
    out = np.empty((len(x), library.manifest["output_bits"]), np.uint8)
    workspace = _ffi.cast("void *", room.ctypes.data + start)
    data = [_ffi.cast("void *", array.ctypes.data) for array in (x, out)]
    assert api.run(path, data[0], UINT8, len(x), x.strides[0], BITS, data[1], workspace) == 0
    return room[start : start + size].tobytes()


def paths(library):
    """Those that run here, by name."""
    api = library.engine._api
    names = [_ffi.string(api.isa_name(i)).decode() for i in range(api.isa_count)]
    return {isa: names.index(isa) for isa in library.engine.isas()}


@pytest.mark.isa
def test_the_path_that_costs_least_for_so_many_samples_is_taken(monkeypatch):
    circuit = classifier()
    costs = {isa.name: Cost(1000.0, 0.0) for isa in C().paths} | {"portable": Cost(30.0, 0.1)}
    measured = Measured({**costs, "avx2": Cost(50, 0.1)}, {})
    backend = C(measured=measured, isas=("avx2", "portable"))
    monkeypatch.setattr("gatewright.backends.build.backend_of", lambda *_: backend)
    library = build(circuit, "c", "net")
    found = paths(library)
    if "avx2" not in found:
        pytest.skip("this machine has no AVX2")
    x = samples(circuit, 600, "uint8")
    for n, want in ((1, "portable"), (64, "portable"), (65, "avx2"), (256, "avx2"), (600, "avx2")):
        taken = trace_of(library, -1, x[:n])
        same = [isa for isa, path in found.items() if trace_of(library, path, x[:n]) == taken]
        assert same == [want], n
    assert library.engine.isa == "avx2"
    library.engine.isa = "portable"
    assert (library.engine._isa, library.engine.isa) == (found["portable"], "portable")
    library.engine.isa = None
    assert library.engine._isa == -1
    assert np.array_equal(library.bits(x), circuit.bits(x))


def test_tuning_keeps_the_fastest_and_says_what_was_measured(tmp_path):
    circuit = classifier()
    x = samples(circuit, 100, "float32")
    library = gw.compile(circuit, level=0, tune=x, isas=("avx2", "portable"))
    isas = library.engine.isas()
    tuned = library.manifest["tuned"]
    assert set(tuned) == {f"{form}, {isa}" for form in ("straight-line", "rows") for isa in isas}
    for isa in isas:
        fastest = min(tuned[f"{form}, {isa}"] for form in ("straight-line", "rows"))
        assert library.manifest["times"][isa]["sample_ns"] == fastest
    assert np.array_equal(library.predict(x), circuit.predict(x))
    assert gw.load(library.save(tmp_path / "net.so")).manifest["tuned"] == tuned


def test_unrolled_tiles_are_a_candidate():
    netlist = parse(
        """
        netlist inputs=4
          tile
            netlist inputs=2
              %4 = lut 0x6 %2 %3
              output %4
          %6 = place %2 %3
          %7 = place %4 %5
          output %6 %7
        """
    )
    library = gw.compile(netlist, level=0, tune=True, isas=("portable",))
    forms = {label.split(", ")[0] for label in library.manifest["tuned"]}
    assert forms == {"tiles", "tiles of rows", "unrolled"}
    x = np.array([[0, 1, 1, 1], [1, 0, 0, 0]], bool)
    assert library.bits(x).tolist() == [[True, False], [True, False]]


def test_candidates_that_answer_differently_are_an_error():
    circuit = classifier()
    netlist = circuit.netlist
    other = circuit.with_netlist(replace(netlist, outputs=netlist.outputs[::-1]))

    def compile(backend):
        wanted = other if backend.straight_line == 0 else circuit
        return build(wanted, "c", "net", isas=backend.isas)

    with pytest.raises(BuildError, match=r"rows on .* answers otherwise than straight-line"):
        tune(circuit, C(isas=("portable",)), True, compile)


@pytest.mark.parametrize(
    ("target", "options", "error", "text"),
    [
        ("numpy", {}, EmitError, "tune: target 'numpy'; allowed is 'c'"),
        ("c", {"triple": "riscv64-linux-gnu"}, EmitError, "tune: triple 'riscv64-linux-gnu' is"),
        ("c", {"tune": np.zeros((0, 20), np.uint8)}, InputError, "tune: no samples"),
        ("c", {"tune": np.zeros((2, 3), np.uint8)}, InputError, "input: shape"),
        ("c", {"profile": "embedded"}, EmitError, "option profile; allowed"),
    ],
)
def test_what_cannot_be_tuned(target, options, error, text):
    with pytest.raises(error, match=text):
        gw.compile(classifier(), target, level=0, **{"tune": True, **options})


def test_the_command_tunes_and_shows_it(tmp_path, capsys):
    gw.write(classifier(), tmp_path / "a.npz")
    library = str(tmp_path / "a.so")
    assert main(["compile", str(tmp_path / "a.npz"), "--tune", "-o", library]) == 0
    assert " ns a sample" in capsys.readouterr().out
    assert main(["inspect", library]) == 0
    assert '"tuned": {' in capsys.readouterr().out
