"""torchlogix's circuits as JSON: what they answer, and files that are none."""

import json
from pathlib import Path

import numpy as np
import pytest

import gatewright as gw
from gatewright.cli.main import main
from gatewright.compiler import Decoder
from gatewright.compiler.stats import stats
from gatewright.compiler.torchlogix_json import read_torchlogix
from gatewright.runtime.errors import FileError

FIXTURES = Path(__file__).parent / "fixtures"
TABLES = {  # AB = 00, 01, 10, 11, as torchlogix names the gates
    "AND": "0001", "OR": "0111", "XOR": "0110", "NAND": "1110", "NOR": "1000", "XNOR": "1001",
    "AND_NOT_B": "0010", "AND_NOT_A": "0100", "OR_NOT_B": "1011", "OR_NOT_A": "1101",
    "WIRE": "0011", "NOT": "1100", "NOT_A": "1100", "NOT_B": "1010",
    "CONST_FALSE": "0000", "CONST_TRUE": "1111",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["raw", "simplified"])
def test_scores_equal_the_module(kind):
    circuit = gw.read(FIXTURES / f"torchlogix-{kind}.json")
    with np.load(FIXTURES / "torchlogix-circuit.npz") as answers:
        x, scores = answers["x"], answers["scores"]
    assert circuit.encoder.shape == (1, 5, 5)
    assert np.array_equal(circuit.scores(x), scores)
    assert np.array_equal(circuit.predict(x.astype(np.float32)), scores.argmax(1))
    assert gw.compile(circuit, "numpy").scores(x).tolist() == scores.tolist()


def made(tmp_path, **changes):
    """A file with one AND of two inputs of three, and what `changes` say."""
    found = {
        "n_inputs": 3,
        "input_shape": [3],
        "outputs": [3],
        "output_shape": [1],
        "gates": [gate(3, "AND", 2, 0)],
        **changes,
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps({key: value for key, value in found.items() if value is not None}))
    return path


def gate(number, op, a=-1, b=-1):
    return {"gate_id": number, "op": op, "in0": a, "in1": b, "node_idx": -1}


def sums(*inputs, **more):
    return [{"node_id": 50 + i, "input_ids": names, **more} for i, names in enumerate(inputs)]


@pytest.mark.parametrize("op", TABLES)
def test_every_gate(tmp_path, op):
    operands = () if op.startswith("CONST") else (1, 2)
    path = made(tmp_path, gates=[gate(7, op, *operands)], outputs=[7])
    x = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1]], np.bool_)
    assert read_torchlogix(path).bits(x).ravel().tolist() == [c == "1" for c in TABLES[op]]


def test_wires_and_constants_cost_nothing(tmp_path):
    gates = [
        gate(3, "CONST_TRUE"),
        gate(4, "WIRE", 3),
        gate(5, "WIRE", 1),
        gate(6, "WIRE", 5),
        gate(7, "XOR", 6, 4),
    ]
    circuit = read_torchlogix(made(tmp_path, gates=gates, outputs=[7, 6, 4, 0]))
    assert stats(circuit.netlist).gates == 1
    x = np.array([[1, 0, 1], [0, 1, 1]], np.bool_)
    assert circuit.bits(x).tolist() == [[1, 0, 1, 1], [0, 1, 1, 0]]


def test_a_circuit_without_gates(tmp_path):
    circuit = read_torchlogix(made(tmp_path, gates=[], outputs=[2, 0, 2]))
    assert circuit.bits(np.array([[False, False, True]])).tolist() == [[True, False, True]]
    assert circuit.netlist.n_inputs == 2


