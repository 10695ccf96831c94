"""No command writes over what it reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from circuits import classifier, samples

import gatewright as gw
from gatewright.cli.main import main
from gatewright.runtime.cross import library_suffix, this_machine


@pytest.fixture
def files(tmp_path):
    """A circuit, a netlist and samples, and links to them."""
    circuit = classifier()
    gw.write(circuit, tmp_path / "net.npz")
    module = "module net(a, b, y); input a, b; output y; and(y, a, b); endmodule"
    (tmp_path / "net.v").write_text(module)
    np.save(tmp_path / "x.npy", samples(circuit, 30, "uint8"))
    (tmp_path / "link.npz").symlink_to(tmp_path / "net.npz")
    (tmp_path / "sub").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        "compile {net} -o {net} --target numpy",
        "compile {net} -o {tmp}/sub/../net.npz --target numpy",
        "compile {tmp}/link.npz -o {net} --target numpy",
        "import {net} -o {tmp}/link.npz",
        "optimize {net} -o {net}",
        "observe {net} {x} -o {net}",
        "predict {net} --data {x} -o {x}",
        "emit {tmp}/net.v --target verilog -o {tmp}",
    ],
)
def test_the_input_is_kept(files, capsys, command):
    paths = {"net": files / "net.npz", "x": files / "x.npy", "tmp": files}
    before = {path: path.read_bytes() for path in files.iterdir() if path.is_file()}
    assert main(command.format(**paths).split()) == 2
    assert "is read here too" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in files.iterdir() if path.is_file()}


def test_training_keeps_its_data(tmp_path, capsys):
    pytest.importorskip("torch")
    path = tmp_path / "mine.npz"
    np.savez(path, x=np.eye(20, dtype=np.float32), y=np.arange(20) % 2)
    before = path.read_bytes()
    command = ["train", "--data", str(path), "--layers", "10", "--steps", "1", "--quiet"]
    assert main([*command, "-o", str(path)]) == 2
    assert "is read here too" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_library_is_not_called_like_a_model(files, capsys):
    assert main(["compile", str(files / "net.npz"), "-o", str(files / "other.npz")]) == 2
    said = capsys.readouterr().err
    assert "the suffix .npz is that of models and circuits" in said
    assert "such as other.so" in said
    assert not (files / "other.npz").exists()


@pytest.mark.parametrize(
    ("name", "triple", "message"),
    [
        ("m.dll", "", "is of libraries for another machine than"),
        ("m.wasm", "", "--triple wasm32-freestanding"),
        ("m.dylib", "--triple x86_64-windows-gnu", "than x86_64-windows-gnu; name it m.dll"),
    ],
)
def test_a_library_is_not_called_like_one_of_another_machine(files, capsys, name, triple, message):
    if Path(name).suffix == library_suffix(this_machine()):
        pytest.skip("its suffix is that of this machine")
    command = f"compile {files}/net.npz -o {files}/{name} {triple}"
    assert main(command.split()) == 2
    assert message in capsys.readouterr().err
    assert not (files / name).exists()


def test_a_netlist_is_not_imported_as_verilog(files, capsys):
    assert main(f"import {files}/net.npz -o {files}/d.v".split()) == 2
    assert "gatewright emit FILE --target verilog -o FOLDER" in capsys.readouterr().err


def test_the_numpy_target_may_be_called_anything(files):
    assert main(f"compile {files}/net.npz --target numpy -o {files}/m.dll".split()) == 0


def test_an_output_elsewhere_may_replace_a_file(files):
    target = files / "sub" / "small.npz"
    target.write_bytes(b"old")
    assert main(["optimize", str(files / "net.npz"), "-o", str(target)]) == 0
    assert gw.read(target).netlist.n_inputs == classifier().netlist.n_inputs
