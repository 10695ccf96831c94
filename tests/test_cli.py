"""The commands, step by step on files, as a user runs them."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from circuits import classifier, samples

import gatewright as gw
from gatewright.cli import checking
from gatewright.cli.main import _parser, main
from gatewright.compiler import Builder, Circuit, Decoder, Encoder
from gatewright.runtime.simulators import available


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a trained model in it: wine, a few steps."""
    pytest.importorskip("torch")
    path = tmp_path_factory.mktemp("files")
    command = ["train", "--data", "wine", "--layers", "60,60", "--bits", "2", "--steps", "30"]
    assert main([*command, "--quiet", "-o", str(path / "wine.model.npz")]) == 0
    return path


@pytest.fixture
def circuit_file(tmp_path):
    circuit = classifier()
    gw.write(circuit, tmp_path / "net.npz")
    np.save(tmp_path / "x.npy", samples(circuit, 300, "uint8"))
    return circuit, tmp_path / "net.npz", tmp_path / "x.npy"


def test_train_says_how_good(folder, capsys, tmp_path):
    command = [
        "train",
        "--data",
        "iris",
        "--layers",
        "30",
        "--steps",
        "20",
        "--quiet",
        "--lr",
        "0.02",
    ]
    assert main([*command, "-o", str(tmp_path / "iris.npz")]) == 0
    assert "on 30 held-out samples" in capsys.readouterr().out


def test_a_network_of_which_no_gate_is_left(tmp_path, capsys):
    """Every gate hands on its first input, as before training from a residual start."""
    builder = Builder(3)
    gates = builder.luts([[2, 3], [3, 4], [4, 2]], 0xA)
    netlist = builder.build(builder.popcount(gates[None]))
    gw.write(Circuit(Encoder.boolean(3), netlist, Decoder(1)), tmp_path / "net.npz")
    compile = ["compile", str(tmp_path / "net.npz"), "--target", "numpy", "-o"]
    assert main([*compile, str(tmp_path / "small.npz")]) == 0
    assert "no gate is left: outputs are inputs, constants or counts" in capsys.readouterr().out
    assert main([*compile, str(tmp_path / "plain.npz"), "--level", "0"]) == 0
    assert main(["optimize", str(tmp_path / "net.npz"), "-o", str(tmp_path / "o.npz")]) == 0
    assert "no gate is left" in capsys.readouterr().out


@pytest.mark.parametrize(("target", "suffix"), [("c", ".so"), ("numpy", ".npz")])
def test_compile_then_predict(folder, tmp_path, capsys, target, suffix):
    model, library = folder / "wine.model.npz", tmp_path / f"wine{suffix}"
    assert main(["compile", str(model), "-o", str(library), "--target", target]) == 0
    assert "gates" in capsys.readouterr().out
    out = tmp_path / "y.npy"
    assert main(["predict", str(library), "--data", "wine", "-o", str(out)]) == 0
    from gatewright.frontend import load_dataset, load_model
    from gatewright.frontend.training.measure import answer

    x = load_dataset("wine").x_test
    assert np.array_equal(np.load(out), answer(load_model(model), x).argmax(1))
    assert gw.load(library).name == "wine"


def test_predict_prints_and_takes_models(circuit_file, capsys):
    circuit, path, data = circuit_file
    x = np.load(data)
    assert main(["predict", str(path), "--data", str(data)]) == 0
    assert [int(line) for line in capsys.readouterr().out.split()] == circuit.predict(x).tolist()
    assert main(["predict", str(path), "--data", str(data), "--scores", "--threads", "2"]) == 0
    found = np.loadtxt(capsys.readouterr().out.splitlines(), dtype=np.float64)
    assert np.allclose(found, circuit.scores(x), rtol=1e-5)


def test_predict_bits_where_there_is_no_decoder(tmp_path, capsys):
    builder = Builder(2)
    gw.write(Circuit(Encoder.boolean(2), builder.build([3, 2])), tmp_path / "swap.npz")
    np.save(tmp_path / "x.npy", np.array([[0, 1], [1, 0]], np.bool_))
    assert main(["predict", str(tmp_path / "swap.npz"), "--data", str(tmp_path / "x.npy")]) == 0
    assert capsys.readouterr().out == "1 0\n0 1\n"


