"""Traced counts: scores, classes, comparisons with numbers, means."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from trace_helpers import Fn, answers, check_bits, check_scores, samples

from gatewright.compiler import Popcount
from gatewright.frontend import FixedBinarization, GroupSum
from gatewright.frontend.tracing.trace import trace


def bits(x):
    return x > 0.5


COUNTS = {
    "sum": lambda x: bits(x).sum(-1),
    "float sum": lambda x: bits(x).float().sum(-1),
    "torch.sum": lambda x: torch.sum(bits(x), dim=2),
    "axis": lambda x: torch.sum(bits(x), axis=2),
    "keepdim": lambda x: bits(x).sum(2, keepdim=True).flatten(1),
    "two dims": lambda x: bits(x).unflatten(2, (2, 3)).sum((2, 3)),
    "other dim": lambda x: bits(x).sum(1),
    "dtype": lambda x: bits(x).sum(2, dtype=torch.float32),
    "count_nonzero": lambda x: torch.count_nonzero(bits(x), dim=2),
    "plus": lambda x: bits(x).sum(-1) + 1.5,
    "reversed plus": lambda x: 0.1 + bits(x).sum(-1),
    "minus": lambda x: bits(x).sum(-1) - 0.3,
    "over": lambda x: bits(x).sum(-1) / 7,
    "plus over": lambda x: (bits(x).float().sum(-1) + 0.7) / 3.3,
    "two steps": lambda x: (bits(x).float().sum(-1) + 1 + 2) / 2 / 8,
    "over plus, exact": lambda x: bits(x).sum(-1) / 8 + 1,
    "times, exact": lambda x: bits(x).sum(-1) * 0.25,
    "reversed times": lambda x: 2 * bits(x).sum(-1),
    "times one over": lambda x: bits(x).sum(-1) * (1 / 4),
    "tensor": lambda x: (bits(x).sum(-1) + torch.ones(4)) / nn.Parameter(torch.tensor(3.0)),
    "torch functions": lambda x: torch.div(torch.add(bits(x).sum(-1), 2), 3),
    "mean": lambda x: bits(x).float().mean(-1),
    "mean, keepdim": lambda x: torch.mean(bits(x).float(), 2, keepdim=True).squeeze(2),
    "casts": lambda x: (bits(x).sum(-1).float() + 1).double().float() / 2,
    "sum of sums": lambda x: bits(x).unflatten(2, (2, 3)).sum(2).sum(2),
    "sum of sums, keepdim": lambda x: bits(x).unflatten(2, (2, 3)).sum(3).sum(2, True).flatten(1),
    "sum of two": lambda x: bits(x)[..., :2].sum(2) + bits(x)[..., 2:].sum(2),
    "builtin sum": lambda x: sum([bits(x)[..., i:].sum(2) for i in range(5)]),
    "sum and bits": lambda x: bits(x).sum(2) + bits(x)[..., 0],
    "cat": lambda x: torch.cat([bits(x).sum(2), bits(x)[..., :2].sum(2)], 1),
    "stack": lambda x: torch.stack([bits(x).sum(2) / 2, bits(x).sum(2) / 2], 2).flatten(1),
    "moves": lambda x: (bits(x).sum(2)[:, [2, 2, 1]] / 3).flip(1).clone().contiguous(),
    "empty": lambda x: bits(x)[..., :0].sum(2),
    "constants": lambda x: F.pad(bits(x), (1, 1)).sum(2),
    "int": lambda x: (bits(x).sum(2) + 1).int(),
    "mean of all but one": lambda x: bits(x).double().mean((2,), dtype=torch.float32),
}


@pytest.mark.parametrize("case", COUNTS)
def test_counts(case):
    check_scores(COUNTS[case], (4, 6))


@pytest.mark.parametrize("tau", [1, 3, 10.0, 7.7, 1e-3, 1e3])
@pytest.mark.parametrize("beta", [0, 1, -5.5, 0.1, -100])
def test_group_sum(tau, beta):
    model = nn.Sequential(FixedBinarization([0.3, 0.6]), GroupSum(5, tau=tau, beta=beta))
    circuit = check_scores(model, (40,))
    assert (circuit.decoder.groups, circuit.decoder.tau, circuit.decoder.beta) == (5, tau, beta)
    assert [type(cell) for cell in circuit.netlist.cells] == [Popcount]


CLASSES = {
    "argmax": lambda x: bits(x).sum(-1).argmax(dim=-1),
    "torch.argmax": lambda x: torch.argmax(bits(x).sum(-1), 1),
    "max": lambda x: bits(x).sum(-1).max(1)[1],
    "max, indices": lambda x: torch.max(bits(x).sum(-1) / 3, dim=1).indices,
    "not affine but growing": lambda x: (bits(x).sum(-1) * 0.1 - 2).argmax(1),
    "square root": lambda x: (bits(x).sum(-1) + 2).float().sqrt().argmax(1),
    "cast": lambda x: bits(x).sum(-1).argmax(1).to(torch.int32).long(),
    "of bits": lambda x: bits(x)[..., 0].float().argmax(1),
}


@pytest.mark.parametrize("case", CLASSES)
def test_classes(case):
    module = Fn(CLASSES[case])
    x = samples((4, 6))
    circuit = trace(module, (4, 6))
    assert (circuit.predict(x) == answers(module, x).numpy()).all()


COMPARISONS = {
    "majority": lambda x: bits(x).sum(-1) > 10,
    "equal": lambda x: bits(x).sum(-1) == 9,
    "reversed": lambda x: 10 <= bits(x).sum(-1),
    "tensor": lambda x: bits(x).sum(-1) < torch.tensor([8.5, 9, 10, 30]),
    "thermometer": lambda x: bits(x).sum(-1)[..., None] > torch.arange(7, 13),
    "few bits": lambda x: bits(x)[..., :3].sum(-1) != 2,
    "one": lambda x: bits(x)[..., :1].sum(-1) >= 1,
    "never": lambda x: bits(x).sum(-1) > 20,
    "always": lambda x: bits(x).sum(-1) >= 0,
    "63": lambda x: torch.cat([bits(x)] * 4, 2)[..., :63].sum(-1) > 31,
    "64": lambda x: torch.cat([bits(x)] * 4, 2)[..., :64].sum(-1) > 31,
    "parity": lambda x: bits(x).sum(-1) % 2 == 1,
    "reversed difference": lambda x: 20 - bits(x).sum(-1) > bits(x).shape[-1] / 2,
    "reversed tensor": lambda x: torch.tensor(20) - bits(x).sum(-1) <= 9.5,
    "one over": lambda x: 1 / (bits(x).sum(-1) + 1) < 0.1,
    "alpha": lambda x: torch.add(bits(x).sum(-1), 3, alpha=2) > 15.5,
    "square": lambda x: bits(x).sum(-1) * 0 == 0,
    "itself": lambda x: torch.maximum(-bits(x).sum(-1), torch.tensor(-11)) > -11,
    "clamped": lambda x: bits(x).sum(-1).clamp(8, max=12) == 12,
    "to bool": lambda x: bits(x)[..., :3].sum(-1).bool(),
    "float64": lambda x: bits(x).sum(-1).double() / 3 > 0.1 + 0.2,
    "very wide": lambda x: torch.cat([bits(x)] * 60, 2).sum(-1) > 601,
    "scaled": lambda x: (bits(x).sum(-1) + 1) / 3 > 3.4,
    "used again": lambda x: (bits(x).sum(-1) > 10) & (bits(x).sum(-1) < 12),
}


@pytest.mark.parametrize("case", COMPARISONS)
def test_counts_compared_with_numbers(case):
    check_bits(COMPARISONS[case], (4, 20))


@pytest.mark.parametrize("m", [1, 3, 7, 10, 30, 49, 100, 784])
def test_mean(m):
    x = (torch.rand(40, 3, m) > torch.rand(40, 1, 1)).float()
    check_scores(lambda x: (x > 0.5).float().mean(-1), (3, m), x)
