"""Random sequences of operations, traced."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from trace_helpers import check_bits, samples


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_moves_of_any_shape(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    seed = data.draw(st.integers(0, 1000))

    def function(x):
        torch.manual_seed(seed)
        for _ in range(4):
            x = _random_move(x)
        return x

    x = samples(shape)[:6]
    check_bits(lambda x: function(x > 0.5), shape, x)
    check_bits(lambda x: function(x) > 0.5, shape, x)


def _random_move(x):
    dim = int(torch.randint(1, x.ndim, ()))
    size = x.shape[dim]
    moves = [
        lambda: x.flip(dim),
        lambda: x.roll(2, dim),
        lambda: x.transpose(dim, -1),
        lambda: x.index_select(dim, torch.randint(size, (3,))),
        lambda: x.unsqueeze(dim) if x.ndim < 5 else x,
        lambda: x.flatten(1),
        lambda: x.reshape(1, size, -1),
        lambda: F.pad(x, (1, 0)),
        lambda: torch.cat([x, x.flip(dim)], dim) if x.numel() < 200 else x,
        lambda: x.narrow(dim, 0, (size + 1) // 2),
        lambda: x.unfold(dim, 1, 1).squeeze(-1),
        lambda: x.expand(x.shape).clone(),
        lambda: torch.stack(x.unbind(dim), -1),
        lambda: x.movedim(dim, 1),
    ]
    return moves[int(torch.randint(len(moves), ()))]()


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_gates_of_any_shape(data):
    seed = data.draw(st.integers(0, 1000))
    width = data.draw(st.integers(1, 6))

    def function(x):
        torch.manual_seed(seed)
        values = [x]
        for _ in range(6):
            first, second, third = (values[int(i)] for i in torch.randint(len(values), (3,)))
            values.append(_random_gate(first, second, third))
        return torch.stack(values, 1)

    check_bits(function, (width,), dtype=torch.bool)


def _random_gate(a, b, c):
    gates = [
        lambda: a & b,
        lambda: a | ~b,
        lambda: a ^ c,
        lambda: torch.where(a, b, c),
        lambda: a.any(1, keepdim=True) ^ b,
        lambda: a.all(1, keepdim=True) | b,
        lambda: (a.sum(1, keepdim=True) > 1) ^ c,
        lambda: torch.maximum(a, b) == c,
        lambda: a.flip(1) <= b,
        lambda: (1 - a.float()) * b.float() > 0,
    ]
    return gates[int(torch.randint(len(gates), ()))]()
