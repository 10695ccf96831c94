"""Which samples a command takes of a data set, and how many of their classes it finds."""

from __future__ import annotations

import re

import numpy as np
import pytest
from circuits import classifier, samples

import gatewright as gw
from gatewright.cli.main import main

pytest.importorskip("torch")


@pytest.fixture
def labelled(tmp_path):
    """A circuit, and 200 samples with classes, a quarter of them other than its own."""
    circuit = classifier()
    gw.write(circuit, tmp_path / "net.npz")
    x = samples(circuit, 200, "uint8")
    found = circuit.predict(x)
    y = np.where(np.arange(200) % 4 == 0, (found + 1) % circuit.decoder.groups, found)
    y[np.arange(circuit.decoder.groups)] = np.arange(circuit.decoder.groups)
    np.savez(tmp_path / "mine.npz", x=x, y=y)
    return circuit, x, y, tmp_path


@pytest.mark.parametrize("part", ["test", "train", "all"])
def test_predict_says_which_part_and_how_many_are_right(labelled, capsys, part):
    circuit, _, _, folder = labelled
    command = f"predict {folder}/net.npz --data {folder}/mine.npz --part {part}"
    assert main([*command.split(), "-o", f"{folder}/y.npy"]) == 0
    from gatewright.frontend import load_dataset

    data = load_dataset(folder / "mine.npz")
    x = {"test": data.x_test, "train": data.x_train}.get(part)
    y = {"test": data.y_test, "train": data.y_train}.get(part)
    if x is None:
        x = np.concatenate([data.x_train, data.x_test])
        y = np.concatenate([data.y_train, data.y_test])
    found = np.load(folder / "y.npy")
    n = len(y)
    assert 30 < n <= 200
    assert np.array_equal(found, circuit.predict(x))
    said = capsys.readouterr().err
    which = "all" if part == "all" else f"the {part} part"
    assert f"{which} of mine.npz, {n} of 200 samples" in said
    right = (circuit.predict(x) == y).sum()
    assert 0 < right < n
    assert f"accuracy {right / n:.2%} ({right} of {n})" in said


def test_scores_say_the_same_accuracy(labelled, capsys):
    _, _, _, folder = labelled
    said = []
    for more in ((), ("--scores",)):
        command = f"predict {folder}/net.npz --data {folder}/mine.npz".split()
        assert main([*command, "-o", f"{folder}/y.npy", *more]) == 0
        said.append(capsys.readouterr().err)
    assert said[0] == said[1]
    assert "accuracy" in said[0]


def test_one_array_has_no_parts_and_no_accuracy(labelled, capsys):
    _, x, _, folder = labelled
    np.save(folder / "x.npy", x)
    command = f"predict {folder}/net.npz --data {folder}/x.npy -o {folder}/y.npy".split()
    assert main(command) == 0
    said = capsys.readouterr().err
    assert "x.npy, 200 samples" in said
    assert "accuracy" not in said
    assert main([*command, "--part", "train"]) == 2
    assert "--part train: " in capsys.readouterr().err


def test_verify_says_which_samples_it_took(labelled, capsys):
    _, _, _, folder = labelled
    command = f"verify {folder}/net.npz --no-rtl --data {folder}/mine.npz --part train"
    assert main(command.split()) == 0
    said = capsys.readouterr().out
    assert re.search(r"simulation, the train part of mine\.npz, 16\d of 200 samples", said)
    assert main(f"verify {folder}/net.npz --no-rtl --samples 30".split()) == 0
    assert "simulation, random samples" in capsys.readouterr().out


def test_bench_and_vectors_say_which_samples_they_are(labelled, capsys):
    from gatewright.frontend import load_dataset

    _, _, _, folder = labelled
    command = f"bench {folder}/net.npz --data {folder}/mine.npz --part train --samples 200"
    assert main(command.split()) == 0
    said = capsys.readouterr().err
    n = len(load_dataset(folder / "mine.npz").x_train)
    assert f"the train part of mine.npz, {n} of 200 samples: accuracy " in said
    command = f"emit {folder}/net.npz --target verilog --feature-bits 0 -o {folder}/rtl --samples 9"
    assert main([*command.split(), "--vectors", f"{folder}/mine.npz", "--part", "all"]) == 0
    assert "vectors: 9 of all of mine.npz, 200 of 200 samples" in capsys.readouterr().err
    assert len((folder / "rtl" / "net_inputs.hex").read_text().split()) == 9


@pytest.mark.parametrize("command", ["verify", "bench", "emit --target verilog -o rtl"])
def test_a_part_of_nothing(labelled, capsys, command):
    _, _, _, folder = labelled
    words = f"{command} {folder}/net.npz --part train".split()
    assert main(words) == 2
    assert "--part train: no data set is named" in capsys.readouterr().err
