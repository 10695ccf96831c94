"""Training: it learns, repeats itself, keeps the best weights, and refuses what it cannot use."""

import re
import sys

import numpy as np
import pytest
import torch
from torch import nn
from training_threads import one_thread  # noqa: F401

from gatewright.frontend import (
    GroupSum,
    LearnableBinarization,
    LogicConv2d,
    LogicDense,
    evaluate,
    fit,
)
from gatewright.frontend.training import loop
from gatewright.frontend.training.augment import shift
from gatewright.frontend.training.optimization import Optimization
from gatewright.runtime.errors import ExtraMissing, InputError


@pytest.fixture
def task():
    """Samples [300, 12] of bits; the class says which half holds more of them."""
    random = np.random.default_rng(0)
    x = (
        random.random((300, 12))
        < random.permuted(np.tile([0.2, 0.8], (300, 1)), axis=1)[:, np.repeat([0, 1], 6)]
    )
    return x, (x[:, :6].sum(1) < x[:, 6:].sum(1)).astype(np.int64)


def small(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(LogicDense(12, 64), LogicDense(64, 64), GroupSum(2, tau=4.0))


def test_learns_and_is_left_discrete(task):
    x, y = task
    model = small()
    history = fit(
        model, x[:200], y[:200], validation=(x[200:], y[200:]), epochs=60, batch_size=50,
        lr=0.03, schedule="cosine", progress=False,
    )  # fmt: skip
    assert not model.training
    assert len(history.checks) == 60
    assert history.checks[-1].step == 240
    assert history.best.discrete == max(check.discrete for check in history.checks)
    assert history.best.gap == history.best.relaxed - history.best.discrete
    assert history.checks[-1].loss < 0.6 * history.checks[0].loss
    assert history.seconds > 0
    assert history.best.discrete > 0.85
    assert evaluate(model, x[200:], y[200:]) == history.best.discrete
    assert evaluate(model, x[200:], y[200:], mode="relaxed") == history.best.relaxed


def test_same_seed_same_weights_whatever_the_global_generator(task):
    def weights(seed, noise):
        model = small()
        torch.manual_seed(noise)
        fit(model, *task, steps=15, batch_size=32, seed=seed, progress=False)
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    assert torch.equal(weights(1, 10), weights(1, 20))
    assert not torch.equal(weights(1, 10), weights(2, 10))


def test_checks_do_not_touch_training(task):
    def last(check_every):
        torch.manual_seed(0)
        model = nn.Sequential(
            LogicDense(12, 20, parametrization_kwargs={"forward_sampling": "gumbel_soft"}),
            GroupSum(2, tau=3.0),
        )
        held = (task[0][:1], task[1][:1])
        model.register_forward_pre_hook(lambda module, x: seen.append(module[0].weight.clone()))
        seen = []
        fit(model, *task, validation=held, steps=6, check_every=check_every, progress=False)
        return seen[-1]

    assert torch.equal(last(1), last(6))


def test_only_small_networks_of_dense_layers_get_one_thread():
    dense = nn.Sequential(LogicDense(8, 64), GroupSum(2))
    assert loop._is_small(dense, 128)
    assert not loop._is_small(dense, loop._SMALL)
    conv = LogicConv2d(in_dim=8, channels=1, num_kernels=2, tree_depth=1, receptive_field_size=3)
    assert not loop._is_small(nn.Sequential(conv, nn.Flatten(), dense), 128)
    assert not loop._is_small(nn.Linear(8, 2), 128)


def test_threads_are_restored(task):
    seen = []

    def watch(x, generator):
        seen.append(torch.get_num_threads())
        return x

    before = torch.get_num_threads()
    for threads in (None, 2):
        fit(small(), *task, steps=1, threads=threads, augment=watch, progress=False)
    assert seen == [1, 2]
    assert torch.get_num_threads() == before


def test_global_generator_is_left_alone(task):
    model = small()
    before = torch.get_rng_state()
    fit(model, *task, steps=2, progress=False)
    assert torch.equal(torch.get_rng_state(), before)


def test_evaluate_restores_modes(task):
    model = small()
    model[0].eval()
    evaluate(model, *task, mode="relaxed")
    assert [module.training for module in model] == [False, True, True]


def test_batches_larger_than_the_data(task):
    x, y = task
    history = fit(small(), x[:7], y[:7], epochs=3, batch_size=64, check_every=2, progress=False)
    assert [check.step for check in history.checks] == [2, 3]


def test_bar_shows_loss_and_accuracies(task, capsys):
    fit(small(), *task, steps=2)
    shown = capsys.readouterr().out
    assert re.search(r"2/2 .* loss \d\.\d+ relaxed \d+\.\d% discrete \d+\.\d% gap [+-]\d", shown)


def test_missing_rich_names_the_extra(task, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with pytest.raises(ExtraMissing, match=r"rich.progress is not .* '\.\[train\]'"):
        fit(small(), *task, steps=2)


def test_missing_torch_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("gatewright.frontend")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ExtraMissing, match=r"torch is not .* '\.\[train\]'"):
        import gatewright.frontend  # noqa: F401


def test_learning_rate_rises_then_falls():
    how = Optimization(lr=0.4, warmup=4, schedule="cosine")
    rates = [how.rate(step, 12) for step in range(12)]
    assert rates[:5] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4])
    assert rates[8] == pytest.approx(0.2)
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert Optimization(lr=0.4, warmup=2).rate(7, 12) == 0.4