def test_constants_that_torchlogix_folded_into_beta(tmp_path):
    nodes = [*sums([0, 1], [3, 3], tau=2.0), {"node_id": 60, "input_ids": [], "tau": 2.0}]
    for node, beta in zip(nodes, (0.25, 3.25, 2.25), strict=True):
        node["beta"] = beta
    circuit = read_torchlogix(made(tmp_path, sum_nodes=nodes, outputs=[51, 60, 50]))
    assert circuit.decoder == Decoder(3, 2.0, 0.25)
    x = np.array([[0, 0, 0], [1, 0, 1], [1, 1, 1]], np.bool_)
    found = [[(2 * (a & c) + 3.25) / 2, 2.25 / 2, (a + b + 0.25) / 2] for a, b, c in x.astype(int)]
    assert circuit.scores(x).tolist() == found


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gates": None}, "the file has .*needed are gates, input_shape, n_inputs, outputs"),
        ({"version": 2}, "the file has"),
        ({"n_inputs": True}, "n_inputs is True; allowed are integers from 1"),
        ({"n_inputs": 10**12}, "n_inputs is 1000000000000; allowed are integers from 1 to"),
        ({"input_shape": [4]}, r"input_shape \[4\] for 3 inputs"),
        ({"input_shape": [3, -1]}, "input_shape is -1"),
        ({"outputs": []}, "it has no outputs; torchlogix leaves them out"),
        ({"outputs": [9]}, "outputs: reads 9, which is no input and no gate"),
        ({"outputs": "3"}, "outputs is '3'; allowed is a list"),
        ({"outputs": [[3]]}, r"outputs is \[3\]; allowed are integers"),
        ({"gates": [3]}, "gate 0 has 3; needed are gate_id, in0, in1, op"),
        ({"gates": [gate(3, "MUX", 0, 1)]}, "gate 0: op 'MUX'; allowed are CONST_FALSE, CONST_T"),
        ({"gates": [gate(3, [], 0, 1)]}, r"gate 0: op \[\]"),
        ({"gates": [gate(3, "AND", 0)]}, "gate 0: reads -1, which is no"),
        (
            {"gates": [gate(3, "AND", 0, 3)]},
            "gate 0: reads 3, which is no input and no gate before",
        ),
        ({"gates": [gate(2, "AND", 0, 1)]}, "gate 0: gate_id is 2; allowed are integers from 3"),
        ({"gates": [gate(3, "AND", 0, 1)] * 2}, "gate 1: a second gate 3"),
        ({"sum_nodes": sums([0]) + sums([1])}, "sum 1: a second node 50"),
        ({"sum_nodes": sums([0]), "outputs": [50, 3]}, "outputs are sums and single bits"),
        ({"sum_nodes": sums([44]), "outputs": [50]}, "a sum: reads 44"),
        ({"sum_nodes": sums([0], beta="x"), "outputs": [50]}, "sum 0: 'x'; allowed are finite"),
        ({"sum_nodes": sums([0], tau=1e999), "outputs": [50]}, "sum 0: inf; allowed are finite"),
        ({"sum_nodes": sums([0], tau=0), "outputs": [50]}, "decoder: tau 0"),
        (
            {"sum_nodes": [*sums([0], tau=1), {**sums([], [1])[1], "tau": 2}], "outputs": [50, 51]},
            "sums with different tau",
        ),
        (
            {"sum_nodes": [*sums([0]), {**sums([], [1])[1], "beta": 0.5}], "outputs": [50, 51]},
            "sums with beta that differ by fractions",
        ),
        (
            {"sum_nodes": [*sums([0]), {**sums([], [1])[1], "beta": 2**30}], "outputs": [50, 51]},
            "sums of 1073741825 addends, most of them in beta",
        ),
    ],
)
def test_damage(tmp_path, changes, message):
    with pytest.raises(FileError, match=f"a.json: no torchlogix circuit, or damaged: {message}"):
        gw.read(made(tmp_path, **changes))


@pytest.mark.parametrize("text", ["", "{", "[]", "nothing", "\xff"])
def test_no_json_object(tmp_path, text):
    (tmp_path / "a.json").write_text(text, encoding="latin-1")
    with pytest.raises(FileError, match="no torchlogix circuit, or damaged"):
        gw.read(tmp_path / "a.json")


def test_deep_nesting(tmp_path):
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(FileError, match=r"a\.json: n"):
        gw.read(tmp_path / "a.json")


def test_the_command_line_takes_it(tmp_path, capsys):
    source, net = str(FIXTURES / "torchlogix-raw.json"), tmp_path / "net.npz"
    with np.load(FIXTURES / "torchlogix-circuit.npz") as answers:
        np.save(tmp_path / "x.npy", answers["x"])
        classes = answers["scores"].argmax(1)
    assert main(["import", source, "-o", str(net), "--level", "2"]) == 0
    assert "wrote" in capsys.readouterr().out
    assert np.array_equal(gw.read(net).predict(np.load(tmp_path / "x.npy")), classes)
    out = ["--data", str(tmp_path / "x.npy"), "-o", str(tmp_path / "y.npy")]
    assert main(["predict", source, *out]) == 0
    assert np.array_equal(np.load(tmp_path / "y.npy"), classes)
    assert main(["inspect", source]) == 0
    assert "torchlogix circuit" in capsys.readouterr().out
    assert main(["compile", source, "-o", str(tmp_path / "n.npz"), "--target", "numpy"]) == 0
    assert main(["emit", source, "-o", str(tmp_path / "c"), "--target", "c"]) == 0
    assert main(["verify", source, "--no-rtl", "--samples", "50"]) == 0


def test_importing_a_checkpoint_says_what_to_do(tmp_path, capsys):
    assert main(["import", str(tmp_path / "model.pt"), "-o", str(tmp_path / "net.npz")]) == 2
    assert "a checkpoint, which holds numbers but no network" in capsys.readouterr().err
