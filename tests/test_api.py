"""The public API of the root package, and how it is packaged."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from circuits import classifier, samples

import gatewright as gw
from gatewright.compiler import Builder
from gatewright.runtime.errors import EmitError, FileError, InputError, NetlistError

ROOT = Path(__file__).parent.parent
FOLDERS = ("backends", "cli", "compiler", "frontend", "runtime")


def test_importing_is_light():
    text = (
        "import sys, gatewright\n"
        "from gatewright.runtime import compiled\n"
        "assert not {'torch', 'jinja2', 'networkx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", text], check=True)


def test_every_public_name_is_there():
    pytest.importorskip("torch")  # for `trace`
    for name in gw.__all__:
        assert getattr(gw, name) is not None
        assert name in dir(gw)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        gw.nothing  # noqa: B018


def test_compile_takes_a_netlist():
    builder = Builder(2)
    compiled = gw.compile(builder.build(builder.luts([[2, 3]], [6])), "numpy")
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.bool_)
    assert compiled.bits(x).ravel().tolist() == [False, True, True, False]


def test_compile_and_emit_take_a_module(tmp_path):
    torch = pytest.importorskip("torch")
    from gatewright.frontend import GroupSum, LogicDense

    torch.manual_seed(0)
    model = torch.nn.Sequential(LogicDense(12, 40), GroupSum(4, tau=2.0))
    x = np.random.default_rng(0).integers(0, 2, (100, 12)).astype(np.float32)
    want = model.eval()(torch.from_numpy(x)).numpy()
    assert np.array_equal(gw.compile(model, input_shape=(12,)).scores(x), want)
    paths = gw.emit(model, "verilog", tmp_path, input_shape=(12,), vectors=x)
    assert {path.suffix for path in paths} >= {".v"}
    with pytest.raises(InputError, match=r"Sequential: the shape of one sample is needed"):
        gw.compile(model)
    with pytest.raises(InputError, match=r"Sequential: the shape of one sample is needed"):
        gw.trace(model)
    model.input_shape = (12,)
    assert gw.trace(model).digest() == gw.trace(model, (12,)).digest()


def test_a_circuit_knows_its_shape():
    with pytest.raises(InputError, match="a circuit knows its own"):
        gw.compile(classifier(), input_shape=(20,))


def test_read_write(tmp_path):
    circuit = classifier()
    gw.write(circuit, tmp_path / "net.npz")
    assert gw.read(tmp_path / "net.npz").digest() == circuit.digest()
    for call in (lambda p: gw.read(p), lambda p: gw.write(circuit, p)):
        with pytest.raises(FileError, match=r"suffix '\.doc'; allowed are "):
            call(tmp_path / "net.doc")


@pytest.mark.parametrize("kind", [str, Path])
def test_paths_are_no_circuits(tmp_path, kind):
    path = kind(tmp_path / "net.npz")
    calls = [
        lambda: gw.compile(path),
        lambda: gw.emit(path, "c", tmp_path),
        lambda: gw.synthesize(path, "ice40"),
    ]
    if importlib.util.find_spec("torch"):
        calls.append(lambda: gw.trace(path))
    for call in calls:
        with pytest.raises(InputError, match=r"net\.npz': a path; .*\.read reads .*load_model"):
            call()


def test_a_model_file_is_no_circuit_file(tmp_path):
    pytest.importorskip("torch")
    from gatewright.frontend import LogicDense, save_model

    save_model(LogicDense(4, 4), tmp_path / "m.npz", input_shape=(4,))
    with pytest.raises(FileError, match=r"holds a model; .*gatewright\.trace\(.*load_model\(FILE"):
        gw.read(tmp_path / "m.npz")


def test_optimized_circuits_are_equivalent_and_answer_the_same():
    circuit = classifier()
    small = gw.optimize(circuit)
    assert gw.equivalent(circuit, small)
    x = samples(circuit, 200, "uint8")
    assert np.array_equal(gw.compile(small, level=0).scores(x), circuit.scores(x))


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("vhdl", {}, "target 'vhdl'; allowed are c, cuda, verilog"),
        ("c", {"colour": 1}, "option colour; allowed for target 'c' are isas, straight_line"),
        ("c", {"measured": 3}, "option measured; .* isas, straight_line, triple, unroll$"),
        ("c", {"vectors": np.zeros((1, 20), np.uint8)}, "leave the argument out"),
    ],
)
def test_emit_errors(tmp_path, target, options, message):
    with pytest.raises(EmitError, match=message):
        gw.emit(classifier(), target, tmp_path, **options)


def test_the_packages_listed_are_those_in_the_tree():
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(project["tool"]["setuptools"]["packages"])
    found = {
        ".".join(("gatewright", *path.parent.relative_to(ROOT).parts))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert listed == found | {"gatewright"}
    assert project["project"]["version"] == gw.__version__
    assert {p.name for p in ROOT.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_every_folder_has_a_readme():
    for folder in (*FOLDERS, "benchmarks", "examples", "tests"):
        assert (ROOT / folder / "README.md").exists(), folder


def test_passes_do_not_shadow_their_modules():
    assert not (ROOT / "compiler" / "passes" / "__init__.py").read_text().strip()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda net: gw.compile(net, name=3), EmitError, "name 3; allowed"),
        (lambda net: gw.compile(net, triple=3), EmitError, "triple 3; allowed"),
        (lambda net: gw.compile(net, straight_line="x"), EmitError, "straight_line 'x'"),
        (lambda net: gw.equivalent(net, 3), NetlistError, "equivalent: int; allowed"),
        (lambda _: gw.write(3, "net.npz"), NetlistError, "write: int; allowed"),
        (lambda net: gw.optimize(net, "2"), NetlistError, "optimize: level '2'"),
    ],
)
def test_arguments_of_another_kind(call, error, message):
    with pytest.raises(error, match=message):
        call(classifier())


def test_a_file_cannot_make_an_error_long(tmp_path):
    from gatewright.runtime.archive import write_archive

    write_archive(tmp_path / "a.npz", "x" * 100_000, {}, {})
    with pytest.raises(FileError, match=r"holds a x+ \.\.\. x+; a circuit is needed here") as info:
        gw.read(tmp_path / "a.npz")
    assert len(str(info.value)) < 2100