def weights_after(task, model=None, **options):
    model = model or small()
    fit(model, *task, steps=8, progress=False, **options)
    return model[0].weight.detach()


def test_decay_clipping_and_penalties_move_weights_as_they_say(task):
    plain = weights_after(task)
    assert weights_after(task, weight_decay=0.5).norm() < plain.norm()
    first = small()[0].weight.detach()
    assert (weights_after(task, clip_norm=1e-9) - first).abs().max() < 1e-2
    drawn = weights_after(task, regularizer="L2", regularization=10.0)
    assert (1 - drawn.square().sum(1)).abs().mean() < (1 - plain.square().sum(1)).abs().mean()
    assert torch.allclose(weights_after(task, rescale="L2").norm(dim=1), torch.ones(64))


@pytest.mark.parametrize(
    ("temperature", "last"),
    [(0.25, 0.25), (("linear", 2.0, 1.0), 1.25), (lambda done: 4 - done, 3.25)],
)
def test_temperature_follows_its_schedule(task, temperature, last):
    model = small()
    fit(model, *task, steps=4, temperature=temperature, progress=False)
    assert [model[place].parametrization.temperature for place in (0, 1)] == [last, last]


def test_patience_stops_early(task):
    x, y = task
    history = fit(
        small(), x, y, validation=(x[:1], y[:1]), steps=40, check_every=1, patience=3,
        progress=False,
    )  # fmt: skip
    assert len(history.checks) < 40
    last = [check.discrete for check in history.checks[-4:]]
    assert last[0] == max(check.discrete for check in history.checks)
    assert max(last[1:]) <= last[0]


def test_epochs_are_checked_one_by_one(task):
    history = fit(small(), *task, epochs=3, batch_size=50, progress=False)
    assert [check.step for check in history.checks] == [6, 12, 18]


def test_shift_moves_by_one_pixel_at_most():
    image = torch.zeros(200, 1, 5, 4, dtype=torch.uint8)
    image[:, 0, 2, 1] = 9
    moved = shift(image, torch.Generator().manual_seed(0))
    assert moved.dtype == torch.uint8
    assert (moved.flatten(1).sum(1) == 9).all()
    places = {tuple(place) for place in moved[:, 0].nonzero()[:, 1:].tolist()}
    assert places == {(row, column) for row in (1, 2, 3) for column in (0, 1, 2)}
    image[:, 0, 2, 1], image[:, 0, 0, 0] = 0, 7
    assert set(shift(image, torch.Generator()).flatten(1).sum(1).tolist()) == {0, 7}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "steps None and epochs None; allowed is exactly one"),
        ({"steps": 1, "epochs": 1}, "steps 1 and epochs 1"),
        ({"steps": 0}, "steps 0; allowed are integers from 1"),
        ({"steps": 1, "batch_size": 0}, "batch_size 0; allowed are integers from 1"),
        ({"steps": 1, "lr": 0.0}, "lr 0.0; allowed is a positive number"),
        ({"steps": 1, "schedule": "linear"}, "schedule 'linear'; allowed are constant, cosine"),
        ({"steps": 1, "augment": 3}, "augment 3; allowed are shift, or a function"),
        ({"steps": 1, "seed": "a"}, "seed 'a'; allowed are integers from 0"),
        ({"steps": 1, "folder": 3}, "folder 3; allowed is a path"),
        ({"steps": 1, "augment": "flip"}, "augment 'flip'; allowed are"),
        ({"steps": 1, "augment": "shift"}, r"augment shift: samples of shape \[12\]"),
        ({"steps": 1, "lr": "fast"}, "lr 'fast'; allowed is a positive number"),
        ({"steps": 2.5}, "steps 2.5; allowed are integers from 1"),
        ({"epochs": True}, "epochs True; allowed are integers from 1"),
        ({"steps": 1, "patience": 0}, "patience 0; allowed are integers from 1"),
        ({"steps": 4, "warmup": 4}, "warmup 4 of 4 steps; allowed are fewer than the steps"),
        ({"steps": 4, "warmup": -1}, "warmup -1; allowed are integers from 0"),
        ({"steps": 1, "weight_decay": -1.0}, "weight_decay -1.0; allowed is 0 or a positive"),
        ({"steps": 1, "clip_norm": 0}, "clip_norm 0; allowed is a positive number"),
        ({"steps": 1, "regularizer": "L1"}, "regularizer='L1'; allowed is 'L2', 'abs_sum', 'warp'"),
        ({"steps": 1, "regularizer": "L2"}, "'L2' with regularization 0.0; allowed are both or"),
        ({"steps": 1, "rescale": "max"}, "rescale='max'; allowed is 'clip', 'abs_sum', 'L2' or N"),
        ({"steps": 1, "temperature": "hot"}, r"temperature 'hot'; allowed is a number, \(sch"),
        ({"steps": 1, "temperature": 0}, "temperature 0; allowed is a positive number"),
        ({"steps": 1, "temperature": ("up", 1, 2)}, "temperature='up'; allowed is 'constant', 'l"),
        ({"steps": 1, "temperature": ("linear", 1, 0)}, "temperature 0; allowed is a positive n"),
        ({"steps": 1, "precision": "half"}, "precision='half'; allowed is 'float32' or 'bfloat16'"),
        ({"steps": 1, "precision": "bfloat16"}, "'bfloat16' on cpu; allowed there is 'float32'"),
        ({"steps": 1, "device": "tpu"}, "device 'tpu'; allowed are cpu and cuda"),
        ({"steps": 1, "device": "cuda:99"}, r"'cuda:99'; PyTorch finds \d+ CUDA devices here"),
        ({"steps": 1, "resume": True}, "resume and tensorboard need folder= \\(--folder\\),"),
        ({"steps": 1, "validation": 0.2}, r"validation of float; allowed is a pair \(x, y\)"),
        ({"steps": 1, "threads": 0}, "threads 0; allowed are integers from 1"),
        ({"steps": 1, "check_every": -1}, "check_every -1; allowed are integers from 1"),
    ],
)
def test_option_messages(task, options, message):
    with pytest.raises(InputError, match=message):
        fit(small(), *task, progress=False, **options)


