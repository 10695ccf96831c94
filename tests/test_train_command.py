"""`gatewright train`: configurations, options over them, folders, and what is refused."""

from __future__ import annotations

import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")

from training_threads import one_thread  # noqa: E402, F401

from gatewright.cli.main import main  # noqa: E402
from gatewright.cli.train import _OPTIONS  # noqa: E402
from gatewright.frontend import Recipe, evaluate, load_dataset, load_model  # noqa: E402
from gatewright.frontend.training.configuration import configuration_text, read_configuration  # noqa: E402
from gatewright.frontend.training.recipes import DATA, NETWORK, RECIPES, TRAINING  # noqa: E402

WINE = """
[data]
name = "wine"
[model]
layers = [60, 60]
bits = 2
[train]
steps = 20
lr = 0.05
check_every = 10
"""


@pytest.fixture
def config(tmp_path):
    """A configuration file of a short run."""
    (tmp_path / "wine.toml").write_text(WINE)
    return tmp_path / "wine.toml"


def test_a_configuration_trains_into_a_folder(config, tmp_path, capsys):
    folder, model = tmp_path / "run", tmp_path / "model.npz"
    command = ["train", str(config), "--folder", str(folder), "--lr", "0.02", "--quiet"]
    assert main([*command, "-o", str(model)]) == 0
    said = capsys.readouterr().out
    found = evaluate(load_model(model), load_dataset("wine").x_test, load_dataset("wine").y_test)
    assert f"wine: test accuracy {found:.2%} discrete" in said
    assert "best of 2 checks: step" in said
    assert f"wrote {model}\nwrote {folder}: config.toml, curve.svg, log.csv, model.npz" in said
    written = read_configuration(folder / "config.toml")
    assert written["model"]["layers"] == [60, 60]
    assert written["model"]["tau"] == NETWORK["tau"]
    assert (written["train"]["lr"], written["train"]["steps"]) == (0.02, 20)
    assert "epochs" not in written["train"]
    assert main(command) == 2
    assert f"{folder} holds a run; resume=True (--resume) continues it" in capsys.readouterr().err
    assert main(["inspect", str(folder / "state.npz")]) == 2
    assert "the state of a run, whose model is model.npz beside it" in capsys.readouterr().err
    before = (folder / "model.npz").read_bytes()
    assert main(["train", "--resume", "--folder", str(folder), "--quiet"]) == 0
    assert (folder / "model.npz").read_bytes() == before


def test_a_run_is_made_longer(config, tmp_path):
    """And its configuration says so: to resume it once more needs no option."""
    options = ["--steps", "20", "--check-every", "10", "--schedule", "constant"]
    folder, whole = tmp_path / "run", tmp_path / "whole"
    start = ["train", str(config), *options, "--quiet"]
    longer = ["--steps", "30"]
    assert main([*start, "--folder", str(folder)]) == 0
    assert main(["train", "--resume", "--folder", str(folder), "--quiet", *longer]) == 0
    assert main([*start, *longer, "--folder", str(whole)]) == 0
    for name in ("model.npz", "log.csv", "config.toml"):
        found, wanted = (path / name for path in (folder, whole))
        if name == "config.toml":
            assert read_configuration(found)["train"]["steps"] == 30
        else:
            assert found.read_bytes() == wanted.read_bytes()
    assert main(["train", "--resume", "--folder", str(folder), "--quiet"]) == 0


