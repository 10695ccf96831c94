"""The numpy target answers as the circuit does, without a compiler."""

import pickle

import numpy as np
import pytest
from circuits import BATCHES, DTYPES, classifier, samples, with_encoder
from hypothesis import HealthCheck, given, settings
from strategies import netlists

from gatewright.backends.build import build
from gatewright.backends.plan import Numpy
from gatewright.compiler import Circuit
from gatewright.runtime.archive import parse_archive, write_archive
from gatewright.runtime.compiled import load
from gatewright.runtime.errors import EmitError, FileError


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(netlist=netlists())
def test_random_netlists(netlist):
    circuit = with_encoder(netlist)
    compiled = build(circuit, "numpy", "net")
    for dtype in DTYPES:
        x = samples(circuit, 130, dtype)
        assert np.array_equal(compiled.bits(x), circuit.bits(x)), dtype


@pytest.mark.parametrize("n", BATCHES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_batch_and_dtype(n, dtype):
    circuit = classifier()
    compiled = build(circuit, "numpy", "net")
    x = samples(circuit, n, dtype)
    assert np.array_equal(compiled.scores(x), circuit.scores(x))
    assert np.array_equal(compiled.predict(x), circuit.predict(x))
    assert np.array_equal(compiled.counts(x, threads=2), circuit.counts(x))


@pytest.mark.usefixtures("no_compiler")
def test_needs_no_compiler(tmp_path):
    circuit = classifier()
    x = samples(circuit, 10, "uint8")
    with pytest.warns(UserWarning, match="optimising in Python, which is slower: no C compiler"):
        compiled = build(circuit, "numpy", "net")
    compiled.save(tmp_path / "net.npz")
    assert np.array_equal(load(tmp_path / "net.npz").predict(x), circuit.predict(x))


def test_emission_is_deterministic():
    circuit = Numpy().prepare(classifier())
    assert Numpy().emit(circuit, "net").manifest == Numpy().emit(circuit, "net").manifest


def plan(circuit: Circuit):
    (data,) = Numpy().emit(Numpy().prepare(circuit), "net").files.values()
    manifest, arrays = parse_archive(data, "net")
    return manifest, {name: array.copy() for name, array in arrays.items()}


def test_unpickling_a_plan_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("GATEWRIGHT_CACHE", str(tmp_path / "cache"))
    manifest, arrays = plan(classifier())
    write_archive(tmp_path / "net.npz", "plan", {**manifest, "name": "../../out"}, arrays)
    pickle.loads(pickle.dumps(load(tmp_path / "net.npz")))
    assert [path.name for path in tmp_path.iterdir()] == ["net.npz"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda m, a: m["plan"]["ops"].__setitem__(0, ["lut", 2, "__import__"]), "formula"),
        (lambda m, a: m["plan"]["ops"].__setitem__(0, ["lut", 9, "a"]), "unknown instruction"),
        (lambda m, a: m["plan"].__setitem__("slots", 1), "slot .* of 1"),
        (lambda m, a: m["plan"].__setitem__("slots", 10**12), "more than the code can write"),
        (lambda m, a: m["plan"].__setitem__("slots", float("inf")), "infinity"),
        (lambda m, a: a["plan.part0"].__setitem__(1, 0), "without a row"),
        (lambda m, a: m["decoder"].__setitem__("groups", 2.0), "2.0 groups"),
        (lambda m, a: m["decoder"].__setitem__("tau", 0), "tau 0, beta"),
        (lambda m, a: m.pop("levels"), "levels"),
        (lambda m, a: a.__setitem__("plan.part0", a["plan.part0"][:5]), "ends inside"),
        (lambda m, a: a.__setitem__("plan.part0", a["plan.part0"][:-1]), "ends inside"),
        (lambda m, a: a.pop("feature"), "feature"),
        (lambda m, a: m.pop("plan"), "plan"),
        (lambda m, a: a.__setitem__("feature", a["feature"][:3]), "other shapes"),
        (lambda m, a: a.__setitem__("feature", a["feature"] + 1000), "feature"),
        (lambda m, a: m["plan"]["ops"].__setitem__(0, ["lut", 2, "ab"]), "formula"),
    ],
)
def test_damaged_plans(tmp_path, damage, message):
    manifest, arrays = plan(classifier())
    damage(manifest, arrays)
    write_archive(tmp_path / "net.npz", "plan", manifest, arrays)
    with pytest.raises(FileError, match=f"damaged numpy plan.*{message}"):
        load(tmp_path / "net.npz")


def test_unknown_target():
    with pytest.raises(EmitError, match="target 'rust'; allowed are c, cuda, numpy, verilator"):
        build(classifier(), "rust", "net")