def test_data_messages(task):
    x, y = task
    for samples, labels, message in (
        (x.astype(float) * np.nan, y, "training x: 300 of 300 samples hold NaN"),
        (x, y[:5], r"training y: shape \[5\] for 300 samples"),
        (x, y + 1, "label 2 for a model of 2 classes; allowed are 0 to 1"),
        (x[:, :5], y, r"input of shape \[1, 5\]; allowed is \[..., 12\]"),
    ):
        with pytest.raises(InputError, match=message):
            fit(small(), samples, labels, steps=1, progress=False)
    with pytest.raises(InputError, match="validation y: label -1"):
        fit(small(), x, y, validation=(x, -np.ones(300, int)), steps=1, progress=False)


def test_model_messages(task):
    with pytest.raises(InputError, match="no trainable parameters; add a LogicDense"):
        fit(GroupSum(2), *task, steps=1, progress=False)
    binary = nn.Sequential(LearnableBinarization([[0.5]] * 12), GroupSum(2))
    with pytest.raises(InputError, match=r"temperature 2\.0, but the model has no gates"):
        fit(binary, *task, steps=1, temperature=2.0, progress=False)
    floats = (task[0].astype(np.float32), task[1])
    with pytest.raises(InputError, match="regularizer 'L2', but no layer of the model has get_reg"):
        fit(nn.Linear(12, 2), *floats, steps=1, regularizer="L2", regularization=0.1)
    with pytest.raises(InputError, match=r"scores of shape \[1, 12, 1\] .* allowed is \[1, class"):
        evaluate(nn.Unflatten(1, (12, 1)), *task)
    with pytest.raises(InputError, match="mode 'hard'; allowed are relaxed, discrete"):
        evaluate(small(), *task, mode="hard")


def test_bare_gates_as_scores_are_warned_of(task):
    gates = nn.Sequential(LogicDense(12, 64), LogicDense(64, 40))
    with pytest.warns(UserWarning, match=r"scores 40 classes, .* end at 1; .* GroupSum\(2\)"):
        fit(gates, *task, steps=1, progress=False)


def test_a_loss_that_is_no_number_stops_training(task):
    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(2))

        def forward(self, x):
            return x[:, :2].float() * self.weight / (0.0 if self.training else 1.0)

    with pytest.raises(InputError, match="the loss is nan before step 1; use a lower learning"):
        fit(Broken(), *task, steps=3, progress=False)


def test_logic_layers_must_get_bits():
    model = torch.nn.Sequential(LogicDense(4, 20), GroupSum(2))
    x = torch.rand(50, 4)
    with pytest.raises(InputError, match=r"layer `0` gets 0\.\d+; allowed are bits"):
        fit(model, x, torch.arange(50) % 2, steps=2, progress=False)
    fit(model, x.round(), torch.arange(50) % 2, steps=2, progress=False)


def test_relaxed_accuracy_relaxes_convolutions():
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        LogicConv2d(in_dim=4, channels=1, num_kernels=4, tree_depth=1, receptive_field_size=2),
        torch.nn.Flatten(),
        GroupSum(2),
    ).eval()
    seen = []
    model[0].register_forward_hook(lambda module, _, out: seen.append((module.training, out)))
    x, y = (torch.rand(8, 1, 4, 4) > 0.5).float(), torch.arange(8) % 2
    for mode in ("relaxed", "discrete"):
        evaluate(model, x, y, mode)
    assert [training for training, _ in seen] == [False, True, False, False]
