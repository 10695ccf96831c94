"""How gates are sampled in training: soft, hard, with Gumbel noise."""

import pytest
import torch
from gate_layers import kinds, layer_of
from torch import nn
from training_threads import one_thread  # noqa: F401

from gatewright.frontend import GroupSum, LogicDense, evaluate, fit
from gatewright.frontend.gates.sampling import SAMPLING, sample_sigmoid, sample_softmax


@kinds
def test_hard_sampling_answers_as_evaluation_and_learns_as_soft(name, rank):
    hard, soft = (layer_of(name, rank, forward_sampling=how) for how in ("hard", "soft"))
    x = torch.randint(2, (40, 9)).float()
    assert torch.equal(hard(x), hard.eval()(x))
    up = torch.randn(40, 14)
    hard.train()(x).backward(up)
    soft(x).backward(up)
    assert torch.allclose(hard.weight.grad, soft.weight.grad, atol=1e-4)


@pytest.mark.parametrize("name", ["raw", "warp", "light"])
@pytest.mark.parametrize("how", ["gumbel_soft", "gumbel_hard"])
def test_gumbel_sampling_is_repeatable_noise_in_training_only(name, how):
    layer = layer_of(name, 2, forward_sampling=how)
    x = torch.randint(2, (40, 9)).float()

    def answer(seed):
        torch.manual_seed(seed)
        return layer(x)

    assert torch.equal(answer(1), answer(1))
    assert not torch.equal(answer(1), answer(2))
    assert set(answer(1).unique().tolist()) <= {0.0, 1.0} or how == "gumbel_soft"
    answer(3).sum().backward()
    assert layer.weight.grad.abs().sum() > 0
    layer.eval()
    assert torch.equal(answer(1), answer(2))


def test_gumbel_choices_have_the_probabilities_of_the_relaxation():
    torch.manual_seed(0)
    logits = torch.tensor([[1.0, 0.0, -1.0]]).expand(40000, 3)
    chosen = sample_softmax(logits, 0.3, "gumbel_hard")
    assert set(chosen.unique().tolist()) == {0.0, 1.0}
    assert torch.allclose(chosen.mean(0), torch.softmax(logits[0], 0), atol=0.01)
    bits = sample_sigmoid(logits, 0.3, "gumbel_hard").mean(0)
    assert torch.allclose(bits, torch.sigmoid(logits[0]), atol=0.01)


def test_hard_sampling_breaks_ties_as_evaluation():
    assert sample_sigmoid(torch.tensor([0.0, 1e-30]), 1.0, "hard").tolist() == [0.0, 1.0]
    assert sample_softmax(torch.zeros(1, 3), 1.0, "hard").tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize("how", SAMPLING)
def test_fit_is_the_same_for_one_seed(how):
    x = torch.randint(2, (64, 6)).float()
    y = (x[:, 0] != x[:, 1]).long()

    def run():
        torch.manual_seed(5)
        model = nn.Sequential(
            LogicDense(
                6, 40, lut_rank=3, parametrization="light",
                parametrization_kwargs={"forward_sampling": how},
            ),
            LogicDense(
                40, 20, parametrization="warp", parametrization_kwargs={"forward_sampling": how}
            ),
            GroupSum(2, tau=3.0),
        )  # fmt: skip
        fit(model, x, y, steps=20, batch_size=32, progress=False, seed=3)
        return model

    first, second = run(), run()
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(("name", "rank"), [("warp", 2), ("warp", 4), ("light", 4), ("light", 3)])
def test_gates_learn_a_parity(name, rank):
    torch.manual_seed(0)
    x = torch.randint(2, (256, rank)).float()
    y = (x.sum(1) % 2).long()
    wiring = torch.arange(rank).unsqueeze(1).expand(rank, 40)
    layer = LogicDense(
        rank,
        40,
        lut_rank=rank,
        parametrization=name,
        parametrization_kwargs={"weight_init": "random"},
        connections_kwargs={"indices": wiring},
    )
    model = nn.Sequential(layer, GroupSum(2, tau=4.0))
    fit(model, x, y, steps=200, lr=0.1, progress=False)
    assert evaluate(model, x, y) == 1.0