def test_the_written_configuration_is_the_run(config, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    assert main(["train", str(config), "--folder", str(first), "--quiet", "--seed", "3"]) == 0
    written = str(first / "config.toml")
    assert main(["train", written, "--folder", str(again), "--quiet"]) == 0
    assert (first / "model.npz").read_bytes() == (again / "model.npz").read_bytes()
    assert (first / "log.csv").read_bytes() == (again / "log.csv").read_bytes()


def test_options_of_all_kinds_reach_the_configuration(tmp_path):
    options = "--data digits --bits 1 --layers 50,50 --epochs 1 --batch-size 400 --temperature"
    options += " exponential:2:0.5 --warmup 1 --patience 3 --validation 0.2 --schedule constant"
    command = ["train", *options.split(), "--folder", str(tmp_path), "--quiet"]
    assert main(command) == 0
    written = read_configuration(tmp_path / "config.toml")
    assert "thresholds" not in written["model"]
    assert written["model"]["weight_init"] == "random"  # of the recipe
    train = written["train"]
    assert train["temperature"] == ["exponential", 2.0, 0.5]
    assert (train["epochs"], train["batch_size"], train["patience"]) == (1, 400, 3)
    assert "steps" not in train


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("[data\n", "", "not TOML: Expected"),
        ("data = 3\n", "", "'data' at the top; allowed are the tables [data], [model]"),
        ("[optimizer]\nlr = 1\n", "", "'optimizer' at the top; allowed are the tables"),
        ("[data]\nfile = 'x'\n", "", "[data] has file; allowed are folder, labels, name"),
        ("[data]\nname = 3\n", "", "[data] name = 3; allowed is a string"),
        (WINE + "rate = 1\n", "", "[train] has rate; allowed are augment, batch_size, check_every"),
        (WINE + "tau = 1\n", "", "[train] has tau; allowed are"),
        (WINE.replace("bits", "bit"), "", "[model] has bit; allowed are bits, grad_factor"),
        (WINE.replace("0.05", "'high'"), "", '[train] lr = "high"; allowed is a number, such as'),
        (WINE.replace("[60, 60]", "60"), "", "layers 60; allowed are sizes from 1"),
        (WINE.replace("[60, 60]", "['a']"), "", "layers ['a']; allowed are sizes from 1"),
        (WINE.replace("bits = 2", "bits = 2\nthresholds = [1.0]"), "", "bits and thresholds"),
        (WINE.replace("bits = 2", "thresholds = ['a']"), "", "thresholds: dtype"),
        (WINE, "--batch-size 0", "batch_size 0; allowed are integers from 1"),
        (WINE, "--device tpu", "device 'tpu'; allowed are cpu and cuda"),
        ("[model]\nlayers = [3]\n", "", "no data; name it with --data, or as name in [data]"),
    ],
)  # fmt: skip
def test_unusable_configurations(tmp_path, capsys, text, options, message):
    (tmp_path / "c.toml").write_text(text)
    command = ["train", str(tmp_path / "c.toml"), *options.split(), "--quiet"]
    assert main([*command, "-o", str(tmp_path / "m.npz")]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1


def test_a_missing_configuration(tmp_path, capsys):
    assert main(["train", str(tmp_path / "c.toml"), "-o", str(tmp_path / "m.npz")]) == 2
    assert capsys.readouterr().err == f"gatewright: {tmp_path / 'c.toml'}: no such file\n"


def test_a_folder_without_a_run_is_not_resumed(tmp_path, capsys):
    assert main(["train", "--resume", "--folder", str(tmp_path / "none")]) == 2
    assert "none holds no run to resume" in capsys.readouterr().err


def test_a_folder_that_is_no_text(tmp_path, capsys):
    path = tmp_path / "run.toml"
    path.write_text('[data]\nname = "iris"\n[train]\nfolder = 3\n')
    assert main(["train", str(path)]) == 2
    assert "[train] folder = 3; allowed is a string" in capsys.readouterr().err


def test_a_folder_is_no_place_for_the_model(tmp_path, capsys):
    assert main(["train", "--data", "wine", "--quiet", "-o", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert f"{tmp_path}: a folder; name the file" in said.err
    assert not said.out


def test_a_place_is_needed(capsys):
    assert main(["train", "--data", "wine", "--quiet"]) == 2
    assert "no place for the model; name one with -o FILE or --folder" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--temperature a:b:c", "--layers 3,x"])
def test_options_that_cannot_be_read(option, capsys):
    with pytest.raises(SystemExit):
        main(["train", "--data", "wine", *option.split()])
    assert "allowed " in capsys.readouterr().err


def test_every_option_is_a_key_of_its_table():
    tables = {"data": DATA, "model": {"name": "", **NETWORK}, "train": TRAINING}
    for option in _OPTIONS:
        table, _, key = option.partition(".")
        assert key in tables[table]
    said = {option.partition(".")[2] for option in _OPTIONS if option.startswith("train.")}
    assert said | {"tensorboard"} == set(TRAINING)


def test_help_shows_defaults_and_recipes(capsys):
    with pytest.raises(SystemExit) as info:
        main(["train", "--help"])
    assert info.value.code == 0
    said = capsys.readouterr().out
    for key, value in {**NETWORK, **TRAINING}.items():
        if value is not None:
            assert f"  {key} = " in said
    assert f"layers = {list(RECIPES['digits'].network['layers'])}" in said


def test_configurations_are_read_as_written(tmp_path):
    tables = {
        "data": {"name": 'a "b"\\\n\x7f\u00e9', "seed": 3},
        "model": {"layers": [3, 4], "thresholds": [0.5, 1e-9], "labels": None},
        "train": {"lr": 1.0, "tensorboard": True, "temperature": ("linear", 1.0, 2.0)},
    }
    (tmp_path / "c.toml").write_text(configuration_text(tables), encoding="utf-8")
    tables["train"]["temperature"] = list(tables["train"]["temperature"])
    del tables["model"]["labels"]
    assert read_configuration(tmp_path / "c.toml") == tables


def test_other_processes_print_and_write_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    command = "train --data wine --layers 30 --steps 2 --quiet -o"
    assert main([*command.split(), str(tmp_path / "m.npz")]) == 0
    assert not capsys.readouterr().out
    assert not (tmp_path / "m.npz").exists()


def test_published_networks_by_name(tmp_path, capsys):
    with pytest.raises(ValueError, match="model 'resnet'; allowed are"):
        Recipe({"name": "resnet"}, {}).build(load_dataset("digits"))
    command = "train --model difflogic-mnist-small --data digits --quiet -o"
    assert main([*command.split(), str(tmp_path / "m.npz")]) == 2
    said = capsys.readouterr().err
    assert "takes samples [1, 28, 28] of 10 classes; data set digits has [1, 8, 8] of 10" in said


@pytest.mark.parametrize(
    ("table", "kept"),
    [
        (
            'name = "difflogic-monk2"\ntau = 3.5\ngrad_factor = 2.0',
            {"tau": 3.5, "grad_factor": 2.0},
        ),
        ("layers = [20]\ntau = 3.5", {}),
    ],
)
def test_a_named_network_keeps_the_options_of_another_published_one(tmp_path, table, kept):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", x=rng.random((40, 17)) < 0.5, y=np.arange(40) % 2)
    text = f"[data]\nname = '{tmp_path / 'a.npz'}'\n[model]\n{table}\n[train]\nsteps = 1\n"
    (tmp_path / "c.toml").write_text(text)
    command = ["train", str(tmp_path / "c.toml"), "--model", "difflogic-monk1", "--quiet"]
    assert main([*command, "--folder", str(tmp_path / "run")]) == 0
    written = read_configuration(tmp_path / "run" / "config.toml")["model"]
    assert written == {"name": "difflogic-monk1", **kept}
