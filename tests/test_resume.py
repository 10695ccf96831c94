"""Runs on disk: what a folder holds, and that a killed run continues as if nothing had been."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training_run import Flip, network, task, train, weights  # noqa: E402
from training_threads import one_thread  # noqa: E402, F401

from gatewright.frontend import evaluate, fit, load_model  # noqa: E402
from gatewright.frontend.training.curve import curve  # noqa: E402
from gatewright.frontend.training.history import Check, exhausted  # noqa: E402
from gatewright.runtime.archive import read_archive, write_archive  # noqa: E402
from gatewright.runtime.errors import FileError, InputError  # noqa: E402

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
    ),
]
RUN = Path(__file__).parent / "training_run.py"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of 15 steps, never interrupted: its folder, model and history."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, *train(folder)


def test_folder_changes_nothing(whole):
    _, model, history = whole
    other, seen = train(None)
    assert np.array_equal(weights(model), weights(other))
    assert seen.checks == history.checks
    assert [check.step for check in seen.checks] == [5, 10, 15]


def test_folder_holds_the_best_model_log_and_curve(whole):
    folder, model, history = whole
    assert {path.name for path in folder.iterdir()} == {
        "model.npz", "state.npz", "log.csv", "curve.svg",
    }  # fmt: skip
    best = load_model(folder / "model.npz")
    assert np.array_equal(weights(best), weights(model))
    assert evaluate(best, *task()) == history.best.discrete
    rows = np.genfromtxt(folder / "log.csv", delimiter=",", names=True)
    assert rows.dtype.names == ("step", "epoch", "loss", "relaxed", "discrete", "gap")
    assert rows["epoch"].tolist() == [1, 2, 3]
    assert rows["gap"] == pytest.approx([check.gap for check in history.checks], abs=1e-5)
    ElementTree.parse(folder / "curve.svg")


def test_a_killed_run_resumes_bit_for_bit(whole, tmp_path):
    killed = subprocess.run([sys.executable, str(RUN), str(tmp_path), "13"], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    model, history = train(tmp_path, resume=True)
    assert np.array_equal(weights(model), weights(whole[1]))
    assert history.checks == whole[2].checks
    for name in ("log.csv", "curve.svg", "model.npz"):
        assert (tmp_path / name).read_bytes() == (whole[0] / name).read_bytes()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_run_that_an_error_ended_resumes_with_the_same_model(tmp_path, device, precision):
    if device == "cpu" and precision == "bfloat16":
        pytest.skip("mixed precision is for CUDA devices")

    class Stop(Flip):
        def __call__(self, x, generator):
            if self.calls == 12:
                raise KeyboardInterrupt
            return super().__call__(x, generator)

    options = {"device": device, "precision": precision}
    model, want = network(), train(None, **options)
    Stop.__qualname__ = "Flip"
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, model, augment=Stop(), **options)
    _, history = train(tmp_path, model, resume=True, **options)
    assert history.checks == want[1].checks
    assert np.array_equal(weights(model.cpu()), weights(want[0].cpu()))


def test_resuming_starts_where_nothing_is_and_ends_where_all_is_done(whole, tmp_path):
    model, _ = train(tmp_path / "new", resume=True)
    assert np.array_equal(weights(model), weights(whole[1]))
    augment = Flip()
    again, history = train(tmp_path / "new", resume=True, augment=augment)
    assert augment.calls == 0
    assert np.array_equal(weights(again), weights(model))
    assert history.checks == whole[2].checks


def test_a_class_of_ones_own_resumes_too(tmp_path):
    """It has no model file, so a warning names what keeps the network."""

    class Own(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = network()

        def forward(self, x):
            return self.layers(x)

    options = {"schedule": "constant", "temperature": None}
    with pytest.warns(UserWarning, match=r"gets no model\.npz: .* Own; .*gatewright\.write"):
        train(tmp_path, Own(), epochs=2, **options)
    assert {path.name for path in tmp_path.iterdir()} == {"state.npz", "log.csv", "curve.svg"}
    with pytest.warns(UserWarning, match="gets no"):
        model, history = train(tmp_path, Own(), resume=True, **options)
    whole, wanted = train(None, Own(), **options)
    assert history.checks == wanted.checks
    assert np.array_equal(weights(model), weights(whole))


def test_options_that_numpy_computed_are_kept_as_plain_numbers(tmp_path):
    train(tmp_path, epochs=1, temperature=("linear", np.float32(2.0), np.float32(0.5)))
    run = read_archive(tmp_path / "state.npz")[0]["run"]
    assert run["temperature"] == ["linear", 2.0, 0.5]


def test_a_run_is_not_overwritten(whole):
    with pytest.raises(InputError, match=r"holds a run; resume=True \(--resume\) continues it"):
        train(whole[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": 0.1}, "other lr 0.05, now 0.1; allowed is to resume with the same"),
        ({"epochs": 4}, "other steps 15, now 20; .* or more steps where schedule is 'constant'"),
        ({"epochs": 3, "check_every": 2}, "other check_every 5, now 2; .* name check_every"),
        ({"augment": None}, r"other augment .*Flip.*, now None"),
        ({"seed": 3}, "other seed 0, now 3"),
        ({"validation": (task()[0][:9], task()[1][:9])}, "other data; allowed"),
    ],
)
def test_other_options_and_data_are_refused(whole, options, message):
    with pytest.raises(FileError, match=message):
        train(whole[0], resume=True, **options)


STEADY = {"schedule": "constant", "temperature": None, "warmup": 3}


@pytest.mark.parametrize("more", [{"epochs": 4}, {"epochs": None, "steps": 20, "check_every": 5}])
def test_a_run_of_steady_rates_goes_on_for_longer(tmp_path, more):
    train(tmp_path / "short", **STEADY)
    model, history = train(tmp_path / "short", resume=True, **{**STEADY, **more})
    whole, wanted = train(tmp_path / "long", **{**STEADY, **more})
    assert np.array_equal(weights(model), weights(whole))
    assert history.checks == wanted.checks
    assert [check.step for check in history.checks] == [5, 10, 15, 20]
    with pytest.raises(FileError, match="other steps 20, now 15"):
        train(tmp_path / "short", resume=True, **STEADY)


@pytest.mark.parametrize("varying", [{"schedule": "cosine"}, {"temperature": ("linear", 2.0, 0.5)}])
def test_a_run_whose_rates_follow_its_length_does_not(tmp_path, varying):
    options = {**STEADY, **varying}
    train(tmp_path, **options)
    with pytest.raises(FileError, match="other steps 15, now 20"):
        train(tmp_path, resume=True, **{**options, "epochs": 4})


def test_another_model_is_refused(whole):
    with pytest.raises(FileError, match="state of a run with other model; allowed"):
        train(whole[0], resume=True, model=network(seed=1))


def test_a_model_that_no_file_holds_is_warned_of(tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(12, 2))
    x, y = task()
    with pytest.warns(UserWarning, match=r"no model\.npz: .*layer 0 is a Linear; allowed are"):
        fit(model, x.astype(np.float32), y, steps=1, folder=tmp_path, progress=False)


def damaged(folder, change):
    manifest, arrays = read_archive(folder / "state.npz")
    arrays = {name: array.copy() for name, array in arrays.items()}
    change(manifest, arrays)
    write_archive(folder / "state.npz", manifest.pop("gatewright"), manifest, arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m, a: m.pop("run"), r"state.npz: holds \["),
        (lambda m, a: m.update(checks=[[1, 2]]), "state.npz: damaged: not enough values"),
        (lambda m, a: m.update(checks=4), "state.npz: damaged: "),
        (lambda m, a: m.update(checks=[]), "state.npz: damaged: no checks"),
        (lambda m, a: m.update(gatewright="model"), "holds a model; a training state is needed"),
        (lambda m, a: a.pop("generator"), "damaged: 'generator'; train from the start"),
        (lambda m, a: a.update({"model/0.weight": np.zeros(2)}), r"damaged: 0.weight is .* \[2\]"),
        (lambda m, a: a.update({"best/0.weight": np.zeros(2)}), r"damaged: 0.weight is .* \[2\]"),
        (lambda m, a: a.update({"batches/order": np.zeros(7)}), "damaged: order"),
        (lambda m, a: a.update({"batches/start": np.int64(-1)}), "damaged: order"),
        (lambda m, a: a.update({"generator": np.zeros(3, np.uint8)}), "damaged: .*RNG state"),
        (lambda m, a: a.update({"optimizer/0/exp_avg": np.zeros(3)}), "damaged: optimizer/0/exp"),
        (lambda m, a: a.update({"optimizer/9/exp_avg": np.zeros(3)}), "damaged: list index"),
    ],
)
def test_damaged_states_are_refused(whole, tmp_path, change, message):
    shutil.copytree(whole[0], tmp_path / "run")
    damaged(tmp_path / "run", change)
    with pytest.raises(FileError, match=message):
        train(tmp_path / "run", resume=True)


def test_a_truncated_state_is_refused(whole, tmp_path):
    shutil.copytree(whole[0], tmp_path / "run")
    state = tmp_path / "run" / "state.npz"
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(FileError, match=r"state.npz: not a Gatewright file, or damaged"):
        train(tmp_path / "run", resume=True)


def test_a_full_disk_loses_nothing(whole, tmp_path):
    class Full(Flip):
        """After the first check, no file may be as large as the state."""

        __qualname__ = "Flip"

        def __call__(self, x, generator):
            if self.calls == 8:
                room = (tmp_path / "state.npz").stat().st_size - 1
                resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
            return super().__call__(x, generator)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(FileError, match=r"state.npz: cannot write .* is unchanged; free room"):
            train(tmp_path, augment=Full())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(read_archive(tmp_path / "state.npz")[0]["checks"]) == 1
    Full.__call__ = Flip.__call__
    model, _ = train(tmp_path, resume=True, augment=Full())
    assert np.array_equal(weights(model), weights(whole[1]))


def test_event_files_hold_the_checks(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _, history = train(tmp_path, tensorboard=True)
    events = EventAccumulator(str(tmp_path)).Reload()
    for name in ("loss", "relaxed", "discrete", "gap"):
        found = [(event.step, event.value) for event in events.Scalars(name)]
        wanted = [(check.step, getattr(check, name)) for check in history.checks]
        assert found == [(step, pytest.approx(value)) for step, value in wanted]


def test_missing_tensorboard_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ImportError, match=r"event files: .* install the extra \[tensorboard\]"):
        train(tmp_path, tensorboard=True)


@pytest.mark.parametrize("accuracies", [[0.5], [0.1, 0.9], [1.0, 1.0, 1.0]])
def test_curves_of_any_run_are_well_formed(accuracies):
    checks = [Check(7 * n + 7, 2.0 / (n + 1), a, a / 2) for n, a in enumerate(accuracies)]
    root = ElementTree.fromstring(curve(checks))
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert f"relaxed {100 * accuracies[-1]:.3g}" in texts
    lines = {node.get("class"): node for node in root.iter("{http://www.w3.org/2000/svg}path")}
    assert set(lines) == {"relaxed", "discrete", "loss"}
    for line in lines.values():
        points = [tuple(map(float, p.split(","))) for p in line.get("d")[1:].split(" L")]
        assert all(0 <= x <= 720 and 0 <= y <= 440 for x, y in points)


@pytest.mark.parametrize("swapped", [False, True])
def test_patience_counts_checks_since_the_last_rise_of_either_accuracy(swapped):
    pairs = [(0.5, 0.2), (0.5, 0.6), (0.5, 0.6), (0.4, 0.4)]
    checks = [Check(n, 1.0, *(pair[::-1] if swapped else pair)) for n, pair in enumerate(pairs)]
    assert [exhausted(checks[:n], 2) for n in range(5)] == [False, False, False, False, True]
    assert not exhausted(checks, None)


def test_patience_waits_while_relaxed_accuracy_rises():
    checks = [Check(n, 1.0, n / 10, 0.1) for n in range(10)]
    assert not exhausted(checks, 1)