def test_emit_c_and_verilog(circuit_file, tmp_path, capsys):
    _, path, data = circuit_file
    assert main(["emit", str(path), "--target", "c", "-o", str(tmp_path / "c"), "--prove"]) == 0
    assert f"proved equal to {path}\n" in capsys.readouterr().out
    command = ["emit", str(path), "--target", "verilog", "-o", str(tmp_path / "v")]
    assert main([*command, "--vectors", str(data)]) == 0
    assert {p.name for p in (tmp_path / "c").iterdir()} == {"net.c", "net.h"}
    assert {"net.v", "net_tb.v"} <= {p.name for p in (tmp_path / "v").iterdir()}
    assert str(tmp_path / "v" / "net.v") in capsys.readouterr().out


def test_verify_a_model(folder, capsys, tmp_path):
    model, library = folder / "wine.model.npz", tmp_path / "wine.so"
    main(["compile", str(model), "-o", str(library)])
    capsys.readouterr()
    command = ["verify", str(model), "--library", str(library), "--data", "wine"]
    assert main([*command, "--target", "cuda"]) == 0
    out = capsys.readouterr().out
    for form in ("PyTorch module", "optimised circuit", "wine.so, portable", "C library", "numpy"):
        assert form in out
    for form in ("resident", "streamed"):
        assert f"CUDA as loops, cpu-{form}" in out
    assert "36 samples  equal" in out
    assert out.endswith("all equal\n")
    for simulator in ("iverilog", "verilator"):
        assert f"Verilog, {simulator}" in out
        if simulator not in available():
            assert f"apt-get install {simulator}" in out


def test_verify_leaves_out_what_takes_long_and_says_so(circuit_file, capsys, monkeypatch):
    _, path, data = circuit_file
    monkeypatch.setattr(checking, "_MOST_GATES", 1)
    monkeypatch.setattr(checking, "device_architectures", lambda: ())
    command = ["verify", str(path), "--data", str(data)]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "CUDA                         skipped: no device here; --target cuda checks" in out
    assert "gates take minutes; --target verilog simulates them" in out
    assert "as loops, cpu" not in out
    monkeypatch.setattr(checking, "_rtl", lambda name, *_: checking.Check(f"ran {name}", 1, 0))
    assert main([*command, "--target", "verilog"]) == 0
    assert "ran iverilog" in capsys.readouterr().out
    assert main([*command, "--target", "verilog", "--no-rtl"]) == 2
    assert "--no-rtl with --target verilog" in capsys.readouterr().err


def test_verify_catches_a_wrong_library(circuit_file, tmp_path, capsys):
    circuit, path, data = circuit_file
    table = circuit.netlist.cells[0].table.copy()
    table[:10] ^= 7
    cells = (type(circuit.netlist.cells[0])(circuit.netlist.cells[0].fanin, table),)
    netlist = type(circuit.netlist)(20, cells + circuit.netlist.cells[1:], circuit.netlist.outputs)
    wrong = circuit.with_netlist(netlist)
    gw.compile(wrong).save(tmp_path / "wrong.so")
    command = ["verify", str(path), "--library", str(tmp_path / "wrong.so"), "--no-rtl"]
    assert main([*command, "--data", str(data)]) == 1
    out = capsys.readouterr().out
    assert "DIFFER" in out
    assert "forms differ" in out


def test_verify_counts_every_sample_of_a_library_with_other_outputs(circuit_file, tmp_path, capsys):
    circuit, path, data = circuit_file
    netlist = type(circuit.netlist)(20, circuit.netlist.cells, circuit.netlist.outputs[:4])
    other = Circuit(circuit.encoder, netlist, Decoder(1))
    gw.compile(other).save(tmp_path / "other.so")
    command = ["verify", str(path), "--library", str(tmp_path / "other.so"), "--no-rtl"]
    assert main([*command, "--data", str(data)]) == 1
    assert "300 DIFFER" in capsys.readouterr().out


