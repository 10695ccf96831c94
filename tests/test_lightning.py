"""Lightning trains a model as `fit` does."""

from __future__ import annotations

import sys

import pytest

torch = pytest.importorskip("torch")

from training_run import network, task  # noqa: E402
from training_threads import one_thread  # noqa: E402, F401

from gatewright.frontend import evaluate, fit  # noqa: E402
from gatewright.frontend.training.batches import Batches  # noqa: E402
from gatewright.runtime.errors import ExtraMissing, InputError  # noqa: E402

OPTIONS = {
    "lr": 0.05, "schedule": "cosine", "warmup": 2, "weight_decay": 0.01, "clip_norm": 0.1,
    "regularizer": "L2", "regularization": 0.01, "rescale": "clip",
    "temperature": ("linear", 2.0, 1.0),
}  # fmt: skip


@pytest.fixture
def lightning():
    """Lightning itself, whose own warnings are not ours."""
    return pytest.importorskip("lightning.pytorch", reason="pip install '.[lightning]'")


def loader(batches):
    return torch.utils.data.DataLoader(batches, batch_size=None)


def trainer(lightning, folder, **options):
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    quiet |= {"enable_checkpointing": False, "accelerator": "cpu", "default_root_dir": folder}
    return lightning.Trainer(**quiet, **options)


@pytest.mark.filterwarnings("ignore")
def test_lightning_ends_with_the_weights_of_fit(lightning, tmp_path):
    from gatewright.frontend.training.lightning import LogicModule

    x, y = map(torch.as_tensor, task())
    drawn = Batches(x, y, 24, None, 0)
    batches = [drawn.next() for _ in range(10)]
    module = LogicModule(network(sampling="soft"), **OPTIONS)
    run = trainer(lightning, tmp_path, max_steps=10, val_check_interval=10)
    run.fit(module, loader(batches), loader([(x, y)]))
    model = network(sampling="soft")
    history = fit(model, x, y, steps=10, batch_size=24, check_every=10, progress=False, **OPTIONS)
    for ours, theirs in zip(model.parameters(), module.model.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)
    found = {name: float(value) for name, value in run.callback_metrics.items()}
    assert found["discrete"] == pytest.approx(history.best.discrete)
    assert found["relaxed"] == pytest.approx(history.best.relaxed)
    assert found["gap"] == pytest.approx(history.best.gap, abs=1e-6)
    assert found["loss"] > 0
    halves = loader([(x[:70], y[:70]), (x[70:], y[70:])])
    tested = run.test(module, halves, verbose=False)[0]
    assert tested["discrete"] == pytest.approx(evaluate(model, x, y))


@pytest.mark.filterwarnings("ignore")
def test_messages(lightning, tmp_path):
    from gatewright.frontend.training.lightning import LogicModule

    with pytest.raises(InputError, match="lr 0; allowed is a positive number"):
        LogicModule(network(), lr=0)
    module = LogicModule(network())
    with pytest.raises(InputError, match="a Trainer without end; allowed are max_epochs or max_s"):
        trainer(lightning, tmp_path, max_epochs=-1).fit(module, loader([]))


def test_missing_lightning_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    monkeypatch.delitem(sys.modules, "gatewright.frontend.training.lightning", raising=False)
    with pytest.raises(ExtraMissing, match=r"LogicModule: .* install the extra \[lightning\]"):
        import gatewright.frontend.training.lightning  # noqa: F401
