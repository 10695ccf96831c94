"""Convolutions that are pooled before their outputs are stored compute what they compute apart."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from gatewright.frontend import (  # noqa: E402
    GroupSum,
    LogicConv2d,
    LogicConv3d,
    LogicDense,
    OrPooling2d,
    OrPooling3d,
    fit,
    fused_pooling,
)
from gatewright.frontend.gates import native  # noqa: E402


@pytest.fixture(autouse=True)
def _fresh():
    """Each test looks for the kernels anew, and leaves no verdict behind."""
    native._library.cache_clear()
    yield
    native._library.cache_clear()


def run(model, x, up, fused):
    """Output, and the gradients of the input and of all weights."""
    x = x.detach().clone().requires_grad_()
    model.zero_grad()
    with fused_pooling(model) if fused else nullcontext(int(fused)) as count:
        assert count == fused
        out = model(x)
        out.backward(up)
    grads = (p.grad for p in model.parameters() if p.grad is not None)
    return [out.detach(), x.grad, *(grad.clone() for grad in grads)]


def check(model, x):
    """The same output bit for bit, and the same gradients but for the order of sums."""
    up = torch.randn(model(x).shape)
    fused, apart = (run(model, x, up, way) for way in (True, False))
    assert torch.equal(fused[0], apart[0])
    for found, wanted in zip(fused[1:], apart[1:], strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def case(*pool, dims=2, **options):
    given = {"num_kernels": 3, "tree_depth": 2, "receptive_field_size": 2, **options}
    conv = (LogicConv2d if dims == 2 else LogicConv3d)(**given)
    with torch.no_grad():
        for weight in conv.tree_weights:
            weight.normal_()
    return torch.nn.Sequential(conv, (OrPooling2d if dims == 2 else OrPooling3d)(*pool))


@st.composite
def pooled(draw):
    dims = draw(st.integers(2, 3))
    sizes = tuple(draw(st.integers(3, 6 if dims == 2 else 4)) for _ in range(dims))
    return case(
        tuple(draw(st.integers(1, min(size - 1, 3))) for size in sizes),
        dims=dims,
        in_dim=sizes,
        channels=draw(st.integers(1, 3)),
        tree_depth=draw(st.integers(1, 6)),
        padding=draw(st.integers(0, 1)),
        grad_factor=draw(st.sampled_from([1.0, 1.5])),
        parametrization=draw(st.sampled_from(["raw", "light"])),
        connections=draw(st.sampled_from(["fixed", "learnable"])),
    )


@settings(max_examples=30, deadline=None)
@given(
    model=pooled(),
    batch=st.sampled_from([0, 1, 16, 65]),
    binary=st.booleans(),
    training=st.booleans(),
    seed=st.integers(0, 99),
)
def test_fusing_changes_no_number(model, batch, binary, training, seed):
    torch.manual_seed(seed)
    x = torch.rand(batch, *model[0].in_shape)
    check(model.train(training), x.round() if binary else x)


def test_of_equals_the_first_wins():
    """Constant roots: the gradients of their weights tell whose inputs were taken."""
    model = case((2, 3), in_dim=(5, 7), channels=2)
    model[0].tree_weights[-1].data.zero_()
    x = torch.rand(65, 2, 5, 7)
    assert (model[0](x) == 0.5).all()
    check(model, x)


def test_the_largest_window():
    check(case((7, 18), in_dim=(8, 19)), torch.rand(17, 1, 8, 19))


def test_the_input_needs_no_gradient():
    model, x = case(2, in_dim=5), torch.rand(9, 1, 5, 5)
    up = torch.randn(model(x).shape)
    wanted = run(model, x, up, True)[2:]
    model.zero_grad()
    with fused_pooling(model):
        model(x).backward(up)
    assert all(torch.equal(p.grad, w) for p, w in zip(model.parameters(), wanted, strict=True))


@pytest.mark.parametrize("depth", [1, 3])
def test_threads_change_no_bit(depth, monkeypatch):
    torch.manual_seed(0)
    model = case(2, in_dim=7, channels=2, num_kernels=5, tree_depth=depth, padding=1)
    x = torch.rand(300, 2, 7, 7)
    up = torch.randn(model(x).shape)
    monkeypatch.setattr(native, "_GRAIN", 1000)
    results = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        results.append(run(model, x, up, True))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize(
    ("change", "fused"),
    [
        ({}, 1),
        ({"parametrization": "light"}, 1),
        ({"tree_depth": 6}, 1),
        ({"tree_depth": 7}, 0),
        ({"parametrization": "warp", "lut_rank": 2}, 0),
        ({"parametrization": "light", "lut_rank": 3}, 0),
    ],
)
def test_what_is_fused(change, fused):
    options = {"in_dim": 5, "num_kernels": 2, "tree_depth": 2, "receptive_field_size": 2, **change}
    conv, plain = LogicConv2d(**options), torch.nn.Identity()
    overlapping, twice = OrPooling2d(2, stride=1), OrPooling2d(2)
    assert count(conv, OrPooling2d(2)) == fused
    assert count(conv, OrPooling2d((1, 3))) == fused
    for layers in ((conv,), (conv, plain, twice), (conv, overlapping), (conv, twice, twice)):
        assert count(*layers) == 0
    assert count(conv, OrPooling2d(5)) == 0
    assert count(conv, OrPooling2d(2, padding=1)) == 0


def count(*layers):
    with fused_pooling(torch.nn.Sequential(*layers)) as found:
        return found


def test_layers_with_a_forward_of_their_own_stay_apart():
    class Shifted(LogicConv2d):
        def forward(self, x):
            return super().forward(x.roll(1, -1))

    class Halved(OrPooling2d):
        def forward(self, x):
            return super().forward(x) / 2

    assert count(Shifted(4, 1, 2, 1), OrPooling2d(2)) == 0
    assert count(LogicConv2d(4, 1, 2, 1), Halved(2)) == 0


def test_without_kernels_nothing_is_fused(monkeypatch):
    monkeypatch.setenv("GATEWRIGHT_NATIVE", "0")
    native._library.cache_clear()
    assert count(LogicConv2d(4, 1, 2, 1), OrPooling2d(2)) == 0


def test_in_other_dtypes_nothing_is_fused():
    model = case(2, in_dim=4)
    x = torch.rand(3, 1, 4, 4, dtype=torch.float64)
    with fused_pooling(model.double()) as found:
        assert found == 0
    with fused_pooling(model.float()):
        found = model.double()(x)
    assert found.dtype == torch.float64
    assert torch.equal(found, model(x))


def test_fusing_twice_fuses_once():
    model = torch.nn.Sequential(LogicConv2d(4, 1, 2, 1), OrPooling2d(2))
    with fused_pooling(model) as outer, fused_pooling(model) as inner:
        assert (outer, inner) == (1, 0)
    assert not any("forward" in vars(layer) for layer in model)


def test_fit_trains_fused(tmp_path):
    torch.manual_seed(0)
    head = (torch.nn.Flatten(), LogicDense(12, 10), GroupSum(2, tau=2.0))
    model = torch.nn.Sequential(*case(2, in_dim=(5, 6)), *head)
    model[3].register_forward_pre_hook(lambda *_: seen.append("forward" in vars(model[0])))
    seen = []
    x, y = torch.rand(12, 1, 5, 6).round(), torch.arange(12) % 2
    fit(model, x, y, steps=2, check_every=2, progress=False, folder=tmp_path)
    assert any(seen)
    assert "forward" not in vars(model[0]) | vars(model[1])