def test_file_names_that_are_no_text(circuit_file, tmp_path):
    name = os.fsdecode(os.fsencode(tmp_path) + b"/net\xff.npz")
    try:
        os.rename(circuit_file[1], name)
    except OSError:
        pytest.skip("this file system takes text only")
    found = subprocess.run(
        [sys.executable, "-m", "gatewright", "inspect", name],
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert b"net\\udcff.npz: circuit" in found.stdout


def test_bench(circuit_file, capsys):
    _, path, data = circuit_file
    assert main(["bench", str(path), "--data", str(data), "--samples", "2000"]) == 0
    out = capsys.readouterr().out
    assert "2,000 samples of uint8 a call" in out
    assert "portable" in out
    assert re.search(r"\) ns a sample, .* samples/s .*; one sample [\d.]+ us", out)
    assert "packing" not in out


def test_bench_by_stages(circuit_file, tmp_path, capsys):
    _, path, data = circuit_file
    assert main(["bench", str(path), "--data", str(data), "--samples", "2000", "--stages"]) == 0
    lines = capsys.readouterr().out.splitlines()
    paths = [line for line in lines if "one sample" in line]
    found = [line for line in lines if "packing" in line and "logic" in line and "head" in line]
    assert len(found) == len(paths) > 0
    library = tmp_path / "net.so"
    main(["compile", str(path), "-o", str(library)])
    assert main(["bench", str(library), "--stages"]) == 2
    assert "allowed is a model or circuit file" in capsys.readouterr().err


def test_inspect(circuit_file, tmp_path, capsys):
    _, path, _ = circuit_file
    assert main(["inspect", str(path), "--text"]) == 0
    out = capsys.readouterr().out
    for word in ("circuit", "inputs", "gates", "levels", "4 classes", "= popcount"):
        assert word in out
    main(["compile", str(path), "-o", str(tmp_path / "net.so")])
    capsys.readouterr()
    assert main(["inspect", str(tmp_path / "net.so")]) == 0
    kind, _, manifest = capsys.readouterr().out.partition("\n")
    assert "library" in kind
    assert json.loads(manifest)["decoder"]["groups"] == 4


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("inspect missing.npz", "missing.npz: no such file"),
        ("compile {net} -o {tmp}/no/such/net.so", "such; make it first"),
        ("predict {net} --data {x} -o {tmp}/no/y.npy", "no; make it first"),
        ("predict missing.npz --data {x} --threads 0", "threads 0; allowed are integers from 1"),
        ("emit missing.npz --target c -o {tmp} --samples 0", "samples 0; allowed is 1 or more"),
        (
            "compile {net} -o {tmp}/net.so --target rust",
            "target 'rust'; allowed are c, cuda, numpy",
        ),
        ("compile {net} -o {tmp}/net.so --name 9", "allowed are up to 63"),
        ("compile {net} -o {tmp}/net.so --level 7", "level 7; allowed are 0 to 3"),
        ("emit {net} --target vhdl -o {tmp}", "target 'vhdl'; allowed are c, cuda, verilog"),
        ("emit {net} --target c -o {tmp} --vectors {x}", "leave the argument out"),
        ("emit {net} --target c -o {tmp} --feature-bits 8", "feature_bits"),
        ("predict {net} --data {tmp}/none.npy", "none.npy: no such file"),
        ("predict {net} --data {junk}", "not a plain .npy array, or damaged"),
        ("predict {net} --data {pickled}", "not a plain .npy array, or damaged"),
        ("predict {net} --data {huge}", "not a plain .npy array, or damaged: mmap length"),
        ("predict {net} --data {wide}", "allowed is [n, 20]"),
        ("predict {junk} --data {x}", "not a shared library"),
        (
            "verify {so}",
            "a compiled library or a foreign file; a model or circuit file is needed here",
        ),
        ("verify {net} --samples 0", "samples 0; allowed is 1 or more"),
        ("verify {net} --data {x} --samples -5", "samples -5; allowed is 1 or more"),
        ("verify {net} --rtl-samples -5", "samples -5; allowed is 1 or more"),
        ("verify {net} --data {empty}", "no samples; 1 or more are needed"),
        ("verify {net} --data {scalar}", "a single number; an array of samples"),
        ("bench {net} --samples -1", "samples -1; allowed is 1 or more"),
        ("emit {net} --target verilog -o {tmp} --vectors {x} --samples -3", "samples -3; allowed"),
        ("emit {net} --target c -o {junk}", "cannot make this folder"),
        ("demo -o {junk}", "cannot make this folder"),
        ("train --data nowhere -o {tmp}/m.npz", "data set 'nowhere'"),
        ("train --data wine -o {tmp}/no/m.npz", "make it first"),
        ("train --data wine --layers 10 -o {tmp}/m.npz", "allowed is a multiple of 3"),
    ],
)
def test_errors_are_one_line(circuit_file, tmp_path, capsys, command, message):
    pytest.importorskip("torch")
    _, path, data = circuit_file
    files = {"net": path, "x": data, "tmp": tmp_path}
    files |= {
        name: tmp_path / f"{name}.npy"
        for name in ("junk", "pickled", "huge", "wide", "empty", "scalar")
    }
    files["junk"].write_bytes(b"junk")
    np.save(files["pickled"], np.array([{}], object), allow_pickle=True)
    claims = {"descr": "<f4", "fortran_order": False, "shape": (10**12, 20)}
    with open(files["huge"], "wb") as file:
        np.lib.format.write_array_header_1_0(file, claims)
    np.save(files["wide"], np.zeros((2, 21), np.uint8))
    np.save(files["empty"], np.zeros((0, 20), np.uint8))
    np.save(files["scalar"], np.float32(1))
    files["so"] = tmp_path / "net.so"
    gw.compile(gw.read(path)).save(files["so"])
    assert main(command.format(**files).split()) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("gatewright: ")
    assert "Traceback" not in captured.err


def test_as_a_module_and_usage():
    found = subprocess.run(
        [sys.executable, "-m", "gatewright", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == f"gatewright {gw.__version__}\n"
    with pytest.raises(SystemExit) as info:
        main(["train", "--data", "wine", "-o", "m", "--layers", "a,b"])
    assert info.value.code == 2


def test_without_a_command_help_is_printed(capsys):
    assert main([]) == 2
    assert "commands" in capsys.readouterr().out


def test_report(circuit_file, capsys):
    _, path, _ = circuit_file
    assert main(["report", str(path)]) == 0
    out = capsys.readouterr().out
    for word in ("pass", "fold", "LUT3", "LUT6", "encoder", "logic", "head", "comparators"):
        assert word in out
    assert main(["report", str(path), "--level", "0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [step["name"] for step in found["passes"]] == ["input"]
    assert [section["name"] for section in found["sections"]] == ["encoder", "logic", "head"]


def test_optimize_and_equivalent(circuit_file, tmp_path, capsys):
    circuit, path, _ = circuit_file
    small = tmp_path / "small.npz"
    assert main(["optimize", str(path), "-o", str(small)]) == 0
    assert "fold" in capsys.readouterr().out
    assert gw.read(small).netlist == gw.optimize(circuit).netlist
    proved = gw.equivalent(circuit, gw.read(small)).status == "proved"
    assert main(["equivalent", str(path), str(small)]) == (0 if proved else 1)
    netlist = circuit.netlist
    other = type(netlist)(netlist.n_inputs, netlist.cells, netlist.outputs[::-1])
    gw.write(circuit.with_netlist(other), tmp_path / "other.npz")
    assert main(["equivalent", str(path), str(tmp_path / "other.npz")]) == 1


def test_a_circuit_and_its_netlist_file_are_compared_by_bits(circuit_file, tmp_path, capsys):
    circuit, path, _ = circuit_file
    gw.write(circuit, tmp_path / "bits.blif")
    files = [str(path), str(tmp_path / "bits.blif")]
    assert main(["equivalent", *files]) == 2
    assert "--bits" in capsys.readouterr().err
    assert main(["equivalent", "--bits", *files]) == 0
    assert capsys.readouterr().out.startswith("proved equal")


def _subparsers():
    (found,) = (a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction))
    return found.choices


@pytest.mark.parametrize("command", sorted(_subparsers()))
def test_every_command_and_option_is_explained(command):
    parser = _subparsers()[command]
    assert parser.description
    assert not [action.dest for action in parser._actions if not action.help]


@pytest.mark.parametrize("missing", [False, True])
def test_level_3_says_what_it_does_without(circuit_file, monkeypatch, capsys, missing):
    monkeypatch.setattr("gatewright.compiler.optimize.installed_engines", lambda: ["abc"])
    monkeypatch.setattr("gatewright.compiler.proof.sat.available", lambda: not missing)
    command = ["report", str(circuit_file[1]), "--json", "--seconds", "0.01", "--level"]
    assert main([*command, "3"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["passes"]
    sweeping = "SAT sweeping (extra prove), " if missing else ""
    assert printed.err == f"level 3 without {sweeping}mockturtle (extra rewrite)\n"
    assert main([*command, "2"]) == 0
    assert not capsys.readouterr().err
